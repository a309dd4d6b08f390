"""Whatever is done to an incident, its state, its timeline and what is told of it agree."""

from typing import Any

import orjson
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from engine.flashduty.simulated.account import SimulatedAccount
from engine.flashduty.simulated.webhooks import INCIDENT_EVENTS, Webhook

ID = "6551f3888713372ad1054d57"
PEOPLE = (1552048792504, 1234648032504, 1999632289504)
people = st.sampled_from(PEOPLE)


class IncidentStory(RuleBasedStateMachine):
    """An incident with two alerts, and people who do things to it in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_795_000_000.0
        self.account = SimulatedAccount(lambda: self.now)
        alerts = [{"alert_id": f"{number:024x}"} for number in range(2)]
        self.account.add_incident({"incident_id": ID, "alerts": alerts, "title": "nj"})
        self.account.add_webhook(Webhook("incident", "http://127.0.0.1:1/"))
        self.told: list[dict[str, Any]] = []

    @property
    def info(self) -> dict[str, Any]:
        return self.account.incident(ID)

    @rule(person=people, what=st.sampled_from(["acknowledge", "unacknowledge", "resolve", "wake"]))
    def do(self, person: int, what: str) -> None:
        with self.account.acting_as(person):
            getattr(self.account, what)([ID])

    @rule(person=people)
    def reopen(self, person: int) -> None:
        with self.account.acting_as(person):
            self.account.reopen([ID], "Again.")

    @rule(person=people, minutes=st.integers(1, 3))
    def snooze(self, person: int, minutes: int) -> None:
        with self.account.acting_as(person):
            self.account.snooze([ID], minutes)

    @rule(person=people, to=st.lists(people, min_size=1, unique=True))
    def assign(self, person: int, to: list[int]) -> None:
        self.account.cases.incident(ID).assign(person, {"type": "assign"}, to)

    @rule(seconds=st.integers(1, 120))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @invariant()
    def who_acknowledged_is_who_works_on_it(self) -> None:
        info = self.info
        at_work = any(one["acknowledged_at"] for one in info["responders"])
        if info["progress"] == "Triggered":
            assert not at_work
            assert info["ack_time"] == 0
        if info["progress"] == "Processing":
            assert info["ack_time"] > 0

    @invariant()
    def closed_is_closed_in_every_respect(self) -> None:
        info = self.info
        closed = info["progress"] == "Closed"
        assert closed == (info["close_time"] > 0) == (info["closer_id"] > 0)
        assert not (closed and info["snoozed_before"])
        assert info["end_time"] == 0
        if closed:
            assert info["active_alert_cnt"] == 0
            assert {one["progress"] for one in self.account.alerts(ID)} == {"Closed"}

    @invariant()
    def a_snooze_is_never_over(self) -> None:
        assert self.info["snoozed_before"] == 0 or self.info["snoozed_before"] > self.now

    @invariant()
    def every_event_of_the_timeline_was_told_in_its_order(self) -> None:
        outbox = self.account.webhooks.outbox
        while not outbox.empty():
            self.told.append(orjson.loads(outbox.get_nowait().body))
        recorded = [
            (entry["type"], entry["created_at"], entry["creator_id"])
            for entry in self.account.feed(ID)[1:]
            if entry["type"] in INCIDENT_EVENTS
        ]
        assert recorded == [
            (one["event_type"], one["event_time"], one["person"]["person_id"]) for one in self.told
        ]
        assert len({one["event_id"] for one in self.told}) == len(self.told)


TestIncidentStory = IncidentStory.TestCase
TestIncidentStory.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
