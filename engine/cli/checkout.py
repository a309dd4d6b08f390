"""Which commit of git the playbooks come from, where they lie in a checkout."""

import os
import subprocess
from pathlib import Path
from typing import Final

PATIENCE: Final = 5.0  # seconds for one answer of git


def commit_of(folder: Path) -> str | None:
    """Twelve digits, with `-dirty` where the folder differs from it; None: nobody can tell.

    None as well without git, for a checkout of another user (git refuses those), and for a folder
    of which nothing is in git.
    """
    if not _git(folder, "ls-files", "--", "."):
        return None
    commit = _git(folder, "rev-parse", "--short=12", "HEAD")
    if not commit:
        return None
    changes = _git(folder, "status", "--porcelain", "--untracked-files=all", "--", ".")
    return f"{commit}-dirty" if changes else commit


def _git(folder: Path, *arguments: str) -> str | None:
    """What git answers; None where it has no answer."""
    # A checkout can name programs of its own for git to start, and is only to be looked at.
    command = ["git", "-C", str(folder), "-c", "core.fsmonitor=false", *arguments]
    environ = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(  # noqa: S603 - constant arguments, and a folder of the config
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
            env=environ,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else None
