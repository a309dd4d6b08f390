"""The real ledger in a folder of its own, and a stage around it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.store.sqlite import SqliteLedger, open_ledger
from tests.runs.fakes import Stage


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "engine.db"


@pytest.fixture
def ledger(database: Path) -> Iterator[SqliteLedger]:
    with open_ledger(database) as opened:
        yield opened


@pytest.fixture
def stage(ledger: SqliteLedger) -> Stage:
    return Stage(ledger)
