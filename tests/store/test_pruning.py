"""What is over is forgotten, oldest first and a little at a time; everything else stays."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.runs.change import RunBegin, RunMove, StepSettle, StepStart
from engine.runs.fact import Began, Settled
from engine.runs.happening import Happening, Pruned, Trouble
from engine.runs.ledger import LedgerError
from engine.runs.retention import EVERY, LONG_LOG, PAUSE, Batch, Retention, Usage
from engine.runs.run import Outcome, Run, RunState, StepRecord
from engine.store import pruning
from engine.store.pruning import prune_batch
from engine.store.queries import read_migrations, read_queries
from engine.store.sqlite import SqliteLedger, open_ledger
from tests.runs.fakes import NOW, Clock, a_playbook, a_run, an_event, letting, verdicts

DAY = 86400.0
KIB, MIB = 1024, 1024 * 1024
PLAYBOOK = a_playbook("steps: [{id: a, probe: a}]", "restart-host", "restart-host.yaml")
OTHER = a_playbook("steps: [{probe: b}]", "other", "other.yaml")


@dataclass
class Keeping:
    """A ledger with a past, and its retention."""

    ledger: SqliteLedger
    database: Path
    clock: Clock = field(default_factory=Clock)
    slept: list[float] = field(default_factory=list)
    told: list[Happening] = field(default_factory=list)

    def add(
        self,
        id_: str,
        *,
        days_ago: float,
        state: RunState | None = RunState.SUCCEEDED,
        ended_days_ago: float | None = None,
        steps: int = 1,
        filler: int = 0,
    ) -> None:
        """An event and its run; state None: nothing has judged it."""
        at = NOW - days_ago * DAY
        event = replace(an_event(id_, payload={"filler": "x" * filler}), received=at)
        asyncio.run(self._add(event.id, event, state, at, ended_days_ago, steps))

    async def _add(
        self,
        id_: str,
        event: Any,
        state: RunState | None,
        at: float,
        ended_days_ago: float | None,
        steps: int,
    ) -> None:
        await self.ledger.accept(event)
        if state is None:
            return
        await self.ledger.keep_playbook(PLAYBOOK)
        run = a_run(f"run of {id_}", PLAYBOOK, event, at)
        await self.ledger.keep_match(event, verdicts([PLAYBOOK]), at, letting([run]))
        if state is not RunState.QUEUED:
            await self._carry_out(run, state, at, ended_days_ago, steps)

    async def _carry_out(
        self, run: Run, state: RunState, at: float, ended_days_ago: float | None, steps: int
    ) -> None:
        if state is RunState.SKIPPED:
            await self.ledger.keep([RunMove(run.move(state, at=at))])
            return
        run = run.move(RunState.RUNNING, at=at)
        await self.ledger.keep([RunBegin(run, Began(at))])
        for number in range(steps):
            record = StepRecord(path="steps/0", attempt=number + 1, type="probe", started=at)
            await self.ledger.keep([StepStart(run.id, record)])
            settled = Settled("steps/0", number + 1, at, Outcome.SUCCEEDED, {"n": number})
            await self.ledger.keep([StepSettle(run.id, record, settled)])
        ended = at if ended_days_ago is None else NOW - ended_days_ago * DAY
        if state is not RunState.RUNNING:
            await self.ledger.keep([RunMove(run.move(state, at=ended))])

    def retention(
        self,
        *,
        age: float | None = 30 * DAY,
        size: int | None = None,
        loaded: list[str] | None = None,
    ) -> Retention:
        async def sleep(seconds: float) -> None:
            self.slept.append(seconds)

        return Retention(
            self.ledger.pruning,
            age=age,
            size=size,
            clock=self.clock,
            sleep=sleep,
            tell=self.told.append,
            loaded=loaded,
        )

    def prune(self, **limits: Any) -> Pruned:
        return asyncio.run(self.retention(**limits).prune())

    def rows(self, statement: str) -> list[Any]:
        with closing(sqlite3.connect(self.database)) as db:
            return [row[0] for row in db.execute(statement)]

    @property
    def events(self) -> list[str]:
        return self.rows("SELECT id FROM events ORDER BY seq")


@pytest.fixture
def keeping(ledger: SqliteLedger, database: Path) -> Iterator[Keeping]:
    made = Keeping(ledger, database)
    yield made
    assert made.rows("PRAGMA foreign_key_check") == []
    assert made.rows("PRAGMA integrity_check") == ["ok"]


# By age


def test_what_was_over_before_the_age_goes_with_its_runs_and_steps(keeping: Keeping) -> None:
    keeping.add("E1", days_ago=40, steps=3)
    keeping.add("E2", days_ago=31, state=RunState.SKIPPED)
    keeping.add("E3", days_ago=29)

    pruned = keeping.prune()

    assert pruned == Pruned(events=2, runs=2, steps=3, playbooks=0)
    assert keeping.told == [pruned]
    assert keeping.events == ["E3"]
    assert keeping.rows("SELECT id FROM runs") == ["run of E3"]
    assert keeping.rows("SELECT run FROM steps") == ["run of E3"]


@pytest.mark.parametrize("state", [None, RunState.QUEUED, RunState.RUNNING, RunState.WAITING])
def test_what_is_not_over_stays_however_old_and_keeps_nothing_else(
    keeping: Keeping, state: RunState | None
) -> None:
    keeping.add("E1", days_ago=400, state=state)
    keeping.add("E2", days_ago=399)
    keeping.prune(size=1, age=DAY)
    assert keeping.events == ["E1"]
    assert len(keeping.rows("SELECT id FROM runs")) == (0 if state is None else 1)


def test_the_age_counts_from_when_the_last_run_ended(keeping: Keeping) -> None:
    keeping.add("E1", days_ago=90, ended_days_ago=1)
    keeping.add("E2", days_ago=90, ended_days_ago=31)
    keeping.prune()
    assert keeping.events == ["E1"]


def test_what_a_name_was_remembered_under_is_never_forgotten(keeping: Keeping) -> None:
    asyncio.run(keeping.ledger.remember("reconciled-until", 1))
    keeping.add("E1", days_ago=400)
    keeping.prune(size=1)
    assert asyncio.run(keeping.ledger.recall("reconciled-until")) == 1


def test_nothing_to_forget_is_nothing_to_tell(keeping: Keeping) -> None:
    keeping.add("E1", days_ago=1)
    assert keeping.prune(size=100 * MIB) == Pruned(0, 0, 0, 0)
    assert keeping.told == []
    assert keeping.prune(age=None) == Pruned(0, 0, 0, 0)


# By size


def test_the_oldest_go_until_the_rest_fits(keeping: Keeping) -> None:
    for number in range(50):
        keeping.add(f"E{number:02}", days_ago=10 - number / 50, filler=100 * KIB)

    keeping.prune(age=None, size=2 * MIB)

    left = keeping.events
    gone = 50 - len(left)
    assert left == [f"E{number:02}" for number in range(gone, 50)]
    used = asyncio.run(keeping.ledger.pruning.usage()).used
    assert 2 * MIB - 120 * KIB < used <= 2 * MIB, "not one more than has to"
    assert keeping.told == [Pruned(gone, gone, gone, 0)]


def test_nothing_younger_than_a_day_goes_whatever_the_size_and_that_is_said(
    keeping: Keeping,
) -> None:
    for number in range(5):
        keeping.add(f"E{number}", days_ago=1.5 - number / 4, filler=MIB)

    keeping.prune(size=MIB)

    assert keeping.events == ["E2", "E3", "E4"], "E2 came a day ago to the second"
    [_, trouble] = keeping.told
    assert isinstance(trouble, Trouble)
    assert trouble.where == "retention"
    assert trouble.message == (
        "the ledger holds 3.1MiB, more than retention.size (1MiB), and nothing more may go: the "
        "rest is not over, or younger than a day"
    )


def test_a_delivery_of_yesterday_that_is_repeated_is_known_whatever_the_size(
    keeping: Keeping,
) -> None:
    keeping.add("E1", days_ago=0.99, filler=MIB)
    keeping.prune(age=DAY, size=1)
    again = replace(an_event("E2"), key="key of E1")
    assert asyncio.run(keeping.ledger.accept(again)).event_id == "E1"


def test_the_space_is_given_back_to_the_disk(keeping: Keeping) -> None:
    for number in range(30):
        keeping.add(f"E{number}", days_ago=40, filler=MIB)
    keeping.add("last", days_ago=0, filler=MIB)
    asyncio.run(keeping.ledger.check())

    keeping.prune()

    asyncio.run(keeping.ledger.check())  # by now the writer has tidied
    assert keeping.database.stat().st_size < 3 * MIB
    assert keeping.database.with_name("engine.db-wal").stat().st_size < MIB


def test_a_file_of_an_older_engine_is_pruned_too_though_it_gives_nothing_back(
    database: Path,
) -> None:
    with closing(sqlite3.connect(database)) as old:
        old.execute("CREATE TABLE of_before (x)")  # from now on no page of it can be moved
        old.execute("DROP TABLE of_before")
    with open_ledger(database) as ledger:
        keeping = Keeping(ledger, database)
        for number in range(5):
            keeping.add(f"E{number}", days_ago=40, filler=MIB)
        keeping.prune()
        assert keeping.events == []
        usage = asyncio.run(ledger.pruning.usage())
        assert usage.free > 4 * MIB
        assert usage.used < MIB


# A little at a time


def batches(keeping: Keeping, before: float = NOW) -> list[Batch]:
    async def all_of_them() -> list[Batch]:
        found = [await keeping.ledger.pruning.prune(before, 0, None)]
        while found[-1].after is not None:
            found.append(await keeping.ledger.pruning.prune(before, found[-1].after, None))
        return found

    return asyncio.run(all_of_them())


def test_a_transaction_deletes_few_rows(keeping: Keeping) -> None:
    for number in range(9):
        keeping.add(f"E{number}", days_ago=40, steps=48)
    found = batches(keeping)
    assert [(one.events, one.runs, one.steps) for one in found] == [
        (4, 4, 4 * 48),
        (4, 4, 4 * 48),
        (1, 1, 48),
    ]


def test_an_event_with_very_many_steps_goes_in_several_transactions_the_event_last(
    keeping: Keeping,
) -> None:
    keeping.add("E1", days_ago=40, steps=2)
    keeping.add("E2", days_ago=40, steps=450)
    keeping.add("E3", days_ago=40)

    first = asyncio.run(keeping.ledger.pruning.prune(NOW, 0, None))
    assert (first.events, first.steps) == (1, 2)
    assert first.after is not None
    second = asyncio.run(keeping.ledger.pruning.prune(NOW, first.after, None))
    assert (second.events, second.runs, second.steps) == (0, 0, pruning.ROWS)
    assert keeping.rows("SELECT reason FROM runs ORDER BY seq") == ["pruned in part", None]

    rest = batches(keeping)
    assert sum(one.steps for one in rest) == 250 + 1
    assert keeping.events == []


def test_a_transaction_frees_few_pages(keeping: Keeping, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "PAGES", 300)
    for number in range(10):
        keeping.add(f"E{number}", days_ago=40, filler=MIB // 2)
    assert [one.events for one in batches(keeping)] == [3, 3, 3, 1]


def test_a_transaction_looks_at_few_events(
    keeping: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "LOOKS", 10)
    for number in range(25):
        keeping.add(f"E{number}", days_ago=40, state=RunState.QUEUED)
    keeping.add("last", days_ago=40)
    assert [one.events for one in batches(keeping)] == [0, 0, 1]


def test_others_have_their_turn_between_two_batches(keeping: Keeping) -> None:
    for number in range(3):
        keeping.add(f"E{number}", days_ago=40, steps=150)
    keeping.prune()
    assert keeping.slept[:2] == [PAUSE, PAUSE]


@given(
    st.lists(
        st.tuples(
            st.sampled_from([None, *RunState]),  # None: nothing has judged it
            st.integers(0, 100),  # when it came
            st.integers(0, 50),  # how much later its run ended
            st.integers(0, 3),  # steps
        ),
        max_size=12,
    ),
    st.integers(0, 120),
    st.integers(1, 8),
)
def test_whatever_there_is_just_what_is_over_and_old_goes(
    past: list[tuple[RunState | None, int, int, int]], before: int, rows: int
) -> None:
    past.sort(key=lambda one: one[1])  # they came in their order
    with closing(laid_out(past)) as db, pytest.MonkeyPatch.context() as patch:
        patch.setattr(pruning, "ROWS", rows)
        after: int | None = 0
        while after is not None:
            changes = db.total_changes
            batch = prune_batch(db, read_queries(), before, after, None, lambda _: 0, [])
            after = batch.after
            deleted = batch.events + batch.runs + batch.steps
            assert deleted <= rows + 1, "an event and its run are the least that can go"
            assert db.total_changes - changes <= deleted + 1, "and a mark is all that is written"
        left = {row["id"] for row in db.execute("SELECT id FROM events")}
        stays = {
            str(number)
            for number, (state, came, took, _) in enumerate(past)
            if state is None or not state.settled or came + took >= before
        }
        assert left == stays
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        steps = sum(past[int(number)][3] for number in left if past[int(number)][0])
        assert db.execute("SELECT count(*) FROM steps").fetchone()[0] == steps


def laid_out(past: list[tuple[RunState | None, int, int, int]]) -> sqlite3.Connection:
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.row_factory = sqlite3.Row
    for script in read_migrations():
        db.executescript(script)
    db.execute("PRAGMA foreign_keys = ON")
    db.execute("INSERT INTO playbooks (version, name, file, text) VALUES ('v', 'p', 'f', '')")
    for number, (state, came, took, steps) in enumerate(past):
        judged = None if state is None else came
        db.execute(
            "INSERT INTO events (id, source, action, key, type, query, headers, payload, received, "
            "matched) VALUES (?, 's', 'a', ?, 't', '{}', '{}', '{}', ?, ?)",
            (str(number), str(number), came, judged),
        )
        if state is not None:
            ended = came + took if state.settled else None
            db.execute(
                "INSERT INTO runs (id, playbook, version, event, state, created, ended) "
                "VALUES (?, 'p', 'v', ?, ?, ?, ?)",
                (f"R{number}", str(number), state.value, came, ended),
            )
            for step in range(steps):
                db.execute(
                    "INSERT INTO steps (run, path, attempt, type) VALUES (?, ?, 1, 'wait')",
                    (f"R{number}", f"steps/{step}"),
                )
    return db


def test_what_people_said_to_a_run_goes_with_it(keeping: Keeping) -> None:
    keeping.add("E1", days_ago=40, state=RunState.RUNNING)
    with closing(sqlite3.connect(keeping.database, isolation_level=None)) as db:
        db.execute(
            "INSERT INTO orders (run, verb, by, at) VALUES ('run of E1', 'cancel', 'ada', 1)"
        )
    run = asyncio.run(keeping.ledger.run("run of E1"))
    asyncio.run(keeping.ledger.keep([RunMove(run.move(RunState.CANCELLED, at=NOW - 35 * DAY))]))
    assert keeping.prune().runs == 1
    assert keeping.rows("SELECT run FROM orders") == []


# Texts of playbooks


def test_a_text_goes_when_no_run_goes_by_it_and_it_is_not_loaded(keeping: Keeping) -> None:
    loaded = a_playbook("steps: [{probe: c}]", "loaded", "loaded.yaml")
    for one in (OTHER, loaded):
        asyncio.run(keeping.ledger.keep_playbook(one))
    keeping.add("E1", days_ago=40)
    keeping.add("E2", days_ago=20)

    assert keeping.prune(loaded=[loaded.version]).playbooks == 1
    assert set(keeping.rows("SELECT version FROM playbooks")) == {PLAYBOOK.version, loaded.version}
    keeping.clock.jump(20 * DAY)
    assert keeping.prune(loaded=[loaded.version]) == Pruned(1, 1, 1, 1)
    assert keeping.rows("SELECT version FROM playbooks") == [loaded.version]


def test_no_text_goes_while_a_run_from_before_the_start_goes_on(keeping: Keeping) -> None:
    """It may come to ask for another playbook's text as it was then."""
    asyncio.run(keeping.ledger.keep_playbook(OTHER))
    keeping.add("E1", days_ago=1, state=RunState.RUNNING)
    assert keeping.prune(loaded=[]).playbooks == 0


def test_a_text_stays_for_as_long_as_there_are_events_that_were_judged_by_it(
    keeping: Keeping,
) -> None:
    async def in_force(name: str, days_ago: float) -> None:
        playbook = a_playbook("steps: [{probe: x}]", name, f"{name}.yaml")
        at = NOW - days_ago * DAY
        await keeping.ledger.keep_playbook(playbook)
        number = await keeping.ledger.put_in_force([playbook.version], at)
        event = replace(an_event(f"E {name}"), received=at + DAY)
        await keeping.ledger.accept(event)
        await keeping.ledger.keep_match(event, [], at + DAY, letting([]), number)

    def there() -> list[str]:
        return keeping.rows("SELECT name FROM playbooks ORDER BY name")

    for name, days_ago in (("a", 50), ("b", 40), ("c", 30)):
        asyncio.run(in_force(name, days_ago))
    keeping.prune(age=60 * DAY, loaded=[])
    assert there() == ["a", "b", "c"]
    keeping.prune(age=45 * DAY, loaded=[])
    assert there() == ["b", "c"]
    keeping.prune(age=10 * DAY, loaded=[])
    assert keeping.events == []
    assert there() == ["b", "c"], "its set's number is not to be given to another one"
    assert asyncio.run(keeping.ledger.put_in_force([], NOW)) == 4
    keeping.prune(age=10 * DAY, loaded=[])
    assert there() == ["c"]


def test_no_text_goes_where_it_is_not_known_what_is_loaded(keeping: Keeping) -> None:
    asyncio.run(keeping.ledger.keep_playbook(OTHER))
    keeping.prune(loaded=None)
    assert keeping.rows("SELECT version FROM playbooks") == [OTHER.version]


# The round


class Refusing:
    """Refuses once; then there is nothing to do."""

    def __init__(self, log: int = 0) -> None:
        self.refusals = ["database is locked"]
        self.log = log

    async def usage(self) -> Usage:
        return Usage(0, 0, self.log)

    async def prune(self, before: float, after: int, size: int | None) -> Batch:
        if self.refusals:
            raise LedgerError(self.refusals.pop())
        return Batch(0, 0, 0, None)

    async def prune_playbooks(self, loaded: Any, since: float) -> int:
        return 0

    async def sweep(self, before: float) -> str | None:
        return None

    async def give_back(self) -> bool:
        return False


def keep_pruning(ledger: Refusing, rounds: int) -> tuple[list[float], list[Happening]]:
    slept: list[float] = []
    told: list[Happening] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == rounds:
            raise asyncio.CancelledError

    retention = Retention(
        ledger, age=DAY, size=MIB, clock=Clock(), sleep=sleep, tell=told.append, loaded=[]
    )
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(retention.keep_pruning())
    return slept, told


def test_a_ledger_that_refuses_is_asked_again_in_the_next_round() -> None:
    slept, told = keep_pruning(Refusing(), rounds=2)
    assert slept == [EVERY, EVERY]
    assert told == [Trouble("retention", "nothing more could be pruned: database is locked")]


def test_a_write_ahead_log_that_somebody_keeps_growing_is_told() -> None:
    ledger = Refusing(log=LONG_LOG * 2)
    ledger.refusals.clear()
    _, told = keep_pruning(ledger, rounds=1)
    assert told == [
        Trouble(
            "retention",
            "the write-ahead log has grown to 512MiB: a program keeps reading the database, and "
            "has to be ended",
        )
    ]
