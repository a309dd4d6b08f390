"""A whole engine in this process: what `serve` and `demo` have in common."""

import asyncio
import socket
import traceback
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette

from engine.cli.serving import woken_by_signal
from engine.config.config import Config
from engine.events.event import LABEL_MAPPING
from engine.events.source import Refusal, Request
from engine.problem import Problem, in_file_order
from engine.runs.crew import Crew
from engine.runs.happening import Happening, Tell, Trouble
from engine.runs.redaction import Redactor
from engine.runs.reloading import Found, Reloading
from engine.web.app import create_app
from engine.web.failures import Failures
from engine.web.labels import answering
from engine.web.metrics import Metrics
from engine.web.monitor import Monitor
from engine.web.receiver import Receiver, committing
from engine.wiring import new_id, now, wired

Refused = Callable[[str, Request, Refusal], None]


@dataclass(frozen=True, slots=True)
class Running:
    """The parts that have to be run."""

    app: Starlette
    crew: Crew
    reloading: Reloading
    problems: tuple[Problem, ...]  # at the start: of playbooks that are left out, and of secrets


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

    def tell_all(happening: Happening) -> None:
        metrics.tell(happening)
        try:
            tell(happening)
        except Exception:  # noqa: BLE001 - who only watches must not stop what is watched
            metrics.troubles.labels("watcher").inc()

    async with wired(config, look, environ=environ, redactor=redactor, tell=tell_all) as parts:
        reloading = parts.reloading

        def problems() -> tuple[Problem, ...]:
            return in_file_order([*reloading.in_force.problems, *parts.problems])

        def playbooks() -> Mapping[str, Any]:
            return reloading.in_force.as_json()

        metrics.show(lambda: reloading.in_force)
        deliveries = committing(parts.ledger.accept, parts.crew.worker.wake, parts.arriving)
        failures = Failures(asyncio.get_running_loop().time)
        takes = {LABEL_MAPPING: answering(parts.calls.answer)}
        receivers = {
            path: Receiver(
                source=source,
                take=takes.get(source.name, deliveries),
                count=metrics.count_delivery,
                refused=refused,
                new_id=new_id,
                clock=now,
                max_body=config.limits.body,
                failures=failures,
                trusted_proxies=config.trusted_proxies,
            )
            for path, source in parts.sources.items()
        }
        app = create_app(
            receivers=receivers,
            check=parts.ledger.check,
            problems=problems,
            playbooks=playbooks,
            registry=metrics.registry,
            monitor=Monitor(
                failures,
                config.monitor.token,
                config.monitor.allow_from,
                config.trusted_proxies,
            ),
            fault=_fault_to(tell_all),
        )
        with woken_by_signal(parts.crew.worker.wake):
            yield Running(app, parts.crew, reloading, problems())


def _fault_to(tell: Tell) -> Callable[[Exception], None]:
    def fault(error: Exception) -> None:
        tell(Trouble("web", "".join(traceback.format_exception(error))))

    return fault


def port_of(listener: socket.socket) -> int:
    """The port a socket really listens on."""
    port: int = listener.getsockname()[1]
    return port
