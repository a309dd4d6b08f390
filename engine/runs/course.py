"""The course of a playbook: the order of its sections, for a run's own and for one that it calls.

`steps` until one fails or stops; after a failure `on_failure`; if the incident was closed
`on_resolved`; always `finally`. Whatever fails in what cleans up, the rest of it is carried out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from engine.playbooks.playbook import Playbook, Section, Step
from engine.runs.scope import Scope
from engine.runs.stand import Broken, Done, Failure, Left, Open, Over, Stand, Stopped


class Walks(Protocol):
    """Walks through the steps of one section."""

    def sequence(self, steps: Sequence[Step], scope: Scope, *, halted: bool = False) -> Stand:
        """Steps one after another, until one is not done."""
        ...

    def step(self, step: Step, scope: Scope, *, halted: bool = False) -> Stand:
        """One step, whatever it is."""
        ...


@dataclass(frozen=True, slots=True)
class Course:
    """One playbook. `walk` answers what walks through a section after a failure, or after none."""

    playbook: Playbook
    walk: Callable[[Section, Failure | None], Walks]
    resolved: bool = False  # its incident was closed: `on_resolved` is carried out
    passed: int = 0  # of `steps`, those at the beginning that need no walk any more

    def stand(
        self, scope: Scope, failure: Failure | None = None, *, halted: bool = False
    ) -> Open | Over:
        """What is to be done, or how it ended. `failure`: there was one before the first step."""
        if failure is None:
            steps = self.playbook.steps[self.passed :]
            stand = self.walk(Section.STEPS, None).sequence(steps, scope, halted=halted)
            if isinstance(stand, Open):
                return stand
            over = _after(stand)
        else:
            over = Over(scope, failure)
        if over.failure is not None:
            cleaned = self._clean_up(Section.ON_FAILURE, over.scope, over.failure, halted=halted)
            if isinstance(cleaned, Open):
                return cleaned
            over = replace(over, scope=cleaned.scope)
        for section in (Section.ON_RESOLVED, Section.FINALLY):
            if section is Section.ON_RESOLVED and not self.resolved:
                continue
            if not self.playbook.section(section):
                continue
            cleaned = self._clean_up(section, over.scope, over.failure)
            if isinstance(cleaned, Open):
                return cleaned
            over = replace(over, scope=cleaned.scope, broken=over.broken or cleaned.broken)
        return over

    def _clean_up(
        self, section: Section, scope: Scope, failure: Failure | None, *, halted: bool = False
    ) -> Open | Over:
        """A section in which nothing keeps the rest from being tried."""
        walk = self.walk(section, failure)
        first: Failure | None = None
        for step in self.playbook.section(section):
            stand = walk.step(step, scope, halted=halted)
            if isinstance(stand, Open):
                return stand
            scope = stand.scope
            if isinstance(stand, Stopped):
                break
            if isinstance(stand, Broken):
                first = first or Failure(stand.where, stand.error)
        return Over(scope, broken=first)


def _after(stand: Done | Left | Broken | Stopped) -> Over:
    match stand:
        case Broken(scope, where, error):
            return Over(scope, Failure(where, error))
        case Stopped(scope, succeeded, where, said):
            if succeeded:
                return Over(scope, said=said)
            return Over(scope, Failure(where, said or "stopped"))
        case Done(scope):
            return Over(scope)
        case Left(scope):
            return Over(scope, left=True)
