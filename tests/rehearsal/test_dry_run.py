"""A rehearsal says what a run would do, and does nothing of it."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import aiohttp
import pytest

from engine.flashduty.client import FlashdutyClient
from engine.playbooks.deferred import Unknown
from engine.playbooks.load import Loader
from engine.playbooks.playbook import Playbook, PlaybookText
from engine.playbooks.step_type import StepType, Succeeded
from engine.processes.warden import Warden
from engine.rehearsal.dry_run import MaskedSecrets, Rehearsal, rehearse, rehearse_all
from engine.rehearsal.stage import shown
from engine.rules.condition import Answer, Verdict
from engine.runs.happening import StepStarted
from engine.runs.run import RunState
from engine.steps import step_types
from engine.steps.http import HttpSettings
from engine.steps.shell import ShellSettings
from engine.store.sqlite import SqliteLedger
from tests.runs.fakes import Stage, an_event
from tests.runs.fakes import step_types as fake_step_types

EVENT = an_event()
SECRETS = frozenset({"LB_TOKEN", "OTHER"})
CONFIG = {"lb_url": "https://lb"}


def nothing_is_performed() -> NoReturn:
    raise AssertionError("a rehearsal asked for the network")


@pytest.fixture
def types(tmp_path: Path) -> dict[str, StepType[Any]]:
    def session() -> aiohttp.ClientSession:
        nothing_is_performed()

    return step_types(
        session=session,
        flashduty=FlashdutyClient(session, "https://api.flashcat.cloud", None),
        shell=ShellSettings({}, tmp_path, 1024, Warden("offline", print)),
        http=HttpSettings(1024),
    )


def loaded(types: Mapping[str, StepType[Any]], text: str, name: str = "p") -> Playbook:
    trigger = "" if "trigger:" in text else "trigger: {}\n"
    return Loader(types).load(f"name: {name}\n{trigger}{text}", "p.yaml")


def rehearsed(types: Mapping[str, StepType[Any]], text: str) -> Rehearsal:
    return rehearse(loaded(types, text), EVENT, config=CONFIG, secrets=SECRETS, step_types=types)


def told(rehearsal: Rehearsal) -> list[tuple[str, str, str | None, str | None]]:
    """Of each step: path, what would become of it, its plan, and why."""
    return [
        (step.step.path, step.outcome, step.plan.summary if step.plan else None, step.reason)
        for step in rehearsal.steps
    ]


Types = dict[str, StepType[Any]]

DRAIN = (
    '{http: {method: POST, url: "{{ config.lb_url }}/drain", params: {a: 1}, '
    'headers: {X-Token: "Bearer {{ secrets.LB_TOKEN }}"}, '
    'json: {host: "{{ labels.resource }}"}, basic_auth: {user: u, password: p}}}'
)


# Would it start?


@pytest.mark.parametrize(
    ("trigger", "verdict"),
    [
        ("{events: [i_new]}", Verdict(Answer.NO, "the event's type is i_custom, not i_new")),
        ("{when: labels.nope}", Verdict(Answer.NO, "labels.nope is null")),
        (
            "{when: \"starts_with(labels.nope, 'x')\"}",
            Verdict(
                Answer.CANNOT_TELL,
                "starts_with(labels.nope, 'x'): "
                "starts_with() takes string, not a field that is not there",
            ),
        ),
    ],
)
def test_a_playbook_that_would_not_start_says_why_and_plans_nothing(
    types: Types, trigger: str, verdict: Verdict
) -> None:
    rehearsal = rehearsed(types, f"trigger: {trigger}\nsteps: [{{shell: [ls]}}]")
    assert rehearsal.verdict == verdict
    assert (rehearsal.steps, rehearsal.state, rehearsal.succeeds) == ((), None, False)
    assert rehearsal.as_json()["would"] is None


def test_a_playbook_that_would_start_says_so(types: Types) -> None:
    rehearsal = rehearsed(types, "trigger: {when: config.lb_url}\nsteps: [{shell: [ls]}]")
    assert rehearsal.verdict.yes
    assert rehearsal.succeeds


# What would it do?


@pytest.mark.parametrize(
    ("step", "summary", "details"),
    [
        (
            DRAIN,
            "POST https://lb/drain",
            {
                "method": "POST",
                "url": "https://lb/drain",
                "params": {"a": "1"},
                "headers": {"X-Token": "Bearer $LB_TOKEN"},
                "json": {"host": "es.nj.01"},
                "basic_auth": {"user": "u", "password": "******"},
            },
        ),
        ("{http: 'http://h/'}", "GET http://h/", {"method": "GET", "url": "http://h/"}),
        (
            '{shell: [restart, "{{ labels.resource }}", "a b"]}',
            "restart es.nj.01 'a b'",
            {"argv": ["restart", "es.nj.01", "a b"]},
        ),
        (
            '{shell: {script: \'df -h "$M"\', env: {M: "{{ secrets.OTHER }}"}, cwd: /}}',
            'sh: df -h "$M"',
            {"script": 'df -h "$M"', "env": {"M": "$OTHER"}, "cwd": "/"},
        ),
        (
            '{flashduty: {call: incident/comment, comment: "on {{ labels.resource }}"}}',
            "flashduty /incident/comment",
            {
                "call": "/incident/comment",
                "body": {
                    "comment": "on es.nj.01",
                    "incident_ids": ["6551f3888713372ad1054d57"],
                },
            },
        ),
        ("{wait: 90s}", "wait 1m30s", {"duration": "1m30s"}),
        ('{set: {a: "{{ 1 + 1 }}", b: x}}', "set a, b", {"a": 2, "b": "x"}),
        (
            "{stop: not ours}",
            "stop as succeeded: not ours",
            {"status": "succeeded", "reason": "not ours"},
        ),
    ],
    ids=lambda value: value.split(":")[0].strip("{") if isinstance(value, str) else "",
)
def test_every_step_type_says_what_it_would_do(
    types: Types, step: str, summary: str, details: dict[str, Any]
) -> None:
    rehearsal = rehearsed(types, f"steps: [{step}]")
    (only,) = rehearsal.steps
    assert only.outcome == "performed"
    assert only.plan is not None
    assert only.plan.summary == summary
    assert dict(only.plan.details).items() >= details.items()
    assert rehearsal.succeeds


def test_every_step_type_has_its_plan_above(types: Types) -> None:
    assert set(types) == {"http", "shell", "flashduty", "wait", "set", "stop", "approve"}


def test_plans_are_what_a_run_would_send(ledger: SqliteLedger) -> None:
    text = (
        'vars: {host: "{{ labels.resource }}", again: "{{ vars.host }}!", at: "{{ run.started }}"}\n'
        "steps:\n"
        "- {id: a, probe: '{{ vars.again }} {{ vars.at }} {{ run.attempt }}', "
        "example: {n: 41, list: [x]}}\n"
        "- {set: {host: '{{ steps.a.n + 1 }}'}}\n"
        "- {id: b, when: steps.a.outcome == 'succeeded', "
        "probe: {say: '{{ vars.host }}', deep: [{x: '{{ steps.a.list }}'}]}}\n"
        "- {probe: skipped, when: labels.nope}\n"
        "finally: [{probe: '{{ run.playbook }}'}]\n"
    )
    stage = Stage(ledger)
    playbook = loaded(fake_step_types(stage.probe), text)
    rehearsal = rehearse(playbook, EVENT, config={}, secrets=SECRETS, step_types=stage.step_types)
    assert stage.probe.calls == []

    async def story() -> None:
        stage.probe.answer("steps/0", Succeeded({"n": 41, "list": ["x"]}))
        run = await stage.queue(playbook, EVENT, "dry-run")
        await stage.carry_out(run, playbook, EVENT)

    asyncio.run(story())
    sent = [h.plan for h in stage.told.happenings if isinstance(h, StepStarted)]
    assert [step.plan for step in rehearsal.steps if step.plan] == sent
    assert rehearsal.variables["at"] == int(EVENT.received)


def test_plans_are_the_same_again_and_again_and_side_by_side(ledger: SqliteLedger) -> None:
    text = (
        "steps:\n"
        "- {id: a, probe: one, output: hosts, example: {hosts: [x, y], more: z}}\n"
        "- {id: each, foreach: steps.a, max_parallel: 2, probe: '{{ item }} {{ index }}', "
        "example: {ok: true}, until: {condition: ok, for: 1m}}\n"
        "- parallel:\n"
        "  - [{id: l, probe: '{{ steps.each.items[1].ok }}', example: {n: 1}}, "
        "{set: {v: '{{ steps.l.n }}'}}]\n"
        "  - [{probe: \"{{ 'l' in steps }}\"}, {set: {w: 2}}]\n"
        "- {probe: '{{ vars.v }} {{ vars.w }} {{ steps.l.n }}'}\n"
    )
    stage = Stage(ledger)
    playbook = loaded(fake_step_types(stage.probe), text)
    rehearsal = rehearse(playbook, EVENT, config={}, secrets=SECRETS, step_types=stage.step_types)

    async def story() -> None:
        stage.probe.answer("steps/0", Succeeded({"hosts": ["x", "y"], "more": "z"}))
        stage.probe.answer("steps/1[0]", Succeeded({"ok": True}))
        stage.probe.answer("steps/1[1]", Succeeded({"ok": True}))
        stage.probe.answer("steps/2[0]/0", Succeeded({"n": 1}))
        run = await stage.queue(playbook, EVENT, "dry-run")
        await stage.carry_out(run, playbook, EVENT)

    asyncio.run(story())
    sent = {h.step.path: h.plan for h in stage.told.happenings if isinstance(h, StepStarted)}
    assert rehearsal.succeeds
    assert {step.step.path: step.plan for step in rehearsal.steps if step.plan} == sent
    assert len(sent) == 8


# What comes of a step


def test_an_example_is_what_later_steps_see(types: Types) -> None:
    rehearsal = rehearsed(
        types,
        "steps:\n"
        "- {id: a, http: 'http://h/', example: {status: 200, body: {owner: ann}}}\n"
        "- {when: steps.a.status == `200`, shell: [echo, '{{ steps.a.body.owner }}']}\n"
        "- {when: steps.a.outcome == 'failed', shell: [echo, no]}\n",
    )
    assert told(rehearsal) == [
        ("steps/0", "performed", "GET http://h/", None),
        ("steps/1", "performed", "echo ann", None),
        ("steps/2", "skipped", None, 'steps.a.outcome is "succeeded"'),
    ]
    assert rehearsal.succeeds


def test_null_can_be_an_example(types: Types) -> None:
    rehearsal = rehearsed(
        types,
        "steps: [{id: a, shell: [ls], example: null}, {when: steps.a.stdout, shell: [echo, b]}]",
    )
    assert told(rehearsal)[1] == ("steps/1", "skipped", None, "steps.a.stdout is null")


def test_a_result_that_nobody_knows_is_shown_by_its_name(types: Types) -> None:
    rehearsal = rehearsed(
        types,
        "steps:\n"
        "- {id: a, http: 'http://h/'}\n"
        "- {shell: [echo, '{{ steps.a.body.owner }}', 'by {{ steps.a.body.items[0].name }}']}\n"
        "- {id: c, set: {owner: '{{ steps.a.body.owner }}'}}\n"
        "- {shell: [echo, '{{ vars.owner }}', '{{ steps.c.owner }}']}\n",
    )
    summaries = [step.plan.summary if step.plan else None for step in rehearsal.steps]
    assert summaries == [
        "GET http://h/",
        "echo ‹steps.a.body.owner› 'by ‹steps.a.body.items[0].name›'",
        "set owner",
        "echo ‹steps.a.body.owner› ‹steps.a.body.owner›",
    ]
    details = rehearsal.as_json()["steps"][2]["plan"]["details"]
    assert details == {"owner": "‹steps.a.body.owner›"}
    assert rehearsal.succeeds


def test_a_when_that_depends_on_such_a_result_is_assumed_and_says_so(types: Types) -> None:
    rehearsal = rehearsed(
        types,
        "steps:\n"
        "- {id: a, http: 'http://h/'}\n"
        "- {when: steps.a.status == `200`, shell: [echo, b]}\n"
        "- {when: steps.a.status == `200` && labels.nope, shell: [echo, c]}\n"
        "- {when: labels.nope && steps.a.status == `200`, shell: [echo, d]}\n",
    )
    because = "depends on ‹steps.a.status›, which is not known before the step is performed"
    assert told(rehearsal)[1:] == [
        ("steps/1", "performed", "echo b", f"if steps.a.status == `200` ({because})"),
        (
            "steps/2",
            "performed",
            "echo c",
            f"if steps.a.status == `200` && labels.nope ({because})",
        ),
        ("steps/3", "skipped", None, "labels.nope is null"),
    ]
    assert rehearsal.succeeds


def test_an_assumed_step_that_could_not_be_rendered_would_fail(types: Types) -> None:
    rehearsal = rehearsed(
        types,
        "steps:\n"
        "- {id: a, http: 'http://h/'}\n"
        "- {id: b, when: steps.a.status == `200`, shell: [echo, '{{ labels.nope }}']}\n",
    )
    assert told(rehearsal)[1] == (
        "steps/1",
        "failed",
        None,
        "shell.argv.1: 'nope' is not there (known here: resource)",
    )
    assert rehearsal.state is RunState.FAILED


def test_a_when_that_cannot_be_told_for_another_reason_would_fail_its_step(types: Types) -> None:
    rehearsal = rehearsed(
        types, "steps: [{id: a, shell: [ls], when: \"starts_with(labels.nope, 'x')\"}]"
    )
    ((path, outcome, plan, reason),) = told(rehearsal)
    assert (path, outcome, plan) == ("steps/0", "failed", None)
    assert reason is not None
    assert reason.startswith("its `when` cannot be told: starts_with(labels.nope, 'x'):")
    assert (rehearsal.state, rehearsal.reason) == (RunState.FAILED, f"a: {reason}")


# How it would end


def test_a_step_that_could_not_be_rendered_leads_to_on_failure(types: Types) -> None:
    rehearsal = rehearsed(
        types,
        "steps: [{id: a, shell: [echo, '{{ labels.nope }}'], retry: {attempts: 3}}, {shell: [ls]}]\n"
        "on_failure: [{shell: [echo, '{{ run.failed_step }}: {{ run.error }}']}]\n"
        "finally: [{shell: [unlock]}]\n",
    )
    said = "shell.argv.1: 'nope' is not there (known here: resource)"
    assert told(rehearsal) == [
        ("steps/0", "failed", None, said),
        (
            "on_failure/0",
            "performed",
            f"echo 'a: {said}'".replace("'nope'", "'\\''nope'\\''"),
            None,
        ),
        ("finally/0", "performed", "unlock", None),
    ]
    assert (rehearsal.state, rehearsal.reason) == (RunState.FAILED, f"a: {said}")
    assert not rehearsal.succeeds


def test_vars_that_could_not_be_rendered_lead_to_on_failure(types: Types) -> None:
    rehearsal = rehearsed(
        types,
        "vars: {a: '1', host: '{{ labels.nope }}'}\nsteps: [{shell: [ls]}]\n"
        "on_failure: [{shell: [say, '{{ run.failed_step }}']}]",
    )
    assert told(rehearsal) == [("on_failure/0", "performed", "say vars", None)]
    assert rehearsal.variables == {"a": "1"}
    assert rehearsal.reason == "vars: host: 'nope' is not there (known here: resource)"


@pytest.mark.parametrize(
    ("status", "state", "reason", "after"),
    [
        ("succeeded", RunState.SUCCEEDED, "not ours", ["finally/0"]),
        ("failed", RunState.FAILED, "gate: not ours", ["on_failure/0", "finally/0"]),
    ],
)
def test_stop_ends_the_steps(
    types: Types, status: str, state: RunState, reason: str, after: list[str]
) -> None:
    rehearsal = rehearsed(
        types,
        f"steps: [{{id: gate, stop: {{status: {status}, reason: not ours}}}}, {{shell: [ls]}}]\n"
        "on_failure: [{shell: [a]}]\nfinally: [{shell: [b]}]",
    )
    assert [step.step.path for step in rehearsal.steps] == ["steps/0", *after]
    assert (rehearsal.state, rehearsal.reason) == (state, reason)


def test_a_stop_for_an_unknown_reason_says_so(types: Types) -> None:
    rehearsal = rehearsed(
        types, "steps: [{id: a, http: 'http://h/'}, {stop: '{{ steps.a.body.why }}'}]"
    )
    assert rehearsal.reason == "‹steps.a.body.why›"
    assert json.dumps(rehearsal.as_json())


def test_a_wait_takes_no_time_and_is_told_once(types: Types) -> None:
    rehearsal = rehearsed(
        types,
        "timeout: 5m\nsteps: [{id: w, wait: 1m}, {wait: 30s}, {shell: [echo, '{{ steps.w.waited }}']}]",
    )
    assert told(rehearsal) == [
        ("steps/0", "performed", "wait 1m", None),
        ("steps/1", "performed", "wait 30s", None),
        ("steps/2", "performed", "echo 60.0", None),
    ]


def test_a_wait_for_as_long_as_a_result_says_is_planned(types: Types) -> None:
    rehearsal = rehearsed(
        types, "steps: [{id: a, http: 'http://h/'}, {wait: '{{ steps.a.body.pause }}'}]"
    )
    assert told(rehearsal)[1] == ("steps/1", "performed", "wait ‹steps.a.body.pause›", None)
    assert rehearsal.succeeds


def test_waits_that_are_longer_than_the_playbook_may_take_would_fail(types: Types) -> None:
    rehearsal = rehearsed(
        types, "timeout: 1m\nsteps: [{wait: 40s}, {id: w, wait: 40s}, {shell: [ls]}]"
    )
    assert [(step.step.path, step.outcome) for step in rehearsal.steps] == [
        ("steps/0", "performed"),
        ("steps/1", "failed"),
    ]
    assert rehearsal.reason == "w: the playbook's 1m were over"


# Secrets


def test_a_secret_that_is_not_declared_would_fail_its_step(types: Types) -> None:
    rehearsal = rehearsed(types, "steps: [{shell: {script: ls, stdin: '{{ secrets.LB_TOKN }}'}}]")
    assert told(rehearsal)[0][3] == (
        "shell.stdin: 'LB_TOKN' is not there (did you mean 'LB_TOKEN'?)"
    )


def test_masked_secrets_are_their_names() -> None:
    masked = MaskedSecrets(SECRETS)
    assert dict(masked) == {"LB_TOKEN": "$LB_TOKEN", "OTHER": "$OTHER"}
    assert len(masked) == 2
    assert "NONE" not in masked
    with pytest.raises(KeyError):
        masked["NONE"]


# JSON


def test_the_json_of_a_rehearsal_has_these_keys(types: Types) -> None:
    rehearsal = rehearsed(
        types,
        "vars: {host: '{{ labels.resource }}'}\n"
        "steps: [{id: a, name: List, shell: [ls]}, {when: labels.nope, shell: [ls]}]",
    )
    tree: dict[str, Any] = {
        "expression": "trigger",
        "key": None,
        "answer": "yes",
        "value": None,
        "with_values": None,
        "reason": None,
        "absent": None,
        "decides": True,
        "parts": [],
    }
    assert rehearsal.as_json() == {
        "playbook": "p",
        "file": "p.yaml",
        "answer": "yes",
        "reason": None,
        "tree": tree,
        "lane": None,
        "guard": {"decision": "start", "reason": None, "until": None, "cancel": []},
        "vars": {"host": "es.nj.01"},
        "steps": [
            {
                "path": "steps/0",
                "id": "a",
                "name": "List",
                "type": "shell",
                "outcome": "performed",
                "plan": {"summary": "ls", "details": {"argv": ["ls"]}, "command": "ls"},
                "reason": None,
            },
            {
                "path": "steps/1",
                "id": None,
                "name": None,
                "type": "shell",
                "outcome": "skipped",
                "plan": None,
                "reason": "labels.nope is null",
            },
        ],
        "unreached": [],
        "unknown": [],
        "would": {"state": "succeeded", "reason": None, "answer": None, "otherwise": None},
    }
    refused = rehearsed(types, "trigger: {when: labels.nope}\nsteps: [{shell: [ls]}]").as_json()
    assert set(refused) == set(rehearsal.as_json())
    assert {key: refused[key] for key in refused if key != "tree"} == {
        "playbook": "p",
        "file": "p.yaml",
        "answer": "no",
        "reason": "labels.nope is null",
        "lane": None,
        "guard": None,
        "vars": {},
        "steps": [],
        "unreached": [],
        "unknown": [],
        "would": None,
    }
    assert refused["tree"]["parts"][0]["absent"]["keys"] == ["resource"]


def test_what_is_not_known_is_shown_by_its_name_however_deep() -> None:
    unknown = Unknown("steps.a")
    assert shown({"x": [unknown, (unknown.body, 1)], "y": "z"}) == {
        "x": ["‹steps.a›", ["‹steps.a.body›", 1]],
        "y": "z",
    }


# Calls for labels

CALL = replace(
    an_event(
        payload={
            "result_label_keys": ["owner"],
            "event": {"alert_key": "k", "labels": {"service": "checkout"}},
        }
    ),
    source="label-mapping",
    own=False,
)
ANSWERS = "trigger: {answer: labels}\nsteps: [{id: look, http: 'https://cmdb/hosts'}]\n"


def called(types: Types, *texts: str) -> list[Rehearsal]:
    playbooks = [loaded(types, text, f"p{number}") for number, text in enumerate(texts, start=1)]
    return rehearse_all(playbooks, CALL, config=CONFIG, secrets=SECRETS, step_types=types)


def test_the_answer_to_a_call_is_shown_with_what_is_not_known_yet(types: Types) -> None:
    (rehearsal,) = called(
        types, f"{ANSWERS}answer: {{owner: '{{{{ steps.look.body.owner }}}}', tier: 1, dc: null}}"
    )

    assert rehearsal.succeeds
    assert rehearsal.as_json()["would"] == {
        "state": "succeeded",
        "reason": None,
        "answer": {"owner": "‹steps.look.body.owner›", "tier": "1"},
        "otherwise": None,
    }


def test_an_answer_that_cannot_be_rendered_would_fail(types: Types) -> None:
    (rehearsal,) = called(types, f"{ANSWERS}answer: {{owner: '{{{{ labels }}}}'}}")

    assert not rehearsal.succeeds
    assert rehearsal.as_json()["would"] == {
        "state": "failed",
        "reason": "answer: owner: the value of a label is a text, not a mapping",
        "answer": None,
        "otherwise": None,
    }


def test_one_playbook_would_answer_and_the_others_say_which(types: Types) -> None:
    first, second, press = called(
        types,
        f"{ANSWERS}answer: {{owner: a}}",
        f"{ANSWERS}answer: {{owner: b}}",
        "steps: [{wait: 1s}]",
    )

    assert first.succeeds
    assert (second.verdict.reason, second.state, second.steps) == (
        "p1 answers this call",
        None,
        (),
    )
    assert press.verdict.reason == "the event asks for labels; `answer: labels` takes such events"


def test_what_is_no_call_may_start_several(types: Types) -> None:
    playbooks = [loaded(types, "steps: [{wait: 1s}]", name) for name in ("a", "b")]

    both = rehearse_all(playbooks, EVENT, config=CONFIG, secrets=SECRETS, step_types=types)

    assert [rehearsal.succeeds for rehearsal in both] == [True, True]


# The guard


def test_a_guard_says_what_the_run_acts_on_or_why_it_would_be_skipped(types: Types) -> None:
    guarded = "guard: {{key: {}}}\nsteps: [{{shell: [ls]}}]"
    known = rehearsed(types, guarded.format("labels.resource"))
    assert known.succeeds
    assert known.as_json()["lane"] == json.loads(str(known.lane))
    assert known.lane == '"es.nj.01"'
    skipped = rehearsed(types, guarded.format("labels.nowhere"))
    assert (skipped.state, skipped.steps, skipped.lane) == (RunState.SKIPPED, (), None)
    assert skipped.reason == (
        "guard: the key labels.nowhere is not there, so nobody knows what it acts on"
    )


def test_a_guard_without_a_key_has_one_lane_for_all(types: Types) -> None:
    rehearsal = rehearsed(types, "guard: {breaker: 3}\nsteps: [{shell: [ls]}]")
    assert (rehearsal.lane, rehearsal.as_json()["lane"], rehearsal.succeeds) == ("", None, True)


# Again and again, side by side


def test_each_item_of_a_foreach_has_its_plan(types: Types) -> None:
    rehearsal = rehearsed(
        types,
        "vars: {hosts: [a, b, c]}\n"
        "steps:\n"
        "- {id: look, foreach: vars.hosts, max_parallel: 2, shell: [ls, '{{ item }}', '{{ index }}']}\n"
        "- {set: {x: \"{{ steps.look['items'][2].stdout }}\"}}\n",
    )
    assert told(rehearsal) == [
        ("steps/0", "performed", None, "for each of vars.hosts: 3 items, up to 2 at once"),
        ("steps/0[0]", "performed", "ls a 0", None),
        ("steps/0[1]", "performed", "ls b 1", None),
        ("steps/0[2]", "performed", "ls c 2", None),
        ("steps/1", "performed", "set x", None),
    ]
    assert shown(rehearsal.as_json()["steps"][-1]["plan"]["details"]) == {
        "x": "‹steps.look.items[2].stdout›"
    }


def test_a_foreach_over_nothing_is_not_passed_over_in_silence(types: Types) -> None:
    rehearsal = rehearsed(
        types,
        "steps: [{id: a, foreach: 'alerts[].labels.nope', shell: [ls]}, "
        "{when: steps.a.outcome == 'succeeded', shell: [ls]}]",
    )
    assert told(rehearsal) == [
        ("steps/0", "performed", None, "for each of alerts[].labels.nope: no items"),
        ("steps/1", "performed", "ls", None),
    ]


def test_items_that_nobody_knows_are_supposed_to_be_one_whose_result_nobody_knows(
    types: Types,
) -> None:
    rehearsal = rehearsed(
        types,
        "steps:\n"
        "- {id: hosts, http: 'http://a', output: body.items}\n"
        "- {id: each, foreach: steps.hosts, shell: [ls, '{{ item.name }}'], example: {exit: 0}}\n"
        "- {shell: [echo, \"{{ steps.each['items'][1].exit }}\"]}\n",
    )
    assert told(rehearsal)[1:] == [
        ("steps/1", "performed", "ls ‹item.name›", "for each of ‹steps.hosts›"),
        ("steps/2", "performed", "echo '‹steps.each.items[1].exit›'", None),
    ]


def test_a_foreach_that_takes_no_list_would_fail(types: Types) -> None:
    rehearsal = rehearsed(types, "steps: [{foreach: labels.nope, shell: [ls]}]")
    assert told(rehearsal) == [
        ("steps/0", "failed", None, "its `foreach` takes a list, and labels.nope is nothing")
    ]
    assert not rehearsal.succeeds


OTHER = """name: other
inputs: {host: {type: string}, n: {type: integer, default: 1}}
vars: {what: "{{ inputs.host }}"}
steps:
  - {id: x, shell: [echo, "{{ vars.what }}", "{{ inputs.n }}"]}
  - {set: {found: "{{ steps.x.stdout }}"}}
"""


def with_other(types: Types, steps: str) -> Rehearsal:
    text = f"name: p\ntrigger: {{}}\nsteps:\n{steps}"
    playbook = Loader(types).load_kept(PlaybookText(text, "p.yaml", ((OTHER, "o.yaml"),)))
    return rehearse(playbook, EVENT, config=CONFIG, secrets=SECRETS, step_types=types)


def test_a_called_playbook_is_rehearsed_with_what_it_is_handed(types: Types) -> None:
    rehearsal = with_other(
        types,
        "- {id: c, playbook: {call: other, inputs: {host: '{{ labels.resource }}'}}}\n"
        "- shell: [echo, '{{ steps.c.vars.found }}', '{{ steps.c.vars.what }}']\n",
    )
    assert told(rehearsal) == [
        ("steps/0", "performed", "carry out other", None),
        ("steps/0/steps/0", "performed", "echo es.nj.01 1", None),
        ("steps/0/steps/1", "performed", "set found", None),
        ("steps/1", "performed", "echo ‹steps.x.stdout› es.nj.01", None),
    ]
    assert rehearsal.succeeds


def test_a_called_playbook_is_handed_what_nobody_knows_yet(types: Types) -> None:
    rehearsal = with_other(
        types,
        "- {id: a, http: 'http://a'}\n"
        "- {when: steps.a.body.go, playbook: {call: other, inputs: {host: '{{ steps.a.body.h }}'}}}\n"
        "- {foreach: steps.a.body.l, playbook: {call: other, inputs: {host: '{{ item }}'}}}\n",
    )
    assert told(rehearsal)[1:] == [
        (
            "steps/1",
            "performed",
            None,
            (
                "if steps.a.body.go (depends on ‹steps.a.body.go›, which is not known before the "
                "step is performed)"
            ),
        ),
        ("steps/1", "performed", "carry out other", None),
        ("steps/1/steps/0", "performed", "echo ‹steps.a.body.h› 1", None),
        ("steps/1/steps/1", "performed", "set found", None),
        (
            "steps/2",
            "performed",
            "carry out other",
            "for each of ‹steps.a.body.l›; its steps are not shown",
        ),
    ]


def test_a_playbook_that_cannot_be_called_would_fail(types: Types) -> None:
    rehearsal = with_other(types, "- playbook: {call: other, inputs: {host: '{{ labels.x }}'}}\n")
    ((path, outcome, _, reason),) = told(rehearsal)
    assert (path, outcome) == ("steps/0", "failed")
    assert (reason or "").startswith("inputs.host: 'x' is not there")
    assert not rehearsal.succeeds


def test_branches_are_shown_one_after_another(types: Types) -> None:
    rehearsal = rehearsed(
        types,
        "steps:\n"
        "- parallel:\n"
        "  - [{id: a, shell: [one]}, {when: steps.a.stdout, shell: [two]}]\n"
        "  - [{when: labels.nope, shell: [three]}]\n"
        "- {parallel: [[{shell: [four]}]], when: labels.nope}\n"
        "- {parallel: [[{shell: [five]}], [{wait: 5s}]], when: steps.a.stdout}\n",
    )
    known_later = (
        "if steps.a.stdout (depends on ‹steps.a.stdout›, which is not known before the step "
        "is performed)"
    )
    assert told(rehearsal) == [
        ("steps/0", "performed", None, "2 branches, side by side"),
        ("steps/0[0]/0", "performed", "one", None),
        ("steps/0[0]/1", "performed", "two", known_later),
        ("steps/0[1]/0", "skipped", None, "labels.nope is null"),
        ("steps/1", "skipped", None, "labels.nope is null"),
        ("steps/2", "performed", None, f"{known_later}; 2 branches, side by side"),
        ("steps/2[0]/0", "performed", "five", None),
        ("steps/2[1]/0", "performed", "wait 5s", None),
    ]
    assert rehearsal.succeeds


def test_a_step_with_until_says_that_it_would_be_performed_again(types: Types) -> None:
    step = "{{id: up, http: 'http://a', until: {{condition: body.ok, for: 5m}}{}}}"
    again = "until body.ok: again every 5s, for 5m at most"
    rehearsal = rehearsed(types, f"steps: [{step.format('')}]")
    assert told(rehearsal) == [("steps/0", "performed", "GET http://a", again)]
    as_wanted = rehearsed(types, f"steps: [{step.format(', example: {body: {ok: true}}')}]")
    assert told(as_wanted) == told(rehearsal)


def test_an_example_that_until_would_never_take_fails(types: Types) -> None:
    step = "{id: up, http: 'http://a', until: {condition: ok, for: 5m}, example: {body: {ok: 1}}}"
    rehearsal = rehearsed(types, f"steps: [{step}]")
    said = "until: ok is null, in its `example`"
    assert told(rehearsal) == [("steps/0", "failed", "GET http://a", said)]
    assert rehearsal.reason == f"up: {said}"


def test_an_example_goes_through_output(types: Types) -> None:
    steps = (
        "steps: [{id: a, http: 'http://a', output: OUTPUT, example: {body: {names: [x, y]}}}, "
        "{shell: [echo, '{{ steps.a[1] }}']}]"
    )
    assert told(rehearsed(types, steps.replace("OUTPUT", "body.names")))[1][2] == "echo y"
    failing = rehearsed(types, steps.replace("OUTPUT", "'abs(body)'"))
    assert told(failing)[0][1] == "failed"
    assert str(failing.reason).startswith("a: its `output` cannot be told: ")


def test_a_person_who_would_be_asked_is_taken_to_have_agreed(types: Types) -> None:
    rehearsal = rehearsed(
        types,
        "steps: [{id: ask, approve: {ask: 'Restart {{ labels.resource }}?', within: 5m}}, "
        "{when: steps.ask.approved, shell: [ls]}]",
    )
    assert told(rehearsal) == [
        (
            "steps/0",
            "performed",
            "wait up to 5m for a person to agree: Restart es.nj.01?",
            "a person is asked; what follows is as if somebody had agreed",
        ),
        ("steps/1", "performed", "ls", None),
    ]
