"""A name is the file that the system would execute for it."""

import os
import subprocess
from pathlib import Path

import pytest

from engine.processes.allowed import AllowedCommands, find_command


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a/tool", "b/tool", "b/other", "here"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text('#!/bin/sh\necho "$0"\n')
        file.chmod(0o755)
    (tmp_path / "a/other").write_text("not to be executed")
    (tmp_path / "a/folder").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("name", "search", "found"),
    [
        ("tool", "a:b", "a/tool"),
        ("tool", "b:a", "b/tool"),
        ("other", "a:b", "b/other"),  # the first one may not be executed
        ("folder", "a:b", None),
        ("here", "a:", "here"),  # an empty part is the folder it runs in
        ("here", "a:.", "here"),
        ("here", "a", None),
        ("./here", "a", "here"),
        ("a/tool", "b", "a/tool"),
        ("a/other", "b", None),
        ("nothing", "a:b", None),
    ],
)
def test_the_file_is_the_one_that_would_run(
    folder: Path, name: str, search: str, found: str | None
) -> None:
    file = find_command(name, search, folder)

    assert (None if file is None else os.path.normpath(file)) == (
        None if found is None else str(folder / found)
    )
    if file is not None:
        environ = {"PATH": search}
        ran = subprocess.run(
            [name], capture_output=True, text=True, check=True, env=environ, cwd=folder
        )
        assert (folder / ran.stdout.strip()).samefile(file)


def test_an_absolute_path_is_found_wherever_it_runs(folder: Path) -> None:
    assert find_command(f"{folder}/here", "a", Path("/")) == f"{folder}/here"


def test_all_names_of_the_list_are_shown_and_those_that_are_alike_by_their_files(
    folder: Path,
) -> None:
    allowed = AllowedCommands(["tool", f"{folder}/b/tool", "gone"], f"{folder}/a", folder)
    assert allowed.why_not("here", None) == (
        f"'here' is none of shell.allow in config.yaml: tool, {folder}/b/tool, gone"
    )
    for found in ("a/tool", "b/tool"):
        assert allowed.why_not("tool", str(folder / found)) is None
    assert allowed.why_not("tool", "/usr/bin/env") == (
        f"'tool' is /usr/bin/env, and shell.allow in config.yaml means {folder}/a/tool, "
        f"{folder}/b/tool"
    )
    assert allowed.why_not("gone", "/usr/bin/env") == (
        "'gone' is /usr/bin/env, and shell.allow in config.yaml means gone"
    )
