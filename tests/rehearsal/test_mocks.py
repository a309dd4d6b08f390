"""What comes back in a rehearsal is judged as in a run, and time goes on as it would."""

import pytest

from engine.runs.run import Outcome, RunState
from tests.rehearsal.laid_out import rehearsed

Told = list[tuple[str, str, str | None]]


def told(text: str, mocks: str) -> Told:
    steps = rehearsed(text, mocks).steps
    return [(one.step.id or one.step.path, one.outcome, one.reason) for one in steps]


def took(text: str, mocks: str) -> float:
    rehearsal = rehearsed(text, mocks)
    assert rehearsal.driven is not None
    return round(rehearsal.driven.at - rehearsal.driven.flow.began.at, 3)


HTTP = "steps: [{id: a, http: 'http://h/', timeout: 7s}]"
SHELL = "steps: [{id: a, shell: {argv: [ls], parse: json}}]"
ACK = "steps: [{id: a, flashduty: incident/ack}]"
COMMENT = "steps: [{id: a, flashduty: {call: incident/comment, comment: x}}]"
APPROVE = "steps: [{id: a, approve: {ask: Really, within: 10m}}]"
NOBODY_KNOWS = "nobody knows whether it took effect"


@pytest.mark.parametrize(
    ("text", "mock", "outcome", "reason"),
    [
        (HTTP, "{}", "performed", None),
        (HTTP, "{status: 302}", "performed", None),
        (HTTP, "{status: 500, body: busy}", "failed", "GET http://h/ answered 500: busy"),
        (HTTP, "{fail: no connection}", "failed", "no connection"),
        (HTTP, "{timeout: true}", "failed", "timed out after 7s"),
        (HTTP, "{result: {status: 200}, takes: 8s}", "failed", "timed out after 7s"),
        (HTTP, "{unknown: true}", "unknown", NOBODY_KNOWS),
        (SHELL, "{stdout: '[1]'}", "performed", None),
        (SHELL, "{json: [1]}", "performed", None),
        (SHELL, "{stdout: x}", "failed", "its output is not JSON"),
        (SHELL, "{exit: 3, stderr: no such host}", "failed", "exit 3: no such host"),
        (SHELL, "{exit: -9}", "failed", "ended by SIGKILL"),
        (SHELL, "{timeout: true}", "failed", "timed out after 10m"),
        (ACK, "{data: {}}", "performed", None),
        (ACK, "{code: InternalError, status: 500}", "failed", "InternalError: no message"),
        (ACK, "{timeout: true}", "failed", "timed out after 1m"),
        (COMMENT, "{code: AccessDenied, message: no, status: 403}", "failed", "AccessDenied: no"),
        (COMMENT, "{code: InternalError, status: 500}", "unknown", "look in Flashduty whether"),
        (COMMENT, "{timeout: true}", "unknown", "timed out after 1m"),
        (APPROVE, "{by: maria}", "performed", None),
        (APPROVE, "{approved: false, by: maria}", "failed", "rejected by maria"),
        (APPROVE, "{timeout: true}", "failed", "nobody agreed within 10m"),
    ],
)
def test_the_step_type_judges_it_as_in_a_run(
    text: str, mock: str, outcome: str, reason: str | None
) -> None:
    ((_, became, said),) = told(text, f"a: {mock}")
    assert became == outcome
    assert (said is None) if reason is None else (said is not None and reason in said)


def test_what_comes_back_is_what_later_steps_see() -> None:
    text = """\
steps:
  - { id: a, http: "http://h/", output: body.hosts }
  - { id: b, shell: [echo, "{{ steps.a[1] }}"] }
"""
    rehearsal = rehearsed(text, "a: {body: {hosts: [x, y]}}")
    plan = rehearsal.steps[1].plan
    assert plan is not None
    assert plan.details == {"argv": ["echo", "y"]}


def test_attempts_are_answered_one_after_another_and_the_last_answer_stays() -> None:
    text = "steps: [{id: a, http: 'http://h/', retry: {attempts: 4, delay: 2s, backoff: 3}}, {wait: 1s}]"
    mocks = "a: [{status: 503}, {fail: no connection}, {status: 200}]"
    assert told(text, mocks) == [
        ("a", "performed", "attempt 3"),
        ("steps/1", "performed", None),
    ]
    assert took(text, mocks) == 2 + 6 + 1
    ((_, outcome, reason),) = told(text, "a: [{status: 503}, {status: 500}]")
    assert (outcome, reason) == ("failed", "attempt 4; GET http://h/ answered 500")
    assert took(text, "a: {status: 503}") == 2 + 6 + 18


def test_until_asks_again_until_its_time_is_over() -> None:
    text = "steps: [{id: a, http: 'http://h/', until: {condition: body.up, every: 10s, for: 1m}}]"
    well = rehearsed(text, "a: [{body: {up: false}}, {status: 500}, {body: {up: true}}]")
    ill = rehearsed(text, "a: {body: {up: false}}")
    assert well.driven is not None
    assert well.driven.flow.progress["steps/0"].attempt == 3
    assert well.state is RunState.SUCCEEDED
    assert ill.driven is not None
    assert ill.driven.flow.progress["steps/0"].attempt == 7
    assert ill.reason == "a: until: body.up is false"
    assert took(text, "a: {body: {up: false}}") == 60


def test_a_failure_goes_the_way_of_failures() -> None:
    text = """\
steps:
  - { id: a, shell: [a], continue_on_error: true }
  - { id: b, shell: [b] }
  - { id: c, shell: [c] }
on_failure: [{ id: d, shell: [echo, "{{ run.failed_step }}: {{ run.error }}"] }]
finally: [{ id: e, shell: [e] }]
"""
    rehearsal = rehearsed(text, "{a: {exit: 1}, b: {exit: 2}}")
    assert [one.step.id for one in rehearsal.steps] == ["a", "b", "d", "e"]
    assert rehearsal.steps[2].plan is not None
    assert rehearsal.steps[2].plan.details["argv"] == ["echo", "b: exit 2"]
    assert (rehearsal.state, rehearsal.reason) == (RunState.FAILED, "b: exit 2")


def test_when_is_decided_by_what_comes_back() -> None:
    text = "steps: [{id: a, http: 'http://h/'}, {id: b, when: steps.a.body.go, shell: [b]}]"
    assert [one[1] for one in told(text, "a: {body: {go: true}}")] == ["performed", "performed"]
    assert [one[1] for one in told(text, "a: {body: {go: false}}")] == ["performed", "skipped"]


@pytest.mark.parametrize(
    ("mock", "outcomes"),
    [
        ("{exit: 1}", ["failed", "failed"]),
        ("[{exit: 0}, {exit: 1}]", ["succeeded", "failed"]),
        ("{0: {exit: 1}}", ["failed", "succeeded"]),
        ("[{exit: 0}, [{exit: 1}, {exit: 0}]]", ["succeeded", "succeeded"]),
    ],
)
def test_items_are_answered_together_or_one_by_one(mock: str, outcomes: list[str]) -> None:
    text = """\
steps:
  - id: a
    foreach: config.hosts
    shell: [ls, "{{ item }}"]
    retry: { attempts: 2, delay: 1ms }
    continue_on_error: true
"""
    rehearsal = rehearsed(text, f"a: {mock}", {"hosts": ["x", "y"]})
    assert rehearsal.driven is not None
    progress = rehearsal.driven.flow.progress
    settled = [progress[f"steps/0[{index}]"].settled for index in (0, 1)]
    assert [one and one.outcome.value for one in settled] == outcomes


def test_steps_of_a_called_playbook_are_answered_by_their_callers_name() -> None:
    text = "steps: [{id: out, playbook: drain}, {id: also, playbook: drain}]"
    rehearsal = rehearsed(text, "also/lookup: {status: 404}")
    assert rehearsal.driven is not None
    progress = rehearsal.driven.flow.progress
    found = [progress[f"steps/{number}/steps/0"].settled for number in (0, 1)]
    assert [one and one.outcome for one in found] == [Outcome.SUCCEEDED, Outcome.FAILED]


def test_what_goes_on_side_by_side_takes_the_time_of_the_longest() -> None:
    text = """\
steps:
  - parallel:
      - [{ id: a, shell: [a] }, { wait: 5s }]
      - [{ id: b, shell: [b] }, { id: c, shell: [c] }]
      - [{ wait: 8s }]
"""
    mocks = "{a: {result: {}, takes: 20s}, b: {result: {}, takes: 9s}, c: {result: {}, takes: 10s}}"
    assert took(text, mocks) == 25
    assert took(text, "{}") == 8


def test_the_playbooks_time_cuts_what_takes_too_long() -> None:
    text = "timeout: 1m\nsteps: [{id: a, shell: [a]}, {id: b, shell: [b]}, {id: c, shell: [c]}]"
    rehearsal = rehearsed(text, "{a: {result: {}, takes: 50s}, b: {result: {}, takes: 20s}}")
    assert rehearsal.reason == "b: timed out after 10s"
    assert took(text, "{a: {result: {}, takes: 50s}, b: {result: {}, takes: 20s}}") == 60


def test_silence_is_consent_where_the_playbook_says_so() -> None:
    text = "steps: [{id: a, approve: {ask: x, within: 10m, otherwise: approve}}, {shell: [b]}]"
    rehearsal = rehearsed(text, "a: {timeout: true}")
    assert rehearsal.succeeds
    assert took(text, "a: {timeout: true}") == 600
