"""The half of an engine that takes what is sent, and the web application of a whole one."""

import asyncio
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from starlette.applications import Starlette

from engine.config.config import Config
from engine.config.secrets import learn_own_secrets
from engine.events.event import LABEL_MAPPING
from engine.events.source import Refusal, Request
from engine.runs.arriving import Arriving
from engine.runs.happening import Happening, Tell, Trouble
from engine.runs.redaction import Redactor
from engine.store.locks import Role, holder, wake
from engine.store.sqlite import SqliteLedger, open_ledger
from engine.store.waking import Waking
from engine.web.app import create_app
from engine.web.failures import Failures
from engine.web.labels import refuse_call
from engine.web.metrics import Metrics
from engine.web.monitor import Monitor
from engine.web.receiver import Receiver, Take, committing
from engine.wiring.clocks import new_id, now
from engine.wiring.sources import sources

RUNNING: Final = "running"
MISSING: Final = "missing"

Refused = Callable[[str, Request, Refusal], None]


@contextmanager
def receiver_of(
    config: Config, *, redactor: Redactor, tell: Tell, refused: Refused
) -> Iterator[Starlette]:
    """A receiver alone; the worker is another process. Raises EngineError when it cannot be had."""
    learn_own_secrets(config, redactor)
    metrics = Metrics.create()
    tell = counted(metrics, tell)

    with open_ledger(config.database, tell, [Role.RECEIVER]) as ledger:
        loop = asyncio.get_running_loop()
        waking = Waking(config.database, loop.call_soon, tell)
        wake(config.database)  # for what another one committed, and died before it could say so
        metrics.show_worker(lambda: worker_beside(config) == RUNNING)
        yield web_of(
            config,
            ledger,
            metrics,
            deliveries=committing(ledger.accept, waking.wake, Arriving(loop.time, asyncio.sleep)),
            calls=refuse_call,
            state=lambda: {"worker": worker_beside(config)},
            tell=tell,
            refused=refused,
        )


def worker_beside(config: Config) -> str:
    """Whether some process is the worker of a receiver's ledger."""
    return MISSING if holder(config.database, Role.WORKER) is None else RUNNING


def web_of(
    config: Config,
    ledger: SqliteLedger,
    metrics: Metrics,
    *,
    deliveries: Take,
    calls: Take,
    state: Callable[[], Mapping[str, Any]],
    tell: Tell,
    refused: Refused,
) -> Starlette:
    """The web application: what is taken by `deliveries`, and by `calls` for labels."""
    failures = Failures(asyncio.get_running_loop().time)
    receivers = {
        path: Receiver(
            source=source,
            take=calls if source.name == LABEL_MAPPING else deliveries,
            count=metrics.count_delivery,
            refused=refused,
            new_id=new_id,
            clock=now,
            max_body=config.limits.body,
            failures=failures,
            trusted_proxies=config.trusted_proxies,
        )
        for path, source in sources(config).items()
    }
    monitor = Monitor(
        failures, config.monitor.token, config.monitor.allow_from, config.trusted_proxies
    )
    return create_app(
        receivers=receivers,
        check=ledger.check,
        state=state,
        metrics=lambda: metrics.text(ledger.backlog),
        monitor=monitor,
        fault=lambda error: tell(Trouble("web", "".join(traceback.format_exception(error)))),
    )


def counted(metrics: Metrics, tell: Tell) -> Tell:
    """Counts what happens, and tells it."""
    told = shielded(tell, lambda: metrics.troubles.labels("watcher").inc())

    def tell_all(happening: Happening) -> None:
        metrics.tell(happening)
        told(happening)

    return tell_all


def shielded(tell: Tell, failed: Callable[[], None]) -> Tell:
    """The same, whatever becomes of it: who only watches must not stop what is watched."""

    def try_to_tell(happening: Happening) -> None:
        try:
            tell(happening)
        except Exception:  # noqa: BLE001 - see above
            failed()

    return try_to_tell
