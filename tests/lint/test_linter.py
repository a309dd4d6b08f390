"""What lint says of several files, of levels, and of what it has no reason to report."""

import json
import re
from pathlib import Path

import pytest

from engine.cli.main import run
from engine.config.load import read_config
from engine.lint.check import Settings
from engine.lint.pages import page_of
from engine.playbooks.load import Loader
from engine.problem import Problem
from engine.wiring.step_types import offline_linter, offline_step_types

ROOT = Path(__file__).parents[2]
CONFIG = read_config("", Path("config.yaml"), {}, offline=True)
SETTINGS = Settings(frozenset({"url", "map"}), frozenset({"TOKEN"}))


def lint(*texts: str, settings: Settings | None = None) -> tuple[Problem, ...]:
    files = [(f"{number}.yaml", text) for number, text in enumerate(texts)]
    return offline_linter(CONFIG, settings).lint(files).problems


def of_steps(steps: str, head: str = "") -> tuple[Problem, ...]:
    return lint(f"name: x\ntrigger: {{}}\n{head}steps:\n{steps}", settings=SETTINGS)


def pressed(name: str, more: str = "") -> str:
    return f"name: {name}\ntrigger: {{ action: press{more} }}\nsteps: [wait: 1s]\n"


def test_two_playbooks_of_one_action_are_a_note_at_the_second() -> None:
    (note,) = lint(pressed("a"), pressed("b"))
    assert (note.code, note.level) == ("same-action", "note")
    assert str(note) == (
        "1.yaml:2:20: note: same-action: a press of 'press' starts 0.yaml, too "
        "(a `when` in each can tell them apart)"
    )


@pytest.mark.parametrize(
    ("one", "other", "count"),
    [
        (", when: labels.a", ", when: labels.a", 1),
        (", when: labels.a", ", when: labels.b", 0),
        (", when: labels.a", "", 1),
        (", events: [i_custom]", ", events: [i_custom]", 1),
        (", events: [i_custom]", ", events: [label_mapping]", 0),
        ("", "", 1),
    ],
)
def test_what_tells_two_playbooks_of_one_action_apart(one: str, other: str, count: int) -> None:
    found = [problem.code for problem in lint(pressed("a", one), pressed("b", other))]
    assert found.count("same-action") == count


def asked_always(number: int) -> str:
    when = "labels.env != 'test'"
    return f'name: p{number}\ntrigger: {{when: "{when}"}}\nsteps: [wait: 1s]\n'


def test_a_hundred_playbooks_that_are_asked_about_every_event_are_one_note() -> None:
    found_by_its_type = asked_always(100).replace("{when", "{events: [i_new], when")
    many = [found_by_its_type, *map(asked_always, range(100))]
    (note,) = lint(*many)
    assert (note.code, note.level) == ("always-asked", "note")
    assert str(note) == (
        "1.yaml:2:10: note: always-asked: 100 playbooks are asked about every event, this is the "
        "first of them (name `events` or an `action`, or compare a field with a text in `when`)"
    )
    assert lint(*many[:-1]) == ()


def test_of_the_triggers_on_the_page_of_always_asked_each_is_as_it_says() -> None:
    shown = re.findall(r"(always|found): +trigger: (.+)", page_of("always-asked"))
    assert len(shown) == 5
    for kind, trigger in shown:
        files = [f"name: p{n}\ntrigger: {trigger}\nsteps: [wait: 1s]\n" for n in range(100)]
        codes = {problem.code for problem in lint(*files)}
        assert ("always-asked" in codes) == (kind == "always"), trigger


def test_a_playbook_that_does_not_load_starts_nothing() -> None:
    found = lint(pressed("a").replace("1s", "1"), pressed("b"))
    assert [problem.code for problem in found] == ["duration"]


def test_what_does_not_load_is_checked_as_far_as_it_can_be_read() -> None:
    found = lint("name: x\ntrigger: {when: severity == 'critical'}\nsteps:\n  - wait: 30\n")
    assert [problem.code for problem in found] == ["unknown-word", "duration"]


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "name: x", "trigger: []", "steps: {}", "steps: [[], 1, {}, {id: 5}]",
        "trigger: {events: 5, action: [], when: {}}\nguard: 5\nvars: []\nanswer: []\ntimeout: []",
        "steps: [{http: }, {shell: {argv: 5}}, {parallel: [5, {}]}, {set: 5}, {playbook: x}]",
        "steps: [{retry: 5, http: x}, {until: 5, wait: 1s}, {nothing: 1, foreach: 7}]",
        "steps: [{playbook: {call: a, inputs: {x: '{{ steps.y }}'}}}]\ninputs: {a: {type: string}}",
        "on_resolved: [{stop: now}, {wait: 1s}]\nsteps: [{stop: {when: 5}}]",
        "steps: [{parallel: {branches: {}}}, {approve: {within: 5}}, {shell: [1, 2]}]",
    ],
)  # fmt: skip
def test_nothing_in_a_file_makes_lint_fail(text: str) -> None:
    assert all(isinstance(problem, Problem) for problem in lint(text, settings=SETTINGS))


def test_a_step_type_that_nobody_knows_is_let_be() -> None:
    """Its texts are read all the same."""
    types = offline_step_types(CONFIG)
    found = lint(
        "name: x\ntrigger: {}\nsteps: [{playbook: {call: a, inputs: {b: '{{ vars.c }}'}}}]"
    )
    assert "playbook" not in types
    assert "unknown-var" in [problem.code for problem in found]


def test_the_loader_alone_reads_a_file_by_itself() -> None:
    assert Loader(offline_step_types(CONFIG)).load(pressed("a"), "a.yaml").name == "a"


@pytest.mark.parametrize(
    "steps",
    [
        # Retries that are meant, or do no harm.
        "  - http: {method: POST, url: https://a.example}\n    retry: {attempts: 1}\n",
        (
            "  - http: {method: POST, url: https://a.example}\n"
            "    retry: {attempts: 2}\n    on_interrupt: retry\n"
        ),
        (
            "  - http: {method: POST, url: https://a.example, headers: {idempotency-key: '{{ run.id }}'}}\n"
            "    retry: {attempts: 2}\n"
        ),
        "  - flashduty: {call: incident/comment, comment: hi}\n    retry: {attempts: 2}\n",
        "  - http: {method: '{{ labels.method }}', url: https://a.example}\n    retry: {attempts: 2}\n",
        # Data of an event that is only data, or looked at.
        "  - shell: [echo, '{{ labels.x }}']\n",
        "  - shell: {script: 'echo \"$X\"', env: {X: '{{ labels.x }}'}}\n",
        "  - shell: [\"{{ {'a': 'restart-a'}[labels.x] }}\"]\n",
        "  - shell: ['{{ config.map[labels.x] }}']\n",
        "  - shell: [sh, -c, 'sleep {{ incident.alert_cnt }}']\n",
        "  - shell: [ssh, 'ops@{{ labels.host }}', uptime]\n",
        "  - {when: \"!matches(labels.x, '^a$')\", stop: no}\n  - shell: ['{{ labels.x }}']\n",
        "  - {when: labels.x == 'a', shell: ['{{ labels.x }}']}\n",
        "  - http: '{{ config.url }}/{{ labels.x }}'\n",
        "  - http: 'https://a.example/{{ labels.x }}?y={{ title }}'\n",
        "  - http: \"{{ config.url ~ '/' ~ labels.x }}\"\n",
        "  - {id: a, http: '{{ config.url }}'}\n  - http: 'http://{{ steps.a.body.host }}/'\n",
        # Constants that may be missing.
        "  - {when: config.gone, shell: [echo, '{{ config.gone }}']}\n",
        "  - shell: [echo, \"{{ config.gone | default('x') }}\"]\n",
        "  - when: config.gone || config.url\n    wait: 1s\n",
        # Results, as far as they are known.
        (
            "  - {id: a, http: '{{ config.url }}'}\n  - when: steps.a.body.x.y && steps.a.outcome == 'failed'\n"
            "    wait: 1s\n"
        ),
        "  - {id: a, http: '{{ config.url }}', output: body.items}\n  - when: steps.a.anything\n    wait: 1s\n",
        "  - {id: a, set: {b: 1}}\n  - when: steps.a.b\n    wait: 1s\n",
        "  - id: a\n    parallel: [[{id: b, wait: 1s}]]\n  - when: steps.a.outcome && steps.b.waited\n    wait: 1s\n",
        # Conditions that are what they look like.
        "  - when: status == 'Ok' || severity != 'Critical'\n    wait: 1s\n",
        "  - http: {url: https://a.example, expect: '`true`'}\n",
        "  - when: to_number(labels.x) > `3` && labels.y > 'm'\n    wait: 1s\n",
        "  - when: labels.\"k8s-app\" == 'x' && contains(title, 'x')\n    wait: 1s\n",
        "  - when: event.type == 'i_custom' || event.type == 'i_new'\n    wait: 1s\n",
        "  - {when: labels.x, stop: no}\n  - wait: 1s\n",
        "  - wait: 1h\n",
    ],
)
def test_what_is_fine_is_not_reported(steps: str) -> None:
    assert of_steps(steps) == ()


@pytest.mark.parametrize(
    "steps",
    [
        "  - shell: [systemctl, status, nginx]\n",
        "  - shell: [echo, rm -rf /]\n",
        "  - shell: [kubectl, get, pods]\n",
        "  - shell: {script: 'echo shutdown'}\n",
        "  - http: {method: POST, url: https://a.example/delete}\n",
    ],
)
def test_what_only_sounds_like_it_needs_no_guard(steps: str) -> None:
    assert of_steps(steps) == ()


@pytest.mark.parametrize(
    "command",
    [
        "[reboot]", "[sudo, shutdown, -r, now]", "[rm, -rf, /x]", "[rm, -v, -r, /x]",
        "[kubectl, -n, web, delete, pod, x]", "[kubectl, rollout, restart, deploy/x]",
        "[docker, restart, x]", "[docker, system, prune]", "[terraform, destroy]",
        "[aws, ec2, terminate-instances]", "[killall, java]", "[systemctl, stop, x]",
        "[service, nginx, restart]", "{script: 'redis-cli flushall'}", "{script: \"psql -c 'DROP TABLE x'\"}",
    ],
)  # fmt: skip
def test_what_destroys_needs_a_guard_with_a_key(command: str) -> None:
    steps = f"  - shell: {command}\n"
    assert [one.code for one in of_steps(steps)] == ["unguarded-destruction"]
    assert of_steps(steps, "guard: {key: labels.resource}\n") == ()


@pytest.mark.parametrize(
    ("trigger", "codes"),
    [
        ("{answer: labels, events: [i_custom]}", ["trigger-never"]),
        ("{answer: labels, events: [label_mapping]}", []),
        ("{answer: labels, action: x}", []),
        ("{events: [i_new], action: x}", ["trigger-never"]),
        ("{events: [i_new, i_custom], action: x}", []),
        ("{events: [brand_new], action: x}", ["unknown-event"]),
        ("{events: [label_mapping]}", ["trigger-never"]),
    ],
)
def test_which_triggers_nothing_can_fire(trigger: str, codes: list[str]) -> None:
    answer = "answer: {a: b}\n" if "answer" in trigger else ""
    found = lint(f"name: x\ntrigger: {trigger}\n{answer}steps: [wait: 1s]\n")
    assert [one.code for one in found if one.code != "constant-condition"] == codes


def test_what_is_around_a_step_has_no_result_yet() -> None:
    steps = "  - id: all\n    parallel: [[{when: steps.all.outcome, wait: 1s}]]\n"
    (problem,) = of_steps(steps)
    assert problem.message == "'steps.all' is not there: it is the `parallel` around this step"


def test_what_is_only_called_cannot_have_a_guard_and_needs_none() -> None:
    steps = "steps: [{shell: [reboot]}]\n"
    assert lint(f"name: x\ninputs: {{}}\n{steps}") == ()
    assert [one.code for one in lint(f"name: x\ntrigger: {{}}\n{steps}")] == [
        "unguarded-destruction"
    ]


def test_on_failure_sees_all_that_steps_made_and_no_timeout() -> None:
    text = (
        "name: x\ntrigger: {}\ntimeout: 1m\nsteps:\n  - parallel: [[{id: a, wait: 1s}], [{set: {b: 1}}]]\n"
        "on_failure:\n  - {when: steps.a.waited && vars.b, wait: 1h}\n"
        "finally:\n  - when: steps.a.waited\n    wait: 1h\n"
    )
    assert lint(text) == ()


def write(folder: Path, retry: str) -> Path:
    path = folder / "x.yaml"
    path.write_text(f"name: x\ntrigger: {{}}\nsteps:\n  - shell: [failover]\n    retry: {retry}\n")
    return path


def test_warnings_fail_with_strict_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, "{attempts: 2}")
    assert run(["lint", str(path)]) == 0
    assert capsys.readouterr().out.endswith("1 playbook file: 1 warning in 1 file\n")
    assert run(["lint", "--strict", str(path)]) == 1


def test_notes_never_fail(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(pressed(name))
    assert run(["lint", "--strict", str(tmp_path)]) == 0


def test_the_level_is_in_json_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["lint", "--format", "json", str(write(tmp_path, "{attempts: 2}"))])
    (item,) = json.loads(capsys.readouterr().out)["items"]
    assert (item["level"], item["code"]) == ("warning", "retry-repeats")


def test_the_shipped_playbooks_are_clean_beside_the_shipped_config(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    assert run(["lint", "--strict"]) == 0
    assert capsys.readouterr().out.endswith("playbook files: no problems\n")


def test_a_config_that_lacks_what_they_ask_for_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("vars: {inventory_url: https://a.example}\n")
    shipped = str(ROOT / "playbooks/restart-host.yaml")
    assert run(["lint", "--config", str(config), shipped]) == 1
    said = capsys.readouterr().out
    assert "undeclared-config: `vars` of config.yaml has no 'restart_command'" in said
    assert "'inventory_url'" not in said.replace("'inventory_url'?", "")


@pytest.mark.parametrize(
    "trigger",
    [
        "{ action: press, events: [{ a: b }] }",
        "{ action: press, events: [[i_custom]] }",
        "{ action: [press], events: { a: b } }",
        "{ when: \"@ == 'x'\" }",
        '{ when: "`1` == @" }',
    ],
)
def test_a_trigger_that_nobody_would_write_is_no_fault_of_ours(trigger: str) -> None:
    """Found by fuzzing: each of them was a traceback."""
    text = f"name: x\ntrigger: {trigger}\nsteps: [wait: 1s]\n"
    assert {one.location.file for one in lint(text, text) if one.location} <= {"0.yaml", "1.yaml"}
