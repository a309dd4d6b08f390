"""The folder beside the database with the whole output of commands: a folder a run in it."""

import re
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final
from urllib.parse import quote

STREAMS: Final = ("stdout", "stderr")

_ITEM: Final = re.compile(r"\[([0-9]+)\](?=/|\Z)")
_RUN_ID: Final = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")  # a ULID: other folders are not the engine's


@dataclass(frozen=True, slots=True)
class OutputFolder:
    """`engine.db.output` beside `engine.db`.

    A file in it is `RUN/steps.3-0.1.attempt2.stdout` for the step `steps/3[0]/1`. What is performed
    again after a crash goes to `...attempt2.again1.stdout`: what was written before stays.
    """

    path: Path

    @classmethod
    def beside(cls, database: Path) -> "OutputFolder":
        real = database.resolve()  # two names of one file are one ledger
        return cls(real.with_name(f"{real.name}.output"))

    def make_for(self, run_id: str) -> Path:
        """The folder of a run, which nobody else may read. Raises OSError."""
        self.path.mkdir(mode=0o700, exist_ok=True)
        folder = self.path / run_id
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def unused_stem(self, run_id: str, path: str, attempt: int) -> str:
        """What the names of the next files for this attempt begin with. Raises OSError."""
        stem = _stem(path, attempt)
        for again in count(1):
            if not any((self.path / run_id / f"{stem}.{name}").exists() for name in STREAMS):
                break
            stem = f"{_stem(path, attempt)}.again{again}"
        return stem

    def files_of(self, run_id: str, path: str, attempt: int) -> list[Path]:
        """What is kept of an attempt; the last are of the last time that it was performed."""
        name = re.compile(
            re.escape(_stem(path, attempt)) + r"(?:\.again([0-9]+))?\.(stdout|stderr)"
        )
        found = []
        for file in _entries(self.path / run_id):
            match = name.fullmatch(file.name)
            if match is not None:
                found.append((int(match[1] or 0), STREAMS.index(match[2]), file))
        return [file for _, _, file in sorted(found)]

    def untouched(self, before: float) -> list[str]:
        """The runs that have a folder in which no file was made since a time, Unix seconds."""
        found = []
        for entry in _entries(self.path):
            with suppress(OSError):  # it is just being deleted
                if _RUN_ID.fullmatch(entry.name) and entry.stat().st_mtime < before:
                    found.append(entry.name)
        return found

    def size(self) -> int:
        """Bytes of all files."""
        return sum(self.size_of(entry.name) for entry in _entries(self.path))

    def size_of(self, run_id: str) -> int:
        """Bytes of the files of one run."""
        size = 0
        for file in _entries(self.path / run_id):
            with suppress(OSError):  # it is just being deleted
                size += file.stat().st_size
        return size

    def remove(self, run_ids: Iterable[str]) -> str | None:
        """Delete what is kept of these runs; answers why some of it could not be."""
        said = None
        for run_id in run_ids:
            try:
                shutil.rmtree(self.path / run_id)
            except FileNotFoundError:
                continue
            except OSError as error:
                where = error.filename or self.path / run_id
                said = f"{where}: {error.strerror or error.args[0]}"
        return said


def _stem(path: str, attempt: int) -> str:
    """Of letters that need no quotes in a shell, and different for every path and attempt."""
    parts = _ITEM.split(path)  # every other one is the number of an item
    named = [
        f"-{part}" if index % 2 else quote(part, safe="/").replace("-", "%2D").replace(".", "%2E")
        for index, part in enumerate(parts)
    ]
    return f"{''.join(named).replace('/', '.')}.attempt{attempt}"


def _entries(folder: Path) -> list[Path]:
    """None where there is no such folder, or it may not be read."""
    try:
        return list(folder.iterdir())
    except OSError:
        return []
