"""Whatever a person does is written down with who, when and from where."""

import json
import os
import pwd
import re
import socket
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from engine.cli.whence import whence
from tests.cli.conftest import Type

ME = pwd.getpwuid(os.getuid()).pw_name


def acts(place: Path, type_: Type, *options: str) -> list[dict[str, Any]]:
    outcome = type_("audit", "--format", "json", "--config", place / "config.yaml", *options)
    assert outcome.code == 0, outcome.err
    items: list[dict[str, Any]] = json.loads(outcome.out)["items"]
    return items


def test_who_paused_and_who_took_it_back_can_be_told(worked: Path, type_: Type) -> None:
    config = ("--config", worked / "config.yaml")
    type_("pause", "look", "--by", "ada", "--reason", "freeze", *config)
    type_("pause", "look", "--by", "eve", *config)  # it is paused already: nothing is done
    type_("resume", "look", "--by", "bob", *config)
    type_("pause", "--by", "ada", *config)

    everything, resumed, paused = acts(worked, type_)
    assert (paused["act"], paused["by"], paused["playbook"]) == ("pause", "ada", "look")
    assert paused["detail"] == {"reason": "freeze"}
    assert (resumed["act"], resumed["by"], resumed["playbook"]) == ("resume", "bob", "look")
    assert resumed["detail"] == {"was": "paused by ada: freeze"}
    assert (everything["act"], everything["playbook"]) == ("pause", None)
    for act in (everything, resumed, paused):
        assert act["from"]["user"] == ME
        assert act["from"]["host"] == socket.gethostname()
        assert act["from"]["pid"] == os.getpid()
        assert re.fullmatch(r"20\d\d-\d\d-\d\dT[\d:.]+Z", act["at"])


def test_who_had_a_run_carried_out_again_is_told_by_both_runs(worked: Path, type_: Type) -> None:
    config = ("--config", worked / "config.yaml")
    again = json.loads(
        type_(
            "runs", "retry", "--format", "json", "--by", "ada", *config, run_of(worked, type_)
        ).out
    )
    type_("runs", "cancel", again["run"], "--by", "bob", *config)

    cancelled, retried = acts(worked, type_, "--playbook", "look")
    assert (retried["act"], retried["by"], retried["made"]) == ("retry-run", "ada", again["run"])
    assert (cancelled["act"], cancelled["by"], cancelled["run"]) == ("cancel", "bob", again["run"])
    for run, expected in ((again["origin"], [retried]), (again["run"], [retried, cancelled])):
        shown = json.loads(type_("runs", "show", run, "--format", "json", *config).out)
        assert shown["audit"] == expected
    text = type_("runs", "show", again["run"], *config).out
    assert re.search(
        rf"  audit    20\S+Z ada: retry-run, made run {again['run']} \({ME} on .*process \d+\)\n"
        rf"  audit    20\S+Z bob: cancel \({ME} on ",
        text,
    )


def run_of(place: Path, type_: Type) -> str:
    listed = type_("runs", "list", "--format", "json", "--config", place / "config.yaml")
    return str(json.loads(listed.out)["items"][0]["id"])


def test_a_replay_and_a_pruning_are_acts(worked: Path, type_: Type) -> None:
    config = ("--config", worked / "config.yaml")
    [event] = json.loads(type_("events", "list", "--format", "json", *config).out)["items"]
    made = json.loads(
        type_("events", "replay", event["id"], "--by", "ada", "--format", "json", *config).out
    )
    type_("db", "prune", "--dry-run", *config)  # changes nothing
    type_("db", "prune", "--age", "2d", "--size", "off", "--by", "bob", *config)

    pruned, replayed = acts(worked, type_)
    assert (replayed["act"], replayed["event"], replayed["made"], replayed["by"]) == (
        "replay",
        event["id"],
        made["event"],
        "ada",
    )
    assert (pruned["act"], pruned["by"]) == ("prune", "bob")
    assert pruned["detail"] == {"age": 172800.0, "size": "off"}


def test_what_is_refused_is_no_act(worked: Path, type_: Type) -> None:
    config = ("--config", worked / "config.yaml")
    run = run_of(worked, type_)
    assert type_("runs", "cancel", run, *config).code == 2  # it is over
    assert type_("runs", "approve", run, *config).code == 2
    assert type_("events", "replay", "NOSUCH", *config).code == 2
    assert acts(worked, type_) == []
    assert type_("audit", *config).out == "Nobody did anything.\n"


def test_it_is_read_page_by_page_and_by_person(worked: Path, type_: Type) -> None:
    config = ("--config", worked / "config.yaml")
    for by in ("ada", "bob", "ada"):
        type_("resume", "look", "--by", by, *config)
    first = json.loads(type_("audit", "--limit", "2", "--format", "json", *config).out)
    rest = json.loads(type_("audit", "--before", first["next"], "--format", "json", *config).out)
    assert [item["by"] for item in first["items"] + rest["items"]] == ["ada", "bob", "ada"]
    assert rest["next"] is None
    assert len(acts(worked, type_, "--by", "ada")) == 2
    table = type_("audit", "--limit", "1", *config).out
    assert re.search(r"ada +resume +playbook look, was: not paused +\S+ on ", table)
    assert "More: --before " in table


def test_nobody_changes_or_deletes_what_was_written_down(worked: Path, type_: Type) -> None:
    type_("resume", "look", "--config", worked / "config.yaml")
    with closing(sqlite3.connect(worked / "engine.db")) as db:
        for change in ("UPDATE audit SET by = 'eve'", "DELETE FROM audit"):
            with pytest.raises(sqlite3.IntegrityError, match="only added to"):
                db.execute(change)
    assert len(acts(worked, type_)) == 1


def test_what_the_environment_says_cannot_steer_the_terminal_or_go_on_for_ever() -> None:
    told = whence(
        {"SUDO_USER": "eve\x1b[2J\n" + "x" * 500, "SSH_CONNECTION": "10.0.0.9 5022 10.0.0.1 22"}
    )
    assert told["ssh"] == "10.0.0.9"
    assert "\x1b" not in told["sudo"]
    assert "\n" not in told["sudo"]
    assert len(told["sudo"]) == 100
