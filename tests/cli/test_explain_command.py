"""`engine explain`: why each playbook did or did not take an event, of a file or of the ledger."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Type

CONDITION = "severity == 'Critical' && (labels.servce == 'engine' || !(labels.resource))"
NEAR = f"""\
name: near
trigger:
  events: [i_custom]
  action: look
  when: {CONDITION}
steps: [{{wait: 1s}}]
"""


@pytest.fixture
def config(place: Path) -> Path:
    (place / "playbooks/near.yaml").write_text(NEAR)
    return place / "config.yaml"


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines()]


def test_each_part_is_shown_with_its_value_and_what_decided(
    config: Path, press: Path, type_: Type
) -> None:
    outcome = type_("explain", press, "--action", "look", "--config", config)

    files = config.parent / "playbooks"
    assert outcome.code == 0
    assert lines(outcome.out) == [
        "the event: i_custom by action look",
        f"✓ look yes ({files}/look.yaml)",
        "    ✓ action: look  →  look  →  yes",
        "    ✓ when: severity == 'Critical'  →  'Critical' == 'Critical'  →  yes",
        f"- near no ({files}/near.yaml)",
        "    ✓ events: i_custom  →  i_custom  →  yes",
        "    ✓ action: look  →  look  →  yes",
        f"    - when: {CONDITION}  →  no",
        "      ✓ severity == 'Critical'  →  'Critical' == 'Critical'  →  yes",
        "      - labels.servce == 'engine' || !(labels.resource)  →  no",
        "        - labels.servce == 'engine'  →  absent == 'engine'  →  no  ← this decides",
        (
            "            labels.servce is absent: labels has a, check, cluster, metric, resource, "
            "service, v (did you mean 'service'?)"
        ),
        "        - !(labels.resource)  →  no",
        "          ✓ labels.resource  →  'es.nj.01'  →  yes  ← this decides",
        f"- other no ({files}/other.yaml)",
        "    - action: other  →  look  →  no: the event came by action look, not other",
    ]


@pytest.mark.parametrize(
    ("condition", "shown"),
    [
        ("labels", ['✓ when: labels  →  {"a": "a", "check": "']),
        ("labels.owner", ["- when: labels.owner  →  absent  →  no", "labels.owner is absent: labels has a"]),
        ("alert", ["- when: alert  →  null  →  no"]),
        (
            "starts_with(labels.owner, 'x')",
            [
                ("? when: starts_with(labels.owner, 'x')  →  starts_with(absent, 'x')  →  "
                "cannot tell: starts_with() takes string, not a field that is not there"),
                "labels.owner is absent: labels has a",
            ],
        ),
        (
            "length(labels.resource) == `8`",
            [
                "✓ when: length(labels.resource) == `8`  →  8 == 8  →  yes",
                "✓ length(labels.resource)  →  length('es.nj.01')  →  8  →  yes",
            ],
        ),
        ("person.email && !alert", ["✓ when: person.email && !alert  →  yes", "✓ person.email", "✓ !alert", "- alert  →  null  →  no"]),
    ],
)  # fmt: skip
def test_every_kind_of_part_says_what_it_is(
    config: Path, press: Path, type_: Type, condition: str, shown: list[str]
) -> None:
    path = config.parent / "one.yaml"
    path.write_text(f'name: one\ntrigger: {{when: "{condition}"}}\nsteps: [{{wait: 1s}}]\n')

    out = lines(type_("explain", press, path, "--config", config).out)[2:]

    assert [text.strip()[: len(part)] for text, part in zip(out, shown, strict=True)] == shown


def test_json_has_the_same_tree_under_stable_keys(config: Path, press: Path, type_: Type) -> None:
    typed = type_("explain", press, "--action", "look", "--config", config, "--format", "json")

    answer = json.loads(typed.out)
    assert set(answer) == {"event", "items", "gone", "next", "problems"}
    assert answer["event"] == {
        "id": None,
        "received": None,
        "type": "i_custom",
        "source": "custom-action",
        "action": "look",
    }
    look, near, _ = answer["items"]
    assert set(near) == {"playbook", "file", "version", "answer", "reason", "tree", "then"}
    assert (look["answer"], look["tree"]["expression"]) == ("yes", "trigger")
    condition = near["tree"]["parts"][2]
    assert (condition["key"], condition["expression"]) == ("when", CONDITION)
    assert condition["parts"][1]["parts"][0]["parts"][0]["absent"]["nearest"] == "service"


def test_one_playbook_can_be_asked_alone(config: Path, press: Path, type_: Type) -> None:
    outcome = type_("explain", press, "--playbook", "other", "--config", config)
    assert outcome.code == 1
    assert lines(outcome.out)[1].startswith("- other no")
    unknown = type_("explain", press, "--playbook", "othr", "--config", config)
    assert (unknown.code, unknown.err) == (
        2,
        "no-such-playbook: there is no playbook 'othr' (did you mean 'other'?)\n",
    )


def test_a_playbook_that_takes_anything_says_so(config: Path, press: Path, type_: Type) -> None:
    path = config.parent / "any.yaml"
    path.write_text("name: any\ntrigger: {}\nsteps: [{wait: 1s}]\n")
    out = lines(type_("explain", press, path, "--config", config).out)
    assert out[1:] == [f"✓ any yes ({path})", "    it takes any event"]


def test_a_broken_playbook_of_the_folder_is_said_and_the_others_are_explained(
    config: Path, press: Path, type_: Type
) -> None:
    broken = config.parent / "playbooks/broken.yaml"
    broken.write_text("name: broken\n")
    outcome = type_("explain", press, "--action", "look", "--config", config)
    assert outcome.code == 0
    assert "missing-key" in outcome.out
    assert type_("explain", press, broken, "--config", config).code == 2


def test_what_is_neither_a_file_nor_an_event_is_2(worked: Path, type_: Type) -> None:
    config = worked / "config.yaml"
    nowhere = type_("explain", "nowhere.json", "--config", config)
    assert (nowhere.code, nowhere.err) == (
        2,
        (
            "unreadable: there is no file nowhere.json (name a JSON file as Flashduty would "
            "send it, or the id of an event in the ledger)\n"
        ),
    )
    (worked / "nothing.yaml").write_text("database: nothing.db\n")
    assert type_("explain", "press", "--config", worked / "nothing.yaml").err.startswith(
        "unreadable: there is no file press (name a JSON file"
    ), "where there is no ledger either"
    assert type_("explain", "ZZZZZZ", "--config", config).err == (
        "no-such-event: there is no event 'ZZZZZZ' (`engine events list` shows them; "
        "the end of an id is enough)\n"
    )


def event_of(worked: Path, type_: Type) -> str:
    config = worked / "config.yaml"
    listed = json.loads(type_("events", "list", "--config", config, "--format", "json").out)
    return str(listed["items"][0]["id"])


def test_an_event_of_the_ledger_is_explained_as_it_came(worked: Path, type_: Type) -> None:
    event = event_of(worked, type_)

    outcome = type_("explain", event[-8:], "--config", worked / "config.yaml")

    assert outcome.code == 0
    assert lines(outcome.out)[0] == f"event {event}: i_custom by action look"
    assert "then:" not in outcome.out, "nothing differs from what was judged"
    refused = type_("explain", event, "--action", "fix", "--config", worked / "config.yaml")
    assert (refused.code, refused.err.split(" (")[0]) == (
        2,
        f"not-of-a-file: {event} is no file, and what came has its action and its type",
    )


def test_where_playbooks_changed_both_verdicts_are_shown(worked: Path, type_: Type) -> None:
    event = event_of(worked, type_)
    look, other = worked / "playbooks/look.yaml", worked / "playbooks/other.yaml"
    look.write_text(look.read_text().replace("'Critical'", "'Info'"))
    other.unlink()
    (worked / "playbooks/new.yaml").write_text("name: new\ntrigger: {}\nsteps: [{wait: 1s}]\n")
    config = worked / "config.yaml"

    outcome = type_("explain", event, "--config", config)

    assert lines(outcome.out)[1:] == [
        f"- look no ({look})",
        "    ✓ action: look  →  look  →  yes",
        "    - when: severity == 'Info'  →  'Critical' == 'Info'  →  no  ← this decides",
        "    then: when the event came it said yes; the playbook was changed since",
        f"✓ new yes ({worked}/playbooks/new.yaml)",
        "    it takes any event",
        "    then: it did not judge the event when it came",
        (
            "? other is not there today; it said no (the event came by action look, not other) "
            "when the event came"
        ),
    ]
    answer = json.loads(type_("explain", event, "--config", config, "--format", "json").out)
    then = [item["then"] for item in answer["items"]]
    assert then[0]["answer"] == "yes"
    assert then[0]["differs"]
    assert then[1] is None
    assert [gone["playbook"] for gone in answer["gone"]] == ["other"]
    alone = type_("explain", event, "--playbook", "new", "--config", config)
    assert "other" not in alone.out


def test_events_show_has_the_tree_by_the_text_of_then(worked: Path, type_: Type) -> None:
    event = event_of(worked, type_)
    look = worked / "playbooks/look.yaml"
    look.write_text(look.read_text().replace("'Critical'", "'Info'"))
    config = worked / "config.yaml"

    out = lines(type_("events", "show", event, "--config", config).out)
    shown = json.loads(type_("events", "show", event, "--config", config, "--format", "json").out)

    place = out.index("✓ look yes")
    assert (
        out[place + 1] == "    ✓ when: severity == 'Critical'  →  'Critical' == 'Critical'  →  yes"
    )
    assert out[place + 2] == "- other no: the event came by action look, not other"
    look_then, other_then = shown["verdicts"]
    assert look_then["tree"]["parts"][1]["expression"] == "severity == 'Critical'"
    assert other_then["tree"]["parts"][0]["decides"]
