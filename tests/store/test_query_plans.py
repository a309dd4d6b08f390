"""How SQLite finds the rows: by an index, whatever the ledger has grown to."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Final

import pytest

from engine.store.queries import read_migrations, read_queries

GROWS: Final = ("events", "runs", "steps")  # tables that hold millions of rows

TO_DO: Final = ("events_unmatched", "runs_unfinished")  # indexes of what is still to be done alone

# What reads a table, or an index of all of it, from one end to the other, and why it may.
READS_ALL: Final = {
    **dict.fromkeys(
        [name for name in read_queries() if name.startswith(("check_", "stats_"))],
        "a person asks for all of it, on a connection of his own",
    ),
    "events_like": "the end of an id: an index of ids alone is read, on a person's connection",
    "runs_like": "the same",
    "delete_ended": "stops at the first row",
    "event_by_key_alone": "the same, and goes from one endpoint to the next",
}
# What sorts rows that no index has in order, and why they are few.
SORTS: Final = {
    "event_by_key_alone": "one for each endpoint",
    "events_about": "events of one subject, within a time",
    "playbooks_run_for": "runs for one subject",
    "repeat_steps": "steps of one run",
    "runs_of_event": "runs of one event: a playbook has one",
    "runs_under_way": "runs for one incident",
    "steps_asking": "steps of one run",
    "steps_of_run": "steps of one run",
    "steps_of_runs": "steps of a hundred runs, at a start",
    "delete_steps": "steps of one event's runs",
    "unfinished_runs": "read once, at a start",
    "stats_of_runs": "a person asks, on a connection of his own",
    **dict.fromkeys(("begin_versions", "versions_in_set", "playbook_names", "stats_of_playbooks"),
                    "playbooks are not that many"),
}  # fmt: skip


@pytest.fixture(scope="module")
def schema() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as db:
        for script in read_migrations():
            db.executescript(script)
        yield db


@pytest.fixture(scope="module")
def plans(schema: sqlite3.Connection) -> dict[str, list[str]]:
    found = {}
    for name, statement in read_queries().items():
        parameters = dict.fromkeys(re.findall(r":(\w+)", statement))
        plan = schema.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
        found[name] = [row[3] for row in plan]
    return found


def test_nothing_is_read_from_one_end_to_the_other(plans: dict[str, list[str]]) -> None:
    # An alias is as good as its table's name.
    table = rf"SCAN ({'|'.join(GROWS)}|event|missed|first|other|known)\b"
    few = rf"{table} USING INDEX ({'|'.join(TO_DO)})$"
    reading = {
        name
        for name, plan in plans.items()
        if any(re.match(table, line) and not re.match(few, line) for line in plan)
    }
    assert reading - READS_ALL.keys() == set()


@pytest.mark.parametrize(
    ("statement", "found_by"),
    [
        ("runs_going_page", "runs_unfinished (state=? AND seq<?)"),
        ("runs_ended_page", "runs_ended (state=? AND seq<?)"),
        ("playbook_runs_going_page", "runs_unfinished (state=? AND seq<?)"),
        ("playbook_runs_ended_page", "runs_ended_by_playbook (playbook=? AND state=? AND seq<?)"),
        ("queued_runs", "runs_unfinished (state=? AND seq>?)"),
    ],
)
def test_what_is_listed_is_found_without_looking_at_what_is_not(
    plans: dict[str, list[str]], statement: str, found_by: str
) -> None:
    """Going back row by row until enough of them fit is no scan to SQLite, and takes as long."""
    assert plans[statement] == [f"SEARCH runs USING INDEX {found_by}"]


def test_nothing_is_sorted_that_an_index_could_have_in_order(plans: dict[str, list[str]]) -> None:
    sorting = {name for name, plan in plans.items() if any("TEMP B-TREE" in line for line in plan)}
    assert sorting - SORTS.keys() == set()


def test_every_index_is_one_that_a_statement_uses(
    schema: sqlite3.Connection, plans: dict[str, list[str]]
) -> None:
    """Each costs whoever writes a row: what nothing uses any more has to go."""
    lines = "\n".join(line for plan in plans.values() for line in plan)
    used = set(re.findall(r"INDEX (\w+)", lines))
    made = schema.execute("SELECT name FROM sqlite_master WHERE type = 'index'")
    own = {name for (name,) in made if not name.startswith("sqlite_autoindex")}
    assert own - used == set()
