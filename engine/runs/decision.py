"""What a person's order makes of a step that waits for one."""

from engine.runs.control import Order, Verb
from engine.runs.fact import Settled
from engine.runs.run import Asking, Outcome
from engine.runs.trace import timestamp


def decision(order: Order, path: str, attempt: int, kind: Asking, now: float) -> Settled | None:
    """What an order makes of a question of this kind; None when it is no answer to it."""
    answer = {"approved": order.verb is Verb.APPROVE, "by": order.by, "at": timestamp(order.at)}
    match kind, order.verb:
        case Asking.APPROVAL, Verb.APPROVE:
            return Settled(path, attempt, now, Outcome.SUCCEEDED, answer, by=order.by)
        case Asking.APPROVAL, Verb.REJECT:
            said = f"rejected by {order.by}"
            return Settled(
                *(path, attempt, now, Outcome.FAILED, answer, said), retryable=False, by=order.by
            )
        case Asking.ATTENTION, Verb.RETRY:
            said = f"{order.by} had it performed again"
            return Settled(
                *(path, attempt, now, Outcome.UNKNOWN, None, said), again=True, by=order.by
            )
        case Asking.ATTENTION, Verb.SKIP:
            said = f"skipped by {order.by}"
            return Settled(path, attempt, now, Outcome.SKIPPED, None, said, by=order.by)
        case Asking.ATTENTION, Verb.FAIL:
            said = f"{order.by} took it for failed"
            return Settled(
                *(path, attempt, now, Outcome.UNKNOWN, None, said), retryable=False, by=order.by
            )
        case _:
            return None
