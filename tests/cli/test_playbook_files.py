"""Which files of a folder are playbooks."""

from pathlib import Path

import pytest

from engine.cli.playbook_files import read_files
from engine.problem import EngineError


def test_yaml_files_of_all_subfolders_are_read_in_order(tmp_path: Path) -> None:
    for name in (
        "b.yaml",
        "a.yml",
        "sub/c.yaml",
        ".hidden/d.yaml",
        ".e.yaml",
        "f.json",
        "g.yaml.bak",
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    (tmp_path / "folder.yaml").mkdir()

    files, problems = read_files([tmp_path])

    assert [text for _, text in files] == ["a.yml", "b.yaml", "sub/c.yaml"]
    assert problems == []


def test_a_file_that_is_named_is_read_whatever_its_name_and_only_once(tmp_path: Path) -> None:
    odd = tmp_path / "playbook.txt"
    odd.write_text("text")

    files, _ = read_files([odd, tmp_path, odd])

    assert files == [(str(odd), "text")]


def test_names_are_short_from_where_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "p.yaml").write_text("")
    monkeypatch.chdir(tmp_path)

    assert read_files([tmp_path])[0] == [("p.yaml", "")]


def test_what_is_no_text_is_a_problem_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_bytes(b"name: \xff")
    (tmp_path / "good.yaml").write_text("name: x")

    files, problems = read_files([tmp_path])

    assert len(files) == 1
    assert [str(problem) for problem in problems] == [
        f"{tmp_path}/bad.yaml:1:1: not-utf-8: this is no UTF-8 text (byte 6)"
    ]


def test_what_cannot_be_opened_is_a_problem_of_its_own(tmp_path: Path) -> None:
    loop = tmp_path / "loop.yaml"
    loop.symlink_to(loop)
    dangling = tmp_path / "dangling.yaml"
    dangling.symlink_to(tmp_path / "nowhere")

    assert read_files([tmp_path]) == ([], [])


def test_a_path_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(EngineError) as error:
        read_files([tmp_path / "nowhere"])

    assert str(error.value) == (
        f"no-such-path: there is no file or folder {tmp_path}/nowhere "
        "(name playbooks, or set `playbooks` in config.yaml)"
    )
