"""Which ways through playbooks were taken: by steps, by `when`s, by what can fail.

A way of a called playbook's steps is that playbook's own, whoever calls it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from engine.playbooks.playbook import Playbook, Section, Step
from engine.playbooks.step_type import StepType
from engine.rehearsal.naming import StepNames, steps_of
from engine.rehearsal.scenario import Played
from engine.rules.condition import Answer
from engine.runs.flow import Flow
from engine.runs.run import Outcome


class Way(Enum):
    """What a case can show of a place in a playbook."""

    PERFORMED = "no case performs it"
    YES = "its `when` is yes in no case"
    NO = "its `when` is no in no case"
    FAILED = "it fails in no case"


@dataclass(frozen=True, slots=True)
class Branch:
    """One way at one place; the place of the trigger is `trigger`."""

    place: str
    way: Way


@dataclass(frozen=True, slots=True)
class Covered:
    """What the cases show of one playbook."""

    playbook: Playbook
    branches: tuple[Branch, ...]
    missing: tuple[Branch, ...]

    @property
    def percent(self) -> float:
        """Of its branches that some case takes."""
        return percent([self])


def percent(covered: Iterable[Covered]) -> float:
    """Of all their branches."""
    every = [*covered]
    whole = sum(len(one.branches) for one in every)
    return 100.0 if not whole else 100.0 * (1 - sum(len(one.missing) for one in every) / whole)


def cover(
    playbooks: Iterable[Playbook],
    played: Iterable[Played],
    step_types: Mapping[str, StepType[Any]],
) -> list[Covered]:
    """What was played, against all that the playbooks could do."""
    taken = {way for one in played for way in _taken(one)}
    found = []
    for playbook in playbooks:
        branches = tuple(_branches(playbook, step_types))
        missing = tuple(one for one in branches if (playbook.name, one) not in taken)
        found.append(Covered(playbook, branches, missing))
    return found


def _branches(playbook: Playbook, step_types: Mapping[str, StepType[Any]]) -> Iterator[Branch]:
    if playbook.trigger.when is not None:
        yield Branch("trigger", Way.YES)
        yield Branch("trigger", Way.NO)
    for section, step in steps_of(playbook):
        if step.when is not None:
            yield Branch(step.path, Way.YES)
            yield Branch(step.path, Way.NO)
        elif not step.branches:
            yield Branch(step.path, Way.PERFORMED)
        # What fails in these changes nothing of what comes next.
        if section in (Section.STEPS, Section.FINALLY) and _can_fail(step, step_types):
            yield Branch(step.path, Way.FAILED)


def _can_fail(step: Step, step_types: Mapping[str, StepType[Any]]) -> bool:
    if step.called is not None:
        return True
    return not step.branches and step_types[step.type].outside is not None


def _taken(played: Played) -> Iterator[tuple[str, Branch]]:
    """The ways that were taken, each with the name of the playbook whose way it is."""
    rehearsal = played.rehearsal
    if played.asked and rehearsal.verdict.answer is not Answer.CANNOT_TELL:
        way = Way.YES if rehearsal.verdict.yes else Way.NO
        yield rehearsal.playbook.name, Branch("trigger", way)
    if played.flow is not None:
        yield from _taken_by(played.flow, played.names)


def _taken_by(flow: Flow, names: StepNames) -> Iterator[tuple[str, Branch]]:
    for path in {*flow.progress, *flow.begun}:
        named = names.at(path)
        if named is None:
            continue
        progress = flow.progress.get(path)
        settled = None if progress is None else progress.settled
        ways = set()
        if path in flow.begun or (progress is not None and progress.began is not None):
            ways |= {Way.PERFORMED, Way.YES}
        if settled is not None and settled.outcome in (Outcome.FAILED, Outcome.UNKNOWN):
            ways.add(Way.FAILED)
        if settled is not None and settled.outcome is Outcome.SKIPPED:
            ways.add(Way.NO)
        for way in ways:
            yield named.playbook.name, Branch(named.place, way)
