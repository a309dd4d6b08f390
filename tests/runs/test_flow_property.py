"""Whatever the playbook, the outcomes and the clock: a run ends, and its history leads back to it.

Random playbooks with steps side by side, for each item, again and again; random outcomes, pauses,
questions, answers and cancellations; crashes at any fact, and replays of any prefix.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.playbooks.guard import NO_GUARD
from engine.playbooks.playbook import Foreach, Input, Playbook, Retry, Section, Step, Until
from engine.playbooks.template import Templates
from engine.rules.condition import Condition
from engine.rules.match import Trigger
from engine.runs.fact import (
    Asked,
    Began,
    Called,
    Cancelled,
    Fact,
    Paused,
    Settled,
    Started,
    cleans_up,
    facts_of,
)
from engine.runs.flow import Flow
from engine.runs.move import End, Move, Note, Perform, Wait
from engine.runs.run import Asking, Outcome, Question, RunState, StepRecord

BEGAN: Final = 1000.0
MOST_MOVES: Final = 3000  # more than the largest playbook below can need
ENDS: Final = (RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED)
DOCUMENT: Final = {"labels": {"yes": "yes", "hosts": ["a", "b", "c"]}}

CONDITIONS: Final = [
    None,
    *map(
        Condition.parse,
        [
            "labels.yes",
            "labels.no",
            "length(labels.no)",
            "steps.s0",
            "steps.s1.outcome == 'failed'",
        ],
    ),
]
HOSTS: Final = Condition.parse("labels.hosts")
TIMES: Final = st.sampled_from([0.0, 0.001, 1.0, 7.5, 30.0, 59.999, 60.0, 3600.0, 86400.0])
KINDS: Final = [
    *("succeeds", "succeeds", "succeeds", "fails", "fails", "fails-for-good", "unknown"),
    *("pauses", "asks", "needs-attention", "stops-well", "stops-badly", "crashes"),
]


@dataclass(frozen=True)
class Happens:
    """What becomes of one attempt, and how long it takes."""

    kind: str
    takes: float


HAPPENINGS: Final = st.builds(Happens, st.sampled_from(KINDS), TIMES)


@st.composite
def a_step(draw: st.DrawFn, path: str, id_: str | None, depth: int) -> Step:
    common = Step(
        path=path,
        type="probe",
        parameters={},
        id=id_,
        when=draw(st.sampled_from(CONDITIONS)),
        continue_on_error=draw(st.booleans()),
    )
    kind = draw(
        st.sampled_from(["plain", "plain", "retry", "until", "foreach", "parallel", "call"])
    )
    if kind == "parallel" and depth < 2:
        count = draw(st.integers(1, 3))
        branches = tuple(
            draw(some_steps(f"{path}[{branch}]", 1, 2, depth + 1)) for branch in range(count)
        )
        return replace(common, branches=branches, fail_fast=draw(st.booleans()))
    if kind == "call" and depth < 2:
        inner = draw(another(path, depth + 1))
        inputs = {"host": "a"} if draw(st.booleans()) else {}
        call = replace(
            common, type="playbook", parameters={"call": inner.name, "inputs": inputs}, called=inner
        )
        each = draw(st.sampled_from([None, Foreach(HOSTS, draw(st.integers(1, 3)))]))
        return replace(call, foreach=each)
    if kind == "foreach":
        return replace(common, foreach=Foreach(HOSTS, draw(st.integers(1, 3))))
    if kind == "until":
        every, longest = draw(st.sampled_from([(1.0, 10.0), (30.0, 60.0)]))
        return replace(common, until=Until(Condition.parse("up"), every, longest))
    retry = st.builds(
        Retry,
        attempts=st.integers(1, 4),
        delay=TIMES,
        backoff=st.sampled_from([1.0, 2.0]),
        max_delay=st.sampled_from([None, 2.0]),
    )
    return replace(common, retry=draw(retry) if kind == "retry" else Retry())


@st.composite
def some_steps(draw: st.DrawFn, at: str, least: int, most: int, depth: int = 0) -> tuple[Step, ...]:
    count = draw(st.integers(least, most))
    return tuple(
        draw(
            a_step(
                f"{at}/{index}",
                draw(st.sampled_from([None, f"{at[0]}{index}"])) if depth == 0 else None,
                depth,
            )
        )
        for index in range(count)
    )


@st.composite
def another(draw: st.DrawFn, at: str, depth: int) -> Playbook:
    """A playbook that a step carries out."""
    given = Input("string") if draw(st.booleans()) else Input("string", "b")
    return replace(
        A_PLAYBOOK,
        name="another",
        timeout=draw(st.sampled_from([1.0, 60.0, 1e9])),
        inputs={"host": given},
        variables={"host": Templates().parse("{{ inputs.host }}")},
        steps=draw(some_steps(f"{at}/steps", 1, 2, depth)),
        on_failure=draw(some_steps(f"{at}/on_failure", 0, 1, depth)),
        finally_=draw(some_steps(f"{at}/finally", 0, 1, depth)),
    )


@st.composite
def playbooks(draw: st.DrawFn) -> Playbook:
    return replace(
        A_PLAYBOOK,
        timeout=draw(st.sampled_from([1.0, 60.0, 3600.0, 1e9])),
        steps=draw(some_steps("steps", 1, 4)),
        on_failure=draw(some_steps("on_failure", 0, 2)),
        on_resolved=draw(some_steps("on_resolved", 0, 2)),
        finally_=draw(some_steps("finally", 0, 2)),
    )


A_PLAYBOOK: Final = Playbook(
    name="p",
    description="",
    trigger=Trigger(),
    guard=NO_GUARD,
    variables={},
    timeout=60.0,
    steps=(),
    on_failure=(),
    finally_=(),
    file="p.yaml",
    text="",
    version="v",
)


@dataclass
class Drive:
    """Drives a flow to its end, as a runner does, and keeps what it saw and what it recorded."""

    playbook: Playbook
    happenings: Sequence[Happens]
    began: Began
    seed: int = 0
    cancels: int | None = None  # after so many facts
    resolves: bool = False  # it is cancelled since its incident is closed
    now: float = BEGAN
    facts: list[Fact] = field(default_factory=list)
    asked: list[tuple[float, tuple[Move, ...], int]] = field(default_factory=list)  # facts by then
    records: dict[tuple[str, int], StepRecord] = field(default_factory=dict)
    cancelled: Cancelled | None = None
    performed: list[tuple[str, int]] = field(default_factory=list)
    in_flight: dict[str, tuple[Started, Happens]] = field(default_factory=dict)

    @property
    def beginning(self) -> Flow:
        return Flow(self.playbook, DOCUMENT, "R").take(self.began)

    def to_the_end(self, flow: Flow | None = None) -> Flow:
        flow = flow or self.beginning
        left = iter(self.happenings)
        chance = random.Random(self.seed)  # noqa: S311 - in which order things come back
        for _ in range(MOST_MOVES):
            flow = self.cancel(flow)
            moves = flow.next(self.now)
            self.asked.append((self.now, moves, len(self.facts)))
            # What is passed is as a walk from the first step on finds it.
            walked = replace(flow, passed=None).next(self.now)
            assert moves == walked
            assert [move.document for move in moves] == [move.document for move in walked]
            paths = [move.step.path for move in moves if not isinstance(move, End)]
            assert len(paths) == len(set(paths))
            if isinstance(moves[0], End):
                assert not self.in_flight
                return flow
            open_ = [
                move
                for move in moves
                if not isinstance(move, End) and move.step.path not in self.in_flight
            ]
            notes = [move for move in open_ if isinstance(move, Note)]
            performs = [move for move in open_ if isinstance(move, Perform)]
            if notes:
                flow = self.take(flow, chance.choice(notes).fact)
            elif performs and (not self.in_flight or chance.random() < 0.7):
                flow = self.start(flow, chance.choice(performs), next(left, Happens("succeeds", 1)))
            elif self.in_flight:
                flow = self.comes_back(flow, chance.choice(sorted(self.in_flight)))
            else:
                flow = self.wait(flow, [move for move in open_ if isinstance(move, Wait)])
        raise AssertionError("the run does not end")

    def cancel(self, flow: Flow) -> Flow:
        if self.cancels is None or len(self.facts) < self.cancels or self.cancelled:
            return flow
        late = any(path.startswith("finally/") for path, _ in self.records)
        self.cancelled = Cancelled(self.now, "cancelled by ada", self.resolves and not late)
        self.facts.append(self.cancelled)
        flow = flow.take(self.cancelled)
        for path in sorted(self.in_flight):
            if not cleans_up(path):
                started, _ = self.in_flight.pop(path)
                cut = Settled(
                    *(path, started.attempt, self.now, Outcome.FAILED), error="cut", retryable=False
                )
                flow = self.take(flow, cut)
        return flow

    def start(self, flow: Flow, move: Perform, happens: Happens) -> Flow:
        path, attempt = move.step.path, move.attempt
        assert (path, attempt) not in self.settled(), "it has its outcome"
        assert move.again == ((path, attempt) in self.records)
        self.performed.append((path, attempt))
        before = self.records.get((path, attempt))
        at = before.started if before is not None and before.started is not None else self.now
        started = Started(path, attempt, at)
        flow = self.take(flow, started, keep=not move.again)
        if happens.kind != "crashes":
            self.in_flight[path] = (started, happens)
        return flow

    def comes_back(self, flow: Flow, path: str) -> Flow:
        started, happens = self.in_flight.pop(path)
        self.now += happens.takes
        attempt = started.attempt
        if happens.kind == "pauses":
            return self.take(flow, Paused(path, attempt, started.at + 10 * happens.takes))
        if happens.kind in ("asks", "needs-attention"):
            kind = Asking.APPROVAL if happens.kind == "asks" else Asking.ATTENTION
            until = started.at + 100 if happens.kind == "asks" else None
            return self.take(flow, Asked(path, attempt, Question(kind, "?", self.now, until)))
        good = happens.kind in ("succeeds", "stops-well")
        outcome = Outcome.SUCCEEDED if good else Outcome.FAILED
        settled = Settled(
            *(path, attempt, self.now, Outcome.UNKNOWN if happens.kind == "unknown" else outcome),
            result={"n": attempt} if good else None,
            error=None if good else f"it {happens.kind}",
            retryable=happens.kind == "fails",
            variables={"last": path} if happens.kind == "succeeds" else {},
            stops=happens.kind.startswith("stops"),
        )
        return self.take(flow, settled)

    def wait(self, flow: Flow, waits: Sequence[Wait]) -> Flow:
        times = [wait.until for wait in waits if wait.until is not None]
        if times:
            assert min(times) > self.now, "a wait that is over is no wait"
            self.now = min(times)
            return flow
        wait = waits[0]
        self.now += 5
        attempt = flow.progress[wait.step.path].attempt
        again = attempt < 3
        answer = Settled(
            *(wait.step.path, attempt, self.now, Outcome.UNKNOWN), again=again, retryable=False
        )
        return self.take(flow, answer)

    def take(self, flow: Flow, fact: Fact, *, keep: bool = True) -> Flow:
        if keep:
            self.facts.append(fact)
            self.record(fact)
        return flow.take(fact)

    def record(self, fact: Fact) -> None:
        """What a ledger keeps of it."""
        if isinstance(fact, Cancelled):
            self.cancelled = fact
            return
        assert not isinstance(fact, Began)
        where = (fact.path, fact.attempt)
        record = self.records.get(where) or StepRecord(
            path=fact.path, attempt=fact.attempt, type="probe"
        )
        match fact:
            case Started():
                record = replace(record, started=fact.at)
            case Called():
                record = replace(record, started=fact.at, handed=fact.handed)
            case Paused():
                record = replace(record, wake=fact.until)
            case Asked():
                record = replace(record, question=fact.question)
            case Settled():
                record = replace(
                    record,
                    ended=fact.at,
                    outcome=fact.outcome,
                    result=fact.result,
                    error=fact.error,
                    retryable=fact.retryable,
                    variables=fact.variables or None,
                    stops=fact.stops,
                    again=fact.again,
                )
        self.records[where] = record

    def settled(self) -> set[tuple[str, int]]:
        return {where for where, record in self.records.items() if record.outcome is not None}


DRIVES: Final = st.builds(
    Drive,
    playbooks(),
    st.lists(HAPPENINGS, max_size=30),
    st.sampled_from([Began(BEGAN), Began(BEGAN, {"a": 1}), Began(BEGAN, {}, "host: not there")]),
    st.integers(0, 2**16),
    st.one_of(st.none(), st.integers(0, 20)),
    st.booleans(),
)


@given(DRIVES)
@settings(max_examples=60, deadline=None)
def test_every_run_ends(drive: Drive) -> None:
    flow = drive.to_the_end()
    (end,) = drive.asked[-1][1]
    assert isinstance(end, End)
    assert end.state in ENDS
    assert (end.state is RunState.CANCELLED) == (drive.cancelled is not None)
    assert (end.state is RunState.FAILED) <= (end.reason is not None)
    assert flow.next(drive.now + 1e6) == (end,), "and stays where it ended"


@given(DRIVES)
@settings(max_examples=80, deadline=None)
def test_the_moves_after_a_replay_of_any_prefix_are_the_moves_without_one(drive: Drive) -> None:
    drive.to_the_end()
    for now, moves, heard in drive.asked:
        replayed = drive.beginning.replay(drive.facts[:heard])
        assert replayed.next(now) == moves
        documents = [move.document for move in moves]
        assert [move.document for move in replayed.next(now)] == documents


@given(DRIVES)
@settings(max_examples=60, deadline=None)
def test_a_step_begins_only_where_the_run_stands(drive: Drive) -> None:
    drive.to_the_end()
    sections = [drive.playbook.section(section) for section in Section]
    for kept in range(0, len(drive.facts) + 1, 2):
        flow = drive.beginning.replay(drive.facts[:kept])
        moves = [move for move in flow.next(BEGAN) if not isinstance(move, End)]
        for step in (step for steps in sections for step in steps):
            if step.path in flow.progress:
                continue
            inside = (f"{step.path}/", f"{step.path}[")
            stands = any(
                move.step.path == step.path or move.step.path.startswith(inside) for move in moves
            )
            assert begins(flow, step.path) == stands


def begins(flow: Flow, path: str) -> bool:
    try:
        flow.replay([Started(path, 1, BEGAN)])
    except ValueError:
        return False
    return True


@given(DRIVES)
@settings(max_examples=80, deadline=None)
def test_the_records_of_a_ledger_lead_to_the_same_place_however_things_were_mixed(
    drive: Drive,
) -> None:
    flow = drive.to_the_end()
    facts = list(facts_of(drive.records.values(), drive.cancelled))
    assert len(facts) == len(drive.facts)
    assert all(fact in drive.facts for fact in facts)
    replayed = drive.beginning.replay(facts)
    assert replayed == flow
    assert replayed.next(drive.now) == flow.next(drive.now)


@given(DRIVES, st.floats(0, 5000))
@settings(max_examples=60, deadline=None)
def test_a_run_that_crashed_at_any_fact_ends_without_repeating_what_is_settled(
    drive: Drive, away: float
) -> None:
    drive.to_the_end()
    for kept in range(0, len(drive.facts) + 1, 3):
        second = Drive(drive.playbook, (), drive.began, now=drive.now + away)
        for fact in drive.facts[:kept]:
            second.facts.append(fact)
            second.record(fact)
        settled = second.settled()
        records = facts_of(second.records.values(), second.cancelled)
        second.to_the_end(second.beginning.replay(records))
        assert not settled & set(second.performed)
        assert len(second.performed) == len(set(second.performed))


def leaves(steps: Sequence[Step]) -> Iterator[Step]:
    for step in steps:
        yield step
        for branch in step.branches:
            yield from leaves(branch)
        if step.called is not None:
            for section in Section:
                yield from leaves(step.called.section(section))


@given(DRIVES)
@settings(max_examples=60, deadline=None)
def test_no_section_comes_back_and_attempts_are_counted_without_a_gap(drive: Drive) -> None:
    drive.to_the_end()
    sections = [section.value for section in Section]
    places = [
        sections.index(fact.path.split("/")[0])
        for fact in drive.facts
        if not isinstance(fact, (Began, Cancelled))
    ]
    assert places == sorted(places)
    for path, _ in drive.settled():
        attempts = sorted(attempt for where, attempt in drive.settled() if where == path)
        assert attempts == list(range(1, len(attempts) + 1))


@given(DRIVES)
@settings(max_examples=60, deadline=None)
def test_never_more_items_are_in_flight_than_may_be(drive: Drive) -> None:
    drive.to_the_end()
    most = {
        step.path: step.foreach.max_parallel
        for section in Section
        for step in leaves(drive.playbook.section(section))
        if step.foreach is not None
    }
    for _, moves, _ in drive.asked:
        for path, limit in most.items():
            items = {
                move.step.path.removeprefix(f"{path}[").partition("]")[0]
                for move in moves
                if not isinstance(move, End) and move.step.path.startswith(f"{path}[")
            }
            assert len(items) <= limit


@given(DRIVES)
@settings(max_examples=60, deadline=None)
def test_a_failed_run_cleans_up_and_a_good_one_has_nothing_to_make_good(drive: Drive) -> None:
    flow = drive.to_the_end()
    (end,) = drive.asked[-1][1]
    assert isinstance(end, End)
    seen = {path.split("/")[0] for path, _ in drive.records}
    failed_early = end.document["run"]["failed_step"] is not None
    if drive.cancelled is None:
        assert ("on_failure" in seen) == (failed_early and bool(drive.playbook.on_failure))
    resolved = drive.cancelled is not None and drive.cancelled.resolved
    assert ("on_resolved" in seen) == (resolved and bool(drive.playbook.on_resolved))
    assert ("finally" in seen) == bool(drive.playbook.finally_)
    if failed_early:
        assert flow.next(drive.now)[0] == end
        assert end.state is not RunState.SUCCEEDED
