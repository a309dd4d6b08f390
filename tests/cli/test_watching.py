"""Watching real folders: what counts as a change, and what is none."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from engine.cli import watching
from engine.cli.watching import watch
from engine.runs.happening import Happening, Trouble

PATIENCE = 60.0  # seconds until a test gives up on a change


@dataclass
class Seen:
    """Changes as they are said."""

    changes: asyncio.Queue[None] = field(default_factory=asyncio.Queue)
    troubles: list[Happening] = field(default_factory=list)

    async def change(self) -> None:
        async with asyncio.timeout(PATIENCE):
            await self.changes.get()

    async def none(self) -> None:
        """For as long as a change would have taken."""
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(4 * watching.QUIET / 1000):
                await self.changes.get()

    async def all(self) -> int:
        """How many there are until there are none."""
        await self.change()
        await asyncio.sleep(4 * watching.QUIET / 1000)
        return 1 + self.changes.qsize()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "QUIET", 100)
    monkeypatch.setattr(watching, "GLANCE", 100)


@asynccontextmanager
async def watched(path: Path, *, there: bool = True) -> AsyncIterator[Seen]:
    """From when it is being watched, if it is there."""
    seen = Seen()
    async with asyncio.TaskGroup() as tasks:
        going = tasks.create_task(
            watch(
                path,
                path.parent / "engine.db",
                lambda: seen.changes.put_nowait(None),
                seen.troubles.append,
            )
        )
        if there:
            await seen.change()
        yield seen
        going.cancel()


def run_story(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(story())


def test_many_changes_at_once_are_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "QUIET", 500)
    folder = tmp_path / "playbooks"
    (folder / "more").mkdir(parents=True)

    async def story() -> None:
        async with watched(folder) as seen:
            began = time.monotonic()
            for number in range(50):
                (folder / f"more/{number}.yaml").touch()
            pauses = (time.monotonic() - began) * 1000 // watching.QUIET  # none, as a rule
            assert 1 <= await seen.all() <= 1 + pauses

    run_story(story)


def test_one_file_is_watched_although_editors_put_another_one_in_its_place(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.touch()

    async def story() -> None:
        async with watched(file) as seen:
            for _ in range(2):
                (tmp_path / "new").touch()
                (tmp_path / "new").rename(file)
                await seen.change()

    run_story(story)


def test_what_the_engine_and_git_write_there_is_no_change(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.touch()
    (tmp_path / ".git").mkdir()

    async def story() -> None:
        async with watched(file) as seen:
            for name in ("engine.db", "engine.db-wal", "engine.db.lock", ".git/index"):
                (tmp_path / name).touch()
            await seen.none()

    run_story(story)


def test_a_folder_below_a_hidden_one_is_watched_too(tmp_path: Path) -> None:
    folder = tmp_path / ".git/playbooks"
    folder.mkdir(parents=True)

    async def story() -> None:
        async with watched(folder) as seen:
            (folder / "a.yaml").touch()
            await seen.change()

    run_story(story)


def test_a_folder_that_comes_later_is_found_and_its_absence_said_once(tmp_path: Path) -> None:
    folder = tmp_path / "playbooks"

    async def story() -> None:
        async with watched(folder, there=False) as seen:
            for _ in range(3):
                await seen.change()  # each time, so that it is looked, and found missing
            folder.mkdir()
            while not seen.changes.empty():
                seen.changes.get_nowait()
            await seen.change()
            (folder / "a.yaml").touch()
            await seen.change()
            (said,) = seen.troubles
            assert isinstance(said, Trouble)
            assert said.message.endswith(f"'{folder}': changes are not seen; HUP still reloads")

    run_story(story)
