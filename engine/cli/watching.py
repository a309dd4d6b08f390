"""Watches the playbooks' folder: says that something there has changed, once it is quiet again."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

from watchfiles import Change, awatch

from engine.runs.happening import Tell, Trouble

QUIET: Final = 500  # milliseconds without a change, after which a change of many files is over
LONGEST: Final = 10_000  # milliseconds that a change may take; then it is looked in between
GLANCE: Final = 2_000  # milliseconds between two looks whether the folder is still the same one


async def watch(path: Path, database: Path, changed: Callable[[], None], tell: Tell) -> None:
    """Call `changed` after each change in a folder, or around one file, until cancelled.

    A folder that is put in the place of another one counts, as when a symbolic link is turned:
    the system tells of such a thing only to whoever asks. The database, which may lie in the same
    folder, does not; nor does what git keeps for itself.
    """
    said = ""
    while True:
        try:
            async for _ in _changes(path, database):
                said = ""
                changed()
        except (OSError, RuntimeError) as error:  # it is gone, or the system watches no more
            if str(error) != said:
                said = str(error)
                tell(Trouble("reload", f"{said}: changes are not seen; HUP still reloads"))
            await asyncio.sleep(GLANCE / 1000)
        changed()


async def _changes(path: Path, database: Path) -> AsyncIterator[None]:
    """Once it is watched, and after each change, until another folder stands there."""
    folder, watched = _stands_at(path)

    def matters(_: Change, name: str) -> bool:
        one = Path(name)
        if one.parent == database.parent and one.name.startswith(database.name):
            return False  # it, and what SQLite keeps beside it
        return ".git" not in one.parts[len(folder.parts) :]

    unwatched = True  # until now: what changed before that, nobody tells
    async for changes in awatch(
        folder,
        watch_filter=matters,
        step=QUIET,
        debounce=LONGEST,
        rust_timeout=GLANCE,
        yield_on_timeout=True,
    ):
        if changes or unwatched:
            unwatched = False
            yield
        if _stands_at(path) != (folder, watched):
            return


def _stands_at(path: Path) -> tuple[Path, tuple[int, int]]:
    """The folder to watch, and which one it really is. Raises OSError."""
    folder = path.parent if path.is_file() else path  # editors replace the files they save
    found = folder.stat()
    return folder, (found.st_dev, found.st_ino)
