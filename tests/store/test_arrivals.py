"""Deliveries that are kept together are kept as if each had come by itself."""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.events.event import Event
from engine.runs.ledger import Acceptance, LedgerError
from engine.store.arrivals import LARGEST, Arrivals
from engine.store.queries import SeveralRows, read_migrations, read_queries
from engine.store.rows import event_to_row
from engine.store.sqlite import open_ledger
from tests.runs.fakes import an_event


def empty() -> sqlite3.Connection:
    """The schema in memory."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.row_factory = sqlite3.Row
    for script in read_migrations():
        db.executescript(script)
    return db


def deliveries(drawn: Sequence[tuple[str, str, int | None]]) -> list[Event]:
    """One event of each key, incident, and time."""
    return [
        replace(
            an_event(f"E{number}", key=key),
            payload={"incident": {"incident_id": incident}} if incident else {},
            time=time,
        )
        for number, (key, incident, time) in enumerate(drawn)
    ]


def one_by_one(db: sqlite3.Connection, events: Sequence[Event]) -> list[Acceptance]:
    """What has to come of it: the statement of one row, and a look for what was there."""
    sql = read_queries()
    kept = []
    for event in events:
        row = event_to_row(event)
        new = db.execute(sql["insert_event"], row).rowcount == 1
        known = db.execute(sql["event_by_key"], row).fetchone()
        kept.append(Acceptance(known["id"], duplicate=not new))
    return kept


def contents(db: sqlite3.Connection) -> list[Any]:
    return [tuple(row) for row in db.execute("SELECT * FROM events ORDER BY seq")]


@example([], [(key, "I", 1) for key in "abcdea"])
@given(
    before=st.lists(st.tuples(st.sampled_from("abc"), st.just("I"), st.integers(0, 3)), max_size=3),
    drawn=st.lists(
        st.tuples(
            st.text("abcdefgh", min_size=1, max_size=2),
            st.sampled_from(["I", "J", ""]),
            st.one_of(st.none(), st.integers(-2, 3)),
        ),
        max_size=90,
    ),
)
def test_those_that_come_together_are_kept_as_those_that_come_one_by_one(
    before: list[tuple[str, str, int]], drawn: list[tuple[str, str, int | None]]
) -> None:
    there = [replace(event, id=f"B{event.id}") for event in deliveries(before)]
    events = deliveries(drawn)
    with closing(empty()) as together, closing(empty()) as apart:
        for db in (together, apart):
            one_by_one(db, there)
        kept = Arrivals().keep(together, [event_to_row(event) for event in events])
        assert kept == one_by_one(apart, events)
        assert contents(together) == contents(apart)


@pytest.mark.parametrize(
    ("events", "statements"), [(1, 1), (31, 1), (33, 1), (LARGEST, 1), (LARGEST + 1, 2), (200, 4)]
)
def test_as_many_as_there_are_take_few_statements(events: int, statements: int) -> None:
    said: list[str] = []
    with closing(empty()) as db:
        db.set_trace_callback(said.append)
        rows = [event_to_row(an_event(f"E{number}")) for number in range(events)]
        assert not any(kept.duplicate for kept in Arrivals().keep(db, rows))
        assert len(said) == statements
        assert Arrivals.is_one_statement(rows) is (statements == 1)
        kept = [row["id"] for row in db.execute("SELECT id FROM events ORDER BY seq")]
        assert kept == [row["id"] for row in rows], "and nothing of what fills up a statement"


def test_who_comes_behind_a_later_one_of_its_subject_takes_a_statement_of_its_own() -> None:
    rows = [event_to_row(event) for event in deliveries([("a", "I", 2), ("b", "I", 1)])]
    assert not Arrivals.is_one_statement(rows)
    assert Arrivals.is_one_statement(rows[::-1])


def test_one_that_cannot_be_kept_is_refused_and_those_beside_it_are_not(tmp_path: Path) -> None:
    async def story() -> list[Any]:
        with open_ledger(tmp_path / "engine.db") as ledger:
            events = [an_event("E1"), replace(an_event("E2"), time=2**63), an_event("E3")]
            accepting = [ledger.accept(event) for event in events]
            answers: list[Any] = await asyncio.gather(*accepting, return_exceptions=True)
            return answers

    first, second, third = asyncio.run(story())
    assert first == Acceptance("E1", duplicate=False)
    assert isinstance(second, LedgerError)
    assert "too large" in str(second)
    assert third == Acceptance("E3", duplicate=False)


def test_what_inserts_no_row_is_not_repeated() -> None:
    with pytest.raises(ValueError, match="has no row: SELECT id"):
        SeveralRows.of(read_queries()["event_by_id"].replace("*", "id"), 2)
