"""`engine pause` and `engine resume`."""

import asyncio
import json
import re
from pathlib import Path

import pytest

from engine.store.sqlite import open_ledger
from tests.cli.conftest import Type

LATER = "no engine is running now: one does it when it starts"


def paused(place: Path) -> list[tuple[str, str]]:
    with open_ledger(place / "engine.db") as ledger:
        return [(name, pause.said) for name, pause in asyncio.run(ledger.pauses()).items()]


def test_a_playbook_is_paused_and_goes_on(worked: Path, type_: Type) -> None:
    config = worked / "config.yaml"
    line = ("pause", "look", "--reason", "freeze", "--by", "ada", "--config", config)
    assert type_(*line).out == (
        f"Playbook look is paused: no step begins until `engine resume look`; {LATER}.\n"
    )
    assert paused(worked) == [("look", "paused by ada: freeze")]

    again = type_("pause", "look", "--by", "bob", "--config", config)
    assert again.code == 0
    assert re.fullmatch(
        r"Playbook look is paused already: paused by ada: freeze, at 20\d\d-\S+Z\.\n", again.out
    )
    assert paused(worked) == [("look", "paused by ada: freeze")]

    assert type_("resume", "look", "--config", config).out == f"Playbook look goes on; {LATER}.\n"
    assert paused(worked) == []
    assert type_("resume", "look", "--config", config).out == (
        f"Playbook look was not paused; failures up to now do not count for its breaker; {LATER}.\n"
    )


def test_everything_is_paused_apart_from_what_is_paused_by_name(worked: Path, type_: Type) -> None:
    config = worked / "config.yaml"
    assert type_("pause", "--by", "ada", "--config", config).out == (
        f"Everything is paused: no step begins until `engine resume`; {LATER}.\n"
    )
    type_("pause", "look", "--by", "ada", "--config", config)
    assert type_("resume", "look", "--config", config).out == (
        f"Playbook look goes on, but everything is still paused; {LATER}.\n"
    )
    type_("pause", "look", "--by", "ada", "--config", config)
    assert type_("resume", "--config", config).out == (
        f"Everything goes on, but playbook look is still paused; {LATER}.\n"
    )
    assert paused(worked) == [("look", "paused by ada")]


def test_what_is_paused_is_listed(worked: Path, type_: Type) -> None:
    config = worked / "config.yaml"
    assert type_("pause", "--list", "--config", config).out == "Nothing is paused.\n"
    type_("pause", "--by", "ada", "--reason", "a  storm\x1b[2J", "--config", config)
    text = type_("pause", "--list", "--config", config).out
    assert re.search(r"everything +20\d\d-\S+ \S+ +ada +a  storm\\x1b\[2J", text)
    listed = json.loads(type_("pause", "--list", "--format", "json", "--config", config).out)
    (one,) = listed["items"]
    assert (one["playbook"], one["by"], listed["next"]) == (None, "ada", None)


def test_only_a_playbook_that_there_is_or_was_is_paused(worked: Path, type_: Type) -> None:
    config = worked / "config.yaml"
    (worked / "playbooks/new.yaml").write_text("name: new\ntrigger: {}\nsteps: [{wait: 1s}]\n")
    (worked / "playbooks/look.yaml").unlink()
    assert type_("pause", "new", "--config", config).code == 0
    assert type_("pause", "look", "--config", config).code == 0
    outcome = type_("pause", "othr", "--config", config)
    assert (outcome.code, outcome.err) == (
        2,
        "no-such-playbook: there is no playbook 'othr' (did you mean 'other'?)\n",
    )


@pytest.mark.parametrize("command", ["pause", "resume"])
def test_there_has_to_be_a_ledger(place: Path, type_: Type, command: str) -> None:
    outcome = type_(command, "--config", place / "config.yaml")
    assert (outcome.code, outcome.err.split(": ")[0]) == (2, "no-database")
