"""What a guard would make of a run that is offered now: how a rehearsal asks and says it."""

from collections.abc import Callable
from typing import Any

from engine.playbooks.playbook import Playbook
from engine.runs.lane import Decision, Hold, Restart, Skip, Start
from engine.runs.trace import timestamp

Offer = Callable[[Playbook, str | None], Decision]
"""Asked with the lane of the run, which is None where there is no guard. Changes nothing."""


def as_if_idle(_playbook: Playbook, _lane: str | None) -> Decision:
    """Where nothing is known of other runs."""
    return Start()


def decision_as_json(decision: Decision) -> dict[str, Any]:
    """Stable keys: decision (start, queue, skip or restart), reason, until, cancel.

    `until` is when a cooldown is over, or null; `cancel` are the runs whose place it would take.
    """
    named = {Start: "start", Hold: "queue", Skip: "skip", Restart: "restart"}[type(decision)]
    return {
        "decision": named,
        "reason": getattr(decision, "reason", None),
        "until": timestamp(getattr(decision, "until", None)),
        "cancel": list(decision.cancel) if isinstance(decision, Restart) else [],
    }
