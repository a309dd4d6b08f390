"""The warden as the engine has it: a real process that is there when it is needed, and no longer."""

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from engine.processes import warden as warden_module
from engine.processes.ending import Ended
from engine.processes.mark import EngineId, Mark
from engine.processes.table import ProcessTable
from engine.processes.warden import Warden
from tests.processes.children import child, ended_by, is_gone

T = TypeVar("T")
HIGHEST = 2**22  # no pid is as high
INSTALLATION = f"test-warden-{os.getpid()}"  # other tests may go on beside this one
DEAD = EngineId(INSTALLATION, HIGHEST + 1, 1)


class Story:
    """A warden, and what it complained of."""

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self.warden = Warden(INSTALLATION, self.complaints.append)

    def run(self, story: Coroutine[Any, Any, T]) -> T:
        async def warded() -> T:
            async with self.warden:
                return await story

        return asyncio.run(warded())


@pytest.fixture
def story() -> Iterator[Story]:
    told = Story()
    yield told
    if told.warden.pid is not None:
        assert is_gone(told.warden.pid), "it goes with its engine"


def arguments(pid: int | None) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")


def mark(story: Story, path: str = "steps/0") -> str:
    return story.warden.mark("R", path, 1)


def test_a_mark_names_the_installation_the_engine_and_the_attempt(story: Story) -> None:
    own = ProcessTable().read(os.getpid())
    assert own is not None
    assert mark(story) == f"{INSTALLATION}:{own.pid}.{own.start}:R:1:steps/0"


def test_it_ends_what_a_step_left_and_says_what_that_was(story: Story) -> None:
    with child(mark(story)) as left, child(mark(story, "steps/1")) as other:
        ended = story.run(story.warden.end(0, mark(story)))
        assert ended == [Ended(left.pid, mark(story), sys.executable, gone=True)]
        assert ended_by(left) is signal.SIGTERM
        assert story.complaints == []
        assert ended_by(other) is signal.SIGTERM, "with the engine"


def test_many_steps_that_end_at_once_each_get_their_own_answer(story: Story) -> None:
    marks = [mark(story, f"steps/{number}") for number in range(20)]

    async def all_at_once() -> list[Any]:
        return await asyncio.gather(*(story.warden.end(0, one) for one in marks))

    with child(marks[3]) as third, child(marks[7]) as seventh:
        answers = story.run(all_at_once())
        assert [[one.pid for one in answer] for answer in answers] == [
            [third.pid] if number == 3 else [seventh.pid] if number == 7 else []
            for number in range(20)
        ]


def test_what_dead_engines_left_is_told_by_step(story: Story) -> None:
    marks = [Mark(DEAD, "R1", 1, "steps/0").text, Mark(DEAD, "R2", 3, "steps/4[1]/0").text]
    with child(marks[0]) as one, child(marks[1]) as two, child(marks[1]) as three:
        found = story.run(story.warden.end_left_overs())
    assert {key: {ended.pid for ended in value} for key, value in found.items()} == {
        ("R1", "steps/0", 1): {one.pid},
        ("R2", "steps/4[1]/0", 3): {two.pid, three.pid},
    }


def test_one_that_was_killed_is_replaced_and_the_new_one_knows_the_groups(story: Story) -> None:
    async def twice() -> None:
        await story.warden.ready()
        first = story.warden.pid
        assert first is not None
        story.warden.begun(group.pid)
        os.kill(first, signal.SIGKILL)
        assert await story.warden.end(0, mark(story)) == []
        assert story.warden.pid != first
        assert is_gone(first)
        assert ProcessTable().read(first) is None

    with child() as group:
        story.run(twice())
        assert ended_by(group) is signal.SIGTERM, "at the end of the engine"
        assert story.complaints == []


def test_it_is_started_once_however_many_ask_for_it(story: Story) -> None:
    started: list[int | None] = []

    async def ask() -> None:
        await story.warden.ready()
        started.append(story.warden.pid)

    async def together() -> None:
        await asyncio.gather(*(ask() for _ in range(5)))

    story.run(together())
    assert len(set(started)) == 1


def test_one_that_cannot_be_started_is_complained_of(
    story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "gone"))
    assert story.run(story.warden.end(0, mark(story))) == []
    [complaint] = story.complaints
    assert complaint.startswith("the warden cannot look for processes left behind: FileNotFound")


def test_one_that_does_not_answer_is_complained_of(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warden_module, "_ANSWER", 0.1)

    async def hangs() -> None:
        await story.warden.ready()
        assert story.warden.pid is not None
        os.kill(story.warden.pid, signal.SIGSTOP)
        assert await story.warden.end(0, mark(story)) == []
        os.kill(story.warden.pid, signal.SIGCONT)
        monkeypatch.undo()  # it has its time to go

    story.run(hangs())
    assert story.complaints == ["the warden cannot look for processes left behind: TimeoutError()"]


def test_what_cannot_be_ended_is_complained_of(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another user's process, as sudo starts it; here one that the answer says of."""
    stays = [Ended(7, mark(story), "sleep", gone=False)]
    monkeypatch.setattr(warden_module, "_read_ended", lambda _: stays)
    assert story.run(story.warden.end(0, mark(story))) == stays
    assert story.complaints == [f"sleep (pid 7) outlives its step: {mark(story)}"]


def test_it_holds_nothing_of_the_engines_and_is_small(story: Story) -> None:
    async def look() -> tuple[set[str], int]:
        await story.warden.end(0, mark(story))
        folder = Path(f"/proc/{story.warden.pid}")
        held = {str(one.readlink()).partition(":")[0] for one in (folder / "fd").iterdir()}
        [resident] = [
            int(line.split()[1])
            for line in (folder / "status").read_text().splitlines()
            if line.startswith("VmRSS")
        ]
        return held, resident

    held, resident = story.run(look())
    assert held == {"socket", "/dev/null"}
    assert resident < 20_000, "KiB"


def test_the_process_says_in_its_arguments_what_it_is(story: Story) -> None:
    async def look() -> list[str]:
        await story.warden.end(0, mark(story))
        return arguments(story.warden.pid)

    own = ProcessTable().read(os.getpid())
    assert own is not None
    said = ["engine-warden", INSTALLATION, str(own.pid), str(own.start), ""]
    assert story.run(look())[-5:] == said
