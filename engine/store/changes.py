"""From a change of a run to the statement that keeps it."""

from engine.runs.change import (
    Change,
    OrderObeyed,
    RunBegin,
    RunCancel,
    RunMove,
    StepAsk,
    StepPause,
    StepSettle,
    StepStart,
)
from engine.runs.fact import Asked, Paused
from engine.store import rows


def statement_of(change: Change) -> tuple[str, rows.Parameters]:  # noqa: PLR0911 - one a kind
    """The name of a statement in `sql/queries.sql`, and its parameters."""
    match change:
        case RunMove(run):
            return "update_run", rows.run_to_row(run)
        case RunBegin(run, fact):
            return "begin_run", {**rows.run_to_row(run), "began": rows.began_to_json(fact)}
        case RunCancel(run_id, fact):
            return "cancel_run", {"run": run_id, "cancelled": rows.cancelled_to_json(fact)}
        case StepStart(run_id, record):
            return "start_step", rows.started_to_row(run_id, record)
        case StepPause(run_id, fact):
            return "pause_step", {**_attempt(run_id, fact), "wake": fact.until}
        case StepAsk(run_id, fact):
            question = rows.question_to_json(fact.question)
            return "ask_step", {**_attempt(run_id, fact), "question": question}
        case StepSettle(run_id, record, fact):
            return "settle_step", rows.settled_to_row(run_id, record, fact)
        case OrderObeyed(order):
            return "obey_order", {"seq": order.seq, "at": order.at}


def _attempt(run_id: str, fact: Paused | Asked) -> rows.Parameters:
    return {"run": run_id, "path": fact.path, "attempt": fact.attempt}
