"""The only doors between rows and values."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

import orjson

from engine.events.event import Event
from engine.playbooks.playbook import Playbook, PlaybookText
from engine.rules.condition import Answer, Verdict
from engine.runs.audit import Act, AuditEntry
from engine.runs.change import Beginning, Named
from engine.runs.control import Order, Pause, Verb
from engine.runs.fact import Began, Cancelled, Settled
from engine.runs.ledger import Judgement
from engine.runs.run import Asking, Handed, Outcome, Question, Run, RunState, StepRecord

Parameters = dict[str, Any]
Row = sqlite3.Row | Parameters  # one that was read

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str)
# orjson is many times as fast; here it leaves to the other one what it would write in its own way.
_AS_THE_ENCODER: Final = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME


def to_json(value: Any) -> str:
    """JSON as the ledger keeps it. What JSON cannot hold is kept as the text it shows."""
    try:
        text = orjson.dumps(value, option=_AS_THE_ENCODER).decode()
    except TypeError:  # what JSON cannot hold, a lone surrogate, a number of more than 64 bits
        return to_text(_ENCODER.encode(value))
    # It may stand for a NaN, which is like nothing; Python writes and reads it as what it is.
    if "null" in text and orjson.loads(text) != value:
        return to_text(_ENCODER.encode(value))
    return text


def to_text(text: str) -> str:
    """Text as SQLite takes it: a lone surrogate is legal in Python and illegal in UTF-8."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def event_to_row(event: Event) -> Parameters:
    """The parameters of `insert_event`."""
    return {
        "id": event.id,
        "source": event.source,
        "action": event.action or "",
        "key": event.key,
        "type": event.type,
        "time": event.time,
        "incident": event.incident_id,
        "query": to_json(dict(event.query)) if event.query else "{}",
        "headers": to_json(dict(event.headers)) if event.headers else "{}",
        "payload": _payload_to_json(event.payload),
        "received": event.received,
        "subject": event.subject,
        "origin": event.origin,
    }


def event_from_row(row: Row, *, known_before: bool = False) -> Event:
    """An event as it was accepted."""
    return Event(
        id=row["id"],
        source=row["source"],
        action=row["action"] or None,
        key=row["key"],
        type=row["type"],
        time=row["time"],
        query=orjson.loads(row["query"]),
        headers=orjson.loads(row["headers"]),
        payload=_payload_from_json(row["payload"]),
        received=row["received"],
        stale=bool(row["stale"]),
        known_before=known_before,
        own=None if row["own"] is None else bool(row["own"]),
        origin=row["origin"],
    )


def _payload_to_json(payload: Mapping[str, Any]) -> str:
    """The same JSON, by what read most payloads: it is many times as fast."""
    try:
        return orjson.dumps(payload).decode()
    except TypeError:  # a lone surrogate, a number of more than 64 bits: they came by another way
        return to_json(payload)


def _payload_from_json(text: str) -> dict[str, Any]:
    payload: dict[str, Any]
    try:
        payload = orjson.loads(text)
    except orjson.JSONDecodeError:  # NaN
        payload = json.loads(text)
    return payload


def match_to_row(
    event: Event, judgements: Sequence[Judgement], at: float, judged_by: int | None
) -> Parameters:
    """The parameters of `match_event`."""
    kept = to_json([judgement_to_json(judgement) for judgement in judgements])
    return {
        "id": event.id,
        "at": at,
        "judgements": kept,
        "judged_by": judged_by,
        "own": event.own,
    }


def judgement_to_json(judgement: Judgement) -> dict[str, Any]:
    """One verdict as the ledger and the CLI show it."""
    return {
        "playbook": judgement.playbook,
        "version": judgement.version,
        "answer": judgement.verdict.answer.value,
        "reason": judgement.verdict.reason,
    }


def judgements_from_row(row: sqlite3.Row) -> list[Judgement]:
    """The verdicts on an event that were kept; empty while it is unmatched."""
    return [
        Judgement(
            item["playbook"], item["version"], Verdict(Answer(item["answer"]), item["reason"])
        )
        for item in json.loads(row["judgements"] or "[]")
    ]


def run_to_row(run: Run) -> Parameters:
    """The parameters of `insert_run` and `update_run`."""
    return {
        "id": run.id,
        "playbook": run.playbook,
        "version": run.version,
        "event": run.event_id,
        "state": run.state.value,
        "lane": None if run.lane is None else to_text(run.lane),
        "reason": None if run.reason is None else to_text(run.reason),
        "created": run.created,
        "started": run.started,
        "ended": run.ended,
        "answer": None if run.answer is None else to_json(dict(run.answer)),
        "origin": run.origin,
    }


def run_from_row(row: sqlite3.Row) -> Run:
    """A run as it stands."""
    return Run(
        id=row["id"],
        playbook=row["playbook"],
        version=row["version"],
        event_id=row["event"],
        state=RunState(row["state"]),
        lane=row["lane"],
        reason=row["reason"],
        created=row["created"],
        started=row["started"],
        ended=row["ended"],
        answer=None if row["answer"] is None else json.loads(row["answer"]),
        origin=row["origin"],
    )


def playbook_to_row(playbook: Playbook, commit: str | None) -> Parameters:
    """The parameters of `insert_playbook`."""
    kept = playbook.kept
    return {
        "version": playbook.version,
        "name": playbook.name,
        "file": kept.file,
        "text": kept.text,
        "calls": to_json(kept.calls) if kept.calls else None,
        "commit": commit,
    }


def playbook_from_row(row: sqlite3.Row) -> PlaybookText:
    """A version as it was kept."""
    calls = json.loads(row["calls"] or "[]")
    pairs = tuple((text, file) for text, file in calls)
    return PlaybookText(row["text"], row["file"], pairs, row["git_commit"])


def began_to_json(fact: Began) -> str:
    """What a run began with."""
    return to_json({"at": fact.at, "vars": dict(fact.variables), "error": fact.error})


def began_from_row(row: Row) -> Began | None:
    """None for a run that has not begun."""
    if row["began"] is None:
        return None
    began: Mapping[str, Any] = json.loads(row["began"])
    return Began(began["at"], began["vars"], began["error"])


def started_to_row(run_id: str, record: Beginning) -> Parameters:
    """The parameters of `start_step`; until a time has come where `wake` says so."""
    return {
        "run": run_id,
        "path": record.path,
        "attempt": record.attempt,
        "type": record.type,
        "id": record.id,
        "name": record.name,
        "plan": None if record.plan is None else to_text(record.plan),
        "request": None if record.request is None else to_json(record.request),
        "started": record.started,
        "handed": None if record.handed is None else to_json(asdict(record.handed)),
        "wake": record.wake,
    }


def settled_to_row(run_id: str, step: Named, fact: Settled) -> Parameters:
    """The parameters of `settle_step`."""
    return {
        "run": run_id,
        "path": fact.path,
        "attempt": fact.attempt,
        "type": step.type,
        "id": step.id,
        "name": step.name,
        **outcome_to_row(fact),
    }


def outcome_to_row(fact: Settled) -> Parameters:
    """Those of them that say how the attempt ended."""
    return {
        "ended": fact.at,
        "outcome": fact.outcome.value,
        "result": None if fact.result is None else to_json(fact.result),
        "error": None if fact.error is None else to_text(fact.error),
        "retryable": int(fact.retryable),
        "variables": to_json(dict(fact.variables)) if fact.variables else None,
        "stops": int(fact.stops),
        "again": int(fact.again),
        "by": fact.by,
    }


def question_to_json(question: Question) -> str:
    """What a person is asked."""
    return to_json({**asdict(question), "kind": question.kind.value})


def cancelled_to_json(fact: Cancelled) -> str:
    """When a run was cancelled, and by whom."""
    return to_json(asdict(fact))


def cancelled_from_row(row: Row) -> Cancelled | None:
    """None for a run that nobody cancelled."""
    return None if row["cancelled"] is None else Cancelled(**json.loads(row["cancelled"]))


def order_to_row(order: Order) -> Parameters:
    """The parameters of `insert_order`; the ledger gives it its place."""
    return {
        "run": order.run_id,
        "verb": order.verb.value,
        "path": order.path,
        "by": order.by,
        "at": order.at,
    }


def order_from_row(row: sqlite3.Row) -> Order:
    """What a person said to a run."""
    return Order(row["seq"], row["run"], Verb(row["verb"]), row["by"], row["at"], row["path"])


def pause_from_row(row: sqlite3.Row) -> Pause:
    """A playbook of which nothing more begins."""
    return Pause(row["playbook"], row["by"], row["at"], row["reason"])


def audit_to_row(entry: AuditEntry) -> Parameters:
    """The parameters of `insert_audit`."""
    return {
        "at": entry.at,
        "act": entry.act.value,
        "by": to_text(entry.by),
        "whence": to_json(dict(entry.whence)),
        "playbook": entry.playbook,
        "run": entry.run_id,
        "path": entry.path,
        "event": entry.event_id,
        "made": entry.made,
        "detail": to_json(dict(entry.detail)) if entry.detail else None,
    }


def audit_from_row(row: sqlite3.Row) -> AuditEntry:
    """What a person did."""
    return AuditEntry(
        at=row["at"],
        act=Act(row["act"]),
        by=row["by"],
        whence=json.loads(row["whence"]),
        playbook=row["playbook"],
        run_id=row["run"],
        path=row["path"],
        event_id=row["event"],
        made=row["made"],
        detail=json.loads(row["detail"] or "{}"),
    )


def step_from_row(row: Row) -> StepRecord:
    """One attempt at one step."""
    return StepRecord(
        path=row["path"],
        attempt=row["attempt"],
        type=row["type"],
        id=row["id"],
        name=row["name"],
        started=row["started"],
        ended=row["ended"],
        outcome=Outcome(row["outcome"]) if row["outcome"] else None,
        result=None if row["result"] is None else json.loads(row["result"]),
        error=row["error"],
        retryable=bool(row["retryable"]),
        variables=None if row["variables"] is None else json.loads(row["variables"]),
        stops=bool(row["stops"]),
        wake=row["wake"],
        handed=None if row["handed"] is None else Handed(**json.loads(row["handed"])),
        plan=row["plan"],
        request=None if row["request"] is None else json.loads(row["request"]),
        repeats=row["repeats"],
        question=_question(row["question"]),
        again=bool(row["again"]),
        by=row["by"],
    )


def _question(text: str | None) -> Question | None:
    if text is None:
        return None
    kept: dict[str, Any] = json.loads(text)
    return Question(**{**kept, "kind": Asking(kept["kind"])})
