"""Which commands may be started: by the file that a name is, as the system would find it."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final


def find_command(name: str, search: str, folder: Path) -> str | None:
    """The file that is executed for a name in a folder; None where there is none.

    `search` is a PATH. A name with a slash is a path; of both the relative ones begin in `folder`.
    """
    if "/" in name:
        return shutil.which(str(folder / name))
    return shutil.which(
        name, path=os.pathsep.join(str(folder / part) for part in search.split(":"))
    )


@dataclass(frozen=True, slots=True)
class AllowedCommands:
    """Those that config.yaml names; where it names none, any."""

    names: Sequence[str] = ()
    search: str = os.defpath
    folder: Path = Path("/")

    def why_not(self, command: str, found: str | None) -> str | None:
        """Why this command may not be started; None where it may.

        `found` is its file; None: it is not on this machine, and judged by its name alone. A file
        that has several names, as busybox, does under each of them what that one says: so it has
        to be the same file, under the same name.
        """
        if not self.names:
            return None
        same = [name for name in self.names if _last(name) == _last(command)]
        files = [find_command(name, self.search, self.folder) for name in same]
        if not same:
            return f"'{command}' is none of shell.allow in config.yaml: {', '.join(self.names)}"
        if found is None or any(_is(file, found) for file in files):
            return None
        meant = ", ".join(file or name for file, name in zip(files, same, strict=True))
        return f"'{command}' is {found}, and shell.allow in config.yaml means {meant}"


ANY_COMMAND: Final = AllowedCommands()


def _last(name: str) -> str:
    return name.rsplit("/", 1)[-1]


def _is(file: str | None, found: str) -> bool:
    return file is not None and os.path.realpath(file) == os.path.realpath(found)
