"""The worker and its companions: together from the start, together to the end."""

import asyncio
from pathlib import Path

from engine.runs.crew import Crew
from engine.store.sqlite import open_ledger
from tests.runs.fakes import PATIENCE, Stage, an_event
from tests.runs.test_worker import ONE, a_worker


def test_companions_begin_after_the_preparation_and_end_with_the_worker(tmp_path: Path) -> None:
    said: list[str] = []

    async def story() -> None:
        with open_ledger(tmp_path / "engine.db") as ledger:
            stage = Stage(ledger)
            began = asyncio.Event()

            async def prepare() -> None:
                said.append("prepared")

            async def companion() -> None:
                said.append("began")
                began.set()
                try:
                    await asyncio.Event().wait()
                finally:
                    said.append("ended")

            await ledger.accept(an_event())
            crew = Crew(a_worker(stage, ONE), prepare, (companion,), stage.told)
            async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as tasks:
                tasks.create_task(crew.work())
                await began.wait()
                await stage.told.until(lambda told: told.ended("RUN1"))
                crew.stop()

    asyncio.run(story())
    assert said == ["prepared", "began", "ended"]


def test_a_fault_in_a_companion_is_told_and_touches_no_run(tmp_path: Path) -> None:
    async def story() -> None:
        with open_ledger(tmp_path / "engine.db") as ledger:
            stage = Stage(ledger)

            async def broken() -> None:
                raise ZeroDivisionError("by zero")

            await ledger.accept(an_event())
            crew = Crew(a_worker(stage, ONE), broken, (broken,), stage.told)
            async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as tasks:
                tasks.create_task(crew.work())
                await stage.told.until(lambda told: told.ended("RUN1"))
                crew.stop()
            assert len(stage.told.troubles) == 2
            assert "ZeroDivisionError: by zero" in stage.told.troubles[0].message

    asyncio.run(story())
