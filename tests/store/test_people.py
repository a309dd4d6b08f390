"""What people say is kept if it can be obeyed, and refused with a sentence if it cannot."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.events.event import LABEL_MAPPING
from engine.problem import EngineError
from engine.runs.change import (
    OrderObeyed,
    RunBegin,
    RunCancel,
    RunMove,
    StepAsk,
    StepSettle,
    StepStart,
)
from engine.runs.control import EVERYTHING, Order, Pause, Verb
from engine.runs.fact import Asked, Began, Cancelled, Settled
from engine.runs.ledger import Ledger
from engine.runs.run import Asking, Outcome, Question, Run, RunState, StepRecord
from engine.store.people import People, open_for_people
from engine.store.records import open_records
from engine.store.sqlite import SqliteLedger
from engine.store.turn import Turn
from tests.runs.fakes import NOW, WHENCE, a_playbook, a_run, an_event, letting, verdicts
from tests.store.waiting import until_it_waits

PLAYBOOK = a_playbook("steps: [{id: a, probe: a}, {id: b, probe: b}]", "restart-host")


@pytest.fixture
def people(ledger: SqliteLedger, database: Path) -> Iterator[People]:
    """Beside an engine that has the ledger open."""
    asyncio.run(ledger.keep_playbook(PLAYBOOK))
    with open_for_people(database, WHENCE) as opened:
        yield opened


async def going(ledger: Ledger, id_: str = "RUN1", source: str = "custom-action") -> Run:
    event = replace(an_event(f"E of {id_}"), source=source)
    run = a_run(id_, PLAYBOOK, event)
    await ledger.accept(event)
    await ledger.keep_match(event, verdicts([PLAYBOOK]), NOW, letting([run]))
    run = run.move(RunState.RUNNING, at=NOW)
    await ledger.keep([RunBegin(run, Began(NOW, {"host": "h"}))])
    return run


async def asked(
    ledger: Ledger, kind: Asking, path: str = "steps/0", id_: str | None = "a", run: str = "RUN1"
) -> None:
    await ledger.keep(
        [StepStart(run, StepRecord(path=path, attempt=1, type="p", id=id_, started=NOW))]
    )
    await ledger.keep([StepAsk(run, Asked(path, 1, Question(kind, "Shall we?", NOW)))])


def settled(run: Run, ledger: Ledger, state: RunState) -> None:
    asyncio.run(ledger.keep([RunMove(run.move(state, at=NOW + 9))]))


def said(ledger: Ledger) -> list[tuple[str, Verb, str, float, str | None]]:
    orders = asyncio.run(ledger.orders(0))
    return [(one.run_id, one.verb, one.by, one.at, one.path) for one in orders]


def refusal(act: Callable[[], object]) -> tuple[str, str, str | None]:
    with pytest.raises(EngineError) as refused:
        act()
    (problem,) = refused.value.problems
    return problem.code, problem.message, problem.hint


# To runs


def test_a_cancel_is_an_order_to_a_run_named_by_the_end_of_its_id(
    ledger: SqliteLedger, people: People
) -> None:
    asyncio.run(going(ledger))
    assert people.cancel("run1", by="ada", at=NOW + 1).id == "RUN1"
    assert said(ledger) == [("RUN1", Verb.CANCEL, "ada", NOW + 1, None)]


def test_a_queued_run_can_be_cancelled_too(ledger: SqliteLedger, people: People) -> None:
    event = an_event()
    asyncio.run(ledger.accept(event))
    run = a_run("RUN1", PLAYBOOK, event)
    asyncio.run(ledger.keep_match(event, verdicts([PLAYBOOK]), NOW, letting([run])))
    people.cancel("RUN1", by="ada", at=NOW)
    assert len(said(ledger)) == 1


@pytest.mark.parametrize(
    ("state", "how"),
    [
        (RunState.SUCCEEDED, "succeeded"),
        (RunState.FAILED, "failed"),
        (RunState.CANCELLED, "was cancelled"),
    ],
)
def test_a_run_that_is_over_is_told_nothing(
    ledger: SqliteLedger, people: People, state: RunState, how: str
) -> None:
    settled(asyncio.run(going(ledger)), ledger, state)
    assert refusal(lambda: people.cancel("RUN1", by="ada", at=NOW)) == (
        "run-is-over",
        f"run RUN1 is over: it {how} at 2026-11-18T11:06:49.000Z",
        "`engine runs show RUN1` says how it stands",
    )
    assert refusal(lambda: people.answer("RUN1", Verb.APPROVE, by="ada", at=NOW))[0] == (
        "run-is-over"
    )
    assert said(ledger) == []


def test_what_was_said_and_is_not_obeyed_is_not_said_twice(
    ledger: SqliteLedger, people: People
) -> None:
    asyncio.run(going(ledger))
    people.cancel("RUN1", by="ada", at=NOW)
    code, message, _ = refusal(lambda: people.cancel("RUN1", by="bob", at=NOW + 1))
    assert (code, message) == (
        "said-before",
        "run RUN1: ada said 'cancel' at 2026-11-18T11:06:40.000Z",
    )
    assert len(said(ledger)) == 1


def test_a_run_that_is_ending_is_not_cancelled_again(ledger: SqliteLedger, people: People) -> None:
    asyncio.run(going(ledger))
    asyncio.run(ledger.keep([RunCancel("RUN1", Cancelled(NOW, "cancelled by ada"))]))
    assert refusal(lambda: people.cancel("RUN1", by="bob", at=NOW))[:2] == (
        "said-before",
        "run RUN1 is cancelled by ada, and about to end",
    )


@pytest.mark.parametrize("verb", [Verb.APPROVE, Verb.REJECT])
@pytest.mark.parametrize("step", [None, "steps/0", "a"])
def test_the_step_that_waits_for_an_approval_is_found(
    ledger: SqliteLedger, people: People, verb: Verb, step: str | None
) -> None:
    asyncio.run(going(ledger))
    asyncio.run(asked(ledger, Asking.APPROVAL))
    run, found = people.answer("RUN1", verb, by="ada", at=NOW, step=step)
    assert (run.id, found.path) == ("RUN1", "steps/0")
    assert said(ledger) == [("RUN1", verb, "ada", NOW, "steps/0")]


@pytest.mark.parametrize(
    ("verb", "there", "message"),
    [
        (Verb.APPROVE, Asking.ATTENTION, "run RUN1 waits for no approval"),
        (Verb.REJECT, None, "run RUN1 waits for no approval"),
        (Verb.RETRY, Asking.APPROVAL, "run RUN1 needs nobody's attention"),
        (Verb.SKIP, None, "run RUN1 needs nobody's attention"),
    ],
)
def test_an_answer_to_no_question_is_refused(
    ledger: SqliteLedger, people: People, verb: Verb, there: Asking | None, message: str
) -> None:
    asyncio.run(going(ledger))
    if there is not None:
        asyncio.run(asked(ledger, there))
    assert refusal(lambda: people.answer("RUN1", verb, by="ada", at=NOW))[:2] == (
        "no-question",
        message,
    )
    assert said(ledger) == []


def test_a_question_that_was_answered_is_none_any_more(
    ledger: SqliteLedger, people: People
) -> None:
    asyncio.run(going(ledger))
    asyncio.run(asked(ledger, Asking.APPROVAL))
    record = StepRecord(path="steps/0", attempt=1, type="p")
    fact = Settled("steps/0", 1, NOW, Outcome.SUCCEEDED)
    asyncio.run(ledger.keep([StepSettle("RUN1", record, fact)]))
    assert refusal(lambda: people.answer("RUN1", Verb.APPROVE, by="ada", at=NOW))[0] == (
        "no-question"
    )


def test_of_several_questions_one_has_to_be_named(ledger: SqliteLedger, people: People) -> None:
    asyncio.run(going(ledger))
    asyncio.run(asked(ledger, Asking.ATTENTION, "steps/0[0]/0", "left"))
    asyncio.run(asked(ledger, Asking.ATTENTION, "steps/0[1]/0", None))
    assert refusal(lambda: people.answer("RUN1", Verb.SKIP, by="ada", at=NOW)) == (
        "which-step",
        "run RUN1 waits for more than one word",
        "name the step with --at: steps/0[0]/0, steps/0[1]/0",
    )
    wrong = refusal(lambda: people.answer("RUN1", Verb.SKIP, by="ada", at=NOW, step="leftt"))
    assert wrong == (
        "no-question",
        "step 'leftt' of run RUN1 needs nobody's attention",
        "did you mean 'left'?",
    )
    people.answer("RUN1", Verb.SKIP, by="ada", at=NOW, step="left")
    people.answer("RUN1", Verb.RETRY, by="ada", at=NOW, step="steps/0[1]/0")
    assert [path for *_, path in said(ledger)] == ["steps/0[0]/0", "steps/0[1]/0"]
    again = refusal(lambda: people.answer("RUN1", Verb.FAIL, by="bob", at=NOW, step="left"))
    assert again[0] == "said-before"


def test_a_word_that_was_obeyed_can_be_said_again(ledger: SqliteLedger, people: People) -> None:
    asyncio.run(going(ledger))
    asyncio.run(asked(ledger, Asking.ATTENTION))
    people.answer("RUN1", Verb.RETRY, by="ada", at=NOW)
    (order,) = asyncio.run(ledger.orders(0))
    assert order == Order(order.seq, "RUN1", Verb.RETRY, "ada", NOW, "steps/0")
    asyncio.run(ledger.keep([OrderObeyed(order)]))
    people.answer("RUN1", Verb.RETRY, by="ada", at=NOW + 1)
    assert [at for _, _, _, at, _ in said(ledger)] == [NOW + 1]


def test_a_run_that_is_not_there_is_said_to_be_none(people: People) -> None:
    assert refusal(lambda: people.cancel("NOPE", by="ada", at=NOW))[0] == "no-such-run"


# The kill switch


def test_a_pause_is_in_force_until_it_is_taken_back(ledger: SqliteLedger, people: People) -> None:
    pause = people.pause("restart-host", by="ada", at=NOW, reason="freeze")
    assert pause == Pause("restart-host", "ada", NOW, "freeze")
    assert asyncio.run(ledger.pauses()) == {"restart-host": pause}
    assert people.pause("restart-host", by="bob", at=NOW + 1, reason=None) == pause, "stands"
    assert people.resume("restart-host", by="bob", at=NOW + 2) == pause
    assert asyncio.run(ledger.pauses()) == {}
    later = people.pause("restart-host", by="bob", at=NOW + 3, reason=None)
    assert asyncio.run(ledger.pauses()) == {"restart-host": later}
    assert later.said == "paused by bob"


def test_a_word_waits_for_its_turn_and_not_for_a_moment_that_busy_engines_leave_by_chance(
    ledger: SqliteLedger, database: Path
) -> None:
    def pause() -> None:
        with open_for_people(database, WHENCE) as people:
            people.pause(EVERYTHING, by="ada", at=NOW, reason=None)

    with closing(Turn(database)) as engine:
        word = threading.Thread(target=pause)
        with engine:
            word.start()
            until_it_waits(database, ".writing.lock")
            assert asyncio.run(ledger.pauses()) == {}
        word.join()
        assert asyncio.run(ledger.pauses()) == {EVERYTHING: Pause(EVERYTHING, "ada", NOW)}


def test_all_and_one_are_paused_apart(people: People) -> None:
    people.pause(EVERYTHING, by="ada", at=NOW, reason=None)
    people.pause("restart-host", by="ada", at=NOW, reason=None)
    people.resume(EVERYTHING, by="ada", at=NOW)
    assert list(people.pauses()) == ["restart-host"]


def test_resuming_what_was_not_paused_keeps_from_when_on_failures_count(
    people: People, database: Path
) -> None:
    assert people.resume("restart-host", by="ada", at=NOW) is None
    with closing(sqlite3.connect(database)) as db:
        found = db.execute("SELECT playbook, until, failures FROM pauses").fetchall()
    assert found == [("restart-host", NOW, NOW)]
    assert people.pauses() == {}


# Once more


def test_a_replay_is_a_new_event_that_names_its_origin(
    ledger: SqliteLedger, people: People, database: Path
) -> None:
    first = an_event()
    asyncio.run(ledger.accept(first))
    asyncio.run(ledger.keep_match(first, [], NOW, letting([])))
    made = people.replay("ENT1", id_="EVENT2", by="ada", at=NOW + 5)
    assert asyncio.run(ledger.unmatched(9)) == [made]
    assert made == replace(
        first,
        id="EVENT2",
        key="replay:EVENT1:EVENT2",
        received=NOW + 5,
        origin="EVENT1",
    )
    people.replay("EVENT2", id_="EVENT3", by="ada", at=NOW + 6)
    with open_records(database) as records:
        assert records.event("EVENT3").event.origin == "EVENT2"


def test_a_call_for_labels_is_not_replayed(ledger: SqliteLedger, people: People) -> None:
    asyncio.run(ledger.accept(replace(an_event(), source=LABEL_MAPPING)))
    assert refusal(lambda: people.replay("EVENT1", id_="EVENT2", by="ada", at=NOW)) == (
        "not-again",
        "event EVENT1 was a call for labels: nobody waits for its answer any more",
        "send the call once more",
    )


def keep_done(ledger: Ledger, path: str, outcome: Outcome, attempt: int = 1) -> None:
    fact = Settled(path, attempt, NOW + 1, outcome, {"of": path})
    record = StepRecord(path=path, attempt=attempt, type="probe")
    asyncio.run(ledger.keep([StepSettle("RUN1", record, fact)]))


def test_a_repeated_run_has_what_was_done_before_and_its_vars(
    ledger: SqliteLedger, people: People
) -> None:
    run = asyncio.run(going(ledger))
    keep_done(ledger, "steps/0", Outcome.SUCCEEDED)
    keep_done(ledger, "steps/1", Outcome.FAILED)
    settled(run, ledger, RunState.FAILED)
    people.repeat("RUN1", id_="RUN2", by="ada", at=NOW + 9, paths=["steps/0"])
    ((_, queued),) = asyncio.run(ledger.queued(0, 9))
    assert queued == replace(
        a_run("RUN2", PLAYBOOK, an_event("E of RUN1"), NOW + 9),
        origin="RUN1",
        reason="run RUN1 once more, said ada",
    )
    history: list[Any] = list(asyncio.run(ledger.history("RUN2")))
    assert history == [
        Began(NOW, {"host": "h"}),
        Settled("steps/0", 1, NOW + 1, Outcome.SUCCEEDED, {"of": "steps/0"}),
    ]
    assert len(asyncio.run(ledger.history("RUN1"))) == 3, "as it was"


def test_vars_that_could_not_be_rendered_are_rendered_again(
    ledger: SqliteLedger, people: People
) -> None:
    settled(asyncio.run(going(ledger)), ledger, RunState.FAILED)
    people.repeat("RUN1", id_="RUN2", by="ada", at=NOW, paths=None)
    assert asyncio.run(ledger.history("RUN2")) == []


def test_a_run_is_not_repeated_while_another_one_for_its_event_goes_on(
    ledger: SqliteLedger, people: People
) -> None:
    settled(asyncio.run(going(ledger)), ledger, RunState.FAILED)
    people.repeat("RUN1", id_="RUN2", by="ada", at=NOW, paths=[])
    assert refusal(lambda: people.repeat("RUN1", id_="RUN3", by="ada", at=NOW, paths=[])) == (
        "not-again",
        "run RUN2 of the same playbook for the same event is not over",
        "wait for its end, or cancel it",
    )
    second = asyncio.run(ledger.run("RUN2"))
    asyncio.run(ledger.keep([RunMove(second.move(RunState.CANCELLED, at=NOW))]))
    people.repeat("RUN1", id_="RUN3", by="ada", at=NOW, paths=[])
    assert asyncio.run(ledger.run("RUN3")).origin == "RUN1"
