"""Writes what a person says into the ledger, beside a running engine.

It is written only if it can be obeyed: what it is about is looked at in the same transaction.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from engine.events.event import LABEL_MAPPING, Event
from engine.problem import EngineError, Problem, nearest
from engine.runs.audit import BY_VERB, Act, AuditEntry
from engine.runs.control import Order, Pause, Verb
from engine.runs.run import Asking, Run, RunState, StepRecord
from engine.runs.trace import timestamp
from engine.store import rows
from engine.store.database import at_once, writing
from engine.store.queries import read_queries
from engine.store.records import Records
from engine.store.words import keep_audit, read_pauses

HURRY: Final = 10.0  # seconds that a person waits for the engine to let go of the file
ANSWERS: Final[Mapping[Asking, frozenset[Verb]]] = {
    Asking.APPROVAL: frozenset({Verb.APPROVE, Verb.REJECT}),
    Asking.ATTENTION: frozenset({Verb.RETRY, Verb.SKIP, Verb.FAIL}),
}
_WAITS_FOR_NONE: Final = {
    Asking.APPROVAL: "waits for no approval",
    Asking.ATTENTION: "needs nobody's attention",
}
_ENDED: Final = {
    RunState.SUCCEEDED: "succeeded",
    RunState.FAILED: "failed",
    RunState.CANCELLED: "was cancelled",
    RunState.SKIPPED: "was skipped",
}
_NAMED_BY: Final = {Asking.APPROVAL: "--step", Asking.ATTENTION: "--at"}


class People:
    """What people say. It is committed when a method returns, or nothing is. All raise EngineError.

    A run is named by its id or the end of it; times are Unix seconds. Whatever is done is in the
    audit trail with it; `whence` says from where, as AuditEntry has it.
    """

    def __init__(
        self, connection: sqlite3.Connection, path: Path, whence: Mapping[str, Any]
    ) -> None:
        self._db = connection
        self._path = path
        self._whence = whence
        self._sql = read_queries()
        self._records = Records(connection)

    def cancel(self, run_id: str, *, by: str, at: float) -> Run:
        """End a run; the engine acts on it, now or at its next start."""
        with self._at_once():
            record = self._records.run(run_id)
            _check_going(record.run)
            if record.cancelled is not None:
                said = f"run {record.run.id} is {record.cancelled.reason}, and about to end"
                raise EngineError(Problem("said-before", said, None, _look(record.run)))
            self._say(record.run, frozenset({Verb.CANCEL}), Verb.CANCEL, by, at, None)
        return record.run

    def answer(
        self, run_id: str, verb: Verb, *, by: str, at: float, step: str | None = None
    ) -> tuple[Run, StepRecord]:
        """Say what becomes of a step that waits: the one of this path or id, or the only one."""
        kind = next(kind for kind, verbs in ANSWERS.items() if verb in verbs)
        with self._at_once():
            record = self._records.run(run_id)
            _check_going(record.run)
            asked = _the_one(record.run, kind, asked_for(record.steps, kind), step)
            self._say(record.run, ANSWERS[kind], verb, by, at, asked.path)
        return record.run, asked

    def pause(self, playbook: str, *, by: str, at: float, reason: str | None) -> Pause:
        """Begin nothing more of a playbook, or of any; the pause in force, which may be older."""
        row = {"playbook": playbook, "by": by, "at": at, "reason": reason}
        with self._at_once():
            if self._db.execute(self._sql["pause"], row).rowcount:
                detail = {} if reason is None else {"reason": reason}
                self._audit(Act.PAUSE, by, at, playbook=playbook, detail=detail)
            return self.pauses()[playbook]

    def resume(self, playbook: str, *, by: str, at: float) -> Pause | None:
        """Take a pause back, if there is one. Failures before now do not count for the breaker."""
        with self._at_once():
            pause = self.pauses().get(playbook)
            self._db.execute(self._sql["resume"], {"playbook": playbook, "by": by, "at": at})
            since = {"was": "not paused"} if pause is None else {"was": pause.said}
            self._audit(Act.RESUME, by, at, playbook=playbook, detail=since)
        return pause

    def pauses(self) -> Mapping[str, Pause]:
        """What is paused, by name; all of it is named EVERYTHING."""
        return read_pauses(self._db, self._sql)

    def playbooks(self) -> Sequence[str]:
        """The names of all playbooks that an engine ever had."""
        return [row["name"] for row in self._db.execute(self._sql["playbook_names"])]

    def replay(self, event_id: str, *, id_: str, by: str, at: float) -> Event:
        """Have an event once more, as a new one that names the other; `id_` is the new one's."""
        with self._at_once():
            first = self._records.event(event_id).event
            if first.source == LABEL_MAPPING:
                said = (
                    f"event {first.id} was a call for labels: nobody waits for its answer any more"
                )
                raise EngineError(Problem("not-again", said, None, "send the call once more"))
            key = f"replay:{first.id}:{id_}"
            event = replace(
                first, id=id_, key=key, received=at, stale=False, own=None, origin=first.id
            )
            self._db.execute(self._sql["insert_event"], rows.event_to_row(event))
            self._audit(Act.REPLAY, by, at, event_id=first.id, made=id_)
        return event

    def repeat(
        self, run_id: str, *, id_: str, by: str, at: float, paths: Iterable[str] | None
    ) -> None:
        """Queue another run for the same event, in which the steps at these paths are done.

        None: none of them is, and `vars` are rendered again.
        """
        row = {"origin": run_id, "id": id_, "created": at, "paths": json.dumps(list(paths or ()))}
        with self._at_once():
            other = self._db.execute(self._sql["unfinished_repeat"], row).fetchone()
            if other is not None:
                said = f"run {other['id']} of the same playbook for the same event is not over"
                hint = "wait for its end, or cancel it"
                raise EngineError(Problem("not-again", said, None, hint))
            reason = f"run {run_id} once more, said {by}"
            self._db.execute(self._sql["insert_repeat"], {**row, "reason": reason})
            self._db.execute(self._sql["repeat_steps"], row)
            if paths is None:
                self._db.execute(self._sql["forget_vars"], row)
            self._audit(Act.RETRY_RUN, by, at, run_id=run_id, made=id_)

    def _say(
        self, run: Run, kind: frozenset[Verb], verb: Verb, by: str, at: float, path: str | None
    ) -> None:
        found = self._db.execute(self._sql["open_orders"], {"run": run.id})
        for known in (rows.order_from_row(row) for row in found):
            if known.verb in kind and known.path in (None, path):
                said = f"{known.by} said '{known.verb.value}' at {timestamp(known.at)}"
                hint = "an engine that works on this ledger does it at once, another at its start"
                raise EngineError(Problem("said-before", f"run {run.id}: {said}", None, hint))
        self._db.execute(
            self._sql["insert_order"], rows.order_to_row(Order(0, run.id, verb, by, at, path))
        )
        self._audit(BY_VERB[verb], by, at, run_id=run.id, path=path)

    def _audit(self, act: Act, by: str, at: float, **more: Any) -> None:
        entry = AuditEntry(act=act, by=by, at=at, whence=self._whence, **more)
        keep_audit(self._db, self._sql, entry)

    def _at_once(self) -> AbstractContextManager[None]:
        return at_once(self._db, self._path, HURRY)


@contextmanager
def open_for_people(path: Path, whence: Mapping[str, Any]) -> Iterator[People]:
    """The ledger of a file that is there, for a word. Raises EngineError."""
    with writing(path, HURRY) as connection:
        yield People(connection, path, whence)


def asked_for(steps: Iterable[StepRecord], kind: Asking) -> Sequence[StepRecord]:
    """The steps that wait for a person to say something of this kind."""
    return [
        step
        for step in steps
        if step.outcome is None and step.question is not None and step.question.kind is kind
    ]


def _the_one(run: Run, kind: Asking, asked: Sequence[StepRecord], named: str | None) -> StepRecord:
    found = [one for one in asked if named is None or named in (one.path, one.id)]
    if len(found) == 1:
        return found[0]
    if not asked:
        said = f"run {run.id} {_WAITS_FOR_NONE[kind]}"
        raise EngineError(Problem("no-question", said, None, _look(run)))
    if found:
        said = f"run {run.id} waits for more than one word"
        hint = f"name the step with {_NAMED_BY[kind]}: {', '.join(one.path for one in found)}"
        raise EngineError(Problem("which-step", said, None, hint))
    known = [name for one in asked for name in (one.path, one.id) if name is not None]
    said = f"step '{named}' of run {run.id} {_WAITS_FOR_NONE[kind]}"
    raise EngineError(Problem("no-question", said, None, nearest(named or "", known)))


def _check_going(run: Run) -> None:
    if run.state.settled:
        said = f"run {run.id} is over: it {_ENDED[run.state]} at {timestamp(run.ended)}"
        raise EngineError(Problem("run-is-over", said, None, _look(run)))


def _look(run: Run) -> str:
    return f"`engine runs show {run.id}` says how it stands"
