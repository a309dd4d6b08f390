"""What a process that stays has, whichever half of the engine it is: a masked log, and an end."""

import logging
import signal
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

from engine.cli.fault import masking_faults
from engine.cli.log import LibraryLog, Log, create_log, write_happening, write_refusal
from engine.cli.serving import GRACE, Stopping, spare_collector, stopped_by_signals
from engine.config.config import Config
from engine.config.writable import Account, errors_of, others_can_write
from engine.events.source import Refusal, Request
from engine.playbooks.units import format_duration
from engine.problem import EngineError, Problem
from engine.runs.happening import Happening, TakenUp
from engine.runs.redaction import Redactor


@dataclass(frozen=True, slots=True)
class Service:
    """Of one process, by one config."""

    config: Config
    redactor: Redactor
    log: Log
    _received: list[int] = field(default_factory=list)

    def changeable(self) -> Sequence[Problem]:
        """What others could change of what it goes by."""
        return others_can_write(self.config, Account.own())

    def tell(self, happening: Happening) -> None:
        """Write it into the log."""
        write_happening(self.log, happening)
        if isinstance(happening, TakenUp):
            spare_collector()

    def refused(self, source: str, request: Request, refusal: Refusal) -> None:
        """Write it into the log."""
        write_refusal(self.log, source, request, refusal)

    def staying(self) -> AbstractContextManager[Stopping]:
        """Until a signal asks to stop."""
        return stopped_by_signals(self._stop)

    def _stop(self, number: int) -> None:
        self._received.append(number)
        name = signal.Signals(number).name
        grace = format_duration(GRACE)  # what steps in flight get, if there are any
        self.log.info("stopping", action="stopping", signal=name, grace=grace)

    def stopped(self) -> int:
        """The exit code."""
        self.log.info("stopped", action="stopped")
        return 130 if signal.SIGINT in self._received else 0


@contextmanager
def service_of(config: Config) -> Iterator[Service]:
    """The same, if nobody else can change what `strict` wants nobody to. Raises EngineError."""
    redactor = Redactor()
    service = Service(config, redactor, create_log(redactor))
    logging.getLogger().addHandler(LibraryLog(service.log))
    if refused := errors_of(service.changeable()):
        raise EngineError(*refused)
    with masking_faults(redactor.text):
        yield service
