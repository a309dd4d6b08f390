"""What a run asks of people stands in its incident, once."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from engine.flashduty.answer import Answer, FlashdutyError
from engine.flashduty.questions import LONGEST, MOST, Questions, comment_on
from engine.playbooks.playbook import Step
from engine.runs.fact import Asked
from engine.runs.happening import RunMoved, StepAsked
from engine.runs.ledger import NotInLedgerError
from engine.runs.run import Asking, Question
from tests.runs.fakes import NOW, PATIENCE, Told, a_playbook, a_run, an_event

EVENT = an_event()
RUN = a_run("RUN1", a_playbook("steps: [{probe: a}]", "restart-host"), EVENT)


def asks(
    kind: Asking = Asking.ATTENTION, text: str = "well?", until: float | None = None
) -> StepAsked:
    question = Question(kind, text, NOW, until)
    return StepAsked(RUN, Step("steps/0", "probe", {}), Asked("steps/0", 1, question))


@dataclass
class Api:
    """Keeps what it is called with; refuses what it was told to."""

    refusals: list[FlashdutyError] = field(default_factory=list)
    calls: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    async def call(self, path: str, parameters: Mapping[str, Any], /) -> Answer:
        if self.refusals:
            raise self.refusals.pop()
        self.calls.append((path, parameters))
        return Answer(None, "request-1")


async def found(_: str) -> Any:
    return EVENT


def written(
    api: Api, told: Told, *happenings: Any, event: Callable[[str], Awaitable[Any]] = found
) -> None:
    async def story() -> None:
        questions = Questions(api, event, told)
        for happening in happenings:
            questions.hear(happening)
        writing = asyncio.ensure_future(questions.keep_writing())
        async with asyncio.timeout(PATIENCE):
            await questions._asked.join()  # noqa: SLF001 - nobody else tells when all is written
        writing.cancel()
        await asyncio.wait([writing])
        assert writing.cancelled()

    asyncio.run(story())


def test_a_question_is_written_into_the_incident_with_what_to_do() -> None:
    api, told = Api(), Told()
    written(api, told, asks(), RunMoved(RUN))
    ((path, body),) = api.calls
    assert path == "/incident/comment"
    assert body == {
        "incident_ids": [EVENT.incident_id],
        "comment": "restart-host waits for a person: well?\n`engine runs show RUN1` says how",
        "mute_reply": True,
    }
    assert told.troubles == []


def test_an_approval_names_the_buttons_and_its_time() -> None:
    assert comment_on(asks(Asking.APPROVAL, "Fail over?", NOW + 60)) == (
        "restart-host waits for a person: Fail over?\nthe buttons that end in /approve and /reject, "
        "or `engine runs approve|reject RUN1` until 2026-11-18T11:07:40.000Z"
    )


@pytest.mark.parametrize("length", [10, LONGEST, 5 * LONGEST])
def test_a_long_question_is_cut_so_that_what_to_do_is_left(length: int) -> None:
    comment = comment_on(asks(text="x" * length))
    assert len(comment) <= LONGEST
    assert comment.endswith("\n`engine runs show RUN1` says how")


def test_a_comment_that_cannot_be_written_is_told_and_the_next_one_is_written() -> None:
    api, told = Api([FlashdutyError("InternalError", "later")]), Told()
    written(api, told, asks(), asks(text="and now?"))
    (trouble,) = told.troubles
    assert "run RUN1 waits for a person, and its incident does not say so" in trouble.message
    assert "later" in trouble.message
    assert len(api.calls) == 1


def test_an_event_that_is_gone_is_told() -> None:
    async def gone(_: str) -> Any:
        raise NotInLedgerError("there is no event")

    api, told = Api(), Told()
    written(api, told, asks(), event=gone)
    assert [trouble.where for trouble in told.troubles] == ["questions"]
    assert api.calls == []


def test_what_is_not_about_an_incident_is_not_commented_on() -> None:
    async def no_incident(_: str) -> Any:
        return an_event(payload={})

    api, told = Api(), Told()
    written(api, told, asks(), event=no_incident)
    assert (api.calls, told.troubles) == ([], [])


def test_questions_that_nobody_writes_do_not_pile_up_for_ever() -> None:
    told = Told()
    questions = Questions(Api(), found, told)
    for _ in range(MOST + 1):
        questions.hear(asks())
    assert len(told.troubles) == 1
