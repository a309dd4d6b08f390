"""Reloading: taken whole or refused, told once, and never a reason for anything else to end."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from engine.playbooks.load import Files, Loaded, Loader
from engine.playbooks.playbook import Playbook
from engine.problem import Problem
from engine.runs.happening import Reloaded, ReloadRefused, Trouble
from engine.runs.ledger import LedgerError
from engine.runs.reloading import Found, Reloading
from tests.runs.fakes import PATIENCE, Clock, Probe, Told, step_types

A = ("a.yaml", "name: a\ntrigger: {}\nsteps: [{probe: one}]\n")
A2 = ("a.yaml", "name: a\ntrigger: {}\nsteps: [{probe: two}]\n")
B = ("b.yaml", "name: b\ntrigger: {}\nsteps: [{probe: one}]\n")
BAD = ("c.yaml", "name: c\ntrigger: {}\nsteps: [{prob: one}]\n")


@dataclass
class Stand:
    """A folder that a test fills, and who goes by it."""

    files: Sequence[tuple[str, str]] = (A, B)
    commit: str | None = None
    looks: int = 0
    looked: asyncio.Event = field(default_factory=asyncio.Event)
    gone_by: list[tuple[str, ...]] = field(default_factory=list)
    fault: Exception | None = None
    told: Told = field(default_factory=Told)
    clock: Clock = field(default_factory=Clock)
    load: Callable[[Files], Loaded] = field(
        default_factory=lambda: Loader(step_types(Probe())).load_all
    )

    async def look(self) -> Found:
        self.looks += 1
        self.looked.set()
        return Found(self.files, commit=self.commit)

    async def loaded(self, files: Files) -> Loaded:
        return self.load(files)

    async def change(self, playbooks: Sequence[Playbook], commit: str | None) -> None:
        if self.fault is not None:
            raise self.fault
        self.gone_by.append(tuple(playbook.version for playbook in playbooks))

    @asynccontextmanager
    async def reloading(self) -> AsyncIterator[Reloading]:
        made = Reloading(
            first=Found(self.files, commit=self.commit),
            loaded=self.load(self.files),
            look=self.look,
            load=self.loaded,
            worker=self,
            clock=self.clock,
            tell=self.told,
        )
        async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as tasks:
            going = tasks.create_task(made.keep_reloading())
            yield made
            going.cancel()

    async def heard(self, number: int) -> Any:
        """What was told after so many things."""
        await self.told.until(lambda told: len(told.happenings) >= number)
        assert len(self.told.happenings) == number
        return self.told.happenings[-1]


def run_story(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(story())


def test_what_changed_is_taken_and_said() -> None:
    async def story() -> None:
        stand = Stand()
        async with stand.reloading() as reloading:
            before = reloading.in_force
            stand.files = [A2, ("c.yaml", BAD[1].replace("prob:", "probe:"))]
            stand.commit = "c0ffee"
            stand.clock.jump(60)
            reloading.look_again()
            said = await stand.heard(1)

            assert isinstance(said, Reloaded)
            assert (said.new, said.changed, said.gone) == (("c",), ("a",), ("b",))
            assert (said.playbooks, said.commit, said.asked) == (("a", "c"), "c0ffee", False)
            after = reloading.in_force
            assert after.names == ("a", "c")
            assert after.since == before.since + 60
            assert after.version == said.version != before.version
            assert stand.gone_by == [tuple(one.version for one in after.playbooks)]

    run_story(story)


def test_a_change_with_a_problem_is_refused_and_the_same_again_says_nothing_more() -> None:
    async def story() -> None:
        stand = Stand()
        async with stand.reloading() as reloading:
            before = reloading.in_force
            stand.files = [A2, B, BAD]
            stand.clock.jump(60)
            reloading.look_again()
            said = await stand.heard(1)
            stand.looked.clear()

            assert isinstance(said, ReloadRefused)
            assert [problem.code for problem in said.problems] == ["unknown-key"]
            assert reloading.in_force.playbooks == before.playbooks
            assert reloading.in_force.problems == said.problems
            shown = reloading.in_force.as_json()
            assert shown["refused"]["at"] == "2026-11-18T11:07:40.000Z"
            assert shown["version"] == before.version
            reloading.look_again()
            await stand.looked.wait()
            reloading.ask()
            assert await stand.heard(2) == ReloadRefused(said.problems, asked=True)

            stand.files = [A, B]  # as it was: that mends it, too
            reloading.look_again()
            again = await stand.heard(3)
            assert isinstance(again, Reloaded)
            assert (again.new, again.changed, again.gone) == ((), (), ())
            assert reloading.in_force.as_json()["refused"] is None
            assert len(stand.gone_by) == 1

    run_story(story)


def test_whoever_asks_is_answered_although_nothing_has_changed() -> None:
    async def story() -> None:
        stand = Stand()
        async with stand.reloading() as reloading:
            for _ in range(3):
                reloading.look_again()
            reloading.ask()
            said = await stand.heard(1)
            assert isinstance(said, Reloaded)
            assert said.asked
            assert (said.changed, stand.looks) == ((), 1)  # however often it was wanted

    run_story(story)


def test_a_folder_that_lost_all_its_playbooks_is_refused() -> None:
    async def story() -> None:
        stand = Stand()
        async with stand.reloading() as reloading:
            stand.files = []
            reloading.look_again()
            said = await stand.heard(1)
            assert [problem.code for problem in said.problems] == ["no-playbooks"]
            assert reloading.in_force.names == ("a", "b")

    run_story(story)


def test_an_engine_that_began_without_playbooks_stays_so_without_a_problem() -> None:
    async def story() -> None:
        stand = Stand(files=())
        async with stand.reloading() as reloading:
            reloading.ask()
            assert isinstance(await stand.heard(1), Reloaded)

    run_story(story)


def test_a_warning_refuses_nothing_and_is_shown() -> None:
    warning = Problem("doubtful", "it is doubtful", level="warning")

    async def story() -> None:
        stand = Stand()
        async with stand.reloading() as reloading:
            load = stand.load
            stand.load = lambda files: Loaded(load(files).playbooks, (warning,))
            stand.files = [A2]
            reloading.look_again()
            said = await stand.heard(1)
            assert isinstance(said, Reloaded)
            assert said.problems == reloading.in_force.problems == (warning,)

    run_story(story)


@pytest.mark.parametrize("fault", [LedgerError("disk full"), RuntimeError("a fault of ours")])
def test_what_goes_wrong_is_told_and_the_next_change_has_its_chance(fault: Exception) -> None:
    async def story() -> None:
        stand = Stand(fault=fault)
        async with stand.reloading() as reloading:
            before = reloading.in_force
            stand.files = [A2]
            reloading.look_again()
            said = await stand.heard(1)
            assert isinstance(said, Trouble)
            assert str(fault) in said.message
            assert reloading.in_force is before
            stand.fault = None
            reloading.ask()
            assert isinstance(await stand.heard(2), Reloaded)

    run_story(story)


def test_the_version_of_all_depends_on_names_and_versions_and_not_on_files() -> None:
    async def version(*files: tuple[str, str]) -> str:
        async with Stand(files=files).reloading() as reloading:
            return reloading.in_force.version

    first, moved, other = (
        asyncio.run(version(A, B)),
        asyncio.run(version(("z.yaml", A[1]), B)),
        asyncio.run(version(A2, B)),
    )
    assert first == moved != other
    assert len(first) == 12
