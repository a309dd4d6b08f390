"""Whatever the playbook, the outcomes and the clock: a run ends, and its history leads back to it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.playbooks.playbook import Playbook, Retry, Section, Step
from engine.rules.condition import Condition
from engine.rules.match import Trigger
from engine.runs.fact import Began, Fact, Paused, Settled, Started, facts_of
from engine.runs.flow import End, Flow, Move, Note, Perform, Wait
from engine.runs.run import Outcome, RunState, StepRecord

BEGAN: Final = 1000.0
MOST_MOVES: Final = 500  # more than the largest playbook below can need
SETTLED: Final = (RunState.SUCCEEDED, RunState.FAILED)

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
            "steps.s0.outcome == 'unknown'",
        ],
    ),
]
TIMES: Final = st.sampled_from([0.0, 0.001, 1.0, 7.5, 30.0, 59.999, 60.0, 3600.0, 86400.0])


@dataclass(frozen=True)
class Happens:
    """What becomes of one attempt, and how long it takes."""

    kind: str  # succeeds fails fails-for-good is-unknown pauses stops-well stops-badly crashes
    takes: float


HAPPENINGS: Final = st.builds(
    Happens,
    st.sampled_from(
        [
            "succeeds",
            "succeeds",
            "fails",
            "fails",
            "fails-for-good",
            "is-unknown",
            "pauses",
            "stops-well",
            "stops-badly",
            "crashes",
        ]
    ),
    TIMES,
)


@st.composite
def steps(draw: st.DrawFn, section: str, least: int) -> tuple[Step, ...]:
    count = draw(st.integers(least, 4))
    return tuple(
        Step(
            path=f"{section}/{index}",
            type="probe",
            parameters={},
            id=draw(st.sampled_from([None, f"{section[0]}{index}"])),
            when=draw(st.sampled_from(CONDITIONS)),
            retry=draw(
                st.builds(
                    Retry,
                    attempts=st.integers(1, 4),
                    delay=TIMES,
                    backoff=st.sampled_from([1.0, 2.0]),
                    max_delay=st.sampled_from([None, 2.0]),
                )
            ),
            continue_on_error=draw(st.booleans()),
        )
        for index in range(count)
    )


@st.composite
def playbooks(draw: st.DrawFn) -> Playbook:
    return Playbook(
        name="p",
        description="",
        trigger=Trigger(),
        variables={},
        timeout=draw(st.sampled_from([1.0, 60.0, 3600.0, 1e9])),
        steps=draw(steps("steps", 1)),
        on_failure=draw(steps("on_failure", 0)),
        finally_=draw(steps("finally", 0)),
        file="p.yaml",
        text="",
        version="v",
    )


@dataclass
class Drive:
    """Drives a flow to its end, as a worker does, and keeps what it saw and what it recorded."""

    playbook: Playbook
    happenings: Sequence[Happens]
    began: Began
    now: float = BEGAN
    facts: list[Fact] = field(default_factory=list)
    asked: list[tuple[float, Move]] = field(default_factory=list)
    heard: list[int] = field(default_factory=list)  # how many facts there were at each question
    records: dict[tuple[str, int], StepRecord] = field(default_factory=dict)
    performed: list[tuple[str, int]] = field(default_factory=list)

    @property
    def beginning(self) -> Flow:
        return Flow(self.playbook, {"labels": {"yes": "yes"}}, "R").take(self.began)

    def to_the_end(self, flow: Flow | None = None) -> Flow:
        flow = flow or self.beginning
        left = iter(self.happenings)
        for _ in range(MOST_MOVES):
            move = flow.next(self.now)
            self.asked.append((self.now, move))
            self.heard.append(len(self.facts))
            match move:
                case End():
                    return flow
                case Note(_, fact):
                    flow = self.take(flow, fact)
                case Wait(_, until, _):
                    assert until > self.now, "a wait that is over is no wait"
                    self.now = until
                case Perform(step, attempt, _, again):
                    assert (step.path, attempt) not in self.settled(), "it has its outcome"
                    assert again == ((step.path, attempt) in self.records)
                    self.performed.append((step.path, attempt))
                    started = Started(step.path, attempt, flow.started or self.now)
                    flow = self.take(flow, started, keep=not again)
                    flow = self.perform(flow, started, next(left, Happens("succeeds", 1.0)))
        raise AssertionError("the run does not end")

    def perform(self, flow: Flow, started: Started, happens: Happens) -> Flow:
        path, attempt = started.path, started.attempt
        self.now += happens.takes
        if happens.kind == "crashes":
            return flow
        if happens.kind == "pauses":
            return self.take(flow, Paused(path, attempt, started.at + 10 * happens.takes))
        good = happens.kind in ("succeeds", "stops-well")
        bad = Outcome.UNKNOWN if happens.kind == "is-unknown" else Outcome.FAILED
        settled = Settled(
            path,
            attempt,
            self.now,
            Outcome.SUCCEEDED if good else bad,
            {"n": len(self.facts)} if good else None,
            None if good else f"it {happens.kind}",
            # Whatever a fact says, what may have taken effect is not done again.
            retryable=happens.kind in ("fails", "is-unknown"),
            variables={"last": path} if happens.kind == "succeeds" else {},
            stops=happens.kind.startswith("stops"),
        )
        return self.take(flow, settled)

    def take(self, flow: Flow, fact: Fact, *, keep: bool = True) -> Flow:
        if keep:
            self.facts.append(fact)
            self.record(fact)
        return flow.take(fact)

    def record(self, fact: Fact) -> None:
        """What a ledger keeps of it."""
        assert not isinstance(fact, Began)
        where = (fact.path, fact.attempt)
        record = self.records.get(where) or StepRecord(
            path=fact.path, attempt=fact.attempt, type="probe"
        )
        match fact:
            case Started():
                record = replace(record, started=fact.at)
            case Paused():
                record = replace(record, wake=fact.until)
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
                )
        self.records[where] = record

    def settled(self) -> set[tuple[str, int]]:
        return {where for where, record in self.records.items() if record.outcome is not None}


DRIVES: Final = st.builds(
    Drive,
    playbooks(),
    st.lists(HAPPENINGS, max_size=30),
    st.sampled_from([Began(BEGAN), Began(BEGAN, {"a": 1}), Began(BEGAN, {}, "host: not there")]),
)


@given(DRIVES)
@settings(max_examples=150, deadline=None)
def test_every_run_ends(drive: Drive) -> None:
    flow = drive.to_the_end()
    _, end = drive.asked[-1]
    assert isinstance(end, End)
    assert end.state in SETTLED
    assert (end.state is RunState.FAILED) <= (end.reason is not None)
    assert flow.next(drive.now + 1e6) == end, "and stays where it ended"


@given(DRIVES)
@settings(max_examples=150, deadline=None)
def test_the_moves_after_a_replay_are_the_moves_without_one(drive: Drive) -> None:
    drive.to_the_end()
    for (now, move), heard in zip(drive.asked, drive.heard, strict=True):
        replayed = drive.beginning.replay(drive.facts[:heard])
        assert replayed.next(now) == move
        assert replayed.next(now) == replayed.next(now)


@given(DRIVES)
@settings(max_examples=100, deadline=None)
def test_the_records_of_a_ledger_stand_for_the_same_facts(drive: Drive) -> None:
    flow = drive.to_the_end()
    facts = list(facts_of(drive.records.values()))
    assert facts == drive.facts
    assert drive.beginning.replay(facts) == flow


@given(DRIVES, st.floats(0, 5000))
@settings(max_examples=100, deadline=None)
def test_a_run_that_crashed_at_any_fact_ends_without_repeating_what_is_settled(
    drive: Drive, away: float
) -> None:
    drive.to_the_end()
    for kept in range(len(drive.facts) + 1):
        second = Drive(drive.playbook, (), drive.began, now=drive.now + away)
        for fact in drive.facts[:kept]:
            second.facts.append(fact)
            second.record(fact)
        settled = second.settled()
        second.to_the_end(second.beginning.replay(tuple(second.facts)))
        assert not settled & set(second.performed)
        assert len(second.performed) == len(set(second.performed))


@given(DRIVES)
@settings(max_examples=100, deadline=None)
def test_a_step_whose_outcome_is_unknown_is_not_performed_again_and_not_called_good(
    drive: Drive,
) -> None:
    flow = drive.to_the_end()
    steps_by_path = {step.path: step for step in all_steps(drive.playbook)}
    attempts: dict[str, int] = {}
    for path, attempt in drive.performed:
        attempts[path] = max(attempt, attempts.get(path, 0))
    for (path, attempt), record in drive.records.items():
        if record.outcome is not Outcome.UNKNOWN:
            continue
        assert attempts[path] == attempt, "it was the last attempt"
        step = steps_by_path[path]
        if path.startswith("steps/") and not step.continue_on_error:
            assert flow.state is RunState.FAILED
            assert "outcome is unknown" in (flow.reason or "")


def all_steps(playbook: Playbook) -> list[Step]:
    """Every step, in the order of the file's sections."""
    return [step for section in Section for step in playbook.section(section)]


@given(DRIVES)
@settings(max_examples=100, deadline=None)
def test_steps_come_in_order_and_no_section_comes_back(drive: Drive) -> None:
    drive.to_the_end()
    order = [step.path for step in all_steps(drive.playbook)]
    places = [order.index(fact.path) for fact in drive.facts if not isinstance(fact, Began)]
    assert places == sorted(places)
    for path, attempt in drive.settled():
        attempts = [at for where, at in drive.settled() if where == path]
        assert sorted(attempts) == list(range(1, len(attempts) + 1))
        step = next(step for step in all_steps(drive.playbook) if step.path == path)
        assert attempt <= step.retry.attempts


@given(DRIVES)
@settings(max_examples=100, deadline=None)
def test_a_failed_run_cleans_up_and_a_good_one_has_nothing_to_make_good(drive: Drive) -> None:
    flow = drive.to_the_end()
    seen = {path.split("/")[0] for path, _ in drive.records}
    failed_early = flow.failed_step is not None
    assert ("on_failure" in seen) == (failed_early and bool(drive.playbook.on_failure))
    assert ("finally" in seen) == bool(drive.playbook.finally_)
    if failed_early:
        assert flow.state is RunState.FAILED
