"""The commit that playbooks come from, out of real checkouts."""

import os
import subprocess
from pathlib import Path

import pytest

from engine.cli import checkout
from engine.cli.checkout import commit_of
from tests.processes.children import PATIENCE


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """git on a busy machine is no git that hangs."""
    monkeypatch.setattr(checkout, "PATIENCE", PATIENCE)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks/a.yaml").write_text("name: a")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "First")
    return tmp_path


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-c", "user.name=test", "-c", "user.email=test@invalid", *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull},
    ).stdout.strip()


def test_it_is_the_one_that_is_checked_out(repository: Path) -> None:
    head = git(repository, "rev-parse", "HEAD")

    assert commit_of(repository / "playbooks") == head[:12]


@pytest.mark.parametrize("name", ["a.yaml", "untracked.yaml"])
def test_what_is_not_committed_makes_it_dirty(repository: Path, name: str) -> None:
    (repository / "playbooks" / name).write_text("name: b")

    assert (
        commit_of(repository / "playbooks") == f"{git(repository, 'rev-parse', 'HEAD')[:12]}-dirty"
    )


def test_what_changed_elsewhere_does_not(repository: Path) -> None:
    (repository / "README.md").write_text("more")

    assert commit_of(repository / "playbooks") == git(repository, "rev-parse", "HEAD")[:12]


def test_another_worktree_has_its_own(repository: Path) -> None:
    git(repository, "worktree", "add", "--quiet", "--detach", "other")
    (repository / "playbooks/a.yaml").write_text("name: b")
    git(repository, "commit", "--quiet", "--all", "--message", "Second")

    assert commit_of(repository / "other/playbooks") == git(repository, "rev-parse", "HEAD~")[:12]


def test_without_a_checkout_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))

    assert commit_of(tmp_path) is None


def test_a_folder_of_which_nothing_is_in_git_has_none(repository: Path) -> None:
    (repository / "untracked").mkdir()
    (repository / "untracked/a.yaml").write_text("name: a")

    assert commit_of(repository / "untracked") is None


def test_a_checkout_without_a_commit_has_none(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "a.yaml").write_text("name: a")
    git(tmp_path, "add", ".")

    assert commit_of(tmp_path) is None


def test_without_git_there_is_none(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    assert commit_of(repository / "playbooks") is None


def test_a_program_that_the_checkout_names_is_not_started(repository: Path) -> None:
    trap = repository / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {repository}/sprung\n")
    trap.chmod(0o755)
    git(repository, "config", "core.fsmonitor", str(trap))
    git(repository, "status")
    assert (repository / "sprung").exists(), "git does start it, unless it is told not to"
    (repository / "sprung").unlink()

    assert commit_of(repository / "playbooks") is not None
    assert not (repository / "sprung").exists()
