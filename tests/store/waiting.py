"""Who waits for a lock, as the system tells it; and a system that has none."""

import errno
import fcntl
import os
import re
from pathlib import Path
from typing import Final

import pytest

from tests.processes.children import wait_until

PATIENCE: Final = 30.0  # seconds for what takes none


def until_it_waits(database: Path, suffix: str) -> None:
    """Until somebody waits for a lock of a ledger."""
    inode = f":{database.with_name(database.name + suffix).stat().st_ino} "
    waits = re.compile(rf"^\d+: -> FLOCK .*{inode}", re.MULTILINE)
    wait_until(lambda: waits.search(Path("/proc/locks").read_text()) is not None)


def without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on."""

    def refuse(*_: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
