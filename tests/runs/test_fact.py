"""Records of the ledger stand for facts, in their order."""

from engine.runs.fact import Paused, Settled, Started, facts_of
from engine.runs.run import Outcome, StepRecord


def test_nothing_recorded_is_no_fact() -> None:
    assert list(facts_of([])) == []


def test_a_step_in_flight_is_one_fact() -> None:
    record = StepRecord(path="steps/0", attempt=2, type="probe", started=5.0, repeats=3)
    assert list(facts_of([record])) == [Started("steps/0", 2, 5.0)]


def test_a_pausing_step_is_two_facts_and_a_finished_pause_three() -> None:
    pausing = StepRecord(path="steps/0", attempt=1, type="wait", started=5.0, wake=35.0)
    assert list(facts_of([pausing])) == [
        Started("steps/0", 1, 5.0),
        Paused("steps/0", 1, 35.0),
    ]
    over = StepRecord(
        path="steps/0",
        attempt=1,
        type="wait",
        started=5.0,
        wake=35.0,
        ended=36.0,
        outcome=Outcome.SUCCEEDED,
        result={"waited": 30.0},
    )
    assert list(facts_of([over])) == [
        *facts_of([pausing]),
        Settled("steps/0", 1, 36.0, Outcome.SUCCEEDED, {"waited": 30.0}),
    ]


def test_a_step_that_never_began_is_its_outcome_alone() -> None:
    skipped = StepRecord(
        path="steps/0",
        attempt=1,
        type="probe",
        ended=5.0,
        outcome=Outcome.SKIPPED,
        error="labels.go is null",
    )
    assert list(facts_of([skipped])) == [
        Settled("steps/0", 1, 5.0, Outcome.SKIPPED, error="labels.go is null")
    ]


def test_everything_of_an_outcome_comes_back() -> None:
    record = StepRecord(
        path="finally/1",
        attempt=3,
        type="set",
        started=5.0,
        ended=6.0,
        outcome=Outcome.FAILED,
        result=[1, None],
        error="no",
        retryable=False,
        variables={"a": 1},
        stops=True,
    )
    assert list(facts_of([record])) == [
        Started("finally/1", 3, 5.0),
        Settled(
            "finally/1",
            3,
            6.0,
            Outcome.FAILED,
            [1, None],
            "no",
            retryable=False,
            variables={"a": 1},
            stops=True,
        ),
    ]


def test_facts_come_in_the_order_of_their_records() -> None:
    records = [
        StepRecord(path="steps/0", attempt=number, type="probe", started=float(number))
        for number in (1, 2, 3)
    ]
    assert [fact.at for fact in facts_of(records) if isinstance(fact, Started)] == [1.0, 2.0, 3.0]
