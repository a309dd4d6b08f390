"""`engine dry-run`: who matches and why not, each step as it would go out, nothing performed."""

import asyncio
import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Type, work

PLAYBOOK = """\
name: fix
trigger: {action: fix, when: labels.service == 'engine'}
vars: {host: "{{ labels.resource }}"}
steps:
  - id: lookup
    http:
      url: "{{ config.url }}/hosts/{{ vars.host }}"
      headers: {Authorization: "Bearer {{ secrets.TOKEN }}"}
    example: {status: 200, body: {owner: team-a}}
  - id: blind
    http: {method: POST, url: "{{ config.url }}", json: {owner: "{{ steps.lookup.body.owner }}"}}
  - when: steps.blind.body.ready
    shell: [echo, "{{ steps.blind.body.name }}"]
  - when: steps.lookup.status == `500`
    stop: {status: failed, reason: the inventory is broken}
  - flashduty: {call: incident/comment, comment: "done by {{ steps.lookup.body.owner }}"}
"""


@pytest.fixture
def config(place: Path) -> Path:
    path = place / "config.yaml"
    path.write_text("vars: {url: 'http://inventory'}\nsecrets: {TOKEN: {env: NOT_SET_ANYWHERE}}\n")
    (place / "playbooks/fix.yaml").write_text(PLAYBOOK)
    (place / "playbooks/look.yaml").unlink()
    return path


def test_the_text_shows_verdicts_plans_and_a_conclusion(
    config: Path, press: Path, type_: Type
) -> None:
    outcome = type_("dry-run", "--event", press, "--action", "fix", "--config", config)

    assert outcome.code == 0
    assert (
        [line.rstrip() for line in outcome.out.splitlines()]
        == f"""\
✓ fix matches ({config.parent}/playbooks/fix.yaml)
    ✓ when: labels.service == 'engine'  →  'engine' == 'engine'  →  yes
    vars.host = es.nj.01
   ✓ lookup [steps/0, http]
       GET http://inventory/hosts/es.nj.01
        curl --header "Authorization: Bearer $TOKEN" http://inventory/hosts/es.nj.01
   ✓ blind [steps/1, http]
       POST http://inventory
        curl --request POST --header 'Content-Type: application/json' --data-raw '{{"owner":"team-a"}}' http://inventory
   ✓ shell [steps/2, shell]
       echo ‹steps.blind.body.name›
       if steps.blind.body.ready (depends on ‹steps.blind.body.ready›, which is not known before the step is performed)
   - stop [steps/3, stop]
       skipped: steps.lookup.status is 200
   ✓ flashduty [steps/4, flashduty]
       flashduty /incident/comment
        body: {{"comment": "done by team-a", "incident_ids": ["6551f3888713372ad1054d57"]}}
    2 values are not known before their step ran; give `example:` to blind to make them known
- other no: the event came by action fix, not other
fix would succeed.""".splitlines()
    )


def test_nothing_matches_is_1(config: Path, press: Path, type_: Type) -> None:
    outcome = type_("dry-run", "--event", press, "--action", "nobody", "--config", config)

    assert outcome.code == 1
    assert outcome.out.splitlines()[-1] == (
        "Nothing matches: no playbook would run. "
        "The nearest is other: the event came by action nobody, not other."
    )


def test_the_nearest_is_shown_with_its_tree(config: Path, press: Path, type_: Type) -> None:
    near = config.parent / "near.yaml"
    near.write_text("name: near\ntrigger: {when: labels.servce}\nsteps: [{wait: 1s}]\n")

    out = type_("dry-run", near, "--event", press, "--config", config).out.splitlines()

    assert [line.rstrip() for line in out] == [
        "- near no: labels.servce is null",
        "    - when: labels.servce  →  absent  →  no",
        (
            "        labels.servce is absent: labels has a, check, cluster, metric, resource, "
            "service, v (did you mean 'service'?)"
        ),
        ("Nothing matches: no playbook would run. The nearest is near: labels.servce is null."),
    ]


def test_a_run_that_would_fail_is_1_and_names_the_step(
    config: Path, press: Path, type_: Type, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(
        "name: bad\ntrigger: {}\nsteps:\n  - id: a\n    shell: [echo, '{{ labels.nope }}']\n"
    )

    outcome = type_("dry-run", bad, "--event", press, "--config", config)

    assert outcome.code == 1
    assert outcome.out.splitlines()[-1] == (
        "bad would fail at a: shell.argv.1: 'nope' is not there "
        "(known here: a, check, cluster, metric, resource, service, v)."
    )


def test_json_has_stable_keys(config: Path, press: Path, type_: Type) -> None:
    outcome = type_(
        "dry-run", "--event", press, "--action", "fix", "--config", config, "--format", "json"
    )

    answer = json.loads(outcome.out)
    assert set(answer) == {"items", "next", "ledger", "problems"}
    assert answer["ledger"] == {
        "path": str(config.parent / "engine.db"),
        "unread": f"there is no database {config.parent / 'engine.db'} yet",
    }
    fix, other = answer["items"]
    assert set(fix) == {
        "playbook", "file", "answer", "reason", "tree", "lane", "guard", "vars", "steps",
        "unreached", "unknown", "would",
    }  # fmt: skip
    assert fix["tree"]["parts"][1]["with_values"] == "'engine' == 'engine'"
    assert fix["unknown"] == ["steps.blind.body.name", "steps.blind.body.ready"]
    assert fix["would"] == {
        "state": "succeeded",
        "reason": None,
        "answer": None,
        "otherwise": None,
    }
    assert (other["would"], other["guard"]) == (None, None)
    assert fix["steps"][0] == {
        "path": "steps/0",
        "id": "lookup",
        "name": None,
        "type": "http",
        "outcome": "performed",
        "plan": {
            "summary": "GET http://inventory/hosts/es.nj.01",
            "details": {
                "method": "GET",
                "url": "http://inventory/hosts/es.nj.01",
                "headers": {"Authorization": "Bearer $TOKEN"},
            },
            "command": (
                'curl --header "Authorization: Bearer $TOKEN" http://inventory/hosts/es.nj.01'
            ),
        },
        "reason": None,
    }


def test_a_playbook_that_is_named_has_to_be_good(config: Path, press: Path, type_: Type) -> None:
    bad = config.parent / "bad.yaml"
    bad.write_text("name: bad\n")

    outcome = type_("dry-run", bad, "--event", press, "--config", config)

    assert outcome.code == 2
    assert "missing-key: the key 'trigger' is missing" in outcome.err


def test_the_type_of_the_event_can_be_another(config: Path, press: Path, type_: Type) -> None:
    (config.parent / "playbooks/new.yaml").write_text(
        "name: new\ntrigger: {events: [i_new]}\nsteps: [{wait: 1s}]\n"
    )

    assert type_("dry-run", "--event", press, "--config", config).code == 1
    assert type_("dry-run", "--event", press, "--type", "i_new", "--config", config).code == 0


@pytest.mark.parametrize(
    ("body", "more", "said"),
    [
        (b"{", [], "not-json: the body is not JSON"),
        (b"{", ["--type", "i_new"], "not-json: the body is not JSON"),
        (b"[]", [], "not-flashduty: the body has to be a JSON object"),
        (b"[]", ["--type", "i_new"], "not-flashduty: the body has to be a JSON object"),
        (b"{}", [], "not-flashduty: the body has no 'incident' object"),
        (b"{}", ["--type", "i_new"], "no-identity: the body has neither an event_id nor"),
        (b'{"alert": {}}', [], "no-identity: the body has neither an event_id nor"),
    ],
)
def test_an_event_that_is_none_is_2_with_the_receivers_words(
    config: Path, tmp_path: Path, type_: Type, body: bytes, more: list[str], said: str
) -> None:
    event = tmp_path / "event.json"
    event.write_bytes(body)

    outcome = type_("dry-run", "--event", event, "--config", config, *more)

    assert outcome.code == 2
    assert f"{event}:1:1: {said}" in outcome.err


def test_a_missing_event_file_is_2(config: Path, type_: Type) -> None:
    outcome = type_("dry-run", "--event", "nowhere.json", "--config", config)

    assert (outcome.code, outcome.err) == (
        2,
        (
            "unreadable: nowhere.json: No such file or directory "
            "(an event is a JSON file as Flashduty would send it)\n"
        ),
    )


def test_without_any_config_a_playbook_can_still_be_tried(
    press: Path, tmp_path: Path, type_: Type
) -> None:
    playbook = tmp_path / "p.yaml"
    playbook.write_text("name: p\ntrigger: {}\nsteps: [{wait: 1s}]\n")

    assert type_("dry-run", playbook, "--event", press).out.splitlines()[-1] == "p would succeed."


def test_a_call_for_labels_shows_what_would_be_answered(tmp_path: Path, type_: Type) -> None:
    call = Path(__file__).parents[1] / "fixtures/label-mapping.vendor-page.json"
    playbook = tmp_path / "labels.yaml"
    playbook.write_text(
        "name: labels\ntrigger: {answer: labels, action: add}\nsteps: [{id: look, http: 'https://x'}]\n"
        "answer: {owner_team: '{{ steps.look.body.owner }}', rack: 12}\n"
    )

    outcome = type_("dry-run", playbook, "--event", call, "--action", "add")

    assert outcome.code == 0
    assert outcome.out.splitlines()[-4:] == [
        "    answers owner_team = ‹steps.look.body.owner›",
        "    answers rack = 12 (not asked for: left out)",
        "    1 value is not known before its step ran; give `example:` to look to make it known",
        "labels would succeed.",
    ]


@pytest.mark.parametrize(
    ("guard", "said"),
    [
        (
            "{key: labels.resource, cooldown: 10m, rate: 5 per 1h, breaker: 3}",
            'it acts on "es.nj.01" (labels.resource); concurrency single, cooldown 10m, rate 5 per 1h, breaker 3',
        ),
        ("{concurrency: parallel, max: 2}", "concurrency parallel, max 2"),
        (
            "{key: labels.owner}",
            "nobody knows what it acts on (labels.owner); concurrency single",
        ),
    ],
)
def test_a_guard_says_what_it_goes_by_and_what_it_would_do(
    config: Path, press: Path, type_: Type, guard: str, said: str
) -> None:
    path = config.parent / "guarded.yaml"
    path.write_text(f"name: guarded\ntrigger: {{}}\nguard: {guard}\nsteps: [{{wait: 1s}}]\n")

    out = type_("dry-run", path, "--event", press, "--config", config).out.splitlines()

    assert out[1].rstrip() == f"    guard: {said}"
    assert out[2].startswith("    guard: it would ")
    assert out[2].rstrip().endswith("(as if there were no other runs)")


def test_a_run_that_its_guard_would_skip_is_1_and_says_why(
    config: Path, press: Path, type_: Type
) -> None:
    path = config.parent / "guarded.yaml"
    path.write_text("name: guarded\ntrigger: {}\nguard: {key: labels.owner}\nsteps: [{wait: 1s}]\n")

    outcome = type_("dry-run", path, "--event", press, "--config", config)

    assert outcome.code == 1
    assert outcome.out.splitlines()[-1] == (
        "guarded would be skipped: guard: the key labels.owner is not there, "
        "so nobody knows what it acts on."
    )


GUARDED = """\
name: look
trigger: {action: look}
guard: {key: labels.resource, cooldown: 1d}
steps:
  - {id: first, wait: 1s}
  - {id: enough, stop: that will do}
  - {name: Say it, wait: 1s}
"""


def test_a_guard_is_asked_by_the_ledger_where_there_is_one(
    place: Path, press: Path, type_: Type
) -> None:
    look = place / "playbooks/look.yaml"
    look.write_text(GUARDED)
    asyncio.run(work(place, press.read_bytes()))
    arguments = ["dry-run", look, "--event", press, "--action", "look", "--config"]
    before = (place / "engine.db").read_bytes()

    outcome = type_(*arguments, place / "config.yaml")

    assert outcome.code == 1, "it would not run to its end now"
    text = re.sub(r"\d+:\d\d:\d\d ago", "AGO", outcome.out)
    out = [line.rstrip() for line in re.sub(r"20\d\d-\S+Z", "MOMENT", text).splitlines()]
    cooling = "cooldown: the last run for this key ended AGO, and `cooldown` is 1 day, 0:00:00"
    assert out[1:3] == [
        '    guard: it acts on "es.nj.01" (labels.resource); concurrency single, cooldown 1d',
        f"    guard: it would be skipped: {cooling}, until MOMENT (by engine.db)",
    ]
    assert out[-2:] == [
        "   · Say it [steps/2, wait] not reached: enough (steps/1) stops the playbook before it",
        f"look would be skipped: {cooling}. Let in, it would succeed.",
    ]
    answer = json.loads(type_(*arguments, place / "config.yaml", "--format", "json").out)
    (look_json,) = answer["items"]
    assert answer["ledger"] == {"path": str(place / "engine.db"), "unread": None}
    assert look_json["guard"]["decision"] == "skip"
    assert look_json["guard"]["until"] is not None
    assert look_json["would"]["state"] == "skipped"
    assert look_json["would"]["otherwise"] == {"state": "succeeded", "reason": "that will do"}
    assert (place / "engine.db").read_bytes() == before


def test_a_paused_playbook_without_a_guard_would_be_skipped(
    worked: Path, press: Path, type_: Type
) -> None:
    config = worked / "config.yaml"
    type_("pause", "other", "--by", "ann", "--reason", "a freeze", "--config", config)

    outcome = type_("dry-run", "--event", press, "--action", "other", "--config", config)

    assert outcome.code == 1
    assert "    guard: it would be skipped: paused by ann: a freeze (by engine.db)\n" in outcome.out
    assert outcome.out.splitlines()[-1] == (
        "other would be skipped: paused by ann: a freeze. Let in, it would succeed."
    )


def test_a_database_that_cannot_be_read_is_as_good_as_none(
    config: Path, press: Path, type_: Type
) -> None:
    (config.parent / "engine.db").write_text("no database at all, but some text in its place")
    arguments = ["--event", press, "--action", "other", "--config", config, "--format", "json"]

    outcome = type_("dry-run", *arguments)

    assert outcome.code == 0
    assert json.loads(outcome.out)["ledger"]["unread"] == (
        f"{config.parent / 'engine.db'}: file is not a database"
    )


def test_what_is_to_be_copied_is_never_broken_into_lines(
    config: Path, press: Path, type_: Type
) -> None:
    path = config.parent / "long.yaml"
    path.write_text(
        f"name: long\ntrigger: {{}}\nsteps:\n- http: {{method: PUT, url: 'http://x', text: '{'y ' * 300}'}}\n"
        f"- flashduty: {{call: incident/comment, comment: '{'z ' * 400}'}}\n"
    )

    out = type_("dry-run", path, "--event", press, "--config", config).out

    assert f"--data-raw '{'y ' * 300}' http://x\n" in out
    assert f'{{"comment": "{"z " * 399}z ", "incident_ids"' in out


# What it is told to suppose


def test_mocks_make_known_what_comes_back(
    config: Path, press: Path, type_: Type, tmp_path: Path
) -> None:
    mocks = tmp_path / "mocks.yaml"
    mocks.write_text("lookup: [{status: 503}]\nblind: {body: {ready: true, name: web-1}}\n")
    told = ("--mock", mocks, "--event", press, "--action", "fix", "--config", config)

    failing = type_("dry-run", *told)
    mocks.write_text(mocks.read_text().replace("[{status: 503}]", "{body: {owner: b}}"))
    outcome = type_("dry-run", *told)

    assert failing.code == 1
    assert failing.out.splitlines()[-1] == (
        "fix would fail at lookup: GET http://inventory/hosts/es.nj.01 answered 503."
    )
    assert outcome.code == 0
    assert "       echo web-1" in outcome.out.splitlines()
    assert """--data-raw '{"owner":"b"}'""" in outcome.out


def test_the_way_of_a_failure_can_be_followed(config: Path, press: Path, type_: Type) -> None:
    outcome = type_(
        *("dry-run", "--event", press, "--action", "fix", "--config", config),
        *("--follow", "failure", "blind"),
    )
    assert outcome.code == 1
    assert outcome.out.splitlines()[-1] == "fix would fail at blind: it fails, as --follow says."


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ("--follow", "failure", "blnd"),
            "no-such-step: no step is called 'blnd' (did you mean 'blind'?)",
        ),
        (
            ("--mock", "mocks.yaml"),
            "mocks.yaml:1:1: no-such-step: no step is called 'lokup' (did you mean 'lookup'?)",
        ),
        (("--mock", "list.yaml"), "list.yaml:1:1: not-mocks: mocks are a mapping"),
        (("--mock", "none.yaml"), "none.yaml:1:1: unreadable: it cannot be read: No such file"),
    ],
)
def test_what_no_step_is_called_is_a_mistake(
    config: Path, press: Path, type_: Type, options: tuple[str, ...], said: str
) -> None:
    Path("mocks.yaml").write_text("lokup: {}\n")
    Path("list.yaml").write_text("[]\n")
    outcome = type_("dry-run", "--event", press, "--action", "fix", "--config", config, *options)
    assert outcome.code == 2
    assert outcome.err.startswith(said)
