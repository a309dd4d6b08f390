"""A few kills of a real engine; `python -m tests.chaos.kills --kills 1000` for many."""

from pathlib import Path

import pytest

from tests.chaos.kills import run


@pytest.mark.parametrize("split", [False, True], ids=["whole", "split"])
def test_what_was_promised_is_kept_however_often_the_engine_is_killed(
    tmp_path: Path, *, split: bool
) -> None:
    found = run(tmp_path, kills=6, seed=4, split=split)
    assert found.broken == []
    assert found.figures["acknowledged"] >= 10
    assert found.figures["runs"] == 2 * found.figures["events"]
