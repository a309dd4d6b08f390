"""The trace: what a run did and why, as one record. The CLI and every report read this."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from engine.runs.fact import Cancelled
from engine.runs.run import Question, Run, StepRecord


def timestamp(seconds: float | None) -> str | None:
    """Unix seconds as ISO 8601 in UTC, with milliseconds."""
    if seconds is None:
        return None
    moment = datetime.fromtimestamp(seconds, tz=UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def run_as_json(run: Run) -> dict[str, Any]:
    """Stable keys; `origin` is the run that this one repeats, or null."""
    return {
        "id": run.id,
        "playbook": run.playbook,
        "version": run.version,
        "state": run.state.value,
        "reason": run.reason,
        "event": run.event_id,
        "created": timestamp(run.created),
        "started": timestamp(run.started),
        "ended": timestamp(run.ended),
        "answer": None if run.answer is None else dict(run.answer),
        "origin": run.origin,
    }


def step_as_json(record: StepRecord) -> dict[str, Any]:
    """Stable keys; `outcome` is null while the step is going on."""
    return {
        "path": record.path,
        "id": record.id,
        "name": record.name,
        "type": record.type,
        "outcome": record.outcome.value if record.outcome else None,
        "attempt": record.attempt,
        "started": timestamp(record.started),
        "ended": timestamp(record.ended),
        "plan": record.plan,
        "request": record.request,
        "result": record.result,
        "error": record.error,
        "repeats": record.repeats,
        "question": None if record.question is None else question_as_json(record.question),
        "by": record.by,
    }


def question_as_json(question: Question) -> dict[str, Any]:
    """Stable keys. `otherwise` is whether the step goes on when `until` comes."""
    return {
        "kind": question.kind.value,
        "text": question.text,
        "at": timestamp(question.at),
        "until": timestamp(question.until),
        "otherwise": question.otherwise,
    }


def trace(
    run: Run,
    variables: Mapping[str, Any],
    steps: Iterable[StepRecord],
    cancelled: Cancelled | None = None,
) -> dict[str, Any]:
    """The whole record of a run: the run's keys, its `vars`, and `steps` in the order they went.

    `cancelled` is null, or when and why it is to end.
    """
    said = (
        None if cancelled is None else {"at": timestamp(cancelled.at), "reason": cancelled.reason}
    )
    return {
        **run_as_json(run),
        "cancelled": said,
        "vars": dict(variables),
        "steps": [step_as_json(record) for record in steps],
    }
