"""`engine schema`: printed, or written where editors look for it."""

import json
from pathlib import Path

import pytest

from engine.cli.main import run


def test_it_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema"]) == 0

    schema = json.loads(capsys.readouterr().out)
    assert schema["title"] == "A playbook"


def test_it_is_written_in_the_place_of_an_older_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["schema"]) == 0
    printed = capsys.readouterr().out
    file = tmp_path / "playbook.schema.json"
    file.write_text("{}")

    assert run(["schema", "--output", str(file)]) == 0

    assert file.read_text(encoding="utf-8") == printed
    assert capsys.readouterr().out == f"Wrote {file}.\n"


def test_where_it_cannot_be_written_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "nowhere/x.json"

    assert run(["schema", "--output", str(file)]) == 2

    said = f"unwritable: {file}: No such file or directory (name another --output)\n"
    assert capsys.readouterr().err == said


def test_no_line_of_it_is_longer_than_it_has_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    run(["schema"])
    lines = capsys.readouterr().out.splitlines()

    long = [line for line in lines if len(line) > 105 and line.lstrip()[0] in "{["]
    assert long == []
