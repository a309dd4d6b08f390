"""The warden's program, in a thread, on a real socket and with real processes."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.processes.mark import EngineId, Mark
from engine.processes.program import Program
from engine.processes.table import ProcessTable
from tests.processes.children import PATIENCE, child, ended_by

INSTALLATION = f"test-program-{os.getpid()}"  # other tests may go on beside this one
ENGINE = EngineId(INSTALLATION, 1, 1)
DEAD = EngineId(INSTALLATION, 2**22 + 1, 1)  # no pid is as high
HURRY = 0.2  # seconds between TERM and KILL, where a test waits for the second one
MARK = Mark(ENGINE, "R", 1, "steps/0").text


class Line:
    """The engine's end."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._file = line.makefile("rb")

    def say(self, *words: str) -> None:
        self.say_together(words)

    def say_together(self, *lines: Sequence[str]) -> None:
        """The other end hears of all of them at one moment."""
        self._line.sendall(b"".join("\0".join(words).encode() + b"\n" for words in lines))

    def hear(self) -> list[str]:
        return self._file.readline().decode().rstrip("\n").split("\0")

    def hang_up(self) -> None:
        self._file.close()
        self._line.close()


@contextmanager
def program(table: ProcessTable | None = None, patience: float = PATIENCE / 4) -> Iterator[Line]:
    """Over when the program is: it ends what is left once the line is closed.

    No patience is wasted on processes that obey.
    """
    ours, theirs = socket.socketpair()
    ours.settimeout(PATIENCE)
    served = Program(ENGINE, theirs, table or ProcessTable(), patience=patience)
    thread = threading.Thread(target=served.serve)
    thread.start()
    line = Line(ours)
    try:
        yield line
    finally:
        line.hang_up()
        thread.join(PATIENCE)
        theirs.close()
        assert not thread.is_alive()


def test_a_step_that_left_nothing_is_answered_at_once() -> None:
    with program() as line:
        line.say("end", "7", "0", MARK)
        assert line.hear() == ["7"]


def test_what_carries_the_mark_of_a_step_that_is_over_is_ended_and_nothing_else() -> None:
    other = Mark(ENGINE, "R", 2, "steps/0").text
    with program() as line, child(MARK) as ours, child(other) as others:
        line.say("end", "7", "0", MARK)
        assert line.hear() == ["7", str(ours.pid), MARK, sys.executable, "1"]
        assert ended_by(ours) is signal.SIGTERM
        assert others.poll() is None


def test_one_that_ignores_term_is_killed_and_holds_nobody_up() -> None:
    other = Mark(ENGINE, "R", 2, "steps/0").text
    with program(patience=1.0) as line, child(MARK, stubborn=True) as stubborn:
        line.say_together(("end", "1", "0", MARK), ("end", "2", "0", other))
        assert line.hear() == ["2"]
        assert line.hear()[:2] == ["1", str(stubborn.pid)]
        assert ended_by(stubborn) is signal.SIGKILL


def test_what_a_dead_engine_left_is_ended_and_a_living_ones_is_not() -> None:
    own = ProcessTable().read(os.getpid())
    assert own is not None
    alive = EngineId(INSTALLATION, own.pid, own.start)
    elsewhere = EngineId("another-database", DEAD.pid, DEAD.start)
    dead, living, foreign = (Mark(one, "R", 1, "s").text for one in (DEAD, alive, elsewhere))
    with (
        program() as line,
        child(dead) as left,
        child(living) as busy,
        child(foreign) as strange,
        child("no mark of ours") as odd,
    ):
        line.say("left", "1")
        assert line.hear() == ["1", str(left.pid), dead, sys.executable, "1"]
        assert ended_by(left) is signal.SIGTERM
        assert [one.poll() for one in (busy, strange, odd)] == [None, None, None]


def test_a_half_said_line_waits_for_its_other_half() -> None:
    with program() as line, child() as group:
        line._line.sendall(b"begun\0")  # noqa: SLF001 - not a whole line
        line.say(str(group.pid))
        line.say("end", "1", "0", MARK)
        assert line.hear() == ["1"]
        line.hang_up()
        assert ended_by(group) is signal.SIGTERM


@pytest.mark.parametrize("stubborn", [False, True])
def test_when_the_engine_is_gone_its_marks_and_groups_are_ended(*, stubborn: bool) -> None:
    with child(MARK, stubborn=stubborn) as marked, child(stubborn=stubborn) as cleaned:
        with child() as over, child(Mark(DEAD, "R", 1, "s").text) as others:
            with program(patience=HURRY if stubborn else PATIENCE / 4) as line:
                for group in (cleaned, over):
                    line.say("begun", str(group.pid))
                line.say("end", "1", str(over.pid), "another mark")
                assert line.hear() == ["1"]
            assert over.poll() is None
            assert others.poll() is None
        number = signal.SIGKILL if stubborn else signal.SIGTERM
        assert (ended_by(marked), ended_by(cleaned)) == (number, number)


@pytest.mark.parametrize("stubborn", [False, True])
def test_where_there_is_no_proc_the_groups_are_ended(tmp_path: Path, *, stubborn: bool) -> None:
    with child(stubborn=stubborn) as group, child() as gone:
        gone.kill()
        gone.wait(PATIENCE)
        with program(ProcessTable(tmp_path), HURRY) as line:
            line.say("begun", str(group.pid))
            line.say("begun", str(gone.pid))
        assert ended_by(group) is (signal.SIGKILL if stubborn else signal.SIGTERM)


def test_a_group_whose_number_somebody_else_has_by_now_is_left_alone(tmp_path: Path) -> None:
    """A table of the test's: the leader of the group started, and later started again."""

    def show(start: int, group: int) -> None:
        folder = tmp_path / str(group)
        folder.mkdir(exist_ok=True)
        fields = " ".join(["S", "1", str(group), *["0"] * 16, str(start)])
        (folder / "stat").write_text(f"{group} (x) {fields}")

    with child() as stranger:
        show(1, stranger.pid)
        with program(ProcessTable(tmp_path), HURRY) as line:
            line.say("begun", str(stranger.pid))
            line.say("end", "1", "0", MARK)
            assert line.hear() == ["1"]
            show(2, stranger.pid)
        assert stranger.poll() is None


def test_signals_that_mean_the_engine_do_not_end_it() -> None:
    """As a program of its own; a session of its own keeps Ctrl-C away, a manager's TERM does not."""
    ours, theirs = socket.socketpair()
    root = str(Path(__file__).parents[2])
    run = (
        f"import sys; sys.path.append({root!r}); from engine.processes.program import main; main()"
    )
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", run, *map(str, ENGINE)], stdin=theirs.fileno()
        )
    ours.settimeout(PATIENCE)
    line = Line(ours)
    line.say("end", "1", "0", MARK)
    assert line.hear() == ["1"]
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        process.send_signal(number)
    line.say("end", "2", "0", MARK)
    assert line.hear() == ["2"]
    line.hang_up()
    assert process.wait(PATIENCE) == 0
