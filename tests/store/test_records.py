"""What people read of the ledger, beside a running engine."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.playbooks.playbook import PlaybookText
from engine.problem import EngineError
from engine.runs.change import RunBegin, RunMove, StepSettle, StepStart
from engine.runs.fact import Began, Settled
from engine.runs.run import Outcome, RunState, StepRecord
from engine.store.records import EventRecord, Page, Records, open_records
from engine.store.sqlite import SqliteLedger
from tests.runs.fakes import NOW, a_playbook, a_run, an_event, letting, verdicts

FIRST = a_playbook("steps: [{id: a, probe: a}]", "first", "first.yaml")
SECOND = a_playbook("steps: [{probe: b}]", "second", "second.yaml")
EVENTS = [f"01EVENT{number}" for number in range(5)]


@pytest.fixture
def records(ledger: SqliteLedger, database: Path) -> Iterator[Records]:
    """Five events with a run of each playbook: 01RUNA0 01RUNB0, 01RUNA1 01RUNB1, ..."""

    async def fill() -> None:
        for playbook in (FIRST, SECOND):
            await ledger.keep_playbook(playbook)
        for number, id_ in enumerate(EVENTS):
            event = an_event(id_)
            await ledger.accept(event)
            runs = [a_run(f"01RUNA{number}", FIRST, event), a_run(f"01RUNB{number}", SECOND, event)]
            await ledger.keep_match(event, verdicts([FIRST, SECOND]), NOW, letting(runs))
        run = a_run("01RUNA3", FIRST, an_event("01EVENT3")).move(RunState.RUNNING, at=NOW + 1)
        await ledger.keep([RunBegin(run, Began(NOW + 1, {"host": "h"}, "other: not there"))])
        record = StepRecord(path="steps/0", attempt=1, type="probe", id="a", started=NOW + 2)
        await ledger.keep([StepStart(run.id, record)])
        settled = Settled("steps/0", 1, NOW + 3, Outcome.FAILED, error="no")
        await ledger.keep([StepSettle(run.id, record, settled)])
        await ledger.keep([RunMove(run.move(RunState.FAILED, at=NOW + 4, reason="a: no"))])

    asyncio.run(fill())
    with open_records(database) as opened:
        yield opened


def ids(page: Page) -> list[str]:
    return [item.event.id if isinstance(item, EventRecord) else item.id for item in page.items]


def refusal(error: EngineError) -> str:
    (problem,) = error.problems
    return str(problem)


def test_pages_of_runs_begin_with_the_newest_and_end_with_null(records: Records) -> None:
    first = records.runs(4, None, None, None)
    assert ids(first) == ["01RUNB4", "01RUNA4", "01RUNB3", "01RUNA3"]
    second = records.runs(4, first.next, None, None)
    assert ids(second) == ["01RUNB2", "01RUNA2", "01RUNB1", "01RUNA1"]
    third = records.runs(4, second.next, None, None)
    assert (ids(third), third.next) == (["01RUNB0", "01RUNA0"], None)


def test_a_page_that_holds_exactly_the_rest_is_the_last_one(records: Records) -> None:
    page = records.runs(10, None, None, None)
    assert (len(page.items), page.next) == (10, None)
    assert records.runs(9, None, None, None).next is not None


def test_runs_by_state_and_playbook(records: Records) -> None:
    assert ids(records.runs(9, None, "failed", None)) == ["01RUNA3"]
    assert ids(records.runs(9, None, "queued", "first")) == [
        "01RUNA4",
        "01RUNA2",
        "01RUNA1",
        "01RUNA0",
    ]
    assert records.runs(9, None, "waiting", None) == Page([], None)


def test_pages_of_a_choice_go_on_within_it(records: Records) -> None:
    first = records.runs(3, None, None, "second")
    assert ids(first) == ["01RUNB4", "01RUNB3", "01RUNB2"]
    second = records.runs(3, first.next, None, "second")
    assert (ids(second), second.next) == (["01RUNB1", "01RUNB0"], None)


def test_what_comes_in_between_two_pages_does_not_move_the_second(
    records: Records, ledger: SqliteLedger
) -> None:
    first = records.events(2, None)
    asyncio.run(ledger.accept(an_event("01EVENT9")))
    assert ids(records.events(2, first.next)) == ["01EVENT2", "01EVENT1"]
    assert ids(records.events(2, None)) == ["01EVENT9", "01EVENT4"]


def test_pages_of_events_carry_their_verdicts_and_runs(records: Records) -> None:
    first = records.events(3, None)
    assert ids(first) == ["01EVENT4", "01EVENT3", "01EVENT2"]
    second = records.events(3, first.next)
    assert (ids(second), second.next) == (["01EVENT1", "01EVENT0"], None)
    newest = first.items[0]
    assert newest.judgements == verdicts([FIRST, SECOND])
    assert [run.id for run in newest.runs] == ["01RUNA4", "01RUNB4"]
    assert newest == records.event("01EVENT4")


def test_an_event_that_nobody_judged_has_no_verdicts(
    records: Records, ledger: SqliteLedger
) -> None:
    asyncio.run(ledger.accept(an_event("01EVENT9")))
    assert records.event("01EVENT9") == EventRecord(an_event("01EVENT9"), [], [])


@pytest.mark.parametrize("id_", ["01RUNA3", "01runa3", "RUNA3", "una3"])
def test_a_run_is_found_by_its_id_or_the_end_of_it(records: Records, id_: str) -> None:
    found = records.run(id_)
    assert (found.run.id, found.run.state, found.run.reason) == (
        "01RUNA3",
        RunState.FAILED,
        "a: no",
    )
    assert (found.variables, found.variables_error) == ({"host": "h"}, "other: not there")
    assert found.playbook == PlaybookText(FIRST.text, "first.yaml")
    assert [(step.path, step.error) for step in found.steps] == [("steps/0", "no")]


def test_a_run_that_has_not_begun_has_no_vars(records: Records) -> None:
    found = records.run("01RUNB0")
    assert (found.variables, found.variables_error, found.steps) == ({}, None, [])


@pytest.mark.parametrize("id_", ["01EVENT2", "ent2"])
def test_an_event_is_found_by_its_id_or_the_end_of_it(records: Records, id_: str) -> None:
    assert records.event(id_).event.id == "01EVENT2"


@pytest.mark.parametrize("id_", ["", "A3", "NA3", "XUNA3", "%", "____", "UNA%", "'; --"])
def test_an_id_that_nothing_has_is_refused(records: Records, id_: str) -> None:
    with pytest.raises(EngineError) as refused:
        records.run(id_)
    assert refusal(refused.value) == (
        f"no-such-run: there is no run '{id_}' "
        "(`engine runs list` shows them; the end of an id is enough)"
    )


def test_an_end_that_two_have_is_refused(records: Records, ledger: SqliteLedger) -> None:
    for id_ in ("01AAAASAME", "01BBBBSAME"):
        asyncio.run(ledger.accept(an_event(id_)))
    with pytest.raises(EngineError) as refused:
        records.event("same")
    assert refusal(refused.value) == (
        "no-such-event: more than one event ends in 'same' "
        "(`engine events list` shows them; the end of an id is enough)"
    )
    assert records.event("ASAME").event.id == "01AAAASAME"


@pytest.mark.parametrize("cursor", ["", "abc", "-1", "1.5", "²", "٣", "9" * 19, "9" * 5000])
def test_what_is_no_cursor_is_refused(records: Records, cursor: str) -> None:
    said = f"bad-cursor: '{cursor}' is no cursor (use the `next` of a list)"
    with pytest.raises(EngineError) as refused:
        records.events(3, cursor)
    assert refusal(refused.value) == said
    with pytest.raises(EngineError) as refused:
        records.runs(3, cursor, None, None)
    assert refusal(refused.value) == said


def test_a_cursor_before_everything_finds_nothing(records: Records) -> None:
    assert records.events(3, "1") == Page([], None)
    assert len(records.events(9, "9" * 18).items) == 5


def test_there_are_no_records_without_a_database(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="there is no database"), open_records(tmp_path / "x.db"):
        pass  # pragma: no cover
