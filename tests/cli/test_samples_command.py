"""`engine samples`: what there is, and each as it would be sent."""

import json
from pathlib import Path

from engine.samples.sample import SAMPLES
from tests.cli.conftest import Type


def test_the_list_names_each_and_where_it_goes(type_: Type) -> None:
    outcome = type_("samples", "list")
    lines = outcome.out.splitlines()
    assert outcome.code == 0
    assert lines[0].split() == ["SAMPLE", "ENDPOINT", "WHAT", "IT", "SAYS"]
    assert " ".join(lines[1].split()) == (
        "custom-action /flashduty/actions/{action} a responder pressed a button"
    )
    assert len(lines) == len(SAMPLES) + 1


def test_programs_read_the_same(type_: Type) -> None:
    answer = json.loads(type_("samples", "list", "--format", "json").out)
    assert answer["next"] is None
    assert answer["items"][1] == {
        "name": "label-mapping",
        "source": "label-mapping",
        "endpoint": "/flashduty/labels/{action}",
        "says": "an alert comes in, and its labels are asked for",
    }


def test_what_is_shown_can_be_rehearsed(type_: Type, place: Path, tmp_path: Path) -> None:
    shown = type_("samples", "show", "custom-action")
    press = tmp_path / "press.json"
    press.write_text(shown.out)
    config = place / "config.yaml"
    outcome = type_("dry-run", "--event", press, "--action", "other", "--config", config)
    assert (shown.code, outcome.code) == (0, 0)
    assert outcome.out.splitlines()[-1] == "other would succeed."


def test_an_unknown_name_is_2(type_: Type) -> None:
    outcome = type_("samples", "show", "custom-acton")
    assert outcome.code == 2
    assert outcome.err == (
        "no-such-sample: there is no sample event 'custom-acton' (did you mean 'custom-action'?)\n"
    )
