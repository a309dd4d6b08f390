"""The real ledger in a folder of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.store.sqlite import SqliteLedger, open_ledger


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "engine.db"


@pytest.fixture
def ledger(database: Path) -> Iterator[SqliteLedger]:
    with open_ledger(database) as opened:
        yield opened
