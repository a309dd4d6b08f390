"""What is being ended gets TERM once, then KILL; it is looked again until nothing is left."""

import signal
from collections.abc import Sequence

from typing_extensions import override

from engine.processes.ending import Ended, Ending
from engine.processes.table import Process, ProcessTable


class Table(ProcessTable):
    """A table that shows what the test says, and keeps what was signalled."""

    def __init__(self) -> None:
        super().__init__()
        self.signalled: list[tuple[int, int]] = []

    @override
    def signal(self, process: Process, number: int) -> None:
        self.signalled.append((process.pid, number))

    @override
    def command(self, pid: int) -> str:
        return f"command-{pid}"


def process(pid: int, *, parent: int = 1, mark: str = "", start: int | None = None) -> Process:
    return Process(pid, pid * 10 if start is None else start, parent, pid, mark)


def wanted(_: Sequence[Process], one: Process) -> bool:
    return one.mark == "mine"


MINE, STRANGER = process(5, mark="mine"), process(6)


def test_nothing_found_is_over_at_once() -> None:
    table, ending = Table(), Ending(wanted, began=100.0, patience=5.0)
    assert ending.go_on(table, [STRANGER], 100.0)
    assert (ending.ended(), table.signalled) == ([], [])


def test_one_that_obeys_gets_term_once_and_is_told() -> None:
    table, ending = Table(), Ending(wanted, began=100.0, patience=5.0)
    assert not ending.go_on(table, [MINE, STRANGER], 100.0)
    assert not ending.go_on(table, [MINE, STRANGER], 104.9)
    assert ending.go_on(table, [STRANGER], 104.95)
    assert table.signalled == [(5, signal.SIGTERM)]
    assert ending.ended() == [Ended(5, "mine", "command-5", gone=True)]


def test_one_that_does_not_obey_is_killed() -> None:
    table, ending = Table(), Ending(wanted, began=100.0, patience=5.0)
    ending.go_on(table, [MINE], 100.0)
    assert not ending.go_on(table, [MINE], 105.0)
    assert ending.go_on(table, [], 105.1)
    assert table.signalled == [(5, signal.SIGTERM), (5, signal.SIGKILL)]


def test_one_that_cannot_be_ended_is_given_up_and_told() -> None:
    table, ending = Table(), Ending(wanted, began=100.0, patience=5.0)
    ending.go_on(table, [MINE], 100.0)
    assert not ending.go_on(table, [MINE], 109.9)
    assert ending.go_on(table, [MINE], 110.0)
    assert ending.ended() == [Ended(5, "mine", "command-5", gone=False)]


def test_what_was_started_meanwhile_is_found_too() -> None:
    table, ending = Table(), Ending(wanted, began=100.0, patience=5.0)
    ending.go_on(table, [MINE], 100.0)
    assert not ending.go_on(table, [process(9, mark="mine")], 100.1)
    assert ending.go_on(table, [], 100.2)
    assert table.signalled == [(5, signal.SIGTERM), (9, signal.SIGTERM)]
    assert [one.pid for one in ending.ended()] == [5, 9]


def test_a_child_with_a_clean_environment_is_not_lost_when_its_parent_is_gone() -> None:
    table, ending = Table(), Ending(wanted, began=100.0, patience=5.0)
    ending.go_on(table, [MINE, process(9, parent=5)], 100.0)
    assert not ending.go_on(table, [process(9)], 100.1)
    ending.go_on(table, [process(9)], 105.0)
    assert ending.go_on(table, [], 105.1)
    assert table.signalled == [(5, signal.SIGTERM), (9, signal.SIGTERM), (9, signal.SIGKILL)]
    assert [one.mark for one in ending.ended()] == ["mine", "mine"]


def test_who_has_the_pid_by_now_is_a_stranger() -> None:
    table, ending = Table(), Ending(wanted, began=100.0, patience=5.0)
    ending.go_on(table, [MINE], 100.0)
    assert ending.go_on(table, [process(5, start=99)], 105.0)
    assert table.signalled == [(5, signal.SIGTERM)]
