"""The engine learns who it is to Flashduty, keeps it, and knows its own doing by it."""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from engine.events.event import Event
from engine.flashduty import own_member
from engine.flashduty.client import Answer, FlashdutyError
from engine.flashduty.own_member import OwnMember
from engine.runs.ledger import LedgerError
from engine.store.sqlite import SqliteLedger
from tests.runs.fakes import PATIENCE, Told, an_event

OWN = 3790925372131
UNLEARNED = "who the engine is to Flashduty could not be learned"


@dataclass
class Api:
    """Answers `/member/info` with what was laid out, the last of it for ever."""

    answers: deque[Any]
    calls: list[str] = field(default_factory=list)

    async def call(self, path: str, parameters: Mapping[str, Any], /) -> Answer:
        self.calls.append(path)
        answer = self.answers.popleft() if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return Answer(answer, "request-1")


def an_api(*answers: Any) -> Api:
    return Api(deque(answers))


def done_by(person_id: object) -> Event:
    event = an_event()
    return replace(event, payload={**event.payload, "person": {"person_id": person_id}})


@pytest.mark.parametrize(
    ("event", "caused"),
    [
        (done_by(OWN), True),
        (done_by(1552048792504), False),
        (done_by(True), False),
        (done_by(str(OWN)), False),
        (an_event(), False),
    ],
)
def test_an_event_is_its_own_when_its_person_is_the_member_of_the_key(
    ledger: SqliteLedger, event: Event, caused: bool
) -> None:
    async def story() -> None:
        own = OwnMember(an_api({"member_id": OWN}), ledger, Told())
        await own.learn()
        assert own.caused(event) is caused

    asyncio.run(story())


def test_until_it_is_learned_only_what_nobody_did_can_be_told(ledger: SqliteLedger) -> None:
    own = OwnMember(an_api({"member_id": OWN}), ledger, Told())

    assert own.caused(done_by(OWN)) is None
    assert own.caused(an_event()) is False


def test_without_an_app_key_nothing_is_its_own_doing(ledger: SqliteLedger) -> None:
    async def story() -> None:
        own = OwnMember(None, ledger, Told())
        await own.prepare()
        await own.keep_learning()
        assert own.caused(done_by(OWN)) is False

    asyncio.run(story())


def test_what_was_learned_is_known_after_a_restart_even_while_flashduty_is_away(
    ledger: SqliteLedger,
) -> None:
    async def story() -> None:
        await OwnMember(an_api({"member_id": OWN}), ledger, Told()).prepare()
        away = an_api(FlashdutyError("NoConnection", "refused"))
        restarted = OwnMember(away, ledger, Told())
        await restarted.prepare()
        assert restarted.caused(done_by(OWN)) is True
        assert away.calls == []

    asyncio.run(story())


def test_another_app_key_makes_another_member(ledger: SqliteLedger) -> None:
    async def story() -> None:
        await OwnMember(an_api({"member_id": OWN}), ledger, Told()).prepare()
        other = OwnMember(an_api({"member_id": 7}), ledger, Told())
        await other.prepare()
        await other.keep_learning()
        assert (other.caused(done_by(OWN)), other.caused(done_by(7))) == (False, True)
        assert await ledger.recall("own-member") == 7

    asyncio.run(story())


@pytest.mark.parametrize("answer", [None, [], {}, {"member_id": None}, {"member_id": "7"}])
def test_an_answer_without_a_member_is_asked_again_and_told(
    ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    monkeypatch.setattr(own_member, "FIRST_PAUSE", 0.0)
    told = Told()
    api = an_api(answer, FlashdutyError("Unauthorized", "wrong key"), {"member_id": OWN})

    async def story() -> None:
        own = OwnMember(api, ledger, told)
        async with asyncio.timeout(PATIENCE):
            await own.keep_learning()
        assert own.caused(done_by(OWN)) is True

    asyncio.run(story())
    assert [trouble.message for trouble in told.troubles] == [
        f"{UNLEARNED}: NoMember: /member/info names no member_id",
        f"{UNLEARNED}: Unauthorized: wrong key",
    ]


def test_the_first_start_waits_no_longer_than_its_patience(
    ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_member, "PATIENCE", 0.01)

    class Hanging:
        async def call(self, path: str, parameters: Mapping[str, Any], /) -> Answer:
            await asyncio.Event().wait()
            raise AssertionError

    async def story() -> None:
        own = OwnMember(Hanging(), ledger, Told())
        async with asyncio.timeout(PATIENCE):
            await own.prepare()
        assert own.caused(done_by(OWN)) is None

    asyncio.run(story())


def test_a_ledger_that_refuses_stops_nobody() -> None:
    class Refusing:
        async def remember(self, name: str, value: Any) -> None:
            raise LedgerError("disk full")

        async def recall(self, name: str) -> Any:
            raise LedgerError("disk full")

    async def story() -> None:
        told = Told()
        own = OwnMember(an_api({"member_id": OWN}), Refusing(), told)
        await own.prepare()
        assert own.caused(done_by(OWN)) is True
        assert [trouble.message for trouble in told.troubles] == ["disk full"]

    asyncio.run(story())
