"""A run that carries out another playbook within its own: told as stories."""

from typing import Any

import pytest

from engine.playbooks.load import Loader
from engine.playbooks.playbook import Playbook, PlaybookText
from engine.runs.fact import Cancelled
from engine.runs.run import Asking, Outcome
from tests.runs.fakes import Probe, step_types
from tests.runs.test_flow_side_by_side import BEGAN, HOSTS, Story

DRAIN = """
name: drain
inputs:
  host: {type: string}
  wait: {type: integer, default: 5}
vars:
  what: "{{ inputs.host }} for {{ inputs.wait }}"
timeout: 1m
steps:
  - {id: out, probe: "{{ vars.what }}"}
  - {id: last, probe: done}
on_failure: [{probe: "{{ run.failed_step }}: {{ run.error }}"}]
finally: [{probe: unlock}]
"""
CALLS = """
name: p
trigger: {}
vars: {own: 1}
steps:
  - {id: before, probe: x}
  - {id: drain, playbook: {call: drain, inputs: {host: "{{ labels.host }}"}}}
  - {id: after, probe: "{{ steps.drain.vars.what }}"}
finally: [{probe: f}]
"""


def joined(text: str, *others: str) -> Playbook:
    loader = Loader(step_types(Probe()))
    return loader.load_kept(PlaybookText(text, "p.yaml", tuple((one, "o.yaml") for one in others)))


def a_story(text: str = CALLS, other: str = DRAIN, labels: Any = None) -> Story:
    return Story(joined(text, other), labels=labels or {"host": "web-1"})


def test_a_called_playbook_has_its_own_names_and_hands_back_its_vars() -> None:
    story = a_story()
    story.does("steps/0")
    called = story.calls()
    assert called.handed.inputs == {"host": "web-1", "wait": 5}
    assert called.handed.variables == {"what": "web-1 for 5"}
    document = story.start("steps/1/steps/0").document
    assert document["inputs"] == {"host": "web-1", "wait": 5}
    assert document["vars"] == {"what": "web-1 for 5"}
    assert document["steps"] == {}
    assert document["labels"] == {"host": "web-1"}
    story.settle("steps/1/steps/0", variables={"found": 3})
    assert list(story.steps) == ["out"]
    story.does("steps/1/steps/1")
    story.does("steps/1/finally/0")
    assert story.noted().result == {"vars": {"what": "web-1 for 5", "found": 3}}
    document = story.start("steps/2").document
    assert list(document["steps"]) == ["before", "drain"]
    assert document["steps"]["drain"]["vars"]["found"] == 3
    assert document["inputs"] == {}
    story.settle("steps/2")
    story.does("finally/0")
    assert story.ends == ("succeeded", None)


def test_a_failure_in_a_called_playbook_has_its_own_on_failure_and_fails_the_step() -> None:
    story = a_story()
    story.does("steps/0")
    story.calls()
    story.fails("steps/1/steps/0", "no route")
    failing = story.start("steps/1/on_failure/0").document
    assert (failing["run"]["failed_step"], failing["run"]["error"]) == ("out", "no route")
    story.settle("steps/1/on_failure/0")
    story.does("steps/1/finally/0")
    assert story.noted().error == "out: no route"
    story.does("finally/0")
    assert story.ends == ("failed", "drain: out: no route")


def test_a_run_may_go_on_behind_a_called_playbook_that_failed() -> None:
    story = a_story(CALLS.replace("{id: drain,", "{id: drain, continue_on_error: true,"))
    story.does("steps/0")
    story.calls()
    story.fails("steps/1/steps/0")
    story.does("steps/1/on_failure/0")
    story.does("steps/1/finally/0")
    assert story.noted().outcome is Outcome.FAILED
    assert story.offered() == ["steps/2"]


def test_a_stop_in_a_called_playbook_ends_that_one_alone() -> None:
    story = a_story()
    story.does("steps/0")
    story.calls()
    story.start("steps/1/steps/0")
    story.settle("steps/1/steps/0", error="all is well", stops=True)
    story.does("steps/1/finally/0")
    assert story.noted().outcome is Outcome.SUCCEEDED
    assert story.offered() == ["steps/2"]


def test_a_cancelled_run_carries_out_the_finally_of_what_it_called_and_then_its_own() -> None:
    story = a_story()
    story.does("steps/0")
    story.calls()
    story.start("steps/1/steps/0")
    story.take(Cancelled(story.now, "cancelled by ada"))
    story.settle("steps/1/steps/0", Outcome.FAILED, error="cut", retryable=False)
    story.does("steps/1/finally/0")
    assert story.noted().outcome is Outcome.FAILED
    story.does("finally/0")
    assert story.ends == ("cancelled", "cancelled by ada")


def test_a_cancelled_run_calls_nothing_any_more() -> None:
    story = a_story()
    story.does("steps/0")
    story.take(Cancelled(story.now, "cancelled by ada"))
    assert story.offered() == ["finally/0"]


def test_a_called_playbook_has_its_own_time_and_that_of_its_caller() -> None:
    story = a_story()
    story.does("steps/0")
    story.calls()
    story.does("steps/1/steps/0")
    story.now = BEGAN + 61
    assert story.noted().error == "the playbook's 1m were over before this step"
    story.does("steps/1/on_failure/0")
    story.does("steps/1/finally/0")
    assert story.noted().error == "last: the playbook's 1m were over before this step"

    story = a_story(f"timeout: 30s\n{CALLS}")
    story.does("steps/0")
    story.calls()
    story.does("steps/1/steps/0")
    story.now = BEGAN + 31
    assert story.noted().error == "the playbook's 30s were over before this step"


def test_the_time_a_person_takes_is_not_that_of_the_called_playbook() -> None:
    story = a_story()
    story.does("steps/0")
    story.calls()
    story.asks("steps/1/steps/0", Asking.ATTENTION)
    story.now += 500
    story.settle("steps/1/steps/0", Outcome.SKIPPED, by="ada")
    assert story.offered() == ["steps/1/steps/1"]


@pytest.mark.parametrize(
    ("inputs", "error"),
    [
        ('{host: "{{ labels.nope }}"}', "inputs.host: 'nope' is not there"),
        ('{host: "{{ labels }}"}', "inputs: 'host' takes a text, not {'host': 'web-1'}"),
        (
            '{host: a, wait: "{{ labels.host }}"}',
            "inputs: 'wait' takes a whole number, not 'web-1'",
        ),
    ],
)
def test_inputs_that_cannot_be_had_fail_the_step_before_anything_is_done(
    inputs: str, error: str
) -> None:
    story = a_story(CALLS.replace('{host: "{{ labels.host }}"}', inputs))
    story.does("steps/0")
    assert (story.noted().error or "").startswith(error)
    assert story.offered() == ["finally/0"]


def test_vars_of_a_called_playbook_that_cannot_be_rendered_fail_the_step() -> None:
    story = a_story(other=DRAIN.replace("{{ inputs.host }}", "{{ labels.nope }}"))
    story.does("steps/0")
    assert (story.noted().error or "").startswith("vars of drain: what: 'nope' is not there")


EACH = """
name: p
trigger: {}
steps:
  - {id: each, foreach: labels.hosts, max_parallel: 2, playbook: {call: drain, inputs: {host: "{{ item }}"}}}
"""


def test_a_playbook_is_carried_out_for_each_item() -> None:
    story = a_story(EACH, labels=HOSTS["labels"])
    assert story.calls("steps/0[0]").handed.inputs["host"] == "a"
    assert story.calls("steps/0[1]").handed.inputs["host"] == "b"
    story.does("steps/0[1]/steps/0")
    story.does("steps/0[1]/steps/1")
    assert story.offered() == ["steps/0[0]/steps/0", "steps/0[1]/finally/0"]
    story.does("steps/0[1]/finally/0")
    story.noted()
    assert story.calls("steps/0[2]").handed.inputs["host"] == "c"
    story.fails("steps/0[0]/steps/0", "no route")
    assert story.offered() == ["steps/0[0]/on_failure/0", "steps/0[2]/steps/0"]
    story.does("steps/0[0]/on_failure/0")
    story.does("steps/0[0]/finally/0")
    story.noted()
    # No further step of the other one begins, but what it has to clean up is done.
    assert story.offered() == ["steps/0[2]/finally/0"]
    story.does("steps/0[2]/finally/0")
    assert story.noted().error == "another branch failed before it came to its end"
    assert story.noted().error == "item 0 of 3: out: no route"
    assert story.ends == ("failed", "each: item 0 of 3: out: no route")


RESOLVED = """
name: p
trigger: {}
on_resolved: [{id: r, probe: x}, {probe: y}]
steps: [{probe: a}, {probe: b}]
on_failure: [{probe: c}]
finally: [{probe: f}]
"""


@pytest.mark.parametrize("fails", [False, True])
def test_when_its_incident_is_closed_a_run_does_what_on_resolved_says(fails: bool) -> None:
    story = Story(joined(RESOLVED))
    if fails:
        story.fails("steps/0")
        story.start("on_failure/0")
    else:
        story.start("steps/0")
    story.take(Cancelled(story.now, "cancelled by the end of its incident", resolved=True))
    where = "on_failure/0" if fails else "steps/0"
    story.settle(where, Outcome.FAILED, error="cut", retryable=False)
    story.fails("on_resolved/0")
    story.does("on_resolved/1")
    story.does("finally/0")
    assert story.ends == ("cancelled", "cancelled by the end of its incident")


def test_a_run_that_ends_by_itself_has_nothing_of_on_resolved() -> None:
    story = Story(joined(RESOLVED))
    story.does("steps/0")
    story.does("steps/1")
    assert story.offered() == ["finally/0"]


def test_attention_for_what_cleans_up_in_a_call_does_not_undo_that_its_time_was_over() -> None:
    other = DRAIN.replace("{id: out, ", "{id: out, continue_on_error: true, ")
    story = a_story(other=other)
    story.does("steps/0")
    story.calls()
    story.start("steps/1/steps/0")
    story.now += 60
    story.settle("steps/1/steps/0", Outcome.FAILED, error="timed out", retryable=False)
    story.asks("steps/1/on_failure/0", Asking.ATTENTION)
    story.now += 8 * 3600
    story.settle("steps/1/on_failure/0", Outcome.UNKNOWN, again=True, by="ada")
    assert story.offered() == ["steps/1/on_failure/0"]
