import hashlib
from typing import Any

import aiohttp
import pytest

from engine.flashduty.client import FlashdutyClient
from engine.playbooks.load import Loaded, Loader
from engine.playbooks.playbook import NO_EXAMPLE, Playbook, Retry, Section, Step
from engine.playbooks.template import Template
from engine.problem import EngineError
from engine.processes.warden import Warden
from engine.rules.condition import Condition
from engine.rules.match import Trigger
from engine.steps import step_types
from engine.steps.http import HttpSettings
from engine.steps.shell import ShellSettings

WHOLE = """\
name: restart-host
description: |
  Restart a host whose memory is exhausted.
trigger:
  events: [i_custom, i_new]
  action: restart-host
  when: severity == 'Critical' && labels.service == 'engine'
vars:
  host: "{{ labels.resource }}"
  tries: 3
timeout: 15m
steps:
  - id: drain
    name: Take the host out of the load balancer
    when: labels.resource
    http:
      method: POST
      url: "{{ config.lb_url }}/drain"
      json: {host: "{{ vars.host }}", now: true}
      expect: status == `200`
    retry: {attempts: 3, delay: 2s, backoff: 2, max_delay: 30s}
    timeout: 10s
    continue_on_error: true
    example: {status: 200, body: {}}
  - shell: [restart-host, "{{ vars.host }}"]
    example:
  - wait: 30s
on_failure:
  - flashduty: incident/ack
finally:
  - id: last
    stop: done
"""
GOOD = "name: {name}\ntrigger: {{}}\nsteps:\n  - wait: 1s\n"


def _no_session() -> aiohttp.ClientSession:
    raise AssertionError("nothing is performed here")


@pytest.fixture
def loader(tmp_path: Any) -> Loader:
    types = step_types(
        session=_no_session,
        flashduty=FlashdutyClient(_no_session, "https://flashduty.invalid", None),
        shell=ShellSettings({}, tmp_path, 1024, Warden("offline", print)),
        http=HttpSettings(1024),
    )
    return Loader(types)


def problems(loader: Loader, text: str) -> list[str]:
    with pytest.raises(EngineError) as caught:
        loader.load(text, "a.yaml")
    return [str(problem) for problem in caught.value.problems]


def step(loader: Loader, text: str) -> Step:
    (only,) = loader.load(f"name: a\ntrigger: {{}}\nsteps:\n  - {text}\n", "a.yaml").steps
    return only


@pytest.fixture
def whole(loader: Loader) -> Playbook:
    return loader.load(WHOLE, "playbooks/restart-host.yaml")


def test_the_head_of_a_playbook(whole: Playbook) -> None:
    assert whole.name == "restart-host"
    assert whole.description == "Restart a host whose memory is exhausted."
    assert whole.trigger == Trigger(
        ("i_custom", "i_new"),
        "restart-host",
        Condition.parse("severity == 'Critical' && labels.service == 'engine'"),
    )
    assert whole.timeout == 900
    assert whole.file == "playbooks/restart-host.yaml"
    assert whole.text == WHOLE


def test_variables_hold_templates_and_plain_values(whole: Playbook) -> None:
    host = whole.variables["host"]
    assert isinstance(host, Template)
    assert host.render({"labels": {"resource": "web-1"}}) == "web-1"
    assert whole.variables["tries"] == 3


def test_a_step_with_everything(whole: Playbook) -> None:
    drain = whole.steps[0]
    assert (drain.path, drain.type, drain.id) == ("steps/0", "http", "drain")
    assert drain.name == drain.title == "Take the host out of the load balancer"
    assert drain.when == Condition.parse("labels.resource")
    assert drain.retry == Retry(attempts=3, delay=2, backoff=2, max_delay=30)
    assert drain.timeout == 10
    assert drain.continue_on_error is True
    assert drain.example == {"status": 200, "body": {}}
    assert drain.parameters["method"] == "POST"
    assert drain.parameters["expect"] == "status == `200`"
    assert isinstance(drain.parameters["url"], Template)
    assert isinstance(drain.parameters["json"]["host"], Template)
    assert drain.parameters["json"]["now"] is True


def test_a_step_with_nothing_but_its_type(whole: Playbook) -> None:
    assert whole.steps[2] == Step(
        path="steps/2",
        type="wait",
        parameters={"duration": "30s"},
        id=None,
        name=None,
        when=None,
        retry=Retry(),
        timeout=None,
        continue_on_error=False,
        example=NO_EXAMPLE,
    )


def test_an_example_can_be_null(whole: Playbook) -> None:
    assert whole.steps[1].example is None


def test_every_section_has_its_paths(whole: Playbook) -> None:
    paths = [(one.path, one.type) for section in Section for one in whole.section(section)]
    assert paths == [
        ("steps/0", "http"),
        ("steps/1", "shell"),
        ("steps/2", "wait"),
        ("on_failure/0", "flashduty"),
        ("finally/0", "stop"),
    ]
    assert whole.finally_[0].parameters == {"reason": "done"}


def test_what_is_left_out_has_a_default(loader: Loader) -> None:
    plain = loader.load(GOOD.format(name="a"), "a.yaml")
    assert plain.description == ""
    assert plain.trigger == Trigger((), None, None)
    assert plain.variables == {}
    assert plain.timeout == 3600
    assert plain.on_failure == plain.finally_ == ()


def test_the_version_is_that_of_the_text(loader: Loader, whole: Playbook) -> None:
    assert whole.version == hashlib.sha256(WHOLE.encode()).hexdigest()[:12]
    assert loader.load(WHOLE, "elsewhere.yaml").version == whole.version
    assert loader.load(f"{WHOLE}# more\n", "a.yaml").version != whole.version


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        ("http: https://example.com/", {"url": "https://example.com/"}),
        ("shell: [df, -h]", {"argv": ["df", "-h"]}),
        ("shell: {argv: [df]}", {"argv": ["df"]}),
        ("shell: {script: df}", {"script": "df"}),
        ("wait: 30s", {"duration": "30s"}),
        ("stop: not ours", {"reason": "not ours"}),
        ("stop: {}", {}),
        ("flashduty: incident/ack", {"call": "incident/ack"}),
        ("set: {a: 1}", {"a": 1}),
    ],
)
def test_a_value_that_is_no_mapping_is_short_for_one(
    loader: Loader, text: str, parameters: dict[str, object]
) -> None:
    assert step(loader, text).parameters == parameters


def test_a_template_in_a_short_form(loader: Loader) -> None:
    duration = step(loader, 'wait: "{{ config.pause }}"').parameters["duration"]
    assert isinstance(duration, Template)


def test_a_constant_parameter_is_never_a_template(loader: Loader) -> None:
    read = step(loader, """http: {url: https://a, expect: "body == '{{ a }}'"}""")
    assert read.parameters["expect"] == "body == '{{ a }}'"


def test_a_condition_inside_quotes_reads_the_same(loader: Loader) -> None:
    read = step(loader, "{wait: 1s, when: \"severity == 'Critical'\"}")
    assert read.when == Condition.parse("severity == 'Critical'")


def test_all_problems_of_a_file_come_at_once_in_its_order(loader: Loader) -> None:
    text = """\
trigger: {when: a = 'b'}
vars: {token: "{{ secrets.TOKEN }}", item: "{{ item }}"}
steps:
  - wait: 30
  - wait: 1s
    id: a b
  - htp: x
guard: {rate: 5/h}
"""
    assert problems(loader, text) == [
        "a.yaml:1:1: missing-key: the key 'name' is missing",
        "a.yaml:1:19: condition-syntax: unknown token '=' (JMESPath compares with '==')",
        (
            "a.yaml:2:19: unknown-name: there is nothing named 'secrets' here "
            "(steps can use 'secrets', vars cannot)"
        ),
        (
            "a.yaml:2:48: unknown-name: there is nothing named 'item' here "
            "(the parameters of a step with `foreach` have it, and nothing else)"
        ),
        "a.yaml:4:11: duration: a duration has a unit, as in 500ms, 90s, 10m or 1h30m; this is 30",
        (
            "a.yaml:6:9: wrong-value: 'id' cannot be 'a b' "
            "(it has letters, digits and underscores only, and no digit first)"
        ),
        "a.yaml:7:5: unknown-key: there is no key 'htp' in a step (did you mean 'http'?)",
        "a.yaml:8:15: rate: a rate is written like 5 per 1h, not '5/h'",
    ]


def test_the_other_sections_are_read_even_when_one_is_wrong(loader: Loader) -> None:
    text = "name: a\ntrigger: {}\nsteps: {}\nfinally:\n  - wait: 30\n"
    assert [line.split(": ")[1] for line in problems(loader, text)] == ["wrong-value", "duration"]


def test_text_that_is_no_yaml_is_the_one_problem(loader: Loader) -> None:
    assert problems(loader, "a: b: c") == [
        (
            "a.yaml:1:5: yaml-syntax: mapping values are not allowed here "
            "(quote a text that holds ': ')"
        )
    ]


def test_good_files_load_beside_bad_ones(loader: Loader) -> None:
    loaded = loader.load_all(
        [
            ("c.yaml", GOOD.format(name="c")),
            ("b.yaml", "steps: ["),
            ("a.yaml", "name: a\ntrigger: {}\nsteps: []\n"),
            ("d.yaml", GOOD.format(name="d")),
        ]
    )
    assert [playbook.name for playbook in loaded.playbooks] == ["c", "d"]
    assert [problem.location.file for problem in loaded.problems if problem.location] == [
        "a.yaml",
        "b.yaml",
    ]


def test_the_first_file_keeps_a_name(loader: Loader) -> None:
    files = [(f"{letter}.yaml", GOOD.format(name="same")) for letter in "ab"]
    loaded = loader.load_all(files)
    assert [playbook.file for playbook in loaded.playbooks] == ["a.yaml"]
    assert [str(problem) for problem in loaded.problems] == [
        (
            "b.yaml:1:7: duplicate-name: the name 'same' is taken "
            "(a.yaml has it; runs are told apart by it)"
        )
    ]


def test_no_files_are_no_playbooks(loader: Loader) -> None:
    assert loader.load_all([]) == Loaded((), ())


def test_an_error_carries_every_problem(loader: Loader) -> None:
    with pytest.raises(EngineError) as caught:
        loader.load("name: a", "a.yaml")
    assert [problem.code for problem in caught.value.problems] == ["missing-key", "missing-key"]


def test_what_stands_beside_a_step_type_and_belongs_inside_it_is_said_so(loader: Loader) -> None:
    text = "name: a\ntrigger: {}\nsteps:\n  - http: https://x\n    expect: status == `200`\n"
    assert problems(loader, text) == [
        (
            "a.yaml:5:5: unknown-key: there is no key 'expect' in a step "
            "(it belongs inside 'http': http: {..., expect: ...})"
        )
    ]
