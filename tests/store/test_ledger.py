"""The ledger's promise, held by whoever keeps it: here the real file."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.events.event import Event
from engine.playbooks.playbook import Playbook, PlaybookText
from engine.rules.condition import Answer, Verdict
from engine.runs.change import (
    RunBegin,
    RunCancel,
    RunMove,
    StepAsk,
    StepPause,
    StepSettle,
    StepStart,
)
from engine.runs.fact import Asked, Began, Called, Cancelled, Fact, Paused, Settled, Started
from engine.runs.ledger import (
    Acceptance,
    Judgement,
    Ledger,
    LedgerError,
    NotInLedgerError,
    Past,
)
from engine.runs.run import Asking, Handed, Outcome, Question, Run, RunState, StepRecord
from engine.store.queries import read_migrations
from engine.store.records import open_records
from engine.store.sqlite import SqliteLedger, open_ledger
from tests.runs.fakes import NOW, a_playbook, a_run, an_event, letting, verdicts

ROOT = Path(__file__).parents[2]
PLAYBOOK = a_playbook("steps: [{id: a, probe: a}]", "restart-host", "restart-host.yaml")
OTHER = a_playbook("steps: [{probe: b}]", "other", "other.yaml")


def keeps_its_promise(ledger: SqliteLedger) -> Ledger:
    """The type checker's part of the contract."""
    return ledger


async def queue(ledger: Ledger, event: Event, *runs: Run) -> None:
    """An event that was accepted, and judged so that these runs are queued."""
    for playbook in (PLAYBOOK, OTHER):
        await ledger.keep_playbook(playbook)
    await ledger.accept(event)
    await ledger.keep_match(event, verdicts([PLAYBOOK, OTHER]), NOW, letting(runs))


async def begin(ledger: Ledger, id_: str = "R1") -> Run:
    """A run that began."""
    run = a_run(id_, PLAYBOOK, an_event(f"E of {id_}"))
    await queue(ledger, an_event(f"E of {id_}"), run)
    running = run.move(RunState.RUNNING, at=NOW + 1)
    await ledger.keep([RunBegin(running, Began(NOW + 1, {"host": "h"}))])
    return running


def a_record(attempt: int = 1, path: str = "steps/0", **rest: Any) -> StepRecord:
    return StepRecord(path=path, attempt=attempt, type="probe", id="a", **rest)


def rows_of(database: Path, statement: str) -> list[tuple[Any, ...]]:
    """What somebody else finds in the file."""
    with closing(sqlite3.connect(database)) as db:
        return db.execute(statement).fetchall()


# Events


def test_an_event_is_there_once_it_was_accepted(ledger: SqliteLedger, database: Path) -> None:
    async def story() -> None:
        event = an_event()
        acceptance = await ledger.accept(event)
        assert (acceptance.event_id, acceptance.duplicate) == (event.id, False)
        assert rows_of(database, "SELECT id FROM events") == [(event.id,)]
        assert await ledger.event(event.id) == event
        assert list(await ledger.unmatched(10)) == [event]

    asyncio.run(story())


@pytest.mark.parametrize("action", ["restart-host", None])
def test_a_repeated_delivery_is_the_event_that_was_there(
    ledger: SqliteLedger, action: str | None
) -> None:
    async def story() -> None:
        await ledger.accept(an_event("FIRST", key="k", action=action))
        again = await ledger.accept(an_event("SECOND", key="k", action=action))
        assert (again.event_id, again.duplicate) == ("FIRST", True)
        assert [event.id for event in await ledger.unmatched(10)] == ["FIRST"]

    asyncio.run(story())


def test_another_source_action_or_key_is_another_event(ledger: SqliteLedger) -> None:
    async def story() -> None:
        first = an_event("1", key="k", action="a")
        others = [
            replace(first, id="2", source="incident"),
            replace(first, id="3", action="b"),
            replace(first, id="4", action=None),
            replace(first, id="5", key="l"),
        ]
        for event in (first, *others):
            assert not (await ledger.accept(event)).duplicate
        assert [event.id for event in await ledger.unmatched(10)] == ["1", "2", "3", "4", "5"]

    asyncio.run(story())


@pytest.mark.parametrize("action", ["restart-host", None])
def test_fifty_deliveries_at_the_same_moment_are_one_event(
    ledger: SqliteLedger, database: Path, action: str | None
) -> None:
    async def story() -> None:
        async with asyncio.TaskGroup() as tasks:
            asked = [
                tasks.create_task(ledger.accept(an_event(f"E{number}", key="k", action=action)))
                for number in range(50)
            ]
        answers = [task.result() for task in asked]
        assert [answer.duplicate for answer in answers].count(False) == 1
        assert len({answer.event_id for answer in answers}) == 1

    asyncio.run(story())
    assert rows_of(database, "SELECT count(*) FROM events") == [(1,)]


def test_a_delivery_is_repeated_across_a_restart(database: Path) -> None:
    with open_ledger(database) as ledger:
        asyncio.run(ledger.accept(an_event("FIRST", key="k")))
    with open_ledger(database) as ledger:
        again = asyncio.run(ledger.accept(an_event("SECOND", key="k")))
        assert (again.event_id, again.duplicate) == ("FIRST", True)


def test_an_event_that_is_not_there_is_said_to_be_not_there(ledger: SqliteLedger) -> None:
    with pytest.raises(NotInLedgerError, match=r"^there is no event NONE$"):
        asyncio.run(ledger.event("NONE"))
    assert not issubclass(NotInLedgerError, LedgerError), "it is no refusal, and never passes"


def test_an_event_that_cannot_be_kept_is_refused_and_the_next_one_is_not(
    ledger: SqliteLedger, database: Path
) -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]

    async def story() -> None:
        with pytest.raises(LedgerError, match=r"^the event is nested too deeply to be kept$"):
            await ledger.accept(an_event(payload={"deep": deep}))
        with pytest.raises(LedgerError, match="OverflowError"):
            await ledger.accept(replace(an_event("E2"), time=2**64))
        await ledger.accept(an_event("E3"))

    asyncio.run(story())
    assert rows_of(database, "SELECT id FROM events") == [("E3",)]


def test_the_oldest_unmatched_events_come_first_and_not_more_than_asked_for(
    ledger: SqliteLedger,
) -> None:
    async def story() -> None:
        for number in range(5):
            await ledger.accept(an_event(f"E{9 - number}"))
        assert [event.id for event in await ledger.unmatched(3)] == ["E9", "E8", "E7"]

    asyncio.run(story())


# Matches


def test_a_match_keeps_every_verdict_and_queues_its_runs(
    ledger: SqliteLedger, database: Path
) -> None:
    event = an_event()
    judgements = [
        Judgement("restart-host", PLAYBOOK.version, Verdict(Answer.YES)),
        Judgement("other", OTHER.version, Verdict(Answer.CANNOT_TELL, "length() takes ...")),
    ]

    async def story() -> None:
        await ledger.keep_playbook(PLAYBOOK)
        await ledger.accept(event)
        run = a_run("R1", PLAYBOOK, event)
        await ledger.keep_match(event, judgements, NOW, letting([run]))
        assert await ledger.unmatched(10) == []
        assert [one for _, one in await ledger.queued(0, 10)] == [run]

    asyncio.run(story())
    with open_records(database) as records:
        assert records.event(event.id).judgements == judgements


def test_a_playbook_has_one_run_for_an_event_however_often_it_is_matched(
    ledger: SqliteLedger,
) -> None:
    event = an_event()

    async def story() -> None:
        await queue(ledger, event, a_run("R1", PLAYBOOK, event))
        for id_ in ("R2", "R3"):
            await queue(ledger, event, a_run(id_, PLAYBOOK, event), a_run("R4", OTHER, event))
        queued = [run.id for _, run in await ledger.queued(0, 10)]
        assert queued == ["R1"], "judged once, and not again"

    asyncio.run(story())


def test_two_runs_of_one_playbook_in_one_match_are_one(ledger: SqliteLedger) -> None:
    event = an_event()

    async def story() -> None:
        twice = [a_run("R1", PLAYBOOK, event), a_run("R2", PLAYBOOK, event)]
        await queue(ledger, event, *twice, a_run("R3", OTHER, event))
        assert [run.id for _, run in await ledger.queued(0, 10)] == ["R1", "R3"]

    asyncio.run(story())


def test_a_match_that_cannot_be_kept_whole_is_not_kept_at_all(ledger: SqliteLedger) -> None:
    event = an_event()

    async def story() -> None:
        await ledger.keep_playbook(PLAYBOOK)
        await ledger.accept(event)
        runs = [
            a_run("R1", PLAYBOOK, event),
            a_run("R2", OTHER, event, version="a version that was never kept"),
        ]
        with pytest.raises(LedgerError, match="FOREIGN KEY constraint failed"):
            await ledger.keep_match(event, verdicts([PLAYBOOK]), NOW, letting(runs))
        assert await ledger.queued(0, 10) == []
        assert [one.id for one in await ledger.unmatched(10)] == [event.id]

    asyncio.run(story())


# Playbooks


def test_a_version_keeps_its_text_whatever_comes_later(ledger: SqliteLedger) -> None:
    async def story() -> None:
        await ledger.keep_playbook(PLAYBOOK)
        await ledger.keep_playbook(replace(PLAYBOOK, text="another", file="elsewhere.yaml"))
        kept = await ledger.playbook_text(PLAYBOOK.version)
        assert kept == PlaybookText(PLAYBOOK.text, "restart-host.yaml")

    asyncio.run(story())


@pytest.mark.parametrize(
    ("loaded", "kept"),
    [
        ([None], None),
        (["aaa", "bbb"], "aaa"),
        ([None, "aaa"], "aaa"),
        (["aaa", None], "aaa"),
        (["aaa-dirty", "bbb"], "bbb"),
        (["aaa-dirty", None], "aaa-dirty"),
        (["aaa", "bbb-dirty"], "aaa"),
    ],
)
def test_a_version_keeps_the_first_commit_that_has_it(
    ledger: SqliteLedger, loaded: list[str | None], kept: str | None
) -> None:
    async def story() -> None:
        for commit in loaded:
            await ledger.keep_playbook(PLAYBOOK, commit)
        assert (await ledger.playbook_text(PLAYBOOK.version)).commit == kept

    asyncio.run(story())


def test_a_version_that_was_never_kept_is_said_to_be_not_there(ledger: SqliteLedger) -> None:
    with pytest.raises(NotInLedgerError, match=r"^there is no playbook version v9$"):
        asyncio.run(ledger.playbook_text("v9"))


# Runs


def test_a_set_of_versions_has_its_number_until_another_one_is_in_force(
    ledger: SqliteLedger, database: Path
) -> None:
    a, b, c = (a_playbook("steps: [{probe: x}]", name, f"{name}.yaml") for name in "abc")
    sets = [[], [a, b], [b, a], [b, c], [c], [c, a], []]

    async def story() -> list[int]:
        await asyncio.gather(*(ledger.keep_playbook(one) for one in (a, b, c)))
        numbers = []
        for place, playbooks in enumerate(sets):
            at = NOW + place
            numbers.append(await ledger.put_in_force([one.version for one in playbooks], at))
            event = an_event(f"E{place}")
            await ledger.accept(event)
            await ledger.keep_match(event, verdicts(playbooks[:1]), at, letting([]), numbers[-1])
        return numbers

    assert asyncio.run(story()) == [0, 1, 1, 2, 3, 4, 5]
    with open_records(database) as records:
        for place, playbooks in enumerate(sets):
            record = records.event(f"E{place}")
            others = sorted((one.name, one.version) for one in playbooks[1:])
            assert (list(records.ruled_out(record)), record.judged) == (others, NOW + place)


def test_a_version_that_was_never_kept_cannot_be_in_force(ledger: SqliteLedger) -> None:
    with pytest.raises(LedgerError):
        asyncio.run(ledger.put_in_force(["nowhere"], NOW))


def test_queued_runs_come_in_the_order_they_were_queued(ledger: SqliteLedger) -> None:
    async def story() -> None:
        for number in range(5):
            event = an_event(f"E{number}")
            await queue(ledger, event, a_run(f"R{9 - number}", PLAYBOOK, event))
        first = await ledger.queued(0, 3)
        assert [run.id for _, run in first] == ["R9", "R8", "R7"]
        rest = await ledger.queued(first[-1][0], 100)
        assert [run.id for _, run in rest] == ["R6", "R5"]
        assert list(await ledger.queued(rest[-1][0], 100)) == []
        places = [place for place, _ in [*first, *rest]]
        assert places == sorted(set(places))

    asyncio.run(story())


def test_what_is_queued_later_has_a_place_behind_all_that_were_there(ledger: SqliteLedger) -> None:
    async def story() -> None:
        for number in (1, 2):
            event = an_event(f"E{number}")
            await queue(ledger, event, a_run(f"R{number}", PLAYBOOK, event))
        ((_, first), (place, second)) = await ledger.queued(0, 9)
        for run in (first, second):
            going = run.move(RunState.RUNNING, at=NOW)
            await ledger.keep([RunMove(going)])
            await ledger.keep([RunMove(going.move(RunState.SUCCEEDED, at=NOW))])
        event = an_event("E3")
        await queue(ledger, event, a_run("R3", PLAYBOOK, event))
        assert [run.id for _, run in await ledger.queued(place, 9)] == ["R3"]

    asyncio.run(story())


def test_a_run_is_had_by_its_id_as_it_stands(ledger: SqliteLedger) -> None:
    async def story() -> None:
        run = await begin(ledger)
        assert await ledger.run(run.id) == run
        waiting = run.move(RunState.WAITING, at=NOW + 2, reason="w: for a timer")
        await ledger.keep([RunMove(waiting)])
        assert await ledger.run(run.id) == waiting
        with pytest.raises(NotInLedgerError, match=r"^there is no run NONE$"):
            await ledger.run("NONE")

    asyncio.run(story())


def test_a_run_is_queued_then_unfinished_then_neither(ledger: SqliteLedger) -> None:
    async def story() -> None:
        run = await begin(ledger)
        assert (list(await ledger.queued(0, 9)), list(await ledger.unfinished())) == ([], [run])
        waiting = run.move(RunState.WAITING, at=NOW + 2, reason="w: for a timer")
        await ledger.keep([RunMove(waiting)])
        assert list(await ledger.unfinished()) == [waiting]
        await ledger.keep([RunMove(waiting.move(RunState.FAILED, at=NOW + 3, reason="a: no"))])
        assert list(await ledger.unfinished()) == []

    asyncio.run(story())


def test_unfinished_runs_come_oldest_first_also_after_a_restart(database: Path) -> None:
    with open_ledger(database) as ledger:
        for id_ in ("R9", "R1", "R5"):
            asyncio.run(begin(ledger, id_))
    with open_ledger(database) as ledger:
        assert [run.id for run in asyncio.run(ledger.unfinished())] == ["R9", "R1", "R5"]


def test_a_settled_run_never_changes_again(ledger: SqliteLedger, database: Path) -> None:
    async def story() -> None:
        run = await begin(ledger)
        over = run.move(RunState.SUCCEEDED, at=NOW + 2)
        await ledger.keep([RunMove(over)])
        await ledger.keep([RunMove(run)])
        await ledger.keep([RunMove(replace(over, state=RunState.FAILED, ended=NOW + 9))])
        await ledger.keep([RunBegin(run, Began(NOW + 9, {"other": 1}))])
        with open_records(database) as records:
            assert records.run("R1").run == over
            assert records.run("R1").variables == {"host": "h"}

    asyncio.run(story())


def test_a_run_begins_once(ledger: SqliteLedger) -> None:
    async def story() -> None:
        run = await begin(ledger)
        await ledger.keep([RunBegin(run, Began(NOW + 9, {"host": "another"}))])
        assert list(await ledger.history(run.id)) == [Began(NOW + 1, {"host": "h"})]

    asyncio.run(story())


# History


def test_a_run_that_has_not_begun_has_no_history(ledger: SqliteLedger) -> None:
    async def story() -> None:
        event = an_event()
        await queue(ledger, event, a_run("R1", PLAYBOOK, event))
        assert list(await ledger.history("R1")) == []
        assert list(await ledger.history("NONE")) == []

    asyncio.run(story())


def test_the_history_is_everything_that_happened_in_its_order(database: Path) -> None:
    facts: list[Fact] = [
        Began(NOW + 1, {"host": "h"}),
        Started("steps/0", 1, NOW + 2),
        Settled("steps/0", 1, NOW + 3, Outcome.FAILED, {"status": 500}, "no"),
        Started("steps/0", 2, NOW + 4),
        Settled("steps/0", 2, NOW + 5, Outcome.SUCCEEDED, [1], variables={"x": None}),
        Settled("steps/1", 1, NOW + 6, Outcome.SKIPPED, error="labels.go is null"),
        Started("steps/2", 1, NOW + 7),
        Paused("steps/2", 1, NOW + 37),
        Settled("steps/2", 1, NOW + 38, Outcome.SUCCEEDED, {"waited": 30.0}),
        Started("steps/3", 1, NOW + 39),
        Settled(
            "steps/3", 1, NOW + 40, Outcome.FAILED, error="enough", retryable=False, stops=True
        ),
        Started("steps/4", 1, NOW + 40),
        Asked("steps/4", 1, Question(Asking.APPROVAL, "well?", NOW + 40, NOW + 100, True)),
        Settled("steps/4", 1, NOW + 41, Outcome.FAILED, {"approved": False}, "no", by="ada"),
        Started("steps/5", 1, NOW + 40),
        Asked("steps/5", 1, Question(Asking.ATTENTION, "well?", NOW + 40)),
        Settled("steps/5", 1, NOW + 41, Outcome.UNKNOWN, again=True, by="ada"),
        Called("steps/6", 1, NOW + 41, Handed({"host": "web-1"}, {"a": [1]})),
        Started("steps/6/steps/0", 1, NOW + 41),
        Cancelled(NOW + 42, "cancelled by ada", resolved=True),
        Started("finally/0", 1, NOW + 42),
    ]

    async def story(ledger: Ledger) -> None:
        await begin(ledger)
        for fact in facts[1:]:
            match fact:
                case Started(path, attempt, at):
                    await ledger.keep([StepStart("R1", a_record(attempt, path, started=at))])
                case Called(path, attempt, at, handed):
                    record = a_record(attempt, path, started=at, handed=handed)
                    await ledger.keep([StepStart("R1", record)])
                case Paused():
                    await ledger.keep([StepPause("R1", fact)])
                case Asked():
                    await ledger.keep([StepAsk("R1", fact)])
                case Cancelled():
                    await ledger.keep([RunCancel("R1", fact)])
                case Settled(path, attempt):
                    await ledger.keep([StepSettle("R1", a_record(attempt, path), fact)])
                case Began():  # pragma: no cover
                    raise AssertionError(fact)
        assert list(await ledger.history("R1")) == facts

    with open_ledger(database) as ledger:
        asyncio.run(story(ledger))
    with open_ledger(database) as ledger:
        assert list(asyncio.run(ledger.history("R1"))) == facts
        past = asyncio.run(ledger.pasts(["R1"]))["R1"]
        assert list(past.history) == facts


def test_runs_do_not_see_each_others_steps(ledger: SqliteLedger) -> None:
    async def story() -> None:
        for id_ in ("R1", "R2"):
            await begin(ledger, id_)
        await ledger.keep([StepStart("R1", a_record(started=NOW))])
        assert len(await ledger.history("R1")) == 2
        assert len(await ledger.history("R2")) == 1
        pasts = await ledger.pasts(["R1", "R2"])
        assert {id_: len(past.history) for id_, past in pasts.items()} == {"R1": 2, "R2": 1}

    asyncio.run(story())


def test_the_pasts_of_several_runs_are_their_events_and_their_histories(
    ledger: SqliteLedger,
) -> None:
    async def story() -> None:
        runs = [await begin(ledger, id_) for id_ in ("R3", "R1")]
        event = an_event("another one")
        runs.append(a_run("R2", PLAYBOOK, event))
        await queue(ledger, event, runs[-1])
        for path in ("steps/1", "steps/0"):  # in the order in which they came
            await ledger.keep([StepStart("R1", a_record(path=path, started=NOW))])
        pasts = await ledger.pasts(["R1", "NONE", "R2", "R3"])
        assert pasts == {
            run.id: Past(await ledger.event(run.event_id), await ledger.history(run.id))
            for run in runs
        }
        assert pasts["R2"].history == []
        assert await ledger.pasts([]) == {}

    asyncio.run(story())


def test_the_same_attempt_again_is_a_repeat_that_began_when_the_first_did(
    ledger: SqliteLedger, database: Path
) -> None:
    async def story() -> None:
        await begin(ledger)
        await ledger.keep([StepStart("R1", a_record(started=NOW + 2, plan="before"))])
        for _ in range(2):
            await ledger.keep([StepStart("R1", a_record(started=NOW + 9, plan="after"))])
        assert list(await ledger.history("R1"))[1:] == [Started("steps/0", 1, NOW + 2)]

    asyncio.run(story())
    with open_records(database) as records:
        (step,) = records.run("R1").steps
        assert (step.repeats, step.plan, step.started) == (2, "after", NOW + 2)


def test_an_outcome_that_is_there_is_never_replaced(ledger: SqliteLedger, database: Path) -> None:
    first = Settled("steps/0", 1, NOW + 3, Outcome.FAILED, {"status": 500}, "no")

    async def story() -> None:
        await begin(ledger)
        await ledger.keep([StepStart("R1", a_record(started=NOW + 2, plan="before"))])
        await ledger.keep([StepSettle("R1", a_record(), first)])
        await ledger.keep([StepSettle("R1", a_record(), first._replace(outcome=Outcome.SUCCEEDED))])
        await ledger.keep([StepStart("R1", a_record(started=NOW + 9, plan="after"))])
        await ledger.keep([StepPause("R1", Paused("steps/0", 1, NOW + 99))])
        assert list(await ledger.history("R1"))[1:] == [Started("steps/0", 1, NOW + 2), first]

    asyncio.run(story())
    with open_records(database) as records:
        (step,) = records.run("R1").steps
        assert (step.repeats, step.plan) == (0, "before")


def test_a_step_of_no_run_is_refused(ledger: SqliteLedger) -> None:
    with pytest.raises(LedgerError, match="FOREIGN KEY constraint failed"):
        asyncio.run(ledger.keep([StepStart("NONE", a_record(started=NOW))]))


def test_texts_that_are_no_unicode_are_kept_too(ledger: SqliteLedger, database: Path) -> None:
    async def story() -> None:
        run = await begin(ledger)
        await ledger.keep([StepStart("R1", a_record(started=NOW, plan="rm \udcff"))])
        fact = Settled("steps/0", 1, NOW, Outcome.FAILED, {"out": "\udcff"}, "no \udcff")
        await ledger.keep([StepSettle("R1", a_record(), fact)])
        await ledger.keep([RunMove(run.move(RunState.FAILED, at=NOW, reason="a: no \udcff"))])

    asyncio.run(story())
    with open_records(database) as records:
        kept = records.run("R1")
        assert kept.run.reason == "a: no \\udcff"
        (step,) = kept.steps
        assert (step.plan, step.error, step.result) == (
            "rm \\udcff",
            "no \\udcff",
            {"out": "\udcff"},
        )


# What can go wrong


def test_it_says_whether_it_could_commit(ledger: SqliteLedger, database: Path) -> None:
    asyncio.run(ledger.check())
    assert rows_of(database, "SELECT * FROM playbooks") == []


def test_it_says_that_it_cannot_commit_while_somebody_else_holds_the_file(
    ledger: SqliteLedger, database: Path
) -> None:
    async def impatient() -> None:
        await ledger._writer.do(lambda db: db.execute("PRAGMA busy_timeout = 1"))  # noqa: SLF001
        with closing(sqlite3.connect(database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            for refused in (ledger.check(), ledger.accept(an_event("E1"))):
                with pytest.raises(LedgerError, match=r"^database is locked$"):
                    await refused
        await ledger.check()
        await ledger.accept(an_event("E2"))
        assert [event.id for event in await ledger.unmatched(10)] == ["E2"]

    asyncio.run(impatient())


FULL = """
import asyncio, resource, signal, sys
from pathlib import Path
from engine.runs.ledger import LedgerError
from engine.store.sqlite import open_ledger
from tests.runs.fakes import an_event

async def refused(coroutine):
    try:
        await coroutine
    except LedgerError as error:
        return str(error)
    return "taken"

async def main(ledger):
    await ledger.accept(an_event("E1"))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, resource.RLIM_INFINITY))
    print(await refused(ledger.accept(an_event("E2"))))
    print(await refused(ledger.check()))
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    print(await refused(ledger.check()))
    print(await refused(ledger.accept(an_event("E3"))))
    print(" ".join(event.id for event in await ledger.unmatched(9)))

with open_ledger(Path(sys.argv[1])) as ledger:
    asyncio.run(main(ledger))
"""


def child(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def test_a_disk_without_room_refuses_and_is_good_again_when_there_is(database: Path) -> None:
    with child(FULL, str(database)) as process:
        said, _ = process.communicate()
    first, ready, ready_again, again, events = said.splitlines()
    assert "disk" in first
    assert "disk" in ready, "a reader that asks /readyz has to hear of it"
    assert (ready_again, again, events) == ("taken", "taken", "E1 E3")


@pytest.fixture
def accepting(database: Path) -> Iterator[subprocess.Popen[str]]:
    code = """
import asyncio, sys
from pathlib import Path
from engine.store.sqlite import open_ledger
from tests.runs.fakes import an_event

async def main(ledger):
    for number in range(100_000):
        await ledger.accept(an_event(f"E{number}"))
        print(f"accepted E{number}", flush=True)

with open_ledger(Path(sys.argv[1])) as ledger:
    asyncio.run(main(ledger))
"""
    with child(code, str(database)) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("count", [1, 2, 20])
def test_an_engine_that_is_killed_right_after_it_said_accepted_has_kept_it(
    accepting: subprocess.Popen[str], database: Path, count: int
) -> None:
    assert accepting.stdout is not None
    said = [accepting.stdout.readline().split()[1] for _ in range(count)]
    os.kill(accepting.pid, signal.SIGKILL)
    said += [line.split()[1] for line in accepting.stdout.read().splitlines()]
    assert accepting.wait() == -signal.SIGKILL
    with open_ledger(database) as ledger:
        kept = [event.id for event in asyncio.run(ledger.unmatched(100_000))]
        assert kept[: len(said)] == said
        assert len(kept) - len(said) <= 1, "at most the one that was not told yet"
        again = asyncio.run(ledger.accept(an_event(said[0])))
        assert again.duplicate


def test_a_ledger_that_was_closed_says_so(database: Path) -> None:
    with open_ledger(database) as ledger:
        pass
    with pytest.raises(LedgerError, match=r"^the ledger is closed$"):
        asyncio.run(ledger.accept(an_event()))


def test_the_playbooks_of_these_tests_have_versions_of_their_own() -> None:
    playbooks: tuple[Playbook, ...] = (PLAYBOOK, OTHER)
    assert len({playbook.version for playbook in playbooks}) == 2


# Where an event stands among those of its subject


def test_an_event_is_stale_when_a_newer_one_of_its_incident_was_there(ledger: SqliteLedger) -> None:
    async def story() -> None:
        newest = replace(an_event("NEWEST"), time=2000)
        older = replace(an_event("OLDER"), time=1999)
        same = replace(an_event("SAME"), time=2000)
        timeless = replace(an_event("TIMELESS"), time=None)
        other = replace(an_event("OTHER", payload={"alert": {"alert_id": "A"}}), time=1)
        for event in (newest, older, same, timeless, other):
            await ledger.accept(event)
        assert {event.id for event in await ledger.unmatched(10) if event.stale} == {"OLDER"}

    asyncio.run(story())


def test_a_missed_event_is_taken_once_and_not_when_its_delivery_is_there(
    ledger: SqliteLedger,
) -> None:
    async def story() -> None:
        live = replace(an_event("LIVE", key="k"), source="incident-webhook", time=10_000)
        missed = replace(live, id="MISSED", source="reconciled")
        await ledger.accept(live)
        assert await ledger.accept_missed(missed) == Acceptance("LIVE", duplicate=True)
        other = replace(missed, key="other")
        assert await ledger.accept_missed(other) == Acceptance("MISSED", duplicate=False)
        again = replace(other, id="AGAIN")
        assert await ledger.accept_missed(again) == Acceptance("MISSED", duplicate=True)

    asyncio.run(story())


def test_what_is_known_around_a_time_is_of_one_subject_and_type(ledger: SqliteLedger) -> None:
    async def story() -> None:
        event = an_event()
        subject = event.subject
        assert subject is not None
        for time in (9_999, 10_000, 12_000, 12_001):
            await ledger.accept(replace(event, id=f"AT{time}", key=f"{time}", time=time))
        await ledger.accept(replace(event, id="ACK", key="ack", type="i_ack", time=11_000))

        async def known(subject: str, type_: str) -> list[str]:
            return [one.id for one in await ledger.known(subject, type_, 10_000, 12_000)]

        assert await known(subject, "i_custom") == ["AT10000", "AT12000"]
        assert await known(subject, "i_ack") == ["ACK"]
        assert await known("incident:other", "i_custom") == []

    asyncio.run(story())


@pytest.mark.parametrize(
    ("missed", "late", "known_before"),
    [
        ({"key": "timeline:x", "time": 10_000}, {"time": 12_000}, True),
        ({"key": "timeline:x", "time": 10_000}, {"time": 12_001}, False),
        ({"key": "timeline:x", "time": 10_000}, {"time": 10_000, "type": "i_ack"}, False),
        ({"key": "timeline:x", "time": 10_000}, {"time": 10_000, "action": "other"}, False),
        # A body has a key that tells: another one close by is another event.
        ({"key": "k1", "time": 10_000}, {"key": "k2", "time": 10_000}, False),
        ({"key": "k", "time": 10_000}, {"key": "k", "time": 10_000}, True),
        ({"key": "k", "time": None}, {"key": "k", "time": None}, True),
    ],
)
def test_a_delivery_that_comes_after_it_was_reconciled_is_kept_and_known_as_such(
    ledger: SqliteLedger, missed: Any, late: Any, *, known_before: bool
) -> None:
    async def story() -> None:
        event = an_event("LATE", key="late")
        await ledger.accept_missed(replace(event, id="MISSED", source="reconciled", **missed))
        assert not (await ledger.accept(replace(event, **late))).duplicate
        kept = {one.id: one.known_before for one in await ledger.unmatched(10)}
        assert kept == {"MISSED": False, "LATE": known_before}

    asyncio.run(story())


def test_a_delivery_that_came_before_another_one_was_missed_is_not_known_before(
    ledger: SqliteLedger,
) -> None:
    async def story() -> None:
        live = replace(an_event("LIVE", key="live"), time=10_000)
        await ledger.accept(live)
        missed = replace(live, id="MISSED", source="reconciled", key="timeline:x")
        await ledger.accept_missed(missed)
        assert not any(one.known_before for one in await ledger.unmatched(10))

    asyncio.run(story())


def test_the_playbooks_that_ran_for_an_event_like_this_are_known(ledger: SqliteLedger) -> None:
    async def story() -> None:
        await begin(ledger)
        subject = an_event().subject
        assert subject is not None
        assert await ledger.playbooks_run_for(subject, "i_custom") == {"restart-host"}
        assert await ledger.playbooks_run_for(subject, "i_ack") == frozenset()
        assert await ledger.playbooks_run_for("incident:x", "i_custom") == frozenset()

    asyncio.run(story())


def test_what_is_remembered_is_there_after_a_restart(ledger: SqliteLedger, database: Path) -> None:
    async def story() -> None:
        assert await ledger.recall("x") is None
        await ledger.remember("x", 1)
        await ledger.remember("x", {"at": [1.5, "é"]})
        assert await ledger.recall("x") == {"at": [1.5, "é"]}

    asyncio.run(story())
    assert rows_of(database, "SELECT name, value FROM memory") == [("x", '{"at":[1.5,"é"]}')]


def test_events_of_an_older_file_know_their_subject(tmp_path: Path) -> None:
    """The migration fills in what the first schema did not keep."""
    path = tmp_path / "old.db"
    bodies = (
        ("1", "i_new", "I", '{"incident": {"incident_id": "I"}}'),
        ("2", "a_new", "I", '{"alert": {"alert_id": "A", "incident": {"incident_id": "I"}}}'),
        ("3", "unknown", None, "{}"),
    )
    with closing(sqlite3.connect(path)) as db:
        db.executescript(read_migrations()[0])
        for id_, type_, incident, body in bodies:
            db.execute(
                "INSERT INTO events (id, source, action, key, type, time, incident, query, headers,"
                " payload, received) VALUES (?, 's', '', ?, ?, 1, ?, '{}', '{}', ?, 1)",
                (id_, id_, type_, incident, body),
            )
        db.execute("PRAGMA user_version = 1")
        db.commit()

    with open_ledger(path):
        assert rows_of(path, "SELECT subject, stale, own FROM events ORDER BY id") == [
            ("incident:I", 0, 0),
            ("alert:A", 0, 0),
            (None, 0, 0),
        ]


# Calls, which are judged before they are kept


def a_call(id_: str = "CALL1", key: str = "k") -> Event:
    return replace(an_event(id_, key=key), source="label-mapping", own=False)


def running(event: Event, id_: str = "R1") -> Run:
    return a_run(id_, PLAYBOOK, event).move(RunState.RUNNING, at=NOW)


def test_a_call_its_verdicts_and_its_run_are_kept_at_once(
    ledger: SqliteLedger, database: Path
) -> None:
    call = a_call()
    run = running(call)

    async def story() -> None:
        await ledger.keep_playbook(PLAYBOOK)
        acceptance = await ledger.accept_judged(call, verdicts([PLAYBOOK]), [run], NOW)
        assert acceptance == Acceptance("CALL1", duplicate=False)
        # Nothing is left for the worker to judge or to start; a restart would go on with it.
        assert await ledger.unmatched(9) == []
        assert await ledger.queued(0, 9) == []
        assert await ledger.unfinished() == [run]
        assert await ledger.run_of("CALL1") == run
        assert await ledger.history("R1") == []

    asyncio.run(story())
    with open_records(database) as records:
        kept = records.event("CALL1")
    assert (kept.event, kept.judgements, kept.runs) == (call, verdicts([PLAYBOOK]), [run])


def test_a_repeated_call_is_the_one_that_was_there_and_keeps_nothing(ledger: SqliteLedger) -> None:
    async def story() -> None:
        await ledger.keep_playbook(PLAYBOOK)
        first, again = a_call("CALL1"), a_call("CALL2")
        await ledger.accept_judged(first, verdicts([PLAYBOOK]), [running(first, "R1")], NOW)
        answer = await ledger.accept_judged(
            again, verdicts([PLAYBOOK]), [running(again, "R2")], NOW
        )
        assert answer == Acceptance("CALL1", duplicate=True)
        assert [run.id for run in await ledger.unfinished()] == ["R1"]
        assert await ledger.run_of("CALL2") is None

    asyncio.run(story())


def test_a_call_whose_run_cannot_be_kept_is_not_kept_either(ledger: SqliteLedger) -> None:
    call = a_call()

    async def story() -> None:
        with pytest.raises(LedgerError):  # no such version of a playbook was kept
            await ledger.accept_judged(call, verdicts([PLAYBOOK]), [running(call)], NOW)
        with pytest.raises(NotInLedgerError):
            await ledger.event("CALL1")

    asyncio.run(story())


def test_the_answer_of_a_run_is_kept_with_its_end(ledger: SqliteLedger, database: Path) -> None:
    async def story() -> None:
        run = await begin(ledger)
        ended = replace(run, answer={"owner": "team-a"}).move(RunState.SUCCEEDED, at=NOW + 2)
        await ledger.keep([RunMove(ended)])
        assert await ledger.run("R1") == ended

    asyncio.run(story())
    with open_records(database) as records:
        assert records.run("R1").run.answer == {"owner": "team-a"}
