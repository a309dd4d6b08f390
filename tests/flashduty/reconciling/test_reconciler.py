"""How far it was looked is kept, and moves on only when all before it was looked at."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from engine.events.event import Event
from engine.flashduty.client import FlashdutyError
from engine.flashduty.reconciling.deliveries import Deliveries
from engine.flashduty.reconciling.missed import INCIDENT_EVENTS
from engine.flashduty.reconciling.reconciler import Reconciler
from engine.flashduty.reconciling.timelines import Timelines
from engine.runs.happening import Reconciled
from engine.runs.ledger import Acceptance, LedgerError
from engine.store.sqlite import SqliteLedger
from tests.flashduty.reconciling.laid_out import (
    INCIDENT,
    LaidOut,
    a_body,
    a_record,
    an_entry,
    an_incident,
    at,
    read,
)
from tests.runs.fakes import NOW, Clock, Told

LIST = "/webhook/history/list"
MARK = "reconciled-until"
REFUSED = FlashdutyError("AccessDenied", "no permission", status=403)
AWAY = FlashdutyError("NoConnection", "refused")


@dataclass
class Scene:
    """A reconciler over a real ledger and a Flashduty that is laid out."""

    ledger: SqliteLedger
    api: LaidOut = field(default_factory=lambda: LaidOut({}))
    clock: Clock = field(default_factory=Clock)
    told: Told = field(default_factory=Told)
    woken: int = 0
    ids: int = 0

    def wake(self) -> None:
        self.woken += 1

    def new_id(self) -> str:
        self.ids += 1
        return f"T{self.ids}"

    def reconciler(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> Reconciler:
        return Reconciler(
            deliveries=Deliveries(self.api, read, self.ledger.known),
            timelines=Timelines(self.api, {"71": "restart-host"}, self.new_id, self.clock),
            store=self.ledger,
            wanted=lambda: INCIDENT_EVENTS,
            accepted=self.wake,
            clock=self.clock,
            tell=self.told,
            every=300.0,
            sleep=sleep,
        )

    async def look(self) -> Reconciled | None:
        return await self.reconciler().look(look_everywhere=True)

    async def types(self) -> list[tuple[str, str]]:
        return [(event.type, event.key) for event in await self.ledger.unmatched(100)]


def lay_out(api: LaidOut, records: list[Any], entries: list[Any]) -> None:
    api.answers[LIST] = {"items": records, "search_after_ctx": ""}
    api.answers["/incident/list"] = lambda parameters: {
        "items": [an_incident()] if parameters["end_time"] > NOW - 60 else [],
        "has_next_page": False,
    }
    api.answers["/incident/feed"] = {"items": entries, "has_next_page": False}


def test_an_engine_that_was_never_up_has_missed_nothing(ledger: SqliteLedger) -> None:
    async def story() -> None:
        scene = Scene(ledger)
        assert await scene.look() is None
        assert scene.api.calls == []
        assert await ledger.recall(MARK) == NOW - 30

    asyncio.run(story())


def test_what_both_tell_of_is_one_event_and_all_come_in_the_order_they_happened(
    ledger: SqliteLedger,
) -> None:
    async def story() -> None:
        scene = Scene(ledger)
        await ledger.remember(MARK, NOW - 600)
        records = [a_record("i_ack", -100, "ack"), a_record("i_comm", -50, "comm")]
        # The timeline is a little off, and has what no webhook was subscribed for.
        entries = [an_entry("i_comm", -49), an_entry("i_rslv", -70), an_entry("i_ack", -101)]
        lay_out(scene.api, records, entries)

        reconciled = await scene.look()

        assert reconciled is not None
        assert (reconciled.since, reconciled.until) == (NOW - 900, NOW - 30)
        assert reconciled.events == 3
        keys = [key.split(":")[0] for _, key in await scene.types()]
        assert keys == ["ack", "timeline", "comm"]
        assert [event.stale for event in await ledger.unmatched(10)] == [False] * 3
        assert scene.woken == 3

    asyncio.run(story())


def test_what_arrived_is_not_taken_again_and_neither_is_what_was_reconciled(
    ledger: SqliteLedger,
) -> None:
    async def story() -> None:
        scene = Scene(ledger)
        await ledger.remember(MARK, NOW - 600)
        arrived = read("incident", str(a_body("i_ack", -100, "ack")).replace("'", '"').encode())
        assert arrived is not None
        await ledger.accept(arrived)
        lay_out(scene.api, [a_record("i_ack", -100, "ack")], [an_entry("i_comm", -49)])
        for events in (1, 0):
            await ledger.remember(MARK, NOW - 600)
            reconciled = await scene.look()
            assert reconciled is not None
            assert reconciled.events == events
        assert [type_ for type_, _ in await scene.types()] == ["i_ack", "i_comm"]
        assert scene.woken == 1

    asyncio.run(story())


def test_what_is_younger_than_the_settling_may_still_arrive(ledger: SqliteLedger) -> None:
    async def story() -> None:
        scene = Scene(ledger)
        await ledger.remember(MARK, NOW - 600)
        lay_out(scene.api, [], [an_entry("i_ack", -29)])
        await scene.look()
        assert await scene.types() == []
        scene.clock.jump(10)
        await scene.look()
        assert [type_ for type_, _ in await scene.types()] == ["i_ack"]

    asyncio.run(story())


@pytest.mark.parametrize("path", [LIST, "/incident/list", "/incident/feed"])
def test_after_a_failure_the_same_span_is_looked_at_again(ledger: SqliteLedger, path: str) -> None:
    async def story() -> None:
        scene = Scene(ledger)
        await ledger.remember(MARK, NOW - 600)
        lay_out(scene.api, [a_record("i_ack", -100, "ack")], [an_entry("i_comm", -49)])
        answer, scene.api.answers[path] = scene.api.answers[path], AWAY
        with pytest.raises(FlashdutyError):
            await scene.look()
        assert await ledger.recall(MARK) == NOW - 600
        assert await scene.types() == []
        scene.api.answers[path] = answer
        reconciled = await scene.look()
        assert reconciled is not None
        assert reconciled.events == 2

    asyncio.run(story())


def test_a_part_that_the_key_may_not_read_is_told_and_keeps_the_other_from_nothing(
    ledger: SqliteLedger,
) -> None:
    async def story() -> None:
        scene = Scene(ledger)
        await ledger.remember(MARK, NOW - 600)
        lay_out(scene.api, [], [an_entry("i_ack", -60)])
        scene.api.answers[LIST] = REFUSED
        reconciled = await scene.look()
        assert reconciled is not None
        assert reconciled.events == 1
        (trouble,) = scene.told.troubles
        assert "AccessDenied: no permission; give the app key's member" in trouble.message
        assert await ledger.recall(MARK) == NOW - 30

    asyncio.run(story())


def test_a_wrong_key_moves_nothing_on(ledger: SqliteLedger) -> None:
    async def story() -> None:
        scene = Scene(ledger)
        await ledger.remember(MARK, NOW - 600)
        scene.api.answers[LIST] = FlashdutyError("Unauthorized", "wrong", status=401)
        with pytest.raises(FlashdutyError):
            await scene.look()
        assert await ledger.recall(MARK) == NOW - 600

    asyncio.run(story())


class EnoughError(Exception):
    """The story is over."""


def test_it_looks_soon_again_after_the_start_then_at_its_pace_and_sooner_after_failures(
    ledger: SqliteLedger,
) -> None:
    slept: list[float] = []
    scene = Scene(ledger)

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        scene.clock.jump(seconds)
        if len(slept) == 3:
            scene.api.answers[LIST] = AWAY
        if len(slept) == 6:
            raise EnoughError

    async def story() -> None:
        with pytest.raises(EnoughError):
            await scene.reconciler(sleep).keep_looking()

    asyncio.run(story())
    assert slept == [60, 300, 300, 300, 300, 300]
    assert [trouble.message for trouble in scene.told.troubles] == [
        "what was missed could not be looked for: NoConnection: refused"
    ] * 3
    progress = [one.get("progress") for one in scene.api.asked("/incident/list")]
    # What happened just before the start had not settled at the first look.
    assert progress == [None, None, "Triggered,Processing", None]


def test_a_start_while_flashduty_is_away_looks_everywhere_until_it_is_back(
    ledger: SqliteLedger,
) -> None:
    slept: list[float] = []
    scene = Scene(ledger)
    scene.api.answers[LIST] = AWAY

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            scene.api.answers.clear()
        if len(slept) == 4:
            raise EnoughError

    async def story() -> None:
        await ledger.remember(MARK, NOW - 600)
        with pytest.raises(EnoughError):
            await scene.reconciler(sleep).keep_looking()

    asyncio.run(story())
    assert slept == [60, 120, 240, 300]
    assert [one.get("progress") for one in scene.api.asked("/incident/list")] == [None, None]


def test_a_ledger_that_refuses_is_told_and_asked_again(
    ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = Scene(ledger)

    async def refuse(*_: Any) -> Any:
        raise LedgerError("disk full")

    async def sleep(_: float) -> None:
        raise EnoughError

    async def story() -> None:
        monkeypatch.setattr(ledger, "recall", refuse)
        with pytest.raises(EnoughError):
            await scene.reconciler(sleep).keep_looking()

    asyncio.run(story())
    assert [trouble.message for trouble in scene.told.troubles] == [
        "what was missed could not be looked for: disk full"
    ]


def test_an_hour_is_asked_for_after_an_hour_away(ledger: SqliteLedger) -> None:
    async def story() -> None:
        scene = Scene(ledger)
        await scene.look()
        scene.clock.jump(3600)
        await scene.look()
        (asked,) = scene.api.asked(LIST)
        assert (asked["start_time"], asked["end_time"]) == (at(-330), at(3570))

    asyncio.run(story())


def test_comments_of_one_moment_are_counted_and_neither_source_hides_one_of_the_other(
    ledger: SqliteLedger,
) -> None:
    async def story() -> None:
        scene = Scene(ledger)
        for seconds, event_id in ((-100.0, "a"), (-99.2, "b")):
            body = orjson.dumps(a_body("i_comm", seconds, event_id))
            arrived = read("incident", body)
            assert arrived is not None
            await ledger.accept(arrived)
        records = [a_record("i_comm", -99.2, "c")]  # at the very time of one that arrived
        times = (-100.0, -99.2, -99.2, -98.5)
        entries = [an_entry("i_comm", seconds, n) for n, seconds in enumerate(times)]
        lay_out(scene.api, records, entries)
        for _ in range(2):
            await ledger.remember(MARK, NOW - 600)
            await scene.look()
        keys = [key for _, key in await scene.types()]
        assert keys[:3] == ["a", "b", "c"]
        assert keys[3:] == [f"timeline:i_comm:{at(-98.5)}:{INCIDENT}:3"]

    asyncio.run(story())


def test_a_press_is_another_event_than_what_the_incident_webhook_told_of_it(
    ledger: SqliteLedger,
) -> None:
    async def story() -> None:
        scene = Scene(ledger)
        await ledger.remember(MARK, NOW - 600)
        known = an_entry("i_custom", -100, 7, integration_id=71)
        unknown = an_entry("i_custom", -90, 7, integration_id=72)
        records = [a_record("i_custom", -100, "c71"), a_record("i_custom", -90, "c72")]
        lay_out(scene.api, records, [unknown, known])
        await scene.look()
        events = await ledger.unmatched(10)
        assert {(event.time, event.action) for event in events} == {
            (at(-100), None),
            (at(-100), "restart-host"),
            (at(-90), None),
        }

    asyncio.run(story())


def test_what_was_accepted_is_judged_although_the_ledger_refuses_the_next(
    ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept_missed = ledger.accept_missed

    async def refuse_comments(event: Event) -> Acceptance:
        if event.type == "i_comm":
            raise LedgerError("disk full")
        return await accept_missed(event)

    async def story() -> None:
        scene = Scene(ledger)
        await ledger.remember(MARK, NOW - 600)
        lay_out(scene.api, [a_record("i_ack", -100, "ack"), a_record("i_comm", -50, "comm")], [])
        monkeypatch.setattr(ledger, "accept_missed", refuse_comments)
        with pytest.raises(LedgerError):
            await scene.look()
        assert scene.woken == 1
        assert await ledger.recall(MARK) == NOW - 600

    asyncio.run(story())


def test_a_clock_that_was_put_back_does_not_keep_it_from_looking(ledger: SqliteLedger) -> None:
    async def story() -> None:
        scene = Scene(ledger)
        await ledger.remember(MARK, NOW + 86400)
        lay_out(scene.api, [], [an_entry("i_ack", -100)])
        reconciled = await scene.look()
        assert reconciled is not None
        assert (reconciled.since, reconciled.events) == (NOW - 330, 1)
        assert [trouble.message for trouble in scene.told.troubles] == [
            "the clock was put back: what was missed longer ago than minutes is not looked for"
        ]
        assert await ledger.recall(MARK) == NOW - 30

    asyncio.run(story())
