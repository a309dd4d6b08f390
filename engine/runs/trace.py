"""The trace: what a run did and why, as one record. The CLI and every report read this."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from engine.runs.run import Run, StepRecord


def timestamp(seconds: float | None) -> str | None:
    """Unix seconds as ISO 8601 in UTC, with milliseconds."""
    if seconds is None:
        return None
    moment = datetime.fromtimestamp(seconds, tz=UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def run_as_json(run: Run) -> dict[str, Any]:
    """Stable keys: id, playbook, version, state, reason, event, created, started, ended, answer."""
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
    }


def trace(run: Run, variables: Mapping[str, Any], steps: Iterable[StepRecord]) -> dict[str, Any]:
    """The whole record of a run: the run's keys, its `vars`, and `steps` in the order they went."""
    return {
        **run_as_json(run),
        "vars": dict(variables),
        "steps": [step_as_json(record) for record in steps],
    }
