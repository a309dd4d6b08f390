"""What several events came to is kept together as if each had been kept by itself."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from engine.rules.condition import Answer, Verdict
from engine.runs.control import Order, Verb
from engine.runs.ledger import Admitted, Judgement, ReadLane
from engine.runs.run import Run, RunState
from engine.store.records import open_records
from engine.store.sqlite import SqliteLedger
from tests.runs.fakes import NOW, a_playbook, a_run, an_event, letting

LANED = a_playbook("guard: {key: labels.host, concurrency: single}\nsteps: [{probe: a}]")
YES = [Judgement(LANED.name, LANED.version, Verdict(Answer.YES, "so — it \udcff is"))]
IDS = [f"E{number}" for number in range(70)]


async def accepted(ledger: SqliteLedger, ids: Sequence[str]) -> None:
    await ledger.keep_playbook(LANED)
    for id_ in ids:
        await ledger.accept(an_event(id_))


def a_laned_run(id_: str, lane: str = "a") -> Run:
    return replace(a_run(f"RUN-{id_}", LANED, an_event(id_)), lane=lane)


def test_each_sees_in_its_lane_the_runs_of_those_before_it(
    ledger: SqliteLedger, database: Path
) -> None:
    seen: list[int] = []

    async def match(id_: str) -> Admitted:
        run = a_laned_run(id_)

        def admit(read: ReadLane) -> Admitted:
            seen.append(len(read(run, LANED.guard, NOW).going))
            return Admitted([run])

        return await ledger.keep_match(an_event(id_), YES, NOW, admit)

    async def story() -> None:
        await accepted(ledger, IDS)
        admitted = await asyncio.gather(*map(match, IDS))
        assert [one.runs[0].id for one in admitted] == [f"RUN-{id_}" for id_ in IDS]

    asyncio.run(story())
    assert seen == list(range(len(IDS)))
    with open_records(database) as records:
        runs = records.runs(100, None, None, None).items
    assert sorted(run.id for run in runs) == sorted(f"RUN-{id_}" for id_ in IDS)


def test_one_that_was_judged_before_starts_nothing_and_keeps_none_of_the_others_from_it(
    ledger: SqliteLedger, database: Path
) -> None:
    async def story() -> None:
        await accepted(ledger, IDS[:5])
        await ledger.keep_match(an_event("E2"), YES, NOW, letting([]))
        matches = (
            ledger.keep_match(an_event(id_), YES, NOW, letting([a_laned_run(id_)]))
            for id_ in IDS[:5]
        )
        admitted = await asyncio.gather(*matches)
        assert [len(one.runs) for one in admitted] == [1, 1, 0, 1, 1]

    asyncio.run(story())
    with open_records(database) as records:
        assert len(records.runs(100, None, None, None).items) == 4


def test_a_fault_in_one_keeps_none_of_the_others_from_being_kept(ledger: SqliteLedger) -> None:
    def breaks(_: ReadLane) -> Admitted:
        raise ZeroDivisionError("by zero")

    async def story() -> list[object]:
        await accepted(ledger, IDS[:3])
        admits = [letting([a_laned_run("E0")]), breaks, letting([a_laned_run("E2")])]
        matches = (
            ledger.keep_match(an_event(id_), YES, NOW, admit)
            for id_, admit in zip(IDS[:3], admits, strict=True)
        )
        done = await asyncio.gather(*matches, return_exceptions=True)
        assert [event.id for event in await ledger.unmatched(9)] == ["E1"]
        return list(done)

    first, second, third = asyncio.run(story())
    assert isinstance(first, Admitted)
    assert str(second) == "ZeroDivisionError: by zero"
    assert isinstance(third, Admitted)


def test_all_that_is_said_of_an_event_is_read_as_it_was_kept(
    ledger: SqliteLedger, database: Path
) -> None:
    at = 1_795_000_000.123457
    event = replace(an_event("E0"), own=True)
    skipped = a_laned_run("E0").move(RunState.SKIPPED, at=at, reason="no \udcff")
    orders = [Order(0, "RUN-E1", Verb.CANCEL, "run RUN-E0", at)]

    async def story() -> None:
        await accepted(ledger, IDS[:2])
        await ledger.keep_match(an_event("E1"), YES, NOW, letting([a_laned_run("E1")]))
        await ledger.keep_match(event, YES, at, letting([skipped], orders), 7)
        assert [(one.run_id, one.at) for one in await ledger.orders(0)] == [("RUN-E1", at)]

    asyncio.run(story())
    with open_records(database) as records:
        kept = records.event("E0")
    assert (kept.event.own, kept.judgements[0].verdict.reason) == (True, "so — it \udcff is")
    assert [(run.state, run.ended) for run in kept.runs] == [(RunState.SKIPPED, at)]
