"""A call for labels is carried out at once, and whoever waits for its run gets what it answers."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from engine.events.event import Event
from engine.playbooks.playbook import Playbook
from engine.playbooks.step_type import Call, Failed, Report
from engine.rules.condition import Answer, Verdict
from engine.runs.happening import Matched, Trouble
from engine.runs.label_calls import Ends, LabelCalls, NoLabels
from engine.runs.ledger import Acceptance, Calls, Judgement, LedgerError
from engine.runs.run import Run, RunState
from engine.runs.worker import Worker
from engine.store.records import open_records
from engine.store.sqlite import SqliteLedger
from tests.runs.fakes import NOW, PATIENCE, Stage, a_playbook, a_run, an_event, verdicts
from tests.runs.test_worker import Gate, a_few_turns, a_worker, working

OTHER = a_playbook("trigger: {action: press}\nsteps: [{probe: press}]", "other")


def answering(
    name: str = "labels",
    when: str = "labels.resource",
    answer: str = "owner: '{{ steps.look.said }}', tier: 1",
) -> Playbook:
    return a_playbook(
        f'trigger: {{answer: labels, when: "{when}"}}\n'
        "steps: [{id: look, probe: team-a}]\n"
        f"answer: {{{answer}}}",
        name,
        f"{name}.yaml",
    )


def a_call(id_: str = "CALL1", key: str | None = None, asked: Sequence[str] = ("owner",)) -> Event:
    alert = {"alert_key": "k", "labels": {"resource": "es.nj.01"}, "event_severity": "Critical"}
    event = an_event(
        id_, key=key, payload={"result_label_keys": list(asked), "event": alert}, action="add"
    )
    return replace(event, source="label-mapping", type="label_mapping")


@dataclass
class Desk:
    """Where calls are answered, beside a worker that works."""

    worker: Worker
    calls: LabelCalls
    ends: Ends

    async def ask(self, event: Event) -> Mapping[str, str] | NoLabels:
        return await self.calls.answer(event, asyncio.get_running_loop().time())


def a_desk(
    stage: Stage,
    *playbooks: Playbook,
    slots: int = 10,
    at_once: int = 10,
    budget: float = PATIENCE,
    own: Callable[[Event], bool | None] = lambda _: False,
    ledger: Calls | None = None,
) -> Desk:
    worker = a_worker(stage, *playbooks, at_once=slots, own=own)
    ends = Ends()
    stage.told.listeners.append(ends.tell)
    assert isinstance(stage.ledger, SqliteLedger)
    calls = LabelCalls(
        worker=worker,
        ledger=ledger or stage.ledger,
        ends=ends,
        tell=stage.told,
        at_once=at_once,
        budget=budget,
    )
    return Desk(worker, calls, ends)


@asynccontextmanager
async def opened(stage: Stage, desk: Desk) -> AsyncIterator[None]:
    """While the worker works: once it has judged anything, it takes what comes."""
    await stage.ledger.accept(an_event("OPENING", action="nothing"))
    async with working(desk.worker):
        await stage.told.until(lambda told: Matched("OPENING", (), ()) in told.happenings)
        yield


def no_match(event_id: str) -> NoLabels:
    said = f"no playbook has taken this call; `engine events show {event_id}` says why"
    return NoLabels("no-match", said)


def runs_in(database: Path) -> dict[str, Run]:
    with open_records(database) as records:
        return {run.id: run for run in records.runs(1000, None, None, None).items}


def test_a_call_gets_the_labels_it_asked_for_and_its_run_is_in_the_ledger_with_all_of_them(
    stage: Stage, database: Path
) -> None:
    async def story() -> None:
        desk = a_desk(stage, OTHER, answering())
        async with opened(stage, desk):
            assert await desk.ask(a_call(asked=["owner", "host_ip"])) == {"owner": "team-a"}
            await a_few_turns(desk.worker, stage.ledger)  # the worker starts nothing of it again
        assert desk.ends == Ends()

    asyncio.run(story())
    assert stage.probe.calls == [("steps/0", 1)]
    (run,) = runs_in(database).values()
    assert (run.state, run.event_id, run.playbook) == (RunState.SUCCEEDED, "CALL1", "labels")
    assert run.answer == {"owner": "team-a", "tier": "1"}
    matched = [told for told in stage.told.happenings if isinstance(told, Matched)]
    assert matched == [Matched("OPENING", (), ()), Matched("CALL1", ("labels",), ())]
    with open_records(database) as records:
        kept = records.event("CALL1")
        assert [one.verdict for one in kept.judgements] == [Verdict(Answer.YES)]
        assert records.ruled_out(kept) == [(OTHER.name, OTHER.version)]


def test_a_call_that_no_playbook_takes_gets_none_and_is_kept_with_the_verdicts(
    stage: Stage, database: Path
) -> None:
    async def story() -> None:
        desk = a_desk(stage, answering(when="lower(labels.resource) == 'x'"))
        async with opened(stage, desk):
            answer = await desk.ask(a_call())
            assert answer == no_match("CALL1")

    asyncio.run(story())
    with open_records(database) as records:
        kept = records.event("CALL1")
    (said,) = kept.judgements
    assert said.verdict.reason == 'lower(labels.resource) is "es.nj.01"'
    assert kept.runs == []


def test_a_run_that_fails_has_no_labels(stage: Stage) -> None:
    stage.probe.answer("steps/0", Failed("down", retryable=False))

    async def story() -> None:
        desk = a_desk(stage, answering())
        async with opened(stage, desk):
            assert await desk.ask(a_call()) == NoLabels(
                "no-answer", "run RUN1 failed; `engine runs show RUN1` says why"
            )

    asyncio.run(story())


def test_an_answer_that_cannot_be_rendered_fails_the_run(stage: Stage, database: Path) -> None:
    async def story() -> None:
        desk = a_desk(stage, answering(answer="owner: '{{ steps.look.team }}'"))
        async with opened(stage, desk):
            answer = await desk.ask(a_call())
            assert isinstance(answer, NoLabels)
            assert answer.code == "no-answer"

    asyncio.run(story())
    (run,) = runs_in(database).values()
    assert (run.state, run.answer) == (RunState.FAILED, None)
    assert run.reason is not None
    assert run.reason.startswith("answer: owner: 'team' is not there")


def test_labels_that_nobody_asked_for_are_none(stage: Stage) -> None:
    async def story() -> None:
        desk = a_desk(stage, answering(answer="tier: 1, owner: null"))
        async with opened(stage, desk):
            assert await desk.ask(a_call()) == NoLabels(
                "no-labels", "run RUN1 knows none of the labels asked for"
            )

    asyncio.run(story())


def test_of_two_playbooks_the_first_answers_and_the_other_is_told(
    stage: Stage, database: Path
) -> None:
    async def story() -> None:
        desk = a_desk(stage, answering("b"), answering("a"))
        async with opened(stage, desk):
            assert await desk.ask(a_call()) == {"owner": "team-a"}

    asyncio.run(story())
    assert stage.probe.calls == [("steps/0", 1)]
    with open_records(database) as records:
        kept = records.event("CALL1")
    assert [(one.playbook, one.verdict) for one in kept.judgements] == [
        ("b", Verdict(Answer.YES)),
        ("a", Verdict(Answer.NO, "b answers this call")),
    ]


def test_whether_the_engine_caused_it_is_not_asked_of_a_call(stage: Stage) -> None:
    async def story() -> None:
        desk = a_desk(stage, answering(), own=lambda _: None)
        async with opened(stage, desk):
            assert await desk.ask(a_call()) == {"owner": "team-a"}
            assert (await stage.ledger.event("CALL1")).own is False

    asyncio.run(story())


def test_a_call_is_carried_out_while_every_slot_is_taken_and_others_queue(stage: Stage) -> None:
    gate = Gate()
    busy = a_playbook("trigger: {action: press}\nsteps: [{set: {a: 1}}, {probe: busy}]", "busy")
    stage.probe.answer("steps/1", gate, gate)

    async def story() -> None:
        desk = a_desk(stage, busy, answering(), slots=1)
        async with opened(stage, desk):
            for number in (1, 2):
                await stage.ledger.accept(an_event(f"PRESS{number}", action="press"))
            desk.worker.wake()
            await stage.told.until(lambda told: ("steps/1", 1) in told.started)
            assert await desk.ask(a_call()) == {"owner": "team-a"}
            assert (gate.inside, gate.came) == (1, ["RUN1"])
            gate.let("RUN1", "RUN2")
            await stage.told.until(lambda told: told.ended("RUN1", "RUN2"))

    asyncio.run(story())


def test_when_the_budget_is_spent_the_run_goes_on_and_its_answer_is_there_for_the_next(
    stage: Stage, database: Path
) -> None:
    gate = Gate()
    stage.probe.answer("steps/0", gate)
    said = "run RUN1 had not ended after 1ms (limits.answer); it goes on"

    async def story() -> None:
        desk = a_desk(stage, answering(answer="owner: team-b"), budget=0.001)
        async with opened(stage, desk):
            spent = NoLabels("too-late", said)
            assert await desk.ask(a_call("CALL1", "k")) == spent
            assert await desk.ask(a_call("CALL2", "k")) == spent
            assert desk.ends == Ends()
            gate.let("RUN1")
            await stage.told.until(lambda told: told.ended("RUN1"))
            assert await desk.ask(a_call("CALL3", "k")) == {"owner": "team-b"}

    asyncio.run(story())
    assert len(gate.came) == 1
    assert [run.answer for run in runs_in(database).values()] == [{"owner": "team-b"}]
    assert [trouble.message for trouble in stage.told.troubles] == [said] * 2


def test_the_budget_counts_from_when_the_call_came(stage: Stage) -> None:
    gate = Gate()
    stage.probe.answer("steps/0", gate)

    async def story() -> None:
        desk = a_desk(stage, answering(), budget=3600)
        async with opened(stage, desk):
            long_ago = asyncio.get_running_loop().time() - 3601
            answer = await desk.calls.answer(a_call(), long_ago)
            assert isinstance(answer, NoLabels)
            assert answer.code == "too-late"
            gate.let("RUN1")

    asyncio.run(story())


def test_the_same_call_twenty_times_at_once_is_one_run_that_answers_all(
    stage: Stage, database: Path
) -> None:
    gate = Gate()
    stage.probe.answer("steps/0", gate)

    async def story() -> None:
        desk = a_desk(stage, answering(answer="owner: team-b"), at_once=2)
        async with opened(stage, desk):
            asking = [
                asyncio.ensure_future(desk.ask(a_call(f"CALL{number}", "k")))
                for number in range(20)
            ]
            await stage.told.until(lambda told: len(told.started) == 1)
            gate.let("RUN1")
            assert await asyncio.gather(*asking) == [{"owner": "team-b"}] * 20
            # Each has given back the slot it may have taken.
            for number in range(20, 23):
                assert await desk.ask(a_call(f"CALL{number}", "k")) == {"owner": "team-b"}
            assert await desk.ask(a_call("NEXT")) == {"owner": "team-b"}

    asyncio.run(story())
    assert sorted(run.event_id for run in runs_in(database).values()) == ["CALL0", "NEXT"]


def test_one_call_more_than_may_go_at_once_is_turned_away_and_takes_no_turn_of_a_press(
    stage: Stage, database: Path
) -> None:
    gate = Gate()
    stage.probe.answer("steps/0", gate)
    busy = "all places for calls were taken (limits.runs: 1)"

    async def story() -> None:
        desk = a_desk(stage, answering(answer="owner: team-b"), at_once=1)
        async with opened(stage, desk):
            first = asyncio.ensure_future(desk.ask(a_call("CALL1")))
            await stage.told.until(lambda told: len(told.started) == 1)
            assert await desk.ask(a_call("CALL2")) == no_match("CALL2")
            again = asyncio.ensure_future(desk.ask(a_call("AGAIN", "key of CALL1")))
            await a_few_turns(desk.worker, stage.ledger)
            gate.let("RUN1")
            assert await first == await again == {"owner": "team-b"}
            assert await desk.ask(a_call("CALL3")) == {"owner": "team-b"}

    asyncio.run(story())
    assert {run.event_id for run in runs_in(database).values()} == {"CALL1", "CALL3"}
    assert stage.told.troubles == [Trouble("call CALL2", f"turned away: {busy}")]
    with open_records(database) as records:
        (judgement,) = records.event("CALL2").judgements
    assert judgement.verdict == Verdict(Answer.NO, busy)


def test_a_call_before_the_worker_works_is_kept_and_judged_by_it(stage: Stage) -> None:
    async def story() -> None:
        desk = a_desk(stage, answering())
        answer = await desk.ask(a_call())
        assert answer == no_match("CALL1")
        async with working(desk.worker):
            await stage.told.until(lambda told: told.ended("RUN1"))
            assert await desk.ask(a_call("AGAIN", "key of CALL1")) == {"owner": "team-a"}

    asyncio.run(story())


def test_after_a_crash_the_run_goes_on_and_the_same_call_gets_its_answer(stage: Stage) -> None:
    gate = Gate()
    stage.probe.answer("steps/0", gate)
    playbook, call = answering(answer="owner: team-b"), a_call("CALL1", "k")

    async def story() -> None:
        await stage.ledger.keep_playbook(playbook)
        run = a_run("CUT", playbook, call).move(RunState.RUNNING, at=NOW)
        assert isinstance(stage.ledger, SqliteLedger)
        await stage.ledger.accept_judged(call, verdicts([playbook]), [run], NOW)
        # The engine died here: committed, and not begun.
        desk = a_desk(stage, playbook)
        async with opened(stage, desk):
            await stage.told.until(lambda told: len(told.started) == 1)
            again = asyncio.ensure_future(desk.ask(a_call("CALL2", "k")))
            await a_few_turns(desk.worker, stage.ledger)
            gate.let("CUT")
            assert await again == {"owner": "team-b"}

    asyncio.run(story())
    assert gate.came == ["CUT"]


def test_a_worker_that_stops_leaves_a_call_to_the_next_start(stage: Stage, database: Path) -> None:
    async def story() -> None:
        desk = a_desk(stage, answering())
        async with opened(stage, desk):
            desk.worker.stop()
            answer = await desk.ask(a_call())
            assert isinstance(answer, NoLabels)
        assert not desk.worker.begin(a_run("LATE", answering(), a_call()), asyncio.Semaphore(1))
        again = a_desk(stage, answering())
        async with working(again.worker):
            await stage.told.until(lambda told: told.ended("RUN1"))

    asyncio.run(story())
    assert [run.state for run in runs_in(database).values()] == [RunState.SUCCEEDED]


@dataclass
class RefusingOnce:
    """Refuses the first call, as a full disk would."""

    kept: SqliteLedger
    refused: bool = False

    async def accept(self, event: Event) -> Acceptance:
        return await self.kept.accept(event)

    async def run_of(self, event_id: str) -> Run | None:
        return await self.kept.run_of(event_id)

    async def accept_judged(
        self,
        event: Event,
        judgements: Sequence[Judgement],
        runs: Sequence[Run],
        at: float,
        judged_by: int | None = None,
    ) -> Acceptance:
        if not self.refused:
            self.refused = True
            raise LedgerError("database or disk is full")
        return await self.kept.accept_judged(event, judgements, runs, at, judged_by)


def test_what_cannot_be_committed_is_raised_and_its_slot_is_free_again(stage: Stage) -> None:
    async def story() -> None:
        assert isinstance(stage.ledger, SqliteLedger)
        desk = a_desk(stage, answering(), at_once=1, ledger=RefusingOnce(stage.ledger))
        async with opened(stage, desk):
            with pytest.raises(LedgerError, match="full"):
                await desk.ask(a_call())
            assert await desk.ask(a_call()) == {"owner": "team-a"}

    asyncio.run(story())


def test_a_run_that_waits_lets_another_call_in_and_answers_in_the_end(stage: Stage) -> None:
    class Moving:
        """Time that goes on, as far as waits are concerned."""

        def __call__(self) -> float:
            return NOW + asyncio.get_running_loop().time()

    stage.clock = Moving()  # type: ignore[assignment]
    slow = a_playbook(
        "trigger: {answer: labels}\nsteps: [{wait: 20ms}]\nanswer: {owner: slow}", "slow"
    )

    async def story() -> None:
        desk = a_desk(stage, slow, at_once=1)
        async with opened(stage, desk):
            first = asyncio.ensure_future(desk.ask(a_call("CALL1")))
            await stage.told.until(lambda told: ("RUN1", RunState.WAITING) in told.states)
            assert await desk.ask(a_call("CALL2")) == {"owner": "slow"}
            assert await first == {"owner": "slow"}

    asyncio.run(story())


def test_a_step_that_hangs_is_cut_by_the_playbooks_timeout_and_the_caller_told(
    stage: Stage,
) -> None:
    async def hangs(_: Call) -> Report:
        await asyncio.Event().wait()
        raise AssertionError

    stage.probe.answer("steps/0", hangs)
    playbook: Any = replace(answering(), timeout=0.01)

    async def story() -> None:
        desk = a_desk(stage, playbook)
        async with opened(stage, desk):
            answer = await desk.ask(a_call())
            assert isinstance(answer, NoLabels)
            assert answer.code == "no-answer"

    asyncio.run(story())
