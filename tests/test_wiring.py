"""What is wired for every command of the engine, where nothing else tests it."""

import asyncio
from typing import Any

from typing_extensions import override

from engine.runs.happening import Happening, Trouble
from engine.runs.ledger import LedgerError, Memory
from engine.store.sqlite import SqliteLedger
from engine.wiring import warden_over


async def installation_of(memory: Memory, told: list[Happening]) -> str:
    async with warden_over(memory, told.append) as warden:
        return warden.mark("R", "steps/0", 1).partition(":")[0]


def test_processes_of_one_database_are_known_by_one_name_over_restarts(
    ledger: SqliteLedger,
) -> None:
    told: list[Happening] = []
    first, again = (asyncio.run(installation_of(ledger, told)) for _ in range(2))
    assert first == again
    assert len(first) == 26
    assert told == []


def test_a_database_that_cannot_be_written_is_told_and_steps_are_known_by_another_name() -> None:
    class Full(Memory):
        @override
        async def remember(self, name: str, value: Any) -> None:
            raise LedgerError("disk full")

        @override
        async def recall(self, name: str) -> Any:
            return None

    told: list[Happening] = []
    assert len(asyncio.run(installation_of(Full(), told))) == 26
    said = "what it is known by could not be kept: disk full"
    assert told == [Trouble("warden", said)]
