"""Compares what a case expects with what came of it: nothing but what is named."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from engine.marked_yaml.mark import Path
from engine.problem import Problem
from engine.rehearsal.offering import decision_as_json
from engine.rehearsal.scenario import Played
from engine.rehearsal.scenario_file import Case, LaneModel
from engine.rehearsal.stage import shown
from engine.rules.condition import Condition, ConditionSyntaxError
from engine.rules.undecided import CannotTellError
from engine.runs.lane import Decision

_NOT_THERE: Final = "(not performed)"


@dataclass(frozen=True, slots=True)
class Difference:
    """One expectation that does not hold. `at` is where it stands in the file."""

    what: str  # state, rendered.drain.json.host
    expected: Any
    got: Any
    at: Path


def differences(case: Case, played: Played) -> Iterator[Difference]:
    """What does not hold, in the order in which it stands in the file."""
    expect, at = case.model.expect, (*case.at, "expect")
    found = [
        *_of_the_whole(case, played, at),
        *_of_lists(case, played, at),
        *_of_steps(case, played, at),
        *(() if expect.lane is None else _of_the_lane(expect.lane, played, (*at, "lane"))),
    ]
    yield from sorted(found, key=lambda one: case.marked.locate_key(one.at))


def decision_of(decision: Decision | None) -> str | None:
    """What a test calls what the guard made of a run."""
    return None if decision is None else str(decision_as_json(decision)["decision"])


def paths_that_are_none(case: Case) -> Iterator[Problem]:
    """The paths under `rendered` that are no JMESPath."""
    for step, wanted in (case.model.expect.rendered or {}).items():
        for path in wanted:
            try:
                Condition.parse(path)
            except ConditionSyntaxError as error:
                where = case.marked.locate_key((*case.at, "expect", "rendered", step, path))
                yield Problem("condition-syntax", f"'{path}': {error.message}", where, error.hint)


def _of_the_whole(case: Case, played: Played, at: Path) -> Iterator[Difference]:
    expect = case.model.expect
    state = None if played.state is None else played.state.value
    verdict = played.rehearsal.verdict.answer.value
    if expect.verdict is not None and expect.verdict != verdict:
        yield Difference("verdict", expect.verdict, verdict, (*at, "verdict"))
    if expect.state is not None and expect.state != state:
        yield Difference("state", expect.state, state or "(no run)", (*at, "state"))
    if expect.reason is not None and expect.reason not in played.reason:
        yield Difference("reason", f"... {expect.reason} ...", played.reason, (*at, "reason"))
    if expect.took is not None and round(expect.took - played.took, 3):
        yield Difference("took", expect.took, round(played.took, 3), (*at, "took"))


def _of_lists(case: Case, played: Played, at: Path) -> Iterator[Difference]:
    expect = case.model.expect
    if expect.steps is not None:
        wanted = [_title(played, name) for name in expect.steps]
        if wanted != played.performed:
            yield Difference("steps", wanted, played.performed, (*at, "steps"))
    if expect.comments is not None and expect.comments != played.comments:
        yield Difference("comments", expect.comments, played.comments, (*at, "comments"))


def _of_steps(case: Case, played: Played, at: Path) -> Iterator[Difference]:
    expect = case.model.expect
    for name, wanted in (expect.attempts or {}).items():
        got = played.attempts(played.names.path(name) or name)
        if got != wanted:
            yield Difference(f"attempts.{name}", wanted, got, (*at, "attempts", name))
    for name, values in (expect.rendered or {}).items():
        details = _rendered(played, played.names.path(name))
        for path, value in values.items():
            found = _NOT_THERE if details is None else _looked_up(path, details)
            if not _same(value, found):
                place = (*at, "rendered", name, path)
                yield Difference(f"rendered.{name}.{path}", value, found, place)
    answer = played.rehearsal.answer
    for name, value in (expect.answer or {}).items():
        label = None if answer is None else shown(answer).get(name)
        if not _same(value, label):
            yield Difference(f"answer.{name}", value, label, (*at, "answer", name))


def _of_the_lane(wanted: LaneModel, played: Played, at: Path) -> Iterator[Difference]:
    decision = decision_of(played.rehearsal.decision)
    reason = getattr(played.rehearsal.decision, "reason", None) or ""
    lane = played.rehearsal.lane
    key = json.loads(lane) if lane else None
    if wanted.decision != decision:
        got = f"{decision or '(no run)'}{f': {reason}' if reason else ''}"
        yield Difference("lane", wanted.decision, got, at)
    elif wanted.reason is not None and wanted.reason not in reason:
        yield Difference("lane.reason", f"... {wanted.reason} ...", reason, (*at, "reason"))
    if "key" in wanted.model_fields_set and not _same(wanted.key, key):
        yield Difference("lane.key", wanted.key, key, (*at, "key"))


def _title(played: Played, name: str) -> str:
    path = played.names.path(name)
    return name if path is None else played.names.title(path)


def _rendered(played: Played, path: str | None) -> Any:
    """What went out, or would have."""
    plans = [told.plan for told in played.steps if told.step.path == path]
    return next((shown(plan.details) for plan in plans if plan is not None), None)


def _looked_up(path: str, details: Any) -> Any:
    try:
        return Condition.parse(path).value(details)
    except CannotTellError as error:
        return f"(cannot be told: {error})"


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON: true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)
