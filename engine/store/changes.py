"""From the changes of runs to the statements that keep them, as few as will do.

Why few: see `arrivals`.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Final

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
from engine.runs.fact import Asked, Began, Paused
from engine.runs.run import Run
from engine.store import rows
from engine.store.queries import in_every_size, in_sizes, read_queries

_OF_STEPS: Final = (StepStart, StepPause, StepAsk, StepSettle)
_OF_STEP_ROWS: Final = ("step_at_once", "start_step", "settle_step")
_OF_RUN_ROWS: Final = ("begin_and_move_run", "update_run")

Statement = tuple[str, list[rows.Parameters]]  # its name in `sql/queries.sql`, and for which rows


class Changes:
    """The statements of one ledger that keep what changed in its runs."""

    def __init__(self) -> None:
        self._sql = read_queries()
        names = (*_OF_STEP_ROWS, *_OF_RUN_ROWS)
        self._several = {name: in_every_size(self._sql[name]) for name in names}

    def keep(self, db: sqlite3.Connection, given: Sequence[Sequence[Statement]]) -> list[None]:
        """Those of several runs: what is alike is done together, each run in its own order."""
        for alike in zip_longest(*given):
            together: dict[str, list[rows.Parameters]] = {}
            for name, parameters in (one for one in alike if one is not None):
                together.setdefault(name, []).extend(parameters)
            for name, parameters in together.items():
                self._do(db, name, parameters)
        return [None] * len(given)

    def _do(self, db: sqlite3.Connection, name: str, parameters: list[rows.Parameters]) -> None:
        if name not in self._several or (name in _OF_RUN_ROWS and _some_twice(parameters)):
            db.executemany(self._sql[name], parameters)
            return
        for some in in_sizes(parameters):
            several = self._several[name][len(some)]
            db.execute(several.statement, several.parameters(some))


def statements_of(changes: Sequence[Change]) -> list[Statement]:
    """What leaves the rows as the changes of a run would, one after another."""
    statements: list[Statement] = []
    for name, row in _statements(changes):
        if statements and statements[-1][0] == name:
            statements[-1][1].append(row)
        else:
            statements.append((name, [row]))
    return statements


def _statements(changes: Sequence[Change]) -> Iterator[tuple[str, rows.Parameters]]:
    """One a change, but for what is over when it begins: a whole run, an attempt at a step.

    And for an attempt that waits for its time when it begins.
    """
    match changes:
        case [RunBegin(begun, fact), *steps, RunMove(run)] if run.id == begun.id and all(
            isinstance(one, _OF_STEPS) for one in steps
        ):
            yield "begin_and_move_run", _begun(run, fact)
            changes = steps
    start: StepStart | None = None  # that is not said yet: what comes next may be its end
    for change in changes:
        if start is not None:
            row = rows.started_to_row(start.run_id, start.record)
            if isinstance(change, StepSettle | StepPause) and _same_attempt(start, change):
                if isinstance(change, StepSettle):
                    yield "step_at_once", row | rows.outcome_to_row(change.fact)
                else:
                    yield "start_step", row | {"wake": change.fact.until}
                start = None
                continue
            yield "start_step", row
        start = change if isinstance(change, StepStart) else None
        if start is None:
            yield _statement(change)
    if start is not None:
        yield _statement(start)


def _same_attempt(start: StepStart, then: StepPause | StepSettle) -> bool:
    begun, fact = start.record, then.fact
    same = begun.path == fact.path and begun.attempt == fact.attempt
    return same and start.run_id == then.run_id


def _some_twice(parameters: Sequence[rows.Parameters]) -> bool:
    """Whether one statement would have to say two things of a run."""
    return len({row["id"] for row in parameters}) < len(parameters)


def _begun(run: Run, fact: Began) -> rows.Parameters:
    return {**rows.run_to_row(run), "began": rows.began_to_json(fact)}


def _statement(change: Change) -> tuple[str, rows.Parameters]:  # noqa: PLR0911 - one a kind
    match change:
        case RunMove(run):
            return "update_run", rows.run_to_row(run)
        case RunBegin(run, fact):
            return "begin_run", _begun(run, fact)
        case RunCancel(run_id, fact):
            return "cancel_run", {"run": run_id, "cancelled": rows.cancelled_to_json(fact)}
        case StepStart(run_id, record):
            return "start_step", rows.started_to_row(run_id, record)
        case StepPause(run_id, fact):
            return "pause_step", {**_attempt(run_id, fact), "wake": fact.until}
        case StepAsk(run_id, fact):
            question = rows.question_to_json(fact.question)
            return "ask_step", {**_attempt(run_id, fact), "question": question}
        case StepSettle(run_id, step, fact):
            return "settle_step", rows.settled_to_row(run_id, step, fact)
        case OrderObeyed(order):
            return "obey_order", {"seq": order.seq, "at": order.at}


def _attempt(run_id: str, fact: Paused | Asked) -> rows.Parameters:
    return {"run": run_id, "path": fact.path, "attempt": fact.attempt}
