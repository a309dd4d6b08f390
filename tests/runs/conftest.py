"""A stage around the real ledger."""

import pytest

from engine.store.sqlite import SqliteLedger
from tests.runs.fakes import Stage


@pytest.fixture
def stage(ledger: SqliteLedger) -> Stage:
    return Stage(ledger)
