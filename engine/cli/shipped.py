"""Where the playbooks are that come with the engine."""

from importlib.resources import files
from pathlib import Path


def shipped_playbooks() -> Path:
    """Beside the package in a checkout, inside it in an installed one."""
    package = Path(str(files("engine")))
    installed = package / "shipped_playbooks"
    return installed if installed.is_dir() else package.parent / "playbooks"
