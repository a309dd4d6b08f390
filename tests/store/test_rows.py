"""What goes through the doors between rows and values comes back as it was."""

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.rules.condition import Answer, Verdict
from engine.runs.fact import Began, Settled
from engine.runs.ledger import Judgement
from engine.runs.run import Outcome, Run, RunState, StepRecord
from engine.store import rows
from engine.store.queries import read_migrations, read_queries
from tests.runs.fakes import an_event

TEXTS = st.text()  # surrogates included
FINITE = st.floats(allow_nan=False, allow_infinity=False)
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=10,
)


def as_row(parameters: dict[str, Any]) -> sqlite3.Row:
    """The row that a SELECT would give for these parameters."""
    with closing(sqlite3.connect(":memory:")) as db:
        db.row_factory = sqlite3.Row
        columns = ", ".join(f":{name} AS {name}" for name in parameters)
        row: sqlite3.Row = db.execute(f"SELECT {columns}", parameters).fetchone()
        return row


@given(TREES)
def test_data_comes_back_as_it_was(value: Any) -> None:
    assert json.loads(as_row({"x": rows.to_json(value)})["x"]) == value


@given(st.text(alphabet=st.characters()) | st.text(alphabet=["\ud800", "\\", "a", '"', "\0"]))
def test_any_text_can_be_kept(text: str) -> None:
    kept = as_row({"x": rows.to_text(text)})["x"]
    try:
        text.encode()
    except UnicodeEncodeError:
        assert "\\ud" in kept
    else:
        assert kept == text


@dataclass(frozen=True)
class Held:
    """Something of Python's that has no JSON of its own."""

    value: int


class Shade(StrEnum):
    """A text with a name."""

    GREY = "grey"


ODD: Final = (
    st.floats()
    | st.integers()
    | st.text(alphabet=["\ud800", "a"])
    | st.builds(Held, st.integers())
    | st.datetimes()
    | st.dates()
    | st.uuids()
    | st.sampled_from(Shade)
    | st.binary(max_size=3)
)


@given(
    st.recursive(
        st.none() | st.booleans() | ODD | TEXTS,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.tuples(inner, inner)
            | st.dictionaries(TEXTS | st.integers(), inner, max_size=3)
        ),
        max_leaves=6,
    )
)
@example([float("nan"), None])
@example({"a": float("-inf")})
@example({"a": Held(1), "b": datetime(2026, 8, 20, tzinfo=UTC), 1: 2**64})
def test_whatever_it_is_it_is_read_as_what_pythons_own_encoder_writes(value: Any) -> None:
    plain = json.dumps(value, ensure_ascii=False, default=str)
    # As texts: no NaN is equal to another one.
    assert repr(json.loads(rows.to_json(value))) == repr(json.loads(rows.to_text(plain)))


def test_what_json_cannot_hold_is_kept_as_the_text_it_shows() -> None:
    moment = datetime(2026, 8, 20, tzinfo=UTC)
    assert json.loads(rows.to_json({"at": moment})) == {"at": "2026-08-20 00:00:00+00:00"}


@pytest.mark.parametrize("action", ["restart-host", None])
def test_an_event_comes_back(action: str | None) -> None:
    event = an_event(action=action)
    row = rows.event_to_row(event)
    assert row["action"] == (action or ""), "NULLs would not be unique"
    assert row["incident"] == "6551f3888713372ad1054d57"
    kept = as_row({**row, "stale": 1, "own": 0})
    assert rows.event_from_row(kept) == replace(event, stale=True, own=False)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | FINITE | TEXTS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
        max_leaves=10,
    )
)
def test_a_payload_comes_back_whatever_is_in_it(value: Any) -> None:
    event = an_event(payload={"a": value})
    row = rows.event_to_row(event)
    assert rows.event_from_row(as_row({**row, "stale": 0, "own": None})) == event


@pytest.mark.parametrize(
    ("payload", "kept"),
    [
        ({"a": "ü", "b": [1, 2.5, {}]}, '{"a":"ü","b":[1,2.5,{}]}'),
        ({"a": 2**64}, '{"a":18446744073709551616}'),
        ({"a": "\ud800"}, '{"a":"\\ud800"}'),
        ({"a": "\ud800", "b": float("nan")}, '{"a":"\\ud800","b":NaN}'),
    ],
)
def test_a_payload_is_kept_as_any_other_json(payload: Any, kept: str) -> None:
    row = rows.event_to_row(an_event(payload=payload))
    assert row["payload"] == kept == rows.to_json(payload)
    again = rows.event_from_row(as_row({**row, "stale": 0, "own": None})).payload
    assert str(again) == str({**payload, "a": float(2**64)} if payload["a"] == 2**64 else payload)


def test_an_event_without_a_time_or_an_incident_comes_back() -> None:
    event = replace(an_event(payload={"note": "\ud800 lone"}), time=None)
    row = rows.event_to_row(event)
    assert (row["time"], row["incident"]) == (None, None)
    assert rows.event_from_row(as_row({**row, "stale": 0, "own": None})) == event


@pytest.mark.parametrize("state", RunState)
def test_a_run_comes_back(state: RunState) -> None:
    run = Run(
        id="R",
        playbook="p",
        version="v",
        event_id="E",
        state=state,
        created=1.25,
        reason="wait: for a timer",
        started=2.5,
        ended=None,
    )
    assert rows.run_from_row(as_row(rows.run_to_row(run))) == run


def test_a_run_without_a_reason_has_none() -> None:
    run = Run(id="R", playbook="p", version="v", event_id="E", state=RunState.QUEUED, created=1.0)
    assert rows.run_from_row(as_row(rows.run_to_row(run))) == run


def test_verdicts_come_back_and_an_unmatched_event_has_none() -> None:
    judgements = [
        Judgement("a", "v1", Verdict(Answer.YES)),
        Judgement("b", "v2", Verdict(Answer.NO, "the event's type is i_new, not i_custom")),
        Judgement("c", "v3", Verdict(Answer.CANNOT_TELL, "length() takes ...")),
    ]
    kept = rows.to_json([rows.judgement_to_json(judgement) for judgement in judgements])
    assert rows.judgements_from_row(as_row({"judgements": kept})) == judgements
    assert rows.judgements_from_row(as_row({"judgements": None})) == []


@pytest.mark.parametrize(
    "began", [Began(1.5), Began(1.5, {"host": "h"}), Began(1.5, {}, "host: not there")]
)
def test_what_a_run_began_with_comes_back(began: Began) -> None:
    assert rows.began_from_row(as_row({"began": rows.began_to_json(began)})) == began


def test_a_run_that_has_not_begun_began_with_nothing() -> None:
    assert rows.began_from_row(as_row({"began": None})) is None


FACTS = [
    Settled("steps/0", 1, 5.0, Outcome.SUCCEEDED),
    Settled("steps/0", 1, 5.0, Outcome.SUCCEEDED, {"a": [1, None]}, variables={"x": 1}),
    Settled("steps/0", 1, 5.0, Outcome.SUCCEEDED, 0),
    Settled("steps/0", 2, 5.0, Outcome.FAILED, "text", "no", retryable=False),
    Settled("finally/0", 1, 5.0, Outcome.FAILED, error="enough", retryable=False, stops=True),
    Settled("steps/0", 1, 5.0, Outcome.SKIPPED, error="labels.go is null"),
]


@pytest.mark.parametrize("fact", FACTS)
def test_an_outcome_comes_back_in_the_steps_record(fact: Settled) -> None:
    record = StepRecord(path=fact.path, attempt=fact.attempt, type="set", id="a", name="Set it")
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        db.row_factory = sqlite3.Row
        for script in read_migrations():
            db.executescript(script)
        sql = read_queries()
        db.execute(sql["settle_step"], rows.settled_to_row("R", record, fact))
        (row,) = db.execute(sql["steps_of_run"], {"run": "R"})
        assert rows.step_from_row(row) == replace(
            record,
            ended=fact.at,
            outcome=fact.outcome,
            result=fact.result,
            error=fact.error,
            retryable=fact.retryable,
            variables=fact.variables or None,
            stops=fact.stops,
        )
