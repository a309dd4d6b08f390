"""What every test has: no way to the default database, and nothing of the person's environment."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _stand_in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that relies on ./config.yaml or ./engine.db has to make them itself."""
    empty = tmp_path / "cwd"
    empty.mkdir()
    monkeypatch.chdir(empty)
    for name in ("ENGINE_CONFIG", "ENGINE_TOKEN", "FLASHDUTY_APP_KEY", "FLASHDUTY_WEBHOOK_TOKEN"):
        monkeypatch.delenv(name, raising=False)
