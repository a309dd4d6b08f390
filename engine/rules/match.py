"""A trigger: which events, and the condition on them; and its verdict on one event."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.rules.condition import Answer, Condition, Verdict
from engine.rules.explain import decide


@dataclass(frozen=True, slots=True)
class Trigger:
    """What starts a playbook. Left out means any."""

    events: tuple[str, ...] = ()
    action: str | None = None
    when: Condition | None = None

    def judge(self, document: Mapping[str, Any]) -> Verdict:
        """Yes, no or cannot tell, over an event's document, with the reason for a no."""
        event = document["event"]
        if self.events and event["type"] not in self.events:
            wanted = " or ".join(self.events)
            return Verdict(Answer.NO, f"the event's type is {event['type']}, not {wanted}")
        if self.action is not None and event["action"] != self.action:
            came = f"action {event['action']}" if event["action"] else "no action"
            return Verdict(Answer.NO, f"the event came by {came}, not {self.action}")
        if self.when is None:
            return Verdict(Answer.YES)
        return decide(self.when, document)
