"""What a run does next, told as stories: given this playbook and this history, then this move."""

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from engine.runs.fact import Began, Fact, Paused, Settled, Started
from engine.runs.flow import Flow
from engine.runs.move import End, Move, Note, Perform, Wait
from engine.runs.run import Outcome
from tests.runs.fakes import a_playbook

BEGAN = 1000.0


class Story:
    """Drives a flow by hand, at a time of its own."""

    def __init__(
        self,
        text: str,
        *,
        labels: Mapping[str, Any] | None = None,
        variables: Mapping[str, Any] | None = None,
        error: str | None = None,
    ) -> None:
        document = {"labels": dict(labels or {}), "event": {"id": "E"}}
        self.now = BEGAN
        self.path: list[str] = []
        self.last = ("", 0)  # the attempt that was started
        self.flow = Flow(a_playbook(text), document, "R")
        self.flow = self.flow.take(Began(BEGAN, variables or {}, error))

    @property
    def move(self) -> Move:
        (move,) = self.flow.next(self.now)
        return move

    def start(self) -> Perform:
        move = self.move
        assert isinstance(move, Perform), move
        self.path.append(move.step.path)
        self.last = (move.step.path, move.attempt)
        self.flow = self.flow.take(Started(move.step.path, move.attempt, self.now))
        return move

    def settle(self, outcome: Outcome = Outcome.SUCCEEDED, **rest: Any) -> None:
        fact = Settled(*self.last, self.now, outcome, **rest)
        self.flow = self.flow.take(fact)

    def succeeds(self, result: Any = None, **rest: Any) -> None:
        self.start()
        self.settle(result=result, **rest)

    def fails(self, error: str | None = "no", **rest: Any) -> None:
        self.start()
        self.settle(Outcome.FAILED, error=error, **rest)

    def is_unknown(self, error: str | None = "lost", **rest: Any) -> None:
        self.start()
        self.settle(Outcome.UNKNOWN, error=error, **rest)

    def pauses(self, seconds: float) -> None:
        move = self.start()
        self.flow = self.flow.take(Paused(move.step.path, move.attempt, self.now + seconds))

    def stops(self, outcome: Outcome, reason: str | None) -> None:
        self.start()
        self.settle(outcome, error=reason, retryable=False, stops=True)

    def noted(self) -> Settled:
        """Take what the flow itself knows."""
        move = self.move
        assert isinstance(move, Note), move
        self.flow = self.flow.take(move.fact)
        assert isinstance(move.fact, Settled)
        return move.fact

    @property
    def ends(self) -> tuple[str, str | None]:
        move = self.move
        assert isinstance(move, End), move
        return move.state.value, move.reason

    @property
    def stands_at(self) -> str | None:
        move = self.move
        return None if isinstance(move, End) else move.step.path

    @property
    def results(self) -> Any:
        return self.flow.sees()["steps"]


THREE = "steps: [{probe: a}, {probe: b}, {probe: c}]\n"
ALL = """
steps: [{id: one, probe: a}, {id: two, probe: b}]
on_failure: [{probe: c}, {probe: d}]
finally: [{id: last, probe: e}, {probe: f}]
"""


# Order


def test_steps_come_in_their_order_and_then_the_run_succeeds() -> None:
    story = Story(THREE)
    for _ in range(3):
        story.succeeds()
    assert story.path == ["steps/0", "steps/1", "steps/2"]
    assert story.ends == ("succeeded", None)


def test_a_move_says_attempt_deadline_and_that_nothing_was_started_before() -> None:
    story = Story(f"timeout: 1m\n{THREE}")
    step = story.flow.playbook.steps[0]
    assert story.move == Perform(step, 1, BEGAN + 60, again=False)


def test_without_a_failure_on_failure_is_passed_over_and_finally_is_not() -> None:
    story = Story(ALL)
    for _ in range(4):
        story.succeeds()
    assert story.path == ["steps/0", "steps/1", "finally/0", "finally/1"]
    assert story.ends == ("succeeded", None)


def test_after_a_failure_come_on_failure_and_finally_and_the_rest_of_steps_does_not() -> None:
    story = Story(ALL)
    story.fails("the disk is full")
    for _ in range(4):
        story.succeeds()
    assert story.path == ["steps/0", "on_failure/0", "on_failure/1", "finally/0", "finally/1"]
    assert story.ends == ("failed", "one: the disk is full")


@pytest.mark.parametrize("failing", [(1,), (2,), (3,), (4,), (1, 2, 3, 4)])
def test_whatever_fails_while_cleaning_up_the_rest_goes_on(failing: tuple[int, ...]) -> None:
    story = Story(ALL)
    story.fails("first")
    for number in range(1, 5):
        if number in failing:
            story.fails("later")
        else:
            story.succeeds()
    assert story.path == ["steps/0", "on_failure/0", "on_failure/1", "finally/0", "finally/1"]
    assert story.ends == ("failed", "one: first"), "the first failure is the reason"


def test_a_run_whose_finally_fails_has_failed_and_the_rest_of_finally_goes_on() -> None:
    story = Story(ALL)
    story.succeeds()
    story.succeeds()
    story.fails("cannot unlock")
    assert story.stands_at == "finally/1"
    assert story.flow.sees()["run"]["failed_step"] is None, "that is a word of on_failure"
    story.fails("and this")
    assert story.ends == ("failed", "last: cannot unlock")


def test_a_failing_step_of_finally_may_be_passed_over() -> None:
    story = Story("steps: [{probe: a}]\nfinally: [{probe: b, continue_on_error: true}]")
    story.succeeds()
    story.fails()
    assert story.ends == ("succeeded", None)


def test_a_failure_without_words_is_still_one() -> None:
    story = Story("steps: [{probe: a}]")
    story.fails(None)
    assert story.ends == ("failed", "steps/0: it failed")


@pytest.mark.parametrize(
    ("step", "called"),
    [
        ("{probe: a}", "steps/0"),
        ("{probe: a, name: Ask the host}", "Ask the host"),
        ("{probe: a, name: Ask the host, id: ask}", "ask"),
    ],
)
def test_a_failed_step_is_called_by_its_shortest_name(step: str, called: str) -> None:
    story = Story(f"steps: [{step}]\non_failure: [{{probe: b}}]")
    story.fails("no")
    assert story.flow.sees()["run"]["failed_step"] == called
    story.succeeds()
    assert story.ends == ("failed", f"{called}: no")


# when


@pytest.mark.parametrize(
    ("when", "reason"),
    [
        ("labels.go", "labels.go is null"),
        ("labels.tier == '1'", 'labels.tier is "2"'),
        ("labels.tier == '2' && labels.go", "labels.go is null"),
    ],
)
def test_a_step_whose_when_says_no_is_skipped_with_what_decided_it(when: str, reason: str) -> None:
    story = Story(f'steps: [{{id: a, probe: a, when: "{when}"}}]', labels={"tier": "2"})
    fact = story.noted()
    assert fact == Settled("steps/0", 1, BEGAN, Outcome.SKIPPED, error=reason, retryable=True)
    assert story.ends == ("succeeded", None)
    assert story.results == {"a": {"outcome": "skipped", "error": reason}}


def test_a_step_whose_when_says_yes_is_performed() -> None:
    story = Story("steps: [{probe: a, when: labels.go}]", labels={"go": "yes"})
    story.succeeds()
    assert story.path == ["steps/0"]


def test_a_step_whose_when_cannot_be_told_fails_and_is_not_tried_again() -> None:
    story = Story(
        "steps: [{id: a, probe: a, when: \"starts_with(labels.go, 'x')\", retry: {attempts: 9}}]\n"
        "on_failure: [{probe: b}]"
    )
    fact = story.noted()
    assert fact.outcome is Outcome.FAILED
    assert fact.error == (
        "its `when` cannot be told: starts_with(labels.go, 'x'): "
        "starts_with() takes string, not a field that is not there"
    )
    assert not fact.retryable
    assert story.stands_at == "on_failure/0"


def test_when_is_asked_before_the_first_attempt_alone() -> None:
    story = Story(
        "steps: [{id: a, probe: a, when: run.attempt == `1`, retry: {attempts: 2, delay: 0s}}]"
    )
    story.fails()
    move = story.move
    assert isinstance(move, Perform)
    assert move.attempt == 2


def test_when_sees_earlier_results_and_vars() -> None:
    story = Story(
        "steps:\n"
        "  - {id: a, probe: a}\n"
        "  - {probe: b, when: steps.a.status == `200` && vars.host == 'h'}\n",
        variables={"host": "h"},
    )
    story.succeeds({"status": 200})
    story.succeeds()
    assert story.path == ["steps/0", "steps/1"]


# retry


@pytest.mark.parametrize(
    ("retry", "delays"),
    [
        ("{attempts: 4, delay: 2s}", [2, 2, 2]),
        ("{attempts: 4, delay: 2s, backoff: 3}", [2, 6, 18]),
        ("{attempts: 4, delay: 2s, backoff: 3, max_delay: 5s}", [2, 5, 5]),
        ("{attempts: 3}", [1, 1]),
    ],
)
def test_the_delay_is_counted_from_when_the_attempt_failed(retry: str, delays: list[float]) -> None:
    story = Story(f"steps: [{{id: a, probe: a, retry: {retry}}}]")
    for number, delay in enumerate(delays, start=1):
        assert story.start().attempt == number
        story.now += 7
        story.settle(Outcome.FAILED, error="no")
        failed = story.now
        step = story.flow.playbook.steps[0]
        assert story.move == Wait(step, failed + delay, "until the next attempt")
        story.now = failed + delay - 0.001
        assert isinstance(story.move, Wait)
        story.now = failed + delay
        assert "a" not in story.results
    assert story.start().attempt == len(delays) + 1
    story.settle(Outcome.FAILED, error="for good")
    assert story.ends == ("failed", "a: for good")


def test_a_step_that_succeeds_at_last_has_succeeded() -> None:
    story = Story("steps: [{id: a, probe: a, retry: {attempts: 3, delay: 0s}}, {probe: b}]")
    story.fails("one")
    story.fails("two")
    story.succeeds({"n": 1})
    assert story.results == {"a": {"n": 1, "outcome": "succeeded", "error": None}}
    story.succeeds()
    assert story.ends == ("succeeded", None)


def test_what_could_only_fail_again_is_not_tried_again() -> None:
    story = Story("steps: [{id: a, probe: a, retry: {attempts: 3}}]")
    story.fails("404", retryable=False)
    assert story.ends == ("failed", "a: 404")


def test_the_next_step_counts_its_attempts_anew() -> None:
    story = Story("steps: [{probe: a, retry: {attempts: 2, delay: 0s}}, {probe: b}]")
    story.fails()
    story.succeeds()
    move = story.move
    assert isinstance(move, Perform)
    assert (move.step.path, move.attempt) == ("steps/1", 1)


def test_run_attempt_is_the_attempt_being_made() -> None:
    story = Story("steps: [{probe: a, retry: {attempts: 2, delay: 0s}}]")
    assert story.flow.sees()["run"]["attempt"] == 1
    story.start()
    assert story.flow.sees()["run"]["attempt"] == 1
    story.settle(Outcome.FAILED, error="no")
    assert story.flow.sees()["run"]["attempt"] == 2
    story.start()
    assert story.flow.sees()["run"]["attempt"] == 2


# continue_on_error


def test_a_failure_that_may_be_passed_over_is_a_result_like_another() -> None:
    story = Story("steps: [{id: a, probe: a, continue_on_error: true}, {probe: b}]")
    story.fails("no answer", result={"status": 500})
    assert story.results == {"a": {"status": 500, "outcome": "failed", "error": "no answer"}}
    story.succeeds()
    assert story.ends == ("succeeded", None)


def test_it_is_passed_over_only_after_the_last_attempt() -> None:
    story = Story(
        "steps: [{probe: a, continue_on_error: true, retry: {attempts: 2, delay: 0s}}, {probe: b}]"
    )
    story.fails()
    assert story.stands_at == "steps/0"
    story.fails()
    assert story.stands_at == "steps/1"


# An outcome that is unknown


def test_a_step_whose_outcome_is_unknown_fails_the_run_and_says_so() -> None:
    story = Story(ALL)
    story.is_unknown("the connection broke; look at the timeline")
    seen = story.flow.sees()["run"]
    reason = "its outcome is unknown: the connection broke; look at the timeline"
    assert (seen["failed_step"], seen["error"]) == ("one", reason)
    for _ in range(4):
        story.succeeds()
    assert story.path == ["steps/0", "on_failure/0", "on_failure/1", "finally/0", "finally/1"]
    assert story.ends == ("failed", f"one: {reason}")


def test_without_words_an_unknown_outcome_is_still_explained() -> None:
    story = Story("steps: [{probe: a}]")
    story.is_unknown(None)
    said = "its outcome is unknown: nobody knows whether it took effect"
    assert story.ends == ("failed", f"steps/0: {said}")


@pytest.mark.parametrize("retryable", [True, False])
def test_a_step_whose_outcome_is_unknown_is_never_tried_again(*, retryable: bool) -> None:
    story = Story("steps: [{probe: a, retry: {attempts: 5, delay: 0s}}, {probe: b}]")
    story.is_unknown("lost", retryable=retryable)
    assert story.ends[0] == "failed"
    assert story.path == ["steps/0"]


def test_an_unknown_outcome_that_may_be_passed_over_is_a_result_like_another() -> None:
    story = Story(
        "steps: [{id: a, probe: a, continue_on_error: true}, "
        "{probe: b, when: steps.a.outcome == 'unknown'}]"
    )
    story.is_unknown("lost", result={"code": "BrokenExchange"})
    seen = {"code": "BrokenExchange", "outcome": "unknown", "error": "lost"}
    assert story.results == {"a": seen}
    story.succeeds()
    assert story.path == ["steps/0", "steps/1"]
    assert story.ends == ("succeeded", None)


def test_an_unknown_outcome_of_finally_fails_a_run_that_was_good() -> None:
    story = Story("steps: [{probe: a}]\nfinally: [{probe: b}, {probe: c}]")
    story.succeeds()
    story.is_unknown("lost")
    story.succeeds()
    assert story.path == ["steps/0", "finally/0", "finally/1"]
    assert story.ends == ("failed", "finally/0: its outcome is unknown: lost")


# Results


@pytest.mark.parametrize(
    ("result", "seen"),
    [
        (None, {"outcome": "succeeded", "error": None}),
        ({}, {"outcome": "succeeded", "error": None}),
        ({"x": 1}, {"x": 1, "outcome": "succeeded", "error": None}),
        ({"outcome": "mine"}, {"outcome": "succeeded", "error": None}),
        ([1, 2], [1, 2]),
        ("text", "text"),
        (0, 0),
    ],
)
def test_a_result_is_seen_by_its_id(result: Any, seen: Any) -> None:
    story = Story("steps: [{id: a, probe: a}, {probe: b}]")
    story.succeeds(result)
    assert story.flow.sees()["steps"] == {"a": seen}


def test_a_step_without_an_id_leaves_no_result() -> None:
    story = Story(THREE)
    story.succeeds({"x": 1})
    assert story.flow.sees()["steps"] == {}


def test_variables_of_a_step_join_the_vars() -> None:
    story = Story(THREE, variables={"a": 1, "b": 1})
    story.succeeds(variables={"b": 2, "c": 3})
    assert story.flow.sees()["vars"] == {"a": 1, "b": 2, "c": 3}


def test_the_document_keeps_the_event_and_says_which_run_this_is() -> None:
    story = Story(THREE, labels={"x": "y"})
    seen = story.flow.sees()
    assert seen["labels"] == {"x": "y"}
    assert seen["run"] == {
        "id": "R",
        "playbook": "p",
        "url": None,
        "attempt": 1,
        "started": 1000,
        "failed_step": None,
        "error": None,
    }


def test_on_failure_sees_what_failed_and_why() -> None:
    story = Story(ALL)
    story.succeeds()
    story.fails("no route")
    for _ in range(4):
        run = story.flow.sees()["run"]
        assert (run["failed_step"], run["error"], run["attempt"]) == ("two", "no route", 1)
        story.fails("something else")


# vars


def test_vars_that_cannot_be_rendered_fail_the_run_before_any_step() -> None:
    story = Story(ALL, variables={"a": 1}, error="host: 'resorce' is not there")
    assert story.stands_at == "on_failure/0"
    run = story.flow.sees()["run"]
    assert (run["failed_step"], run["error"]) == ("vars", "host: 'resorce' is not there")
    for _ in range(4):
        story.succeeds()
    assert story.path == ["on_failure/0", "on_failure/1", "finally/0", "finally/1"]
    assert story.ends == ("failed", "vars: host: 'resorce' is not there")


def test_vars_that_cannot_be_rendered_end_a_run_that_has_nothing_to_clean_up() -> None:
    assert Story(THREE, error="no").ends == ("failed", "vars: no")


# stop


@pytest.mark.parametrize(
    ("outcome", "reason", "ends"),
    [
        (Outcome.SUCCEEDED, "not ours", ("succeeded", "not ours")),
        (Outcome.FAILED, "too risky", ("failed", "gate: too risky")),
        (Outcome.FAILED, None, ("failed", "gate: stopped")),
    ],
)
def test_stop_in_steps_decides_how_the_run_ends(
    outcome: Outcome, reason: str | None, ends: tuple[str, str | None]
) -> None:
    story = Story(
        "steps: [{id: gate, probe: a}, {probe: b}]\non_failure: [{probe: c}]\nfinally: [{probe: d}]"
    )
    story.stops(outcome, reason)
    if outcome is Outcome.FAILED:
        story.succeeds()
    story.succeeds()
    cleaned = ["finally/0"] if outcome is Outcome.SUCCEEDED else ["on_failure/0", "finally/0"]
    assert story.path == ["steps/0", *cleaned]
    assert story.ends == ends


def test_stop_as_failed_is_no_error_to_pass_over() -> None:
    story = Story("steps: [{id: gate, probe: a, continue_on_error: true}, {probe: b}]")
    story.stops(Outcome.FAILED, "too risky")
    assert story.ends == ("failed", "gate: too risky")


@pytest.mark.parametrize("outcome", [Outcome.SUCCEEDED, Outcome.FAILED])
def test_stop_in_on_failure_ends_on_failure_and_changes_nothing_else(outcome: Outcome) -> None:
    story = Story(ALL)
    story.fails("first")
    story.stops(outcome, "enough")
    assert story.stands_at == "finally/0"
    story.succeeds()
    story.succeeds()
    assert story.ends == ("failed", "one: first")


@pytest.mark.parametrize("outcome", [Outcome.SUCCEEDED, Outcome.FAILED])
def test_stop_in_finally_ends_finally_and_changes_nothing_else(outcome: Outcome) -> None:
    story = Story(ALL)
    story.succeeds()
    story.succeeds()
    story.stops(outcome, "enough")
    assert story.ends == ("succeeded", None)


# wait


def test_a_pause_waits_until_its_time_and_then_the_step_has_succeeded() -> None:
    story = Story("steps: [{id: w, probe: a}, {probe: b}]")
    story.pauses(30)
    step = story.flow.playbook.steps[0]
    assert story.move == Wait(step, BEGAN + 30, "for a timer")
    story.now += 29.999
    assert isinstance(story.move, Wait)
    story.now = BEGAN + 33
    fact = story.noted()
    assert fact == Settled("steps/0", 1, BEGAN + 33, Outcome.SUCCEEDED, {"waited": 30.0})
    assert story.results["w"] == {"waited": 30.0, "outcome": "succeeded", "error": None}
    assert story.stands_at == "steps/1"


def test_a_pause_while_cleaning_up_has_no_deadline() -> None:
    story = Story("timeout: 1s\nsteps: [{probe: a}]\nfinally: [{probe: b}]")
    story.succeeds()
    story.pauses(3600)
    assert story.move == Wait(story.flow.playbook.finally_[0], BEGAN + 3600, "for a timer")
    story.now += 4000
    story.noted()
    assert story.ends == ("succeeded", None)


# The playbook's timeout

TIMED = "timeout: 1m\nsteps: [{id: a, probe: a}, {id: b, probe: b}]\nfinally: [{probe: c}]"


def test_a_step_that_would_begin_after_the_playbooks_time_fails() -> None:
    story = Story(TIMED)
    story.start()
    story.now += 60
    story.settle()
    fact = story.noted()
    assert fact == Settled(
        "steps/1",
        1,
        BEGAN + 60,
        Outcome.FAILED,
        error="the playbook's 1m were over before this step",
        retryable=False,
    )
    story.succeeds()
    assert story.path == ["steps/0", "finally/0"]
    assert story.ends == ("failed", "b: the playbook's 1m were over before this step")


def test_a_moment_before_the_time_is_over_a_step_still_begins() -> None:
    story = Story(TIMED)
    story.now += 59.999
    assert isinstance(story.move, Perform)


def test_a_wait_is_cut_when_the_playbooks_time_is_over() -> None:
    story = Story(TIMED)
    story.pauses(90)
    step = story.flow.playbook.steps[0]
    assert story.move == Wait(step, BEGAN + 60, "for a timer")
    story.now += 60
    assert story.noted().error == "the playbook's 1m were over"
    story.succeeds()
    assert story.ends == ("failed", "a: the playbook's 1m were over")


def test_a_wait_that_ended_in_time_is_done_though_it_is_noticed_late() -> None:
    story = Story(TIMED)
    story.pauses(30)
    story.now += 600
    assert story.noted().outcome is Outcome.SUCCEEDED
    assert story.noted().error == "the playbook's 1m were over before this step"


def test_a_retry_delay_does_not_outlast_the_playbooks_time() -> None:
    story = Story("timeout: 1m\nsteps: [{id: a, probe: a, retry: {attempts: 3, delay: 5m}}]")
    story.fails()
    step = story.flow.playbook.steps[0]
    assert story.move == Wait(step, BEGAN + 60, "until the next attempt")
    story.now += 60
    fact = story.noted()
    assert (fact.attempt, fact.error) == (2, "the playbook's 1m were over before this step")
    assert story.ends == ("failed", "a: the playbook's 1m were over before this step")


def test_a_step_in_flight_whose_time_is_over_after_a_restart_is_not_performed_again() -> None:
    story = Story(TIMED)
    story.start()
    story.now += 3600
    fact = story.noted()
    assert fact.error == (
        "the playbook's 1m were over while the step was under way, and it is not performed again"
    )
    assert (fact.attempt, fact.outcome, fact.retryable) == (1, Outcome.UNKNOWN, False)
    assert story.stands_at == "finally/0"


def test_that_the_time_is_over_is_no_error_to_pass_over() -> None:
    story = Story(
        "timeout: 1m\nsteps: [{id: a, probe: a, continue_on_error: true}]\nfinally: [{probe: b}]"
    )
    story.start()
    story.now += 60
    story.noted()
    story.succeeds()
    assert story.ends[0] == "failed"


def test_cleaning_up_begins_however_late_it_is() -> None:
    story = Story(
        "timeout: 1s\nsteps: [{probe: a}]\non_failure: [{probe: b}]\nfinally: [{probe: c}]"
    )
    story.now += 3600
    story.noted()
    for path in ("on_failure/0", "finally/0"):
        move = story.start()
        assert (move.step.path, move.deadline) == (path, None)
        story.settle()
    assert story.ends[0] == "failed"


# After a restart


def test_a_step_in_flight_is_performed_again_as_the_same_attempt() -> None:
    story = Story(
        "steps: [{probe: a, when: labels.go, retry: {attempts: 2, delay: 0s}}]", labels={"go": 1}
    )
    story.fails()
    story.start()
    move = story.move
    assert isinstance(move, Perform)
    assert (move.attempt, move.again) == (2, True)
    story.flow = story.flow.take(Started("steps/0", 2, BEGAN))
    story.settle()
    assert story.ends == ("succeeded", None)


def test_the_same_history_leads_to_the_same_place() -> None:
    story = Story(ALL)
    facts: list[Fact] = [
        Started("steps/0", 1, 1001.0),
        Settled("steps/0", 1, 1002.0, Outcome.SUCCEEDED, {"x": 1}),
        Started("steps/1", 1, 1003.0),
        Paused("steps/1", 1, 1033.0),
    ]
    assert story.flow.replay(facts) == story.flow.replay(facts)
    assert isinstance(story.flow.replay(facts).next(1010.0)[0], Wait)
    assert story.flow.replay([]) == story.flow


# Facts that cannot come


def test_behind_a_stop_nothing_begins() -> None:
    story = Story(ALL)
    story.stops(Outcome.SUCCEEDED, "enough")
    with pytest.raises(ValueError, match=r"^the run stands at finally/0, not at steps/1$"):
        story.flow.replay([Started("steps/1", 1, BEGAN)])


def test_behind_a_step_nothing_begins_while_something_inside_it_is_open() -> None:
    story = Story("steps: [{foreach: labels.hosts, probe: a}, {probe: b}]", labels={"hosts": [1]})
    story.start()
    over = story.flow.take(Settled("steps/0", 1, BEGAN, Outcome.SUCCEEDED))
    with pytest.raises(ValueError, match=r"^the run stands at steps/0\[0\], not at steps/1$"):
        over.replay([Started("steps/1", 1, BEGAN)])


@pytest.mark.parametrize(
    ("fact", "said"),
    [
        (
            Started("steps/1", 1, 0.0),
            "the run stands at steps/0, not at steps/1",
        ),
        (
            Started("steps/0", 2, 0.0),
            "steps/0 is at attempt 1, not at 2",
        ),
        (
            Started("steps/0", 0, 0.0),
            "steps/0 is at attempt 1, not at 0",
        ),
        (
            Paused("steps/1", 1, 0.0),
            "the run stands at steps/0, not at steps/1",
        ),
        (Started("steps/9", 1, 0.0), "there is no step steps/9"),
        (Started("elsewhere/0", 1, 0.0), "there is no step elsewhere/0"),
        (Paused("steps/0", 1, 0.0), "steps/0 cannot wait: it was not started"),
        (
            Settled("finally/0", 1, 0.0, Outcome.SUCCEEDED),
            "the run stands at steps/0, not at finally/0",
        ),
    ],
)
def test_a_fact_of_another_step_cannot_come(fact: Started | Paused | Settled, said: str) -> None:
    with pytest.raises(ValueError, match=f"^{said}$"):
        Story(ALL).flow.take(fact)


def test_an_attempt_that_has_failed_cannot_have_another_outcome() -> None:
    story = Story("steps: [{probe: a, retry: {attempts: 3, delay: 0s}}]")
    story.fails()
    for late in (
        Started("steps/0", 1, 0.0),
        Settled("steps/0", 1, 0.0, Outcome.SUCCEEDED),
        Settled("steps/0", 3, 0.0, Outcome.SUCCEEDED),
    ):
        with pytest.raises(ValueError, match=r"^steps/0 is at attempt 2, not at"):
            story.flow.take(late)


def test_another_attempt_cannot_begin_while_one_is_in_flight() -> None:
    story = Story("steps: [{probe: a, retry: {attempts: 3}}]")
    story.start()
    with pytest.raises(ValueError, match="steps/0 is at attempt 1, not at 2"):
        story.flow.take(Started("steps/0", 2, 0.0))


def test_nothing_comes_after_the_end() -> None:
    story = Story("steps: [{probe: a}]")
    story.succeeds()
    for fact in (Started("steps/0", 1, 0.0), Settled("steps/0", 1, 0.0, Outcome.SUCCEEDED)):
        with pytest.raises(ValueError, match=r"^steps/0 has its outcome$"):
            story.flow.take(fact)
    story = Story("steps: [{probe: a}]\non_failure: [{probe: a}]")
    story.succeeds()
    with pytest.raises(ValueError, match=r"^the run stands at its end, not at on_failure/0$"):
        story.flow.take(Started("on_failure/0", 1, 0.0))


@pytest.mark.parametrize("how_far", range(4))
def test_a_run_begins_before_anything_else(how_far: int) -> None:
    story = Story("steps: [{probe: a, retry: {attempts: 2, delay: 0s}}, {probe: b}]")
    doings: list[Callable[[], object]] = [
        story.start,
        lambda: story.settle(Outcome.FAILED),
        story.succeeds,
        story.succeeds,
    ]
    for doing in itertools.islice(doings, how_far + 1):
        doing()
    with pytest.raises(ValueError, match=r"^the run began before$"):
        story.flow.take(Began(2000.0))


def test_a_run_that_could_not_begin_cannot_begin_after_all() -> None:
    with pytest.raises(ValueError, match=r"^the run began before$"):
        Story(ALL, error="no").flow.take(Began(2000.0))


def test_a_flow_is_a_value_that_nothing_changes() -> None:
    story = Story(THREE)
    before = story.flow
    story.succeeds({"x": 1}, variables={"y": 2})
    assert before == Story(THREE).flow
