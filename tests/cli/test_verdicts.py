"""Every playbook's verdict on an event of the ledger, of those too that were not asked."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.cli.conftest import Type


def shown(worked: Path, type_: Type) -> list[dict[str, Any]]:
    config = worked / "config.yaml"
    listed = type_("events", "list", "--config", config, "--format", "json").out
    [event] = json.loads(listed)["items"]
    told = type_("events", "show", event["id"], "--config", config, "--format", "json").out
    verdicts: list[dict[str, Any]] = json.loads(told)["verdicts"]
    return verdicts


def change(worked: Path, statement: str) -> None:
    with closing(sqlite3.connect(worked / "engine.db")) as db, db:
        db.execute(statement)


def test_who_was_not_asked_says_why_it_would_have_said_no(worked: Path, type_: Type) -> None:
    look, other = shown(worked, type_)

    assert (look["playbook"], look["answer"], look["reason"]) == ("look", "yes", None)
    assert (other["playbook"], other["answer"], other["reason"]) == (
        "other",
        "no",
        "the event came by action look, not other",
    )
    assert other["tree"]["parts"][0]["decides"]


def test_it_says_so_by_the_text_of_then(worked: Path, type_: Type) -> None:
    (worked / "playbooks/other.yaml").unlink()

    _, other = shown(worked, type_)

    assert other["reason"] == "the event came by action look, not other"


def test_a_text_that_cannot_be_read_any_more_leaves_the_verdict(worked: Path, type_: Type) -> None:
    change(worked, "UPDATE playbooks SET text = 'name: [' WHERE name = 'other'")

    look, other = shown(worked, type_)

    assert look["tree"] is not None
    assert (other["answer"], other["reason"], other["tree"]) == (
        "no",
        "the event is not what it asks for",
        None,
    )


def test_an_event_of_an_older_engine_has_the_verdicts_that_were_kept(
    worked: Path, type_: Type
) -> None:
    change(worked, "UPDATE events SET judged_by = NULL")

    assert [one["playbook"] for one in shown(worked, type_)] == ["look"]


def test_an_event_that_nobody_was_asked_about_was_judged_even_so(worked: Path, type_: Type) -> None:
    change(worked, "DELETE FROM steps")
    change(worked, "DELETE FROM runs")
    change(worked, "UPDATE events SET judgements = '[]'")
    config = worked / "config.yaml"
    [event] = json.loads(type_("events", "list", "--config", config, "--format", "json").out)[
        "items"
    ]

    out = type_("events", "show", event["id"], "--config", config).out

    assert "No playbook has judged it yet." not in out
    assert "- other no: the event came by action look, not other" in out
