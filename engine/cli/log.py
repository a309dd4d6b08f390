"""The engine's log: one line a happening, masked, for a person at a terminal or as JSON."""

import asyncio
import json
import logging
import sys
import traceback
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any, Final, TextIO

import orjson
import structlog
from typing_extensions import override

from engine.cli.screen import line
from engine.cli.visible import clean
from engine.events.source import Refusal, Request
from engine.playbooks.units import format_duration, format_size
from engine.problem import Problem
from engine.runs.happening import (
    Happening,
    LeftOver,
    Matched,
    PausesChanged,
    Pruned,
    Reconciled,
    Recovered,
    Reloaded,
    ReloadRefused,
    RunMoved,
    StartsLimited,
    StepAsked,
    StepSettled,
    StepStarted,
    TakenUp,
    Trouble,
)
from engine.runs.redaction import Redactor
from engine.runs.run import Asking, Outcome, RunState
from engine.runs.trace import timestamp

_JSON: Final = json.JSONEncoder(default=repr, separators=(",", ":"))  # which writes ASCII
# orjson takes a fifth of the time; these it would write in its own way.
_AS_JSON: Final = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME

Log = structlog.typing.FilteringBoundLogger


def create_log(redactor: Redactor, stream: TextIO = sys.stderr) -> Log:
    """A logger whose every word passes the redactor. Ours alone: nothing global is set."""

    def mask(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {
            key: redactor.text(value) if isinstance(value, str) else redactor.data(value)
            for key, value in event.items()
        }

    def shown(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {
            key: clean(value) if isinstance(value, str) else value for key, value in event.items()
        }

    person = stream.isatty()
    log: Log = structlog.wrap_logger(
        _Lines(stream),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%H:%M:%S" if person else "iso", utc=not person),
            mask,
            *([shown, structlog.dev.ConsoleRenderer()] if person else [_as_json]),
        ],
    ).bind()  # or it is put together again for every line
    return log


def _as_json(_: Any, __: str, event: MutableMapping[str, Any]) -> str:
    """In ASCII: nothing in a line may steer what shows it."""
    try:
        text = orjson.dumps(event, default=repr, option=_AS_JSON).decode()
    except TypeError:  # a lone surrogate, a number of more than 64 bits
        return _JSON.encode(event)
    return text if text.isascii() else _JSON.encode(event)


class _Lines:
    """Writes lines, all of one turn of the event loop at once, as each write costs as much.

    A log that cannot be written must not stop what it tells of.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lines: list[str] = []

    def msg(self, message: str) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # another thread, or nothing runs
            self._write(f"{message}\n")
            return
        if not self._lines:
            loop.call_soon(self._write_lines)
        self._lines.append(f"{message}\n")

    def _write_lines(self) -> None:
        lines, self._lines = self._lines, []
        self._write("".join(lines))

    def _write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            self._stream.write(text)
            self._stream.flush()

    debug = info = warning = error = critical = msg


def write_refusal(log: Log, source: str, request: Request, refusal: Refusal) -> None:
    """A delivery that was not taken: where a button that does nothing has to be looked for."""
    log.warning(
        "delivery refused",
        action="delivery_refused",
        source=source,
        button=request.action and line(request.action, 100),
        peer=request.client,
        status=refusal.status,
        code=refusal.code,
        message=line(refusal.message),
    )


class LibraryLog(logging.Handler):
    """Brings what libraries log into ours: masked, and in the same form."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    @override
    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = record.getMessage()
        except (TypeError, ValueError):  # its arguments do not fit; what it wanted to say is there
            text = str(record.msg)
        if record.exc_info:
            text += "\n" + "".join(traceback.format_exception(*record.exc_info))
        self._log.warning("library", action="library", library=record.name, message=text)


def write_happening(log: Log, happening: Happening) -> None:
    """One line. `action` is a stable machine name beside the sentence."""
    match happening:
        case Matched(event_id, started, undecided):
            log.info(
                "event judged",
                action="event_judged",
                event_id=event_id,
                started=list(started),
                undecided=list(undecided),
            )
        case RunMoved(run):
            write = log.error if run.state is RunState.FAILED else log.info
            took = None
            if run.started is not None and run.ended is not None:
                took = format_duration(run.ended - run.started)
            write(
                f"run {run.state.value}",
                action=f"run_{run.state.value}",
                run=run.id,
                playbook=run.playbook,
                reason=run.reason and line(run.reason, 500),
                took=took,
            )
        case StepStarted() | StepSettled() | StepAsked():
            _write_step(log, happening)
        case Reconciled(since, until, events, after_start):
            quietly = log.info if after_start else log.debug
            write = log.warning if events else quietly
            write(
                "missed events",
                action="reconciled",
                events=events,
                since=timestamp(since),
                until=timestamp(until),
            )
        case LeftOver() | TakenUp():
            _write_start(log, happening)
        case Pruned(events, runs, steps, playbooks, output):
            log.info(
                "pruned",
                action="pruned",
                events=events,
                runs=runs,
                steps=steps,
                playbooks=playbooks,
                output=format_size(output),
            )
        case Reloaded() | ReloadRefused():
            _write_reload(log, happening)
        case Trouble() | Recovered() | PausesChanged() | StartsLimited():
            _write_engine(log, happening)


def _write_engine(log: Log, happening: Trouble | Recovered | PausesChanged | StartsLimited) -> None:
    match happening:
        case Trouble(where, message):
            log.error("trouble", action="trouble", where=where, message=message)
        case Recovered(where):
            log.info("trouble is over", action="recovered", where=where)
        case PausesChanged(reasons) if reasons:
            paused = {name or "everything": line(why, 500) for name, why in reasons.items()}
            log.warning("paused: no step of these begins", action="paused", paused=paused)
        case PausesChanged():
            log.info("nothing is paused any more", action="resumed")
        case StartsLimited(most):
            log.warning("limits.starts: queued runs wait", action="starts_limited", most=most)


def _write_start(log: Log, happening: LeftOver | TakenUp) -> None:
    match happening:
        case LeftOver(run_id, path, attempt, pid, command, ended):
            write = log.warning if ended else log.error
            write(
                "left over, and ended" if ended else "left over, and it cannot be ended",
                action="left_over",
                run=run_id,
                step=path,
                attempt=attempt,
                pid=pid,
                command=line(command),
                ended=ended,
            )
        case TakenUp(runs, left):
            write = log.debug if left else log.info
            write("unfinished runs taken up", action="taken_up", runs=runs, left=left)


def write_problem(log: Log, problem: Problem) -> None:
    """One line, as loud as the problem is."""
    write = {"error": log.error, "warning": log.warning}.get(problem.level, log.info)
    write("problem", action="problem", problem=str(problem))


def _write_reload(log: Log, happening: Reloaded | ReloadRefused) -> None:
    for problem in happening.problems:
        write_problem(log, problem)
    match happening:
        case Reloaded():
            log.info(
                "playbooks reloaded",
                action="reloaded",
                playbooks=list(happening.playbooks),
                new=list(happening.new),
                changed=list(happening.changed),
                gone=list(happening.gone),
                version=happening.version,
                commit=happening.commit,
                asked=happening.asked,
            )
        case ReloadRefused(problems, asked):
            log.error(
                "change of playbooks refused; what was loaded before stays in force",
                action="reload_refused",
                problems=len(problems),
                asked=asked,
            )


def _write_step(log: Log, happening: StepStarted | StepSettled | StepAsked) -> None:
    match happening:
        case StepStarted(run, step, attempt, plan, _):
            log.info(
                "step started",
                action="step_started",
                run=run.id,
                playbook=run.playbook,
                step=step.path,
                attempt=attempt,
                plan=line(plan.summary),
            )
        case StepSettled(run, step, fact):
            bad = fact.outcome in (Outcome.FAILED, Outcome.UNKNOWN)
            write = log.warning if bad else log.info
            write(
                f"step {fact.outcome.value}",
                action=f"step_{fact.outcome.value}",
                run=run.id,
                playbook=run.playbook,
                step=step.path,
                attempt=fact.attempt,
                error=fact.error and line(fact.error, 500),
            )
        case StepAsked(run, step, fact):
            # An approval is in the ordinary way of things; what nobody knows is not.
            write = log.warning if fact.question.kind is Asking.ATTENTION else log.info
            write(
                f"a person's {fact.question.kind.value} is needed",
                action=f"{fact.question.kind.value}_needed",
                run=run.id,
                playbook=run.playbook,
                step=step.path,
                attempt=fact.attempt,
                question=line(fact.question.text, 500),
            )
