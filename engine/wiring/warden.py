"""Who looks after the processes that steps start, also over a restart."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from engine.processes.warden import Warden
from engine.runs.happening import LeftOver, Tell, Trouble
from engine.runs.ledger import LedgerError, Memory
from engine.wiring.clocks import new_id

_INSTALLATION: Final = "installation"  # what the ledger remembers it by


@asynccontextmanager
async def warden_over(memory: Memory, tell: Tell) -> AsyncIterator[Warden]:
    """Over what the steps of this database start. They are known by a name the database keeps."""
    try:
        installation = await memory.recall(_INSTALLATION)
        if installation is None:
            installation = new_id()
            await memory.remember(_INSTALLATION, installation)
    except LedgerError as error:
        # It does for as long as this engine lives; what it leaves, the next start will not know.
        installation = new_id()
        tell(Trouble("warden", f"what it is known by could not be kept: {error}"))
    async with Warden(installation, lambda said: tell(Trouble("warden", said))) as warden:
        yield warden


async def end_left_overs(warden: Warden, tell: Tell) -> None:
    """End what steps of an engine before this one left running, and tell of it."""
    for (run_id, path, attempt), processes in (await warden.end_left_overs()).items():
        for one in processes:
            tell(LeftOver(run_id, path, attempt, one.pid, one.command, one.gone))
