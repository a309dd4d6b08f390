"""A few kills of a real engine; `python -m tests.chaos.kills --kills 1000` for many."""

from pathlib import Path

from tests.chaos.kills import run


def test_what_was_promised_is_kept_however_often_the_engine_is_killed(tmp_path: Path) -> None:
    found = run(tmp_path, kills=6, seed=4)
    assert found.broken == []
    assert found.figures["acknowledged"] >= 10
    assert found.figures["runs"] == 2 * found.figures["events"]
