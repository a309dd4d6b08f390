"""The table shows what runs, and a signal reaches the process that was meant or none."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typing_extensions import override

from engine.processes.table import Process, ProcessTable, belonging
from tests.processes.children import PATIENCE, child, ended_by, wait_until

TABLE = ProcessTable()
FIELDS = " ".join(["S", "1", "5", *["0"] * 16, "99", "0"])  # state, parent, group, ..., start


def test_a_process_is_shown_with_its_mark_its_parent_and_its_group() -> None:
    with child("a:1.2:R:1:steps/0") as process:
        [shown] = [one for one in TABLE.snapshot() if one.pid == process.pid]
        assert shown == TABLE.read(process.pid)
        assert (shown.mark, shown.parent, shown.group) == (
            "a:1.2:R:1:steps/0",
            os.getpid(),
            process.pid,
        )
        assert TABLE.command(process.pid) == sys.executable


def test_who_started_later_has_a_later_start() -> None:
    own = TABLE.read(os.getpid())
    assert own is not None
    with child() as process:
        shown = TABLE.read(process.pid)
        assert shown is not None
        assert shown.start > own.start
        assert shown.mark == ""


def test_one_that_waits_to_be_buried_is_gone() -> None:
    with child() as process:
        process.kill()
        wait_until(lambda: TABLE.read(process.pid) is None)
        assert TABLE.command(process.pid) == "?"


def test_where_there_is_no_proc_the_table_is_empty(tmp_path: Path) -> None:
    elsewhere = ProcessTable(tmp_path / "proc")
    assert elsewhere.snapshot() == []
    assert elsewhere.read(os.getpid()) is None


def test_a_name_may_hold_anything(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7/stat").write_text(f"7 (a) R 2 (\n) {FIELDS}\n")
    (tmp_path / "7/environ").write_bytes(b"XENGINE_STEP=no\0ENGINE_STEP=a\xff\0ENGINE_STEP=b\0")
    (tmp_path / "7/cmdline").write_bytes(b"a\nb \xff\0secret\0")
    (tmp_path / "self").mkdir()
    table = ProcessTable(tmp_path)
    assert table.snapshot() == [Process(7, 99, 1, 5, "a\ufffd")]
    assert table.command(7) == "a b \ufffd"


def test_one_that_is_just_being_executed_is_looked_at_again(tmp_path: Path) -> None:
    """For a moment it has neither arguments nor environment."""

    class Table(ProcessTable):
        @override
        def _bytes(self, pid: int, name: str) -> bytes:
            (tmp_path / "7/environ").write_bytes(b"ENGINE_STEP=a" if asked.count(name) else b"")
            asked.append(name)
            return super()._bytes(pid, name)

    asked: list[str] = []
    (tmp_path / "7").mkdir()
    (tmp_path / "7/stat").write_text(f"7 (a) {FIELDS}\n")
    shown = Table(tmp_path).read(7)
    assert shown is not None
    assert shown.mark == "a"
    assert asked == ["stat", "environ", "cmdline", "environ"]


def test_one_that_forked_and_was_gone_before_it_was_read_does_not_hide_its_child(
    tmp_path: Path,
) -> None:
    """As a daemon does that leaves its parent while the processes are listed."""

    def show(pid: int) -> None:
        (tmp_path / str(pid)).mkdir()
        (tmp_path / f"{pid}/stat").write_text(f"{pid} (a) {FIELDS}\n")

    class Table(ProcessTable):
        @override
        def read(self, pid: int) -> Process | None:
            if pid < 9:
                (tmp_path / f"{pid}/stat").unlink()
                show(pid + 1)
            return super().read(pid)

    show(7)
    assert [one.pid for one in Table(tmp_path).snapshot()] == [9]


def test_a_thread_of_the_kernel_has_no_environment_to_wait_for(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7/stat").write_text("7 (kworker) I 2 0 0 0 -1 2129984 " + "0 " * 12 + "99 0\n")
    (tmp_path / "7/environ").write_bytes(b"ENGINE_STEP=a")
    assert ProcessTable(tmp_path).read(7) == Process(7, 99, 2, 0, "")


# Signals


def test_a_signal_reaches_its_process() -> None:
    with child() as process:
        shown = TABLE.read(process.pid)
        assert shown is not None
        TABLE.signal(shown, signal.SIGTERM)
        assert ended_by(process) is signal.SIGTERM


@pytest.mark.parametrize("handles", [True, False])
def test_who_has_the_pid_by_now_is_never_hit(
    monkeypatch: pytest.MonkeyPatch, *, handles: bool
) -> None:
    if not handles:
        monkeypatch.delattr(os, "pidfd_open")
    with child() as stranger:
        shown = TABLE.read(stranger.pid)
        assert shown is not None
        TABLE.signal(shown._replace(start=shown.start - 1), signal.SIGKILL)
        TABLE.signal(shown, signal.SIGTERM)  # the next one is not held back by the first
        assert ended_by(stranger) is signal.SIGTERM


def test_one_that_is_gone_is_left_alone() -> None:
    with child() as process:
        shown = TABLE.read(process.pid)
        assert shown is not None
    assert process.wait(PATIENCE) == -signal.SIGKILL
    TABLE.signal(shown, signal.SIGTERM)


def test_one_that_is_not_ours_to_signal_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_permitted(handle: int, number: int) -> None:
        raise PermissionError(handle, number)

    with child() as process, monkeypatch.context() as as_nobody:
        shown = TABLE.read(process.pid)
        assert shown is not None
        as_nobody.setattr(signal, "pidfd_send_signal", not_permitted)
        TABLE.signal(shown, signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.1)


# Who belongs


def process(pid: int, parent: int = 1, mark: str = "") -> Process:
    return Process(pid, pid * 10, parent, pid, mark)


def test_what_a_marked_one_started_belongs_to_it_whatever_its_environment() -> None:
    marked = [process(5, mark="mine"), process(9, mark="mine")]
    theirs = [process(6, parent=5), process(7, parent=6), process(8, parent=9, mark="nested")]
    strangers = [process(1, parent=0), process(2), process(3, parent=2), process(4, mark="yours")]
    found = belonging([*theirs, *strangers, *marked], lambda one: one.mark == "mine")
    assert {one.pid: one.mark for one in found} == {
        5: "mine",
        9: "mine",
        6: "mine",
        7: "mine",
        8: "nested",
    }


def test_a_parent_that_is_its_own_child_does_no_harm() -> None:
    """A snapshot is not one moment: pids come back while it is taken."""
    found = belonging([process(5, parent=6, mark="m"), process(6, parent=5)], lambda _: True)
    assert sorted(one.pid for one in found) == [5, 6]
