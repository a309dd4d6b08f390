"""SECURITY.md names a test for all that it says, and each of them is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`(tests/[\w/.]+)::(\w+)`", PAGE)


def test_every_test_it_names_is_there() -> None:
    missing = [
        f"{file}::{name}"
        for file, name in NAMED
        if not re.search(rf"^def {name}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert missing == []


def test_every_row_of_what_it_does_names_one() -> None:
    rows = PAGE.split("## What it does\n")[1].split("\n## ")[0].splitlines()
    told = [row for row in rows if row.startswith("| ")][1:]
    assert len(told) > 20
    assert [row for row in told if "`tests/" not in row] == []
