"""Walks a playbook with the progress of its steps: where it stands, and what can be done there.

Pure, as the flow is, whose inside this is. A walk begins at the first step each time and passes
over what is settled; it keeps nothing but what it is given.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from engine.playbooks.playbook import Foreach, Playbook, Section, Step
from engine.rules.undecided import CannotTellError
from engine.runs.course import Course
from engine.runs.fact import Called, Settled
from engine.runs.handing import handed_to
from engine.runs.moment import Moment, StepMove
from engine.runs.move import Document, Note
from engine.runs.progress import UNBEGUN, Progress
from engine.runs.run import Outcome
from engine.runs.scope import Scope, shown_result
from engine.runs.stand import Broken, Done, Failure, Left, Open, Over, Stand, Stopped

MOST_ITEMS: Final = 1000  # of one `foreach`
NOT_DONE: Final = (Outcome.FAILED, Outcome.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Walk:
    """One walk through a section. `shows` makes the document of a scope, an attempt, a failure."""

    moment: Moment
    progress: Mapping[str, Progress]
    begun: frozenset[str]  # the paths of steps of whose inside something has begun
    held: Mapping[str, float]  # seconds that a person's attention took, by the step's path
    shows: Callable[[Scope, int, Failure | None], Document]
    failure: Failure | None = None  # what `on_failure` and `finally` are told

    def sees(self, scope: Scope, attempt: int) -> Document:
        """The document of a step in this section."""
        return self.shows(scope, attempt, self.failure)

    def sequence(self, steps: Sequence[Step], scope: Scope, *, halted: bool = False) -> Stand:
        """Steps one after another, until one is not done. `halted`: nothing may begin any more."""
        for step in steps:
            stand = self.step(step, scope, halted=halted)
            if not isinstance(stand, Done):
                return stand
            scope = stand.scope
        return Done(scope)

    def step(self, step: Step, scope: Scope, *, halted: bool = False) -> Stand:
        """One step, whatever it is."""
        progress = self.progress.get(step.path, UNBEGUN)
        several = bool(step.branches) or step.foreach is not None
        settled = progress.settled
        if settled is not None and not (several and step.path in self.begun):
            return self._closed(step, settled, scope, settled.result)
        if several:
            return self._several(step, settled, scope, halted=halted)
        if step.called is not None:
            return self._call(step, step.called, progress, scope, halted=halted)
        document = self.sees(scope, progress.due)
        move = self.moment.move(step, progress, document, halted=halted)
        return Left(scope) if move is None else Open((move,))

    def _several(self, step: Step, settled: Settled | None, scope: Scope, *, halted: bool) -> Stand:
        if step.path not in self.begun:
            if halted or self.moment.ended is not None:
                return Left(scope)
            refused = self.moment.gate(step, self.sees(scope, 1))
            if refused is not None:
                return Open((refused,))
        if step.foreach is not None:
            return self._foreach(step, step.foreach, settled, scope, halted=halted)
        return self._parallel(step, settled, scope, halted=halted)

    def _call(
        self, step: Step, called: Playbook, progress: Progress, scope: Scope, *, halted: bool
    ) -> Stand:
        """A step that carries out another playbook, with a scope of its own."""
        if progress.started is None or progress.handed is None:
            return self._hand_over(step, called, scope, halted=halted)
        held = held_within(self.held, f"{step.path}/{Section.STEPS.value}")
        deadline = progress.started + held + called.timeout

        def walk(section: Section, failure: Failure | None) -> "Walk":
            moment = self.moment.within(deadline, called.timeout)
            if section is not Section.STEPS:
                moment = moment._replace(deadline=None)
            if section is Section.FINALLY:
                moment = moment._replace(ended=None)
            return replace(self, moment=moment, failure=failure)

        handed = progress.handed
        inner = Scope(handed.variables, extra={"inputs": handed.inputs})
        over = Course(called, walk).stand(inner, halted=halted)
        if isinstance(over, Open):
            return over
        return Open((Note(step, self._came_back(step, over), self.sees(scope, 1)),))

    def _hand_over(self, step: Step, called: Playbook, scope: Scope, *, halted: bool) -> Stand:
        if halted or self.moment.ended is not None:
            return Left(scope)
        document = self.sees(scope, 1)
        if self.moment.is_over:
            return Open((self.moment.too_late(step, UNBEGUN, document),))
        refused = self.moment.gate(step, document)
        if refused is not None:
            return Open((refused,))
        handed = handed_to(called, step.parameters["inputs"], document)
        if isinstance(handed, str):
            return Open((self.moment.note(step, UNBEGUN, Outcome.FAILED, handed, document),))
        return Open((Note(step, Called(step.path, 1, self.moment.now, handed), document),))

    def _came_back(self, step: Step, over: Over) -> Settled:
        """What a called playbook hands back: its `vars`, as they are in the end."""
        failure = over.failure or over.broken
        error = None if failure is None else f"{failure.where}: {failure.error}"
        if over.left and error is None:
            error = self.moment.ended or "another branch failed before it came to its end"
        outcome = Outcome.SUCCEEDED if error is None else Outcome.FAILED
        result = {"vars": dict(over.scope.variables)}
        return Settled(step.path, 1, self.moment.now, outcome, result, error, retryable=False)

    def _closed(self, step: Step, fact: Settled, scope: Scope, result: Any) -> Stand:
        scope = scope.after(step, fact, result)
        if fact.stops:
            return Stopped(scope, fact.outcome is Outcome.SUCCEEDED, called(step), fact.error)
        # An error that may be passed over is the step's own; that the time is over is the run's.
        deadline = self.moment.deadline
        over = deadline is not None and fact.at >= deadline
        if fact.outcome in NOT_DONE and (over or not step.continue_on_error):
            return Broken(scope, called(step), why(fact))
        return Done(scope)

    def _parallel(
        self, step: Step, settled: Settled | None, scope: Scope, *, halted: bool
    ) -> Stand:
        stands = [self.sequence(branch, scope, halted=halted) for branch in step.branches]
        ends = any(
            isinstance(stand, Stopped) or (isinstance(stand, Broken) and step.fail_fast)
            for stand in stands
        )
        if ends and not halted:
            # What is in flight in the other branches is let finish; nothing more begins there.
            stands = [self.sequence(branch, scope, halted=True) for branch in step.branches]
        joined = scope.joined([stand.scope for stand in stands if not isinstance(stand, Open)])
        if settled is not None:
            return self._closed(step, settled, joined, None)
        moves = tuple(move for stand in stands if isinstance(stand, Open) for move in stand.moves)
        if moves:
            return Open(moves)
        if all(isinstance(stand, (Done, Left)) for stand in stands) and not all(
            isinstance(stand, Done) for stand in stands
        ):
            return Left(joined)
        return Open((Note(step, self._conclusion(step, stands), self.sees(joined, 1)),))

    def _conclusion(self, step: Step, stands: Sequence[Stand]) -> Settled:
        """The outcome of branches that all have come to an end."""
        now = self.moment.now
        for stand in stands:
            if isinstance(stand, Broken):
                said = f"{stand.where}: {stand.error}"
                return Settled(step.path, 1, now, Outcome.FAILED, error=said, retryable=False)
        for stand in stands:
            if isinstance(stand, Stopped):
                outcome = Outcome.SUCCEEDED if stand.succeeded else Outcome.FAILED
                return Settled(step.path, 1, now, outcome, error=stand.reason, stops=True)
        return Settled(step.path, 1, now, Outcome.SUCCEEDED)

    def _foreach(
        self,
        step: Step,
        foreach: Foreach,
        settled: Settled | None,
        scope: Scope,
        *,
        halted: bool,
    ) -> Stand:
        document = self.sees(scope, 1)
        items = items_of(foreach, document)
        if isinstance(items, str):
            return Open((self.moment.note(step, UNBEGUN, Outcome.FAILED, items, document),))
        moves: list[StepMove] = []
        facts: list[Settled | None] = []
        broken: str | None = None
        going = 0
        for index, item in enumerate(items):
            fact = self.progress.get(f"{step.path}[{index}]", UNBEGUN).settled
            facts.append(fact)
            if fact is not None:
                if fact.outcome in NOT_DONE and broken is None:
                    broken = f"item {index} of {len(items)}: {why(fact)}"
            elif going < foreach.max_parallel:
                stop = halted or (broken is not None and not step.continue_on_error)
                stand = self.step(step.item(index), scope.for_item(item, index), halted=stop)
                if isinstance(stand, Open):
                    moves += stand.moves
                    going += 1
        if moves:
            return Open(tuple(moves))
        if settled is not None:
            results = [None if fact is None else shown_result(fact, fact.result) for fact in facts]
            return self._closed(step, settled, scope, {"items": results})
        if broken is None and None in facts:
            return Left(scope)
        variables = {
            name: value
            for fact in facts
            if fact is not None
            for name, value in fact.variables.items()
        }
        outcome = Outcome.SUCCEEDED if broken is None else Outcome.FAILED
        fact = Settled(
            *(step.path, 1, self.moment.now, outcome),
            # Where there are items, their own records have the results.
            result=None if items else {"items": []},
            error=broken,
            retryable=False,
            variables=variables,
        )
        return Open((Note(step, fact, document),))


def held_within(held: Mapping[str, float], path: str) -> float:
    """The seconds that a person's attention took inside a step, or inside a section of steps.

    Those of what cleans up after `steps` do not count for them: their time was over then.
    """
    if not held:
        return 0.0
    return sum(seconds for at, seconds in held.items() if at.startswith(f"{path}/"))


def items_of(foreach: Foreach, document: Document) -> Sequence[Any] | str:
    """The list, or why there is none."""
    try:
        items = foreach.items.value(document)
    except CannotTellError as error:
        return f"its `foreach` cannot be told: {error}"
    if not isinstance(items, list):
        what = "nothing" if items is None else f"a {type(items).__name__}"
        return f"its `foreach` takes a list, and {foreach.items.text} is {what}"
    if len(items) > MOST_ITEMS:
        return f"its `foreach` takes at most {MOST_ITEMS} items, and these are {len(items)}"
    return items


def why(fact: Settled) -> str:
    """What `run.error` says: that something may have happened is the first thing to know."""
    if fact.outcome is Outcome.UNKNOWN:
        return f"its outcome is unknown: {fact.error or 'nobody knows whether it took effect'}"
    return fact.error or "it failed"


def called(step: Step) -> str:
    """What `run.failed_step` calls it: the shortest name it has."""
    return step.id or step.name or (step.path if step.called is None else step.called.name)
