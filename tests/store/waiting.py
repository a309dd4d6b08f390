"""Who waits for a lock, as the system tells it."""

import re
from pathlib import Path
from typing import Final

from tests.processes.children import wait_until

PATIENCE: Final = 30.0  # seconds for what takes none


def until_it_waits(database: Path, suffix: str) -> None:
    """Until somebody waits for a lock of a ledger."""
    inode = f":{database.with_name(database.name + suffix).stat().st_ino} "
    waits = re.compile(rf"^\d+: -> FLOCK .*{inode}", re.MULTILINE)
    wait_until(lambda: waits.search(Path("/proc/locks").read_text()) is not None)
