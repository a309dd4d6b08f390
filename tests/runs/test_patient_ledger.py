"""The worker's view of the ledger: a refusal passes, what is not there never comes."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from engine.runs import patient_ledger
from engine.runs.change import RunBegin, RunMove, StepPause, StepSettle, StepStart
from engine.runs.fact import Began, Paused, Settled
from engine.runs.happening import Happening, Recovered, Trouble
from engine.runs.ledger import Ledger, LedgerError, NotInLedgerError
from engine.runs.patient_ledger import PatientLedger
from engine.runs.run import Outcome, StepRecord
from tests.runs.fakes import NOW, PATIENCE, a_playbook, a_run, an_event, letting

EVENT = an_event()
PLAYBOOK = a_playbook("steps: [{probe: a}]")
RUN = a_run("R", PLAYBOOK, EVENT)
RECORD = StepRecord(path="steps/0", attempt=1, type="probe")
SETTLED = Settled("steps/0", 1, NOW, Outcome.SUCCEEDED)

Ask = Callable[[Ledger], Awaitable[Any]]
SETTLES: Ask = lambda ledger: ledger.keep([StepSettle("R", RECORD, SETTLED)])  # noqa: E731
OTHERS: dict[str, Ask] = {
    "accept": lambda ledger: ledger.accept(EVENT),
    "unmatched": lambda ledger: ledger.unmatched(1),
    "keep_match": lambda ledger: ledger.keep_match(EVENT, [], NOW, letting([])),
    "keep_playbook": lambda ledger: ledger.keep_playbook(PLAYBOOK),
    "playbook_text": lambda ledger: ledger.playbook_text("v"),
    "event": lambda ledger: ledger.event("E"),
    "run": lambda ledger: ledger.run("R"),
    "queued": lambda ledger: ledger.queued(0, 1),
    "unfinished": lambda ledger: ledger.unfinished(),
    "history": lambda ledger: ledger.history("R"),
    "keep a move": lambda ledger: ledger.keep([RunMove(RUN)]),
    "keep a beginning": lambda ledger: ledger.keep([RunBegin(RUN, Began(NOW))]),
    "keep a start": lambda ledger: ledger.keep([StepStart("R", RECORD)]),
    "keep a pause": lambda ledger: ledger.keep([StepPause("R", Paused("steps/0", 1, NOW))]),
}
ALL = {**OTHERS, "keep an outcome": SETTLES}


class Refusing:
    """Refuses the first few times, whatever it is asked; then answers with the method's name."""

    def __init__(self, refusals: int, error: Exception) -> None:
        self.asked: list[tuple[str, tuple[Any, ...]]] = []
        self._refusals = refusals
        self._error = error

    def __getattr__(self, name: str) -> Any:
        async def answer(*arguments: Any) -> str:
            self.asked.append((name, arguments))
            if len(self.asked) <= self._refusals:
                raise self._error
            return name

        return answer


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient_ledger, "RETRY_AFTER", 0.0)


def answer_of(
    ask: Ask, ledger: Refusing, told: list[Happening], *, stopping: bool = False
) -> object:
    async def story() -> object:
        event = asyncio.Event()
        if stopping:
            event.set()
        patient: Ledger = PatientLedger(cast("Ledger", ledger), told.append, event)
        async with asyncio.timeout(PATIENCE):
            return await ask(patient)

    return asyncio.run(story())


@pytest.mark.parametrize("name", ALL)
def test_it_asks_with_the_same_words_until_it_is_answered_and_tells_why_once(
    name: str,
) -> None:
    told: list[Happening] = []
    ledger = Refusing(5, LedgerError("disk full"))
    answer_of(ALL[name], ledger, told)
    assert {asked for asked, _ in ledger.asked} == {name.split(maxsplit=1)[0]}
    assert len(ledger.asked) == 6
    assert all(arguments == ledger.asked[0][1] for _, arguments in ledger.asked)
    assert told == [Trouble("ledger", "disk full"), Recovered("ledger")]


@pytest.mark.parametrize("name", ["unmatched", "queued", "event", "run", "history"])
def test_what_it_is_answered_is_handed_on(name: str) -> None:
    assert answer_of(ALL[name], Refusing(1, LedgerError("no")), []) == name


@pytest.mark.parametrize("name", OTHERS)
def test_while_stopping_a_refusal_is_final(name: str) -> None:
    told: list[Happening] = []
    ledger = Refusing(5, LedgerError("disk full"))
    with pytest.raises(LedgerError, match="disk full"):
        answer_of(OTHERS[name], ledger, told, stopping=True)
    assert (len(ledger.asked), told) == (1, [])


def test_for_many_runs_at_once_it_asks_once() -> None:
    told: list[Happening] = []
    ledger = Refusing(1, LedgerError("one of them cannot be read"))
    with pytest.raises(LedgerError, match="one of them"):
        answer_of(lambda asked: asked.pasts(["R"]), ledger, told)
    assert (ledger.asked, told) == ([("pasts", (["R"],))], [])
    assert answer_of(lambda asked: asked.pasts(["R"]), ledger, told) == "pasts"


def test_an_outcome_is_insisted_on_while_stopping_too() -> None:
    told: list[Happening] = []
    ledger = Refusing(5, LedgerError("disk full"))
    answer_of(SETTLES, ledger, told, stopping=True)
    assert len(ledger.asked) == 6
    assert told == [Trouble("ledger", "disk full"), Recovered("ledger")]


def test_what_many_are_refused_for_is_told_once_and_once_more_when_it_comes_back() -> None:
    told: list[Happening] = []
    refusals = {"first": LedgerError("disk full"), "then": LedgerError("database is locked")}

    class Disk:
        why: LedgerError | None = refusals["first"]
        asked = 0

        async def run(self, run_id: str) -> str:
            self.asked += 1
            if self.why is not None:
                raise self.why
            return run_id

    async def story() -> None:
        disk = Disk()
        patient: Ledger = PatientLedger(cast("Ledger", disk), told.append, asyncio.Event())

        async def asked(times: int) -> None:
            until = disk.asked + times
            while disk.asked < until:  # noqa: ASYNC110 - it is the others' turns that count
                await asyncio.sleep(0)

        async with asyncio.timeout(PATIENCE):
            for _ in range(2):
                async with asyncio.TaskGroup() as tasks:
                    for number in range(10):
                        tasks.create_task(patient.run(str(number)))
                    await asked(50)
                    disk.why = refusals["then"]
                    await asked(50)
                    disk.why = None
                disk.why = refusals["first"]

    asyncio.run(story())
    assert told == 2 * [
        Trouble("ledger", "disk full"),
        Trouble("ledger", "database is locked"),
        Recovered("ledger"),
    ]


@pytest.mark.parametrize("name", ["playbook_text", "event", "run"])
def test_what_is_not_there_is_asked_for_once(name: str) -> None:
    told: list[Happening] = []
    ledger = Refusing(5, NotInLedgerError("there is no such thing"))
    with pytest.raises(NotInLedgerError):
        answer_of(OTHERS[name], ledger, told)
    assert (len(ledger.asked), told) == (1, [])


def test_a_fault_is_no_refusal() -> None:
    ledger = Refusing(5, ZeroDivisionError("by zero"))
    with pytest.raises(ZeroDivisionError):
        answer_of(SETTLES, ledger, [])
    assert len(ledger.asked) == 1
