"""A trigger: which events, and the condition on them; and its verdict on one event."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from engine.events.event import LABEL_MAPPING
from engine.rules.condition import Answer, Condition, Verdict
from engine.rules.explain import decide

RECONCILED: Final = "reconciled"  # the `event.source` of what was found out after it was missed
PRESSED: Final = "custom-action"  # the `event.source` of a button that a person pressed
TOLD_BY_TIMELINE: Final = "timeline:"  # how the `key` begins of what has no event_id of its own
LATEST: Final = 900.0  # seconds: how late a missed event may start something


@dataclass(frozen=True, slots=True)
class Trigger:
    """What starts a playbook. Left out means any."""

    events: tuple[str, ...] = ()
    action: str | None = None
    when: Condition | None = None
    stale: bool | None = None  # whether to take stale events; None: all but those of webhooks
    own: bool = False  # whether to take what the engine itself caused
    reconcile: bool = False  # whether to take what was missed and found out later
    max_age: float | None = None  # seconds; None: any, and LATEST for what was missed
    never: bool = False  # whether no event starts it: other playbooks call it
    answers: bool = False  # whether to take calls that wait for labels, and nothing else

    def judge(self, document: Mapping[str, Any], now: float) -> Verdict:
        """Yes, no or cannot tell, over an event's document, with the reason for a no.

        `now` is Unix seconds: some triggers take no old events.
        """
        if self.never:
            return Verdict(Answer.NO, "it has no trigger: other playbooks call it")
        event = document["event"]
        for against in (
            self.against_type,
            self.against_action,
            self.against_call,
            self.against_own,
            self.against_missed,
            self.against_stale,
        ):
            verdict = against(event)
            if verdict is not None:
                return verdict
        verdict = self.against_age(event, now)
        if verdict is not None:
            return verdict
        if self.when is None:
            return Verdict(Answer.YES)
        return decide(self.when, document)

    def against_type(self, event: Mapping[str, Any]) -> Verdict | None:
        """What speaks against the event's type; None: nothing, as in each of these."""
        if not self.events or event["type"] in self.events:
            return None
        wanted = " or ".join(self.events)
        return Verdict(Answer.NO, f"the event's type is {event['type']}, not {wanted}")

    def against_action(self, event: Mapping[str, Any]) -> Verdict | None:
        """What speaks against the button that was pressed."""
        if self.action is None or event["action"] == self.action:
            return None
        came = f"action {event['action']}" if event["action"] else "no action"
        return Verdict(Answer.NO, f"the event came by {came}, not {self.action}")

    def against_call(self, event: Mapping[str, Any]) -> Verdict | None:
        """A call waits for labels: who has none to give must not take it, nor the other way."""
        source = event["source"]
        if (source == LABEL_MAPPING) == self.answers:
            return None
        if self.answers:
            return Verdict(
                Answer.NO, f"the playbook answers calls for labels; the event came by {source}"
            )
        return Verdict(Answer.NO, "the event asks for labels; `answer: labels` takes such events")

    def against_own(self, event: Mapping[str, Any]) -> Verdict | None:
        """What the engine itself caused could start it in a circle."""
        if event["own"] and not self.own:
            return Verdict(
                Answer.NO, "the engine itself caused this event; `own: true` takes such events"
            )
        # A button that a person pressed has to work whether or not Flashduty's API answers; what
        # a webhook tells may be the echo of our own comment, and would start us in a circle.
        if event["own"] is None and not self.own and event["source"] != PRESSED:
            return Verdict(
                Answer.CANNOT_TELL,
                "whether the engine itself caused this event is not known: Flashduty has not said "
                "yet whose app key it uses",
            )
        return None

    def against_missed(self, event: Mapping[str, Any]) -> Verdict | None:
        """What was missed and found out later is for those that ask for it."""
        if event["source"] != RECONCILED or self.reconcile:
            return None
        return Verdict(
            Answer.NO,
            "the event was missed and found out later; `reconcile: true` takes such events",
        )

    def against_stale(self, event: Mapping[str, Any]) -> Verdict | None:
        """What speaks against an event that a newer one overtook."""
        takes_stale = self.stale
        if takes_stale is None:
            takes_stale = event["source"] in (PRESSED, RECONCILED)
        if not event["stale"] or takes_stale:
            return None
        return Verdict(
            Answer.NO, "a newer event of the same subject came first; `stale: run` takes both"
        )

    def against_age(self, event: Mapping[str, Any], now: float) -> Verdict | None:
        """What speaks against an event as old as this one is at `now`."""
        latest = self.max_age
        if latest is None and event["source"] == RECONCILED:
            latest = LATEST
        if latest is None or event["time"] is None:
            return None
        age = now - event["time"] / 1000
        if age <= latest:
            return None
        old, most = timedelta(seconds=round(age)), timedelta(seconds=latest)
        return Verdict(Answer.NO, f"the event is {old} old (h:mm:ss), and `max_age` is {most}")


def one_answers(verdicts: Sequence[tuple[str, Verdict]]) -> list[Verdict]:
    """The verdicts of (playbook, verdict) on a call for labels: the first yes is the only one."""
    first = next((playbook for playbook, verdict in verdicts if verdict.yes), None)
    return [
        Verdict(Answer.NO, f"{first} answers this call")
        if verdict.yes and playbook != first
        else verdict
        for playbook, verdict in verdicts
    ]
