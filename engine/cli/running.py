"""An engine in this process: a whole one, for `serve` and `demo`, or its worker alone."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette

from engine.cli.receiving import Refused, counted, shielded, web_of
from engine.cli.serving import woken_by_signal
from engine.config.config import Config
from engine.runs.arriving import Arriving
from engine.runs.happening import Tell
from engine.runs.redaction import Redactor
from engine.runs.reloading import Found
from engine.store.locks import Role
from engine.store.sqlite import open_ledger
from engine.web.labels import answering
from engine.web.metrics import Metrics
from engine.web.receiver import committing
from engine.wiring.engine import Parts, wired


@dataclass(frozen=True, slots=True)
class Running:
    """A whole engine, whose halves have to be run."""

    app: Starlette
    worker: Parts


@asynccontextmanager
async def engine_of(
    config: Config,
    look: Callable[[], Found],
    *,
    environ: Mapping[str, str],
    redactor: Redactor,
    tell: Tell,
    refused: Refused,
) -> AsyncIterator[Running]:
    """Receiver and worker over one ledger. Raises EngineError when it cannot be had."""
    metrics = Metrics.create()
    tell = counted(metrics, tell)
    arriving = Arriving(asyncio.get_running_loop().time, asyncio.sleep)
    with open_ledger(config.database, tell) as ledger:
        async with wired(
            config,
            ledger,
            look,
            give_way=arriving.give_way,
            environ=environ,
            redactor=redactor,
            tell=tell,
        ) as parts:
            wake, reloading = parts.crew.worker.wake, parts.reloading
            metrics.show(lambda: reloading.in_force)

            def state() -> Mapping[str, Any]:
                problems = [problem.as_json() for problem in parts.problems]
                return {"playbooks": reloading.in_force.as_json(), "problems": problems}

            app = web_of(
                config,
                ledger,
                metrics,
                deliveries=committing(ledger.accept, wake, arriving),
                calls=answering(parts.calls.answer),
                state=state,
                tell=tell,
                refused=refused,
            )
            with woken_by_signal(wake):
                yield Running(app, parts)


@asynccontextmanager
async def worker_of(
    config: Config,
    look: Callable[[], Found],
    *,
    environ: Mapping[str, str],
    redactor: Redactor,
    tell: Tell,
) -> AsyncIterator[Parts]:
    """A worker alone; the receiver is another process. Raises EngineError when it cannot be had."""
    tell = shielded(tell, lambda: None)  # a log that fails has nobody to say so to
    with open_ledger(config.database, tell, [Role.WORKER]) as ledger:
        async with wired(
            config, ledger, look, environ=environ, redactor=redactor, tell=tell
        ) as parts:
            with woken_by_signal(parts.crew.worker.wake):
                yield parts


def port_of(listener: socket.socket) -> int:
    """The port a socket really listens on."""
    port: int = listener.getsockname()[1]
    return port
