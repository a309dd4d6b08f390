"""The statements are read by their names, and the migrations in their order."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine.store.sqlite
from engine.store.queries import read_migrations, read_queries

HERE = Path(engine.store.sqlite.__file__).parent


def test_every_statement_is_one_that_sqlite_takes() -> None:
    db = sqlite3.connect(":memory:")
    for script in read_migrations():
        db.executescript(script)
    for name, statement in read_queries().items():
        parameters = dict.fromkeys(re.findall(r":(\w+)", statement))
        try:
            db.execute(f"EXPLAIN {statement}", parameters)
        except sqlite3.Error as error:  # pragma: no cover (says which one it is)
            pytest.fail(f"{name}: {error}")
    db.close()


def test_every_statement_says_what_it_is_for_and_is_named_once() -> None:
    text = (HERE / "sql" / "queries.sql").read_text(encoding="utf-8")
    named = re.findall(r"^-- (\w+): (.+)$", text, re.MULTILINE)
    assert [name for name, _ in named] == list(read_queries())
    assert all(purpose for _, purpose in named)


def test_every_statement_is_used_and_every_one_that_is_used_is_there() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in HERE.glob("*.py"))
    quoted = set(re.findall(r'"(\w+)"', code))
    asked = set(re.findall(r'sql(?:\(\)|_queries\(\))?\["(\w+)"\]', code))
    assert asked <= set(read_queries()) <= quoted


def test_no_two_migrations_have_the_same_number() -> None:
    names = sorted(path.name for path in (HERE / "sql").glob("[0-9]*.sql"))
    numbers = [int(name[:4]) for name in names]
    assert numbers[0] == 1
    assert len(set(numbers)) == len(numbers) == len(read_migrations())


def test_no_migration_commits_by_itself() -> None:
    for script in read_migrations():
        assert not re.search(r"^\s*(BEGIN|COMMIT|END)\b", script, re.MULTILINE)


KEPT = """
INSERT INTO events (id, source, action, key, type, query, headers, payload, received)
VALUES (:id, :source, :action, :key, 'i_custom', '{}', '{}', '{}', 1) ON CONFLICT DO NOTHING
"""


@given(st.lists(st.tuples(*[st.sampled_from(["", "a", "b", "c"])] * 3), max_size=12))
def test_an_event_is_found_by_its_key_whatever_it_came_by(came: list[tuple[str, str, str]]) -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        for script in read_migrations():
            db.executescript(script)
        for number, (source, action, key) in enumerate(came):
            row = {"id": f"E{number}", "source": source, "action": action, "key": key}
            db.execute(KEPT, row)
        for key in ("", "a", "d"):
            found = db.execute(read_queries()["event_by_key_alone"], {"key": key}).fetchall()
            first = "SELECT id FROM events WHERE key = ? ORDER BY seq LIMIT 1"
            assert found == db.execute(first, [key]).fetchall()
