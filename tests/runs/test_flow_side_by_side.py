"""What goes on side by side, again and again, or waits for a person: told as stories."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from engine.playbooks.playbook import Playbook
from engine.runs.fact import Asked, Began, Called, Cancelled, Fact, Settled, Started
from engine.runs.flow import Flow
from engine.runs.move import End, Move, Note, Perform, Wait
from engine.runs.run import Asking, Outcome, Question
from tests.runs.fakes import a_playbook

BEGAN = 1000.0
HOSTS = {"labels": {"hosts": ["a", "b", "c"]}}


class Story:
    """Drives a flow by hand: what is started and not settled is in flight."""

    def __init__(self, playbook: Playbook | str, **document: Any) -> None:
        self.now = BEGAN
        seen: Mapping[str, Any] = {"labels": {}, "event": {"id": "E"}, **document}
        if isinstance(playbook, str):
            playbook = a_playbook(playbook)
        self.flow = Flow(playbook, seen, "R").take(Began(BEGAN))
        self.facts: list[Fact] = []

    @property
    def moves(self) -> tuple[Move, ...]:
        return self.flow.next(self.now)

    def take(self, fact: Fact) -> None:
        self.flow = self.flow.take(fact)
        self.facts.append(fact)

    def offered(self) -> list[str]:
        """The paths that may be performed now, and are not in flight."""
        return [
            move.step.path for move in self.moves if isinstance(move, Perform) and not move.again
        ]

    def start(self, path: str) -> Perform:
        (move,) = (
            move for move in self.moves if isinstance(move, Perform) and move.step.path == path
        )
        self.take(Started(path, move.attempt, self.now))
        return move

    def settle(self, path: str, outcome: Outcome = Outcome.SUCCEEDED, **rest: Any) -> None:
        attempt = self.flow.progress[path].attempt
        self.take(Settled(path, attempt, self.now, outcome, **rest))

    def does(self, path: str, result: Any = None, **rest: Any) -> None:
        self.start(path)
        self.settle(path, result=result, **rest)

    def fails(self, path: str, error: str = "no", **rest: Any) -> None:
        self.start(path)
        self.settle(path, Outcome.FAILED, error=error, **rest)

    def noted(self) -> Settled:
        (note,) = (move for move in self.moves if isinstance(move, Note))
        self.take(note.fact)
        assert isinstance(note.fact, Settled)
        return note.fact

    def calls(self, path: str | None = None) -> Called:
        """Take that another playbook begins."""
        notes = [move for move in self.moves if isinstance(move, Note)]
        (fact,) = (note.fact for note in notes if path in (None, note.step.path))
        assert isinstance(fact, Called)
        self.take(fact)
        return fact

    def asks(self, path: str, kind: Asking, until: float | None = None, **rest: Any) -> None:
        self.start(path)
        question = Question(kind, "well?", self.now, until, **rest)
        self.take(Asked(path, self.flow.progress[path].attempt, question))

    @property
    def ends(self) -> tuple[str, str | None]:
        (move,) = self.moves
        assert isinstance(move, End), move
        assert self.replayed.next(self.now) == (move,), "a replay comes to the same end"
        return move.state.value, move.reason

    @property
    def replayed(self) -> Flow:
        beginning = replace(
            self.flow, progress={}, begun=frozenset(), cancelled=None, held={}, passed=None
        )
        return beginning.replay(self.facts)

    @property
    def steps(self) -> Any:
        return self.flow.sees()["steps"]


# foreach

EACH = "steps: [{id: each, foreach: labels.hosts, probe: '{{ item }}'}, {id: after, probe: x}]"


def test_a_step_is_performed_for_each_item_one_after_another() -> None:
    story = Story(EACH, **HOSTS)
    for index, host in enumerate("abc"):
        assert story.offered() == [f"steps/0[{index}]"]
        move = story.start(f"steps/0[{index}]")
        assert (move.document["item"], move.document["index"]) == (host, index)
        story.settle(move.step.path, result={"n": index})
    assert story.noted().outcome is Outcome.SUCCEEDED
    assert story.steps["each"] == {
        "items": [{"n": n, "outcome": "succeeded", "error": None} for n in range(3)],
        "outcome": "succeeded",
        "error": None,
    }
    story.does("steps/1")
    assert story.ends == ("succeeded", None)


def test_so_many_items_go_on_at_once() -> None:
    story = Story(
        EACH.replace("foreach: labels.hosts", "foreach: labels.hosts, max_parallel: 2"), **HOSTS
    )
    assert story.offered() == ["steps/0[0]", "steps/0[1]"]
    story.start("steps/0[0]")
    story.start("steps/0[1]")
    assert story.offered() == []
    story.settle("steps/0[1]")
    assert story.offered() == ["steps/0[2]"]


def test_after_a_failed_item_no_other_begins_and_those_in_flight_finish() -> None:
    story = Story(
        EACH.replace("foreach: labels.hosts", "foreach: labels.hosts, max_parallel: 2"), **HOSTS
    )
    story.start("steps/0[0]")
    story.start("steps/0[1]")
    story.settle("steps/0[1]", Outcome.FAILED, error="down")
    assert story.offered() == []
    story.settle("steps/0[0]")
    fact = story.noted()
    assert (fact.outcome, fact.error) == (Outcome.FAILED, "item 1 of 3: down")
    assert story.ends == ("failed", "each: item 1 of 3: down")


def test_with_continue_on_error_every_item_is_tried() -> None:
    story = Story(
        EACH.replace("foreach: labels.hosts", "foreach: labels.hosts, continue_on_error: true"),
        **HOSTS,
    )
    story.fails("steps/0[0]", "down")
    story.does("steps/0[1]")
    story.fails("steps/0[2]", "down, too")
    assert story.noted().error == "item 0 of 3: down"
    outcomes = [item["outcome"] for item in story.steps["each"]["items"]]
    assert outcomes == ["failed", "succeeded", "failed"]
    story.does("steps/1")
    assert story.ends == ("succeeded", None)


def test_each_item_has_its_own_attempts() -> None:
    story = Story(
        EACH.replace(
            "foreach: labels.hosts", "foreach: labels.hosts, retry: {attempts: 2, delay: 0s}"
        ),
        **HOSTS,
    )
    story.fails("steps/0[0]")
    assert story.start("steps/0[0]").attempt == 2
    story.settle("steps/0[0]")
    assert story.start("steps/0[1]").attempt == 1


@pytest.mark.parametrize(
    ("items", "said"),
    [
        (None, "its `foreach` takes a list, and labels.hosts is nothing"),
        ("a", "its `foreach` takes a list, and labels.hosts is a str"),
        (list(range(1001)), "its `foreach` takes at most 1000 items, and these are 1001"),
    ],
)
def test_what_is_no_list_fails_the_step(items: Any, said: str) -> None:
    story = Story(EACH, labels={"hosts": items})
    assert story.noted().error == said
    assert story.ends == ("failed", f"each: {said}")


def test_over_nothing_it_is_done() -> None:
    story = Story(EACH, labels={"hosts": []})
    story.noted()
    assert story.steps["each"] == {"items": [], "outcome": "succeeded", "error": None}


def test_when_is_asked_once_before_the_first_item() -> None:
    story = Story("steps: [{id: each, when: labels.go, foreach: labels.hosts, probe: x}]", **HOSTS)
    assert story.noted().outcome is Outcome.SKIPPED
    assert story.ends == ("succeeded", None)


# parallel

TWO = """
steps:
  - id: both
    parallel:
      - [{id: a0, probe: x}, {id: a1, probe: x}]
      - [{id: b0, probe: x, continue_on_error: true}, {id: b1, probe: x}]
  - {id: after, probe: x}
"""


def test_branches_go_on_side_by_side_each_in_its_order() -> None:
    story = Story(TWO)
    assert story.offered() == ["steps/0[0]/0", "steps/0[1]/0"]
    story.start("steps/0[1]/0")
    story.does("steps/0[0]/0")
    assert story.offered() == ["steps/0[0]/1"]
    story.settle("steps/0[1]/0")
    story.does("steps/0[1]/1")
    story.does("steps/0[0]/1")
    assert story.noted().path == "steps/0"
    assert sorted(story.steps) == ["a0", "a1", "b0", "b1", "both"]
    story.does("steps/1")
    assert story.ends == ("succeeded", None)


def test_a_branch_sees_what_was_before_it_and_not_what_goes_on_beside_it() -> None:
    story = Story(TWO)
    story.does("steps/0[0]/0", {"n": 1}, variables={"x": 1})
    moves = {move.step.path: move for move in story.moves if isinstance(move, Perform)}
    assert moves["steps/0[0]/1"].document["vars"] == {"x": 1}
    assert moves["steps/0[1]/0"].document["vars"] == {}
    assert moves["steps/0[1]/0"].document["steps"] == {}


def test_variables_of_branches_join_in_the_order_of_the_branches() -> None:
    story = Story(TWO)
    story.does("steps/0[1]/0", variables={"x": "second", "y": 2})
    story.does("steps/0[0]/0", variables={"x": "first", "z": 1})
    story.does("steps/0[0]/1")
    story.does("steps/0[1]/1")
    story.noted()
    assert story.flow.sees()["vars"] == {"x": "second", "y": 2, "z": 1}


def test_what_a_branch_leaves_alone_does_not_undo_what_another_one_set() -> None:
    story = Story("steps:\n  - {probe: x}\n" + TWO.removeprefix("\nsteps:\n"))
    story.does("steps/0", variables={"x": 0})
    story.does("steps/1[0]/0", variables={"x": 1})
    for path in ("steps/1[1]/0", "steps/1[1]/1", "steps/1[0]/1"):
        story.does(path)
    story.noted()
    assert story.flow.sees()["vars"] == {"x": 1}


def test_a_failing_branch_lets_the_others_finish_what_they_do_and_begin_no_more() -> None:
    story = Story(TWO)
    story.start("steps/0[1]/0")
    story.fails("steps/0[0]/0", "no")
    assert story.offered() == []
    story.settle("steps/0[1]/0")
    fact = story.noted()
    assert (fact.path, fact.error) == ("steps/0", "a0: no")
    assert story.ends == ("failed", "both: a0: no")


def test_with_fail_late_the_others_go_on_to_their_end() -> None:
    text = TWO.replace(
        "    parallel:\n", "    parallel:\n      fail: late\n      branches:\n"
    ).replace("      - [", "        - [")
    story = Story(text)
    story.fails("steps/0[0]/0", "no")
    story.does("steps/0[1]/0")
    story.does("steps/0[1]/1")
    assert story.noted().error == "a0: no"
    assert story.ends == ("failed", "both: a0: no")


def test_a_failure_inside_that_may_be_passed_over_breaks_no_branch() -> None:
    story = Story(TWO)
    story.fails("steps/0[1]/0")
    assert story.offered() == ["steps/0[0]/0", "steps/0[1]/1"]


def test_a_retry_that_another_branchs_failure_overtakes_is_given_up() -> None:
    story = Story(
        TWO.replace(
            "{id: b0, probe: x, continue_on_error: true}",
            "{id: b0, probe: x, retry: {attempts: 3, delay: 1m}}",
        )
    )
    story.fails("steps/0[1]/0", "not yet")
    story.fails("steps/0[0]/0", "no")
    fact = story.noted()
    assert (fact.path, fact.error) == (
        "steps/0[1]/0",
        "another branch failed before the next attempt",
    )
    assert story.noted().path == "steps/0"
    assert story.ends == ("failed", "both: a0: no")


def test_a_stop_in_a_branch_ends_the_steps() -> None:
    story = Story(TWO)
    story.start("steps/0[0]/0")
    story.settle("steps/0[0]/0", error="enough", retryable=False, stops=True)
    assert story.offered() == []
    story.noted()
    assert story.ends == ("succeeded", "enough")


def test_the_playbooks_time_holds_for_branches_too() -> None:
    story = Story(f"timeout: 1m\n{TWO}")
    story.does("steps/0[0]/0")
    story.now += 60
    paths = [move.fact.path for move in story.moves if isinstance(move, Note)]
    assert paths == ["steps/0[0]/1", "steps/0[1]/0"]


# until

UNTIL = "steps: [{id: up, probe: x, until: {condition: state == 'up', every: 5s, for: 12s}}]"


def test_a_step_is_performed_again_until_its_time_is_over() -> None:
    story = Story(UNTIL)
    for attempt in (1, 2, 3):
        assert story.start("steps/0").attempt == attempt
        story.settle("steps/0", Outcome.FAILED, error="until state == 'up': it is down")
        if attempt < 3:
            (wait,) = story.moves
            assert isinstance(wait, Wait)
            assert wait.until == story.now + 5
            story.now += 5
    assert story.ends == ("failed", "up: until state == 'up': it is down")


def test_it_is_done_when_it_is_as_it_should_be() -> None:
    story = Story(UNTIL)
    story.fails("steps/0")
    story.now += 5
    story.does("steps/0", {"state": "up"})
    assert story.ends == ("succeeded", None)


def test_what_can_only_fail_the_same_way_is_not_asked_again() -> None:
    story = Story(UNTIL)
    story.fails("steps/0", "no such URL", retryable=False)
    assert story.ends == ("failed", "up: no such URL")


# A person


def test_an_approval_is_waited_for_until_its_time() -> None:
    story = Story("steps: [{id: ok, probe: x}]")
    story.asks("steps/0", Asking.APPROVAL, BEGAN + 60)
    (wait,) = story.moves
    assert isinstance(wait, Wait)
    assert (wait.until, wait.reason) == (BEGAN + 60, "approval: well?")
    story.now += 60
    assert story.noted().error == "nobody agreed within 1m"
    assert story.ends == ("failed", "ok: nobody agreed within 1m")


def test_silence_may_be_consent() -> None:
    story = Story("steps: [{id: ok, probe: x}]")
    story.asks("steps/0", Asking.APPROVAL, BEGAN + 60, otherwise=True)
    story.now += 60
    assert story.noted().result == {"approved": True, "by": None}
    assert story.ends == ("succeeded", None)


def test_an_approval_is_not_waited_for_beyond_the_playbooks_time() -> None:
    story = Story("timeout: 30s\nsteps: [{id: ok, probe: x}]")
    story.asks("steps/0", Asking.APPROVAL, BEGAN + 60)
    (wait,) = story.moves
    assert isinstance(wait, Wait)
    assert wait.until == BEGAN + 30
    story.now += 30
    assert story.noted().error == "nobody had agreed when the playbook's 30s were over"


def test_attention_is_waited_for_as_long_as_it_takes_and_costs_the_playbook_no_time() -> None:
    story = Story("timeout: 30s\nsteps: [{id: a, probe: x}, {probe: x}]")
    story.asks("steps/0", Asking.ATTENTION)
    story.now += 8 * 3600
    (wait,) = story.moves
    assert isinstance(wait, Wait)
    assert (wait.until, wait.reason) == (None, "attention: well?")
    story.settle("steps/0", Outcome.UNKNOWN, again=True, by="ada")
    assert story.start("steps/0").attempt == 2
    story.settle("steps/0")
    story.does("steps/1")
    assert story.ends == ("succeeded", None)


def test_attention_for_what_cleans_up_does_not_undo_that_the_time_was_over() -> None:
    story = Story(
        "timeout: 30s\nsteps: [{id: a, continue_on_error: true, probe: x}]\non_failure: [{probe: x}]"
    )
    story.start("steps/0")
    story.now += 30
    story.settle("steps/0", Outcome.FAILED, error="timed out", retryable=False)
    story.asks("on_failure/0", Asking.ATTENTION)
    story.now += 8 * 3600
    story.settle("on_failure/0", Outcome.UNKNOWN, again=True, by="ada")
    assert story.offered() == ["on_failure/0"]
    story.does("on_failure/0")
    assert story.ends == ("failed", "a: timed out")


def test_a_step_that_a_person_skips_is_passed_over() -> None:
    story = Story("steps: [{id: a, probe: x}, {probe: x}]")
    story.asks("steps/0", Asking.ATTENTION)
    story.settle("steps/0", Outcome.SKIPPED, error="skipped by ada", by="ada")
    assert story.offered() == ["steps/1"]


# Cancelled


CLEANED = "steps: [{id: a, probe: x}, {probe: x}]\non_failure: [{probe: x}]\nfinally: [{probe: x}]"


def test_a_cancelled_run_does_finally_and_nothing_else() -> None:
    story = Story(CLEANED)
    story.start("steps/0")
    story.take(Cancelled(BEGAN, "cancelled by ada"))
    story.settle("steps/0", Outcome.FAILED, error="cut")
    assert story.offered() == ["finally/0"]
    story.does("finally/0")
    assert story.ends == ("cancelled", "cancelled by ada")


def test_what_succeeded_while_it_was_cancelled_is_not_gone_on_with() -> None:
    story = Story(CLEANED)
    story.start("steps/0")
    story.take(Cancelled(BEGAN, "cancelled by ada"))
    story.settle("steps/0")
    assert story.offered() == ["finally/0"]


def test_what_was_under_way_in_a_dead_engine_is_unknown_when_its_run_was_cancelled() -> None:
    story = Story(CLEANED)
    story.start("steps/0")
    story.take(Cancelled(BEGAN, "cancelled by ada"))
    fact = story.noted()
    assert (fact.outcome, fact.error) == (
        Outcome.UNKNOWN,
        "cancelled by ada while the step was under way",
    )


def test_what_only_waited_is_given_up() -> None:
    story = Story(CLEANED)
    story.asks("steps/0", Asking.APPROVAL, BEGAN + 60)
    story.take(Cancelled(BEGAN, "cancelled by ada"))
    assert story.noted().outcome is Outcome.FAILED
    story.does("finally/0")
    assert story.ends == ("cancelled", "cancelled by ada")


def test_a_run_that_is_cancelled_while_it_cleans_up_is_done_with_it() -> None:
    story = Story(CLEANED)
    story.fails("steps/0")
    story.take(Cancelled(BEGAN, "cancelled by ada"))
    assert story.offered() == ["finally/0"]


def test_the_first_cancellation_stands() -> None:
    story = Story("steps: [{probe: x}]")
    story.take(Cancelled(BEGAN, "cancelled by ada"))
    story.take(Cancelled(BEGAN + 1, "cancelled by bob"))
    assert story.ends == ("cancelled", "cancelled by ada")


def test_branches_and_items_of_a_cancelled_run_begin_no_more() -> None:
    for text in (TWO, EACH):
        story = Story(text, **HOSTS)
        first = story.offered()[0]
        story.start(first)
        story.take(Cancelled(BEGAN, "cancelled by ada"))
        story.settle(first, Outcome.FAILED, error="cut")
        assert story.offered() == []
