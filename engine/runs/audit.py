"""The audit trail: what people had the engine do, who they are, and from where they said it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from engine.events.event import Event
from engine.runs.control import Order, Verb
from engine.runs.trace import timestamp

_LONGEST: Final = 200  # characters of what a payload says of a person


class Act(Enum):
    """What a person did."""

    PAUSE = "pause"  # nothing more of a playbook begins
    RESUME = "resume"  # it goes on
    CANCEL = "cancel"  # a run is to end
    APPROVE = "approve"  # a step that waits for it goes on
    REJECT = "reject"  # it has failed
    RETRY_STEP = "retry-step"  # a step that nobody knows about is performed again
    SKIP_STEP = "skip-step"  # it is skipped
    FAIL_STEP = "fail-step"  # it has failed
    RETRY_RUN = "retry-run"  # a run is carried out once more, by another run
    REPLAY = "replay"  # an event is had once more, as another event
    PRUNE = "prune"  # what is over is forgotten by other limits than those of the config


BY_VERB: Final[Mapping[Verb, Act]] = {
    Verb.CANCEL: Act.CANCEL,
    Verb.APPROVE: Act.APPROVE,
    Verb.REJECT: Act.REJECT,
    Verb.RETRY: Act.RETRY_STEP,
    Verb.SKIP: Act.SKIP_STEP,
    Verb.FAIL: Act.FAIL_STEP,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One act. It is committed with what it did, or neither is. Times are Unix seconds.

    `whence` says from where: for a command `user`, `login`, `sudo`, `tty`, `ssh`, `host` and `pid`
    as far as they are known; for a button of Flashduty `event`, `action`, `person` and `email`.
    """

    at: float
    act: Act
    by: str  # the name that is shown, which `--by` may have said
    whence: Mapping[str, Any]
    playbook: str | None = None  # EVERYTHING: all of them
    run_id: str | None = None
    path: str | None = None
    event_id: str | None = None
    made: str | None = None  # the run or the event that came of it
    detail: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Stable keys: at, act, by, from, playbook (null for all), run, step, event, made, detail.

        `from` is `whence`.
        """
        return {
            "at": timestamp(self.at),
            "act": self.act.value,
            "by": self.by,
            "from": dict(self.whence),
            "playbook": self.playbook or None,
            "run": self.run_id,
            "step": self.path,
            "event": self.event_id,
            "made": self.made,
            "detail": dict(self.detail),
        }


def pressed(order: Order, event: Event) -> AuditEntry | None:
    """What somebody said to a run by a button of Flashduty; None for what no person said."""
    if order.verb not in (Verb.APPROVE, Verb.REJECT):
        return None
    person: Any = event.payload.get("person")
    email = person.get("email") if isinstance(person, Mapping) else None
    whence = {"event": event.id, "action": event.action, "person": event.person_id}
    if isinstance(email, str):
        whence["email"] = email[:_LONGEST]
    return AuditEntry(
        at=order.at,
        act=BY_VERB[order.verb],
        by=order.by[:_LONGEST],
        whence=whence,
        run_id=order.run_id,
        path=order.path,
    )
