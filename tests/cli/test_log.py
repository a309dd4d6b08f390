"""The log: one JSON line a happening, with a stable name, masked."""

import asyncio
import errno
import io
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from typing_extensions import override

from engine.cli.log import LibraryLog, create_log, write_happening
from engine.playbooks.playbook import Step
from engine.playbooks.step_type import Plan
from engine.problem import Location, Problem
from engine.runs.fact import Asked, Settled
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
from engine.runs.run import Asking, Outcome, Question, Run, RunState

RUN = Run(
    id="R",
    playbook="p",
    version="v",
    event_id="E",
    state=RunState.RUNNING,
    created=1.0,
    started=2.0,
)
STEP = Step("steps/0", "http", {})


def written(happening: Happening) -> dict[str, Any]:
    stream = io.StringIO()
    redactor = Redactor()
    redactor.learn("s3cret-value")
    write_happening(create_log(redactor, stream), happening)
    [text] = stream.getvalue().splitlines()
    entry: dict[str, Any] = json.loads(text)
    assert entry.pop("timestamp").endswith("Z")
    return entry


@pytest.mark.parametrize(
    ("happening", "entry"),
    [
        (
            Pruned(1, 2, 3, 4, 3 * 1024**2),
            {"level": "info", "action": "pruned", "event": "pruned",
             "events": 1, "runs": 2, "steps": 3, "playbooks": 4, "output": "3MiB"},
        ),
        (
            Matched("E", ("p",), ("q",)),
            {"level": "info", "action": "event_judged", "event": "event judged",
             "event_id": "E", "started": ["p"], "undecided": ["q"]},
        ),
        (
            RunMoved(RUN),
            {"level": "info", "action": "run_running", "event": "run running", "run": "R",
             "playbook": "p", "reason": None, "took": None},
        ),
        (
            RunMoved(RUN.move(RunState.FAILED, at=3.5, reason="it says s3cret-value")),
            {"level": "error", "action": "run_failed", "event": "run failed", "run": "R",
             "playbook": "p", "reason": "it says ******", "took": "1.5s"},
        ),
        (
            StepStarted(RUN, STEP, 2, Plan("GET http://x/s3cret-value", {}), 3.0),
            {"level": "info", "action": "step_started", "event": "step started", "run": "R",
             "playbook": "p", "step": "steps/0", "attempt": 2, "plan": "GET http://x/******"},
        ),
        (
            StepSettled(RUN, STEP, Settled("steps/0", 1, 4.0, Outcome.FAILED, error="no\nway")),
            {"level": "warning", "action": "step_failed", "event": "step failed", "run": "R",
             "playbook": "p", "step": "steps/0", "attempt": 1, "error": "no way"},
        ),
        (
            TakenUp(10_000, 0),
            {"level": "info", "action": "taken_up", "event": "unfinished runs taken up",
             "runs": 10_000, "left": 0},
        ),
        (
            LeftOver("R", "steps/0", 2, 4711, "rsync", ended=True),
            {"level": "warning", "action": "left_over", "event": "left over, and ended", "run": "R",
             "step": "steps/0", "attempt": 2, "pid": 4711, "command": "rsync", "ended": True},
        ),
        (
            LeftOver("R", "steps/0", 2, 4711, "rsync", ended=False),
            {"level": "error", "action": "left_over", "event": "left over, and it cannot be ended",
             "run": "R", "step": "steps/0", "attempt": 2, "pid": 4711, "command": "rsync",
             "ended": False},
        ),
        *(
            (
                StepAsked(RUN, STEP, Asked("steps/0", 1, Question(kind, "s3cret-value?", 4.0))),
                {"level": level, "action": f"{kind.value}_needed", "run": "R", "playbook": "p",
                 "event": f"a person's {kind.value} is needed", "step": "steps/0", "attempt": 1,
                 "question": "******?"},
            )
            for kind, level in [(Asking.APPROVAL, "info"), (Asking.ATTENTION, "warning")]
        ),
        (
            StepSettled(RUN, STEP, Settled("steps/0", 1, 4.0, Outcome.UNKNOWN, error="lost")),
            {"level": "warning", "action": "step_unknown", "event": "step unknown", "run": "R",
             "playbook": "p", "step": "steps/0", "attempt": 1, "error": "lost"},
        ),
        (
            Trouble("ledger", "disk full"),
            {"level": "error", "action": "trouble", "event": "trouble", "where": "ledger",
             "message": "disk full"},
        ),
        (
            PausesChanged({"": "paused by ann", "p": "paused by bob: s3cret-value"}),
            {"level": "warning", "action": "paused", "event": "paused: no step of these begins",
             "paused": {"everything": "paused by ann", "p": "paused by bob: ******"}},
        ),
        (
            PausesChanged({}),
            {"level": "info", "action": "resumed", "event": "nothing is paused any more"},
        ),
        (
            StartsLimited(600),
            {"level": "warning", "action": "starts_limited", "most": 600,
             "event": "limits.starts: queued runs wait"},
        ),
        (
            Recovered("ledger"),
            {"level": "info", "action": "recovered", "event": "trouble is over",
             "where": "ledger"},
        ),
    ],
)  # fmt: skip
def test_each_happening_is_a_line_with_its_name(
    happening: Happening, entry: dict[str, Any]
) -> None:
    assert written(happening) == entry


class Terminal(io.StringIO):
    @override
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    "hostile", ["\x1b[2J", "\x9b31m", "\x1b]52;c;eA==\x07", "a\u202eb", "a\rb"]
)
def test_nothing_steers_the_terminal_of_a_log(hostile: str) -> None:
    stream = Terminal()
    write_happening(create_log(Redactor(), stream), Trouble("web", f"it-{hostile}"))
    write_happening(create_log(Redactor(), stream), Trouble(f"x\n{hostile}", "it broke"))

    shown = re.sub(r"\x1b\[\d*m", "", stream.getvalue())  # the colours are the log's own
    assert all(char == "\n" or char.isprintable() for char in shown)
    assert shown.count("\n") == 2


@pytest.mark.parametrize(
    "said", ["é", "\ud800", "\x1b[2J", "\u202e", '"\\', "x" * 99, 2**70, None, [1.5]]
)
def test_a_line_is_ascii_and_reads_as_what_was_said(said: Any) -> None:
    stream = io.StringIO()
    create_log(Redactor(), stream).info("said", action="said", what=said, other=RUN)

    (line,) = stream.getvalue().splitlines()
    assert line.isascii()
    assert "\x1b" not in line
    read = json.loads(line)
    assert (read["what"], read["other"]) == (said, repr(RUN))


def test_a_person_at_a_terminal_gets_words() -> None:
    stream = Terminal()
    write_happening(create_log(Redactor(), stream), Trouble("web", "it broke"))

    assert "it broke" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


class Broken(io.StringIO):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    @override
    def write(self, text: str) -> int:
        raise self._error


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        BrokenPipeError(),
        ValueError("I/O operation on closed file"),
    ],
)
def test_a_log_that_cannot_be_written_is_ignored(error: Exception) -> None:
    log = create_log(Redactor(), Broken(error))
    for happening in (Trouble("ledger", "full"), RunMoved(RUN), Matched("E", (), ())):
        write_happening(log, happening)


def test_a_log_that_can_be_written_again_goes_on() -> None:
    class Recovering(io.StringIO):
        refusals = 1

        @override
        def write(self, text: str) -> int:
            if self.refusals:
                self.refusals -= 1
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(text)

    stream = Recovering()
    log = create_log(Redactor(), stream)
    write_happening(log, Trouble("ledger", "lost"))
    write_happening(log, Trouble("ledger", "kept"))
    [text] = stream.getvalue().splitlines()
    assert json.loads(text)["message"] == "kept"


class Counting(io.StringIO):
    writes = 0

    @override
    def write(self, text: str) -> int:
        self.writes += 1
        return super().write(text)


def messages(stream: io.StringIO) -> list[str]:
    return [json.loads(text)["message"] for text in stream.getvalue().splitlines()]


def test_the_lines_of_one_turn_of_the_loop_are_one_write() -> None:
    stream = Counting()
    log = create_log(Redactor(), stream)

    async def story() -> None:
        write_happening(log, Trouble("ledger", "one"))
        write_happening(log, Trouble("ledger", "two"))
        await asyncio.sleep(0)
        assert messages(stream) == ["one", "two"]
        write_happening(log, Trouble("ledger", "three"))
        await asyncio.sleep(0)
        assert messages(stream) == ["one", "two", "three"]

    asyncio.run(story())
    assert stream.writes == 2


def test_the_last_line_before_the_loop_ends_is_written_and_so_is_one_of_another_thread() -> None:
    stream = io.StringIO()
    log = create_log(Redactor(), stream)

    async def story() -> None:
        await asyncio.to_thread(write_happening, log, Trouble("ledger", "beside"))
        write_happening(log, Trouble("ledger", "last"))

    asyncio.run(story())
    assert messages(stream) == ["beside", "last"]


@pytest.fixture
def library() -> Iterator[tuple[logging.Logger, io.StringIO]]:
    """A library's logger, and what our log says of it."""
    stream = io.StringIO()
    redactor = Redactor()
    redactor.learn("s3cret-value")
    handler = LibraryLog(create_log(redactor, stream))
    logger = logging.getLogger("a.library")
    logger.addHandler(handler)
    logger.propagate = False
    yield logger, stream
    logger.removeHandler(handler)
    logger.propagate = True


def test_what_a_library_logs_is_a_line_of_ours_and_masked(
    library: tuple[logging.Logger, io.StringIO],
) -> None:
    logger, stream = library
    logger.warning("cannot reach %s", "http://x/s3cret-value")
    [text] = stream.getvalue().splitlines()
    entry = json.loads(text)
    assert entry.pop("timestamp").endswith("Z")
    assert entry == {
        "level": "warning",
        "action": "library",
        "event": "library",
        "library": "a.library",
        "message": "cannot reach http://x/******",
    }


def test_a_library_that_only_chatters_is_not_heard(
    library: tuple[logging.Logger, io.StringIO],
) -> None:
    logger, stream = library
    logger.setLevel(logging.DEBUG)
    logger.info("all is well")
    assert stream.getvalue() == ""


def test_the_exception_of_a_library_is_told_whole_in_one_line_and_masked(
    library: tuple[logging.Logger, io.StringIO],
) -> None:
    logger, stream = library
    try:
        raise KeyError("s3cret-value")  # noqa: TRY301 - the log is tested, not the raising
    except KeyError:
        logger.exception("it broke")
    [text] = stream.getvalue().splitlines()
    message = json.loads(text)["message"]
    assert message.startswith("it broke\nTraceback")
    assert message.endswith("KeyError: '******'\n")


def test_a_library_that_logs_nonsense_is_not_stopped_by_that() -> None:
    stream = io.StringIO()
    nonsense = logging.LogRecord("a.library", logging.WARNING, "", 1, "%d of %d", ("one",), None)

    LibraryLog(create_log(Redactor(), stream)).handle(nonsense)

    assert json.loads(stream.getvalue())["message"] == "%d of %d"


def test_the_look_after_a_start_is_told_although_it_found_none() -> None:
    stream = io.StringIO()
    happening = Reconciled(1_795_000_000.0, 1_795_000_300.0, 0, after_start=True)

    write_happening(create_log(Redactor(), stream), happening)

    entry = json.loads(stream.getvalue())
    assert (entry["level"], entry["action"], entry["events"]) == ("info", "reconciled", 0)


def test_missed_events_are_told_and_a_look_that_found_none_is_not() -> None:
    stream = io.StringIO()
    log = create_log(Redactor(), stream)

    write_happening(log, Reconciled(1_795_000_000.0, 1_795_000_300.0, 0, after_start=False))
    write_happening(log, Reconciled(1_795_000_000.0, 1_795_000_300.5, 2, after_start=False))

    [text] = stream.getvalue().splitlines()
    entry = json.loads(text)
    del entry["timestamp"]
    assert entry == {
        "level": "warning",
        "action": "reconciled",
        "event": "missed events",
        "events": 2,
        "since": "2026-11-18T11:06:40.000Z",
        "until": "2026-11-18T11:11:40.500Z",
    }


def test_a_refused_reload_names_every_problem_masked() -> None:
    stream = io.StringIO()
    redactor = Redactor()
    redactor.learn("s3cret-value")
    problem = Problem("wrong-value", "it is s3cret-value", Location("a.yaml", 2, 3))
    write_happening(create_log(redactor, stream), ReloadRefused((problem,), asked=False))

    entries = [json.loads(text) for text in stream.getvalue().splitlines()]
    assert [(entry["action"], entry["level"]) for entry in entries] == [
        ("problem", "error"),
        ("reload_refused", "error"),
    ]
    assert entries[0]["problem"] == "a.yaml:2:3: wrong-value: it is ******"
    assert entries[1]["problems"] == 1


def test_a_reload_with_a_warning_says_it() -> None:
    stream = io.StringIO()
    warning = Problem("doubtful", "is that so?", level="warning")
    reloaded = Reloaded(("a",), (), ("a",), (), "v", None, asked=False, problems=(warning,))
    write_happening(create_log(Redactor(), stream), reloaded)

    entries = [json.loads(text) for text in stream.getvalue().splitlines()]
    assert [(entry["action"], entry["level"]) for entry in entries] == [
        ("problem", "warning"),
        ("reloaded", "info"),
    ]
