"""The vendor's example of a press."""

from pathlib import Path

import pytest


@pytest.fixture
def vendor_example() -> bytes:
    return (Path(__file__).parents[1] / "fixtures/custom-action.vendor-page.json").read_bytes()
