"""What a ledger keeps is its engine's alone: titles, labels and output may say anything of anybody.

Files are made for one user, whatever the umask. Here it is put right for those that were there.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from engine.runs.happening import Tell, Trouble
from engine.store.locks import LOCKS
from engine.store.output_folder import OutputFolder

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def keep_private(database: Path, tell: Tell) -> None:
    """Take from others what they may do with what belongs to a database, and tell it once."""
    changed: list[str] = []
    for path in loose_files(database):
        try:
            mode = stat.S_IMODE(path.lstat().st_mode)
            path.chmod(mode & ~_OTHERS)
        except FileNotFoundError:
            continue  # it is just being deleted
        except OSError as error:
            said = f"{path} may be read by others, and that cannot be changed: {error.strerror}"
            tell(Trouble("file modes", said))
        else:
            changed.append(f"{path} ({mode:04o})")
    if changed:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        tell(Trouble("file modes", f"others could read {changed[0]}{more}; now they cannot"))


def loose_files(database: Path) -> list[Path]:
    """What belongs to a database and may be read or written by others."""
    return [path for path in _belonging(database) if _is_loose(path)]


def _belonging(database: Path) -> Iterator[Path]:
    """The files beside it; and all of the kept output, unless nobody gets into its folder."""
    real = database.resolve()
    for suffix in ("", "-wal", "-shm", *LOCKS):
        yield real.with_name(f"{real.name}{suffix}")
    output = OutputFolder.beside(real).path
    if _is_loose(output):
        yield output
        for folder, folders, files in os.walk(output):
            yield from (Path(folder, name) for name in (*folders, *files))


def _is_loose(path: Path) -> bool:
    try:
        mode = path.lstat().st_mode
    except OSError:
        return False
    return not stat.S_ISLNK(mode) and bool(mode & _OTHERS)
