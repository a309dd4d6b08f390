"""One run under way: what is in flight, what is waited for, and what a person says meanwhile.

The flow decides, this acts. Every fact is noted in the journal as the flow takes it, and the
journal is written before anything takes effect or is waited for.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from engine.events.event import Event
from engine.playbooks.playbook import OnInterrupt, Step
from engine.playbooks.step_type import Call, Plan, Report, StepType
from engine.runs.attempt import Attempt, attention, end_of, masked, prepared
from engine.runs.change import (
    Begun,
    OrderObeyed,
    RunCancel,
    StepAsk,
    StepPause,
    StepSettle,
    StepStart,
)
from engine.runs.control import Control, Order, Verb
from engine.runs.decision import decision
from engine.runs.fact import Asked, Called, Cancelled, Paused, Settled, Started, cleans_up
from engine.runs.flow import Flow
from engine.runs.happening import StepAsked, StepSettled, StepStarted
from engine.runs.journal import Journal
from engine.runs.move import End, Move, Note, Perform, Wait
from engine.runs.redaction import Redactor
from engine.runs.run import Handed, Outcome, Run, RunState
from engine.runs.slot import Place
from engine.runs.trace import timestamp

MASKED_VALUE: Final = (
    "a value holds a secret, and would be carried on masked; name the secret in the step that "
    "needs it, as secrets.NAME"
)


class Means(Protocol):
    """What a run is carried out with."""

    @property
    def step_types(self) -> Mapping[str, StepType[Any]]: ...
    @property
    def secrets(self) -> Mapping[str, str]: ...
    @property
    def redactor(self) -> Redactor: ...
    @property
    def clock(self) -> Callable[[], float]: ...


@dataclass
class Conduct:
    """Holds what a crash may lose: the rest is in the ledger."""

    means: Means
    journal: Journal
    run: Run
    flow: Flow
    event: Event
    control: Control
    place: Place
    in_flight: dict[str, tuple[Attempt, "asyncio.Task[Report]"]] = field(default_factory=dict)

    async def to_the_end(self) -> End | None:
        """Go on until the flow ends; None when the engine is to stop, or the run rests."""
        try:
            while True:
                self.control.changed.clear()
                if self.control.orders:
                    await self._obey()
                self._collect()
                if self.journal.full:
                    await self.journal.write()
                moves = self.flow.next(self.means.clock())
                if isinstance(moves[0], End) and not self.in_flight:
                    return moves[0]
                if await self._act(moves):
                    continue
                if self.control.stopping.is_set() and not self.in_flight:
                    return None
                if await self._wait(moves):
                    return None
        finally:
            await self._cut(list(self.in_flight))

    # Acting ---------------------------------------------------------------------------------

    async def _act(self, moves: Iterable[Move]) -> bool:
        """Do what can be done at once; False when there is nothing but to wait."""
        for move in moves:
            if isinstance(move, End) or move.step.path in self.in_flight:
                continue
            if isinstance(move, Note):
                if isinstance(move.fact, Settled):
                    self._settle(move.step, move.fact)
                elif self._held:
                    continue
                else:
                    self._hand_over(move.step, move.fact)
                return True
            if isinstance(move, Perform) and not self._held:
                await self._perform(move)
                return True
        return False

    @property
    def _held(self) -> bool:
        return self.control.stopping.is_set() or self.control.paused is not None

    async def _perform(self, move: Perform) -> None:
        step, means = move.step, self.means
        step_type = means.step_types[step.type]
        progress = self.flow.progress.get(step.path)
        before = None if progress is None else progress.started
        started = means.clock() if before is None else before
        call = Call(
            *(self.run.id, step.path, move.attempt, self.event.incident_id),
            started=started,
            limit=_shorter(step.timeout or step_type.timeout, move.deadline, means.clock()),
            again=move.again,
        )
        document = {**move.document, "secrets": means.secrets}
        attempt = prepared(step, step_type, call, document, means.redactor)
        if isinstance(attempt, str):
            outcome = Outcome.UNKNOWN if move.again else Outcome.FAILED
            fact = Settled(step.path, move.attempt, means.clock(), outcome, error=attempt)
            self._settle(step, fact._replace(retryable=False))
            return
        if move.again and not self._may_go_on(attempt):
            return
        plan = attempt.plan
        record = _begun(step, move.attempt, started, plan)
        self.journal.note(
            StepStart(self.run.id, record),
            StepStarted(self.run, step, move.attempt, plan, started),
        )
        begun = Started(step.path, move.attempt, started)
        if attempt.foretold is not None:  # it has no effect, and is over when it begins
            self._take(attempt, attempt.foretold, begun)
            return
        self.flow = self.flow.follow(step, begun)
        await self.journal.write()
        task = asyncio.ensure_future(attempt.performed())
        task.add_done_callback(lambda _: self.control.changed.set())
        self.in_flight[step.path] = (attempt, task)

    def _hand_over(self, step: Step, fact: Called) -> None:
        """Begin to carry out another playbook: there is nothing to perform but its steps."""
        inputs, variables = fact.handed.inputs, fact.handed.variables
        if self.means.redactor.data([inputs, variables]) != [inputs, variables]:
            refused = Settled(fact.path, fact.attempt, fact.at, Outcome.FAILED, retryable=False)
            self._settle(step, refused._replace(error=MASKED_VALUE))
            return
        name = step.parameters["call"]
        plan = Plan(f"carry out {name}", {"call": name, "inputs": inputs})
        record = _begun(step, fact.attempt, fact.at, plan, fact.handed)
        started = StepStarted(self.run, step, fact.attempt, plan, fact.at)
        self.journal.note(StepStart(self.run.id, record), started)
        self.flow = self.flow.follow(step, fact)

    def _may_go_on(self, attempt: Attempt) -> bool:
        """Whether to perform what was under way when the engine died; else it is dealt with."""
        policy, step = attempt.policy, attempt.step
        if policy is OnInterrupt.RETRY or attempt.step_type.finds_out:
            return True
        why = (
            f"it was under way since {timestamp(attempt.call.started)} when the engine stopped, "
            "and nobody knows whether it took effect"
        )
        now = self.means.clock()
        if policy is OnInterrupt.FAIL:
            path, number = step.path, attempt.call.attempt
            unknown = Settled(path, number, now, Outcome.UNKNOWN, error=why, retryable=False)
            self._settle(step, unknown)
        else:
            self._ask(step, attention(step, attempt.call, now, why))
        return False

    # What came back -------------------------------------------------------------------------

    def _collect(self) -> None:
        for path, (attempt, task) in list(self.in_flight.items()):
            if task.done():
                del self.in_flight[path]
                self._take(attempt, task.result())

    def _take(self, attempt: Attempt, report: Report, *before: Started) -> None:
        """`before`: that it began, where the flow does not know it yet."""
        end = end_of(attempt, report, self.means.clock())
        match end:
            case Settled():
                self._settle(attempt.step, end, *before)
            case Paused():
                self.journal.note(StepPause(self.run.id, end))
                self.flow = self.flow.follow(attempt.step, *before, end)
            case Asked():
                self._ask(attempt.step, end, *before)

    def _ask(self, step: Step, asked: Asked, *before: Started) -> None:
        text = self.means.redactor.text(asked.question.text)
        asked = replace(asked, question=replace(asked.question, text=text))
        self.journal.note(StepAsk(self.run.id, asked), StepAsked(self.run, step, asked))
        self.flow = self.flow.follow(step, *before, asked)

    def _settle(self, step: Step, fact: Settled, *before: Started) -> None:
        safe = masked(fact, self.means.redactor, MASKED_VALUE)
        self.journal.note(
            StepSettle(self.run.id, step, safe),
            StepSettled(self.run, step, safe),
        )
        self.flow = self.flow.follow(step, *before, safe)

    # Waiting --------------------------------------------------------------------------------

    async def _wait(self, moves: Iterable[Move]) -> bool:
        """Until something can be done; whether that is so long that the run is left at rest."""
        waits = [
            move
            for move in moves
            if isinstance(move, Wait) and move.step.path not in self.in_flight
        ]
        times = [wait.until for wait in waits if wait.until is not None]
        until = min(times, default=None)
        if self.in_flight:
            self._move(RunState.RUNNING, None)
            await self.journal.write()
            await self._sleep(until)
            return False
        first = min(waits, key=lambda wait: wait.until or float("inf"), default=None)
        if first is not None:
            named = f" ({timestamp(first.until)})" if first.until is not None else ""
            self._move(RunState.WAITING, f"{first.step.title}: {first.reason}{named}")
        elif self.control.paused is not None:
            self._move(RunState.WAITING, self.control.paused)
        self.place.give_back()  # nothing takes effect before it has one again
        await self.journal.write()
        heard = self.control.changed.is_set() or self.control.paused is not None
        if not heard and first is not None and self.place.rests(self.run, until):
            return True
        await self._sleep(until)
        await self.place.take()
        if not self.control.stopping.is_set():
            self._move(RunState.RUNNING, None)
        return False

    def _move(self, state: RunState, reason: str | None) -> None:
        self.run = self.journal.move(self.run, state, reason)

    async def _sleep(self, until: float | None) -> None:
        """Until a time has come, a step has come back or somebody has said something."""
        left = None if until is None else max(0.0, until - self.means.clock())
        with suppress(TimeoutError):
            async with asyncio.timeout(left):
                await self.control.changed.wait()

    # What a person says ---------------------------------------------------------------------

    async def _obey(self) -> None:
        while self.control.orders:
            order = self.control.orders[0]
            if order.verb in (Verb.CANCEL, Verb.CLOSE):
                await self._cancel(order)
            else:
                self._answer(order)
            self.journal.note(OrderObeyed(order))
            self.control.orders.pop(0)

    async def _cancel(self, order: Order) -> None:
        if self.flow.cancelled is not None:
            return
        # Once `finally` has begun, it is too late for anything that comes before it.
        over = any(path.startswith("finally/") for path in self.flow.progress)
        resolved = order.verb is Verb.CLOSE and not over
        cancelled = Cancelled(order.at, f"cancelled by {order.by}", resolved)
        self.journal.note(RunCancel(self.run.id, cancelled))
        self.flow = self.flow.take(cancelled)
        await self.journal.write()  # before anything is cut
        paths = [path for path in self.in_flight if not cleans_up(path)]
        cut = [(path, self.in_flight[path][0]) for path in paths]
        reports = await self._cut(paths)
        for path, attempt in cut:
            report = reports[path]
            if report is not None:
                self._take(attempt, report)
                continue
            number, now = attempt.call.attempt, self.means.clock()
            said = f"{cancelled.reason} while it was under way"
            fact = Settled(path, number, now, Outcome.FAILED, error=said, retryable=False)
            self._settle(attempt.step, fact)

    async def _cut(self, paths: Iterable[str]) -> dict[str, Report | None]:
        """End what is in flight, and what it started; the reports of what had ended by then."""
        cut = {path: self.in_flight.pop(path)[1] for path in paths}
        for task in cut.values():
            task.cancel()
        if cut:
            await asyncio.wait(cut.values())
        return {path: None if task.cancelled() else task.result() for path, task in cut.items()}

    def _answer(self, order: Order) -> None:
        """Settle what waits for a person; what does not wait any more is left as it is."""
        for path, progress in self.flow.progress.items():
            question, step = progress.question, self.flow.playbook.find(path)
            if question is None or step is None or order.path not in (None, path):
                continue
            fact = decision(order, path, progress.attempt, question.kind, self.means.clock())
            if fact is not None:
                self._settle(step, fact)
                return


def _begun(
    step: Step, attempt: int, started: float, plan: Plan, handed: Handed | None = None
) -> Begun:
    told, details = plan.summary, plan.details
    return Begun(step.path, attempt, step.type, step.id, step.name, started, told, details, handed)


def _shorter(timeout: float | None, deadline: float | None, now: float) -> float | None:
    if deadline is None:
        return timeout
    left = max(0.0, deadline - now)
    return left if timeout is None else min(timeout, left)
