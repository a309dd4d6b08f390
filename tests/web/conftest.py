"""A receiver over a real ledger file, driven through the real web application."""

import asyncio
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from engine.events.event import Event
from engine.events.kept import HEADERS, Kept
from engine.events.senders import Senders
from engine.runs.arriving import Arriving
from engine.runs.ledger import Acceptance, LedgerError
from engine.sources.flashduty import (
    AlertWebhookSource,
    CustomActionSource,
    FlashdutySource,
    IncidentWebhookSource,
)
from engine.store.sqlite import SqliteLedger, open_ledger
from engine.web.app import create_app
from engine.web.failures import Failures
from engine.web.metrics import Metrics
from engine.web.monitor import Monitor
from engine.web.receiver import Receiver, committing

TOKEN = "web-test-token"
GUARDED = "token-of-one-button"
KEPT = Kept.of(HEADERS, (TOKEN, GUARDED))
HERE = "http://127.0.0.1:8787"


@dataclass
class Receiving:
    """What a test can turn and look at."""

    ledger: SqliteLedger
    metrics: Metrics
    failures: Failures = field(default_factory=lambda: Failures(lambda: 0.0))
    arriving: Arriving = field(default_factory=lambda: Arriving(lambda: 0.0, asyncio.sleep))
    woken: int = 0
    refusing: str | None = None  # what the ledger says instead of keeping
    failing: Exception | None = None  # what accepting raises instead
    state: dict[str, Any] = field(default_factory=dict)
    faults: list[Exception] = field(default_factory=list)
    refusals: list[tuple[str, str]] = field(default_factory=list)

    async def accept(self, event: Event) -> Acceptance:
        if self.failing is not None:
            raise self.failing
        if self.refusing is not None:
            raise LedgerError(self.refusing)
        return await self.ledger.accept(event)

    async def check(self) -> None:
        if self.refusing is not None:
            raise LedgerError(self.refusing)
        await self.ledger.check()

    def wake(self) -> None:
        self.woken += 1


@pytest.fixture
def receiving(tmp_path: Path) -> Iterator[Receiving]:
    with open_ledger(tmp_path / "engine.db") as ledger:
        yield Receiving(ledger, Metrics.create())


@pytest.fixture
def app(receiving: Receiving) -> Starlette:
    ids = itertools.count(1)
    sources: dict[str, FlashdutySource] = {
        "/flashduty/actions/{action}": CustomActionSource(
            Senders((TOKEN,), {"guarded": (GUARDED,)}), KEPT
        ),
        "/flashduty/incidents": IncidentWebhookSource(Senders((TOKEN,)), KEPT),
        "/flashduty/alerts": AlertWebhookSource(Senders((TOKEN,)), KEPT),
    }
    return create_app(
        receivers={
            path: Receiver(
                source=source,
                take=committing(receiving.accept, receiving.wake, receiving.arriving),
                count=receiving.metrics.count_delivery,
                refused=lambda source, _, refusal: receiving.refusals.append(
                    (source, refusal.code)
                ),
                new_id=lambda: f"EVENT{next(ids)}",
                clock=lambda: 1700208014.0,
                max_body=64 * 1024,
                failures=receiving.failures,
            )
            for path, source in sources.items()
        },
        check=receiving.check,
        state=lambda: receiving.state,
        metrics=lambda: receiving.metrics.text(receiving.ledger.backlog),
        monitor=Monitor(receiving.failures),
        fault=receiving.faults.append,
    )


@pytest.fixture
def client(app: Starlette) -> Iterator[TestClient]:
    with TestClient(app, HERE, raise_server_exceptions=False, client=("127.0.0.1", 50000)) as made:
        yield made


Post = Callable[..., Any]


@pytest.fixture
def post(client: TestClient) -> Post:
    """Deliver a body as Flashduty would; answers (status, JSON)."""

    def deliver(
        content: bytes, path: str = "/flashduty/actions/restart-host", **headers: str
    ) -> tuple[int, Any]:
        sent = {"content-type": "application/json", "x-engine-token": TOKEN}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        answer = client.post(path, content=content, headers=sent)
        return answer.status_code, answer.json()

    return deliver


@pytest.fixture
def example() -> bytes:
    return (Path(__file__).parents[1] / "fixtures/custom-action.vendor-page.json").read_bytes()
