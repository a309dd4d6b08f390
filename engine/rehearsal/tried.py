"""A case that was tried: whether it holds, and where not."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.playbooks.step_type import StepType
from engine.problem import Location, Problem
from engine.rehearsal.coverage import Covered, percent
from engine.rehearsal.expecting import Difference, decision_of, differences
from engine.rehearsal.scenario import Played, Scenario
from engine.rehearsal.scenario_file import Case


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one case. With problems it was not played, or what came of it is a guess."""

    case: Case
    playbook: str
    played: Played | None = None
    differences: tuple[Difference, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether all came as expected."""
        return not self.differences and not self.problems

    def location(self, difference: Difference) -> Location:
        """Where the expectation stands."""
        return self.case.marked.locate_key(difference.at)

    def as_json(self) -> dict[str, Any]:
        """What `engine test --format json` has of a case, with stable keys.

        file, line, column, playbook, name, holds, verdict, lane, state, reason, steps, took (in
        seconds), differences [{what, expected, got, file, line, column}], problems. What the run
        came to is null where it was not played.
        """
        where, played = self.case.location, self.played
        return {
            **_as_json(where),
            "playbook": self.playbook,
            "name": self.case.model.name,
            "holds": self.holds,
            "verdict": played and played.rehearsal.verdict.answer.value,
            "lane": played and decision_of(played.rehearsal.decision),
            "state": played and played.state and played.state.value,
            "reason": played and played.reason,
            "steps": played and played.performed,
            "took": played and round(played.took, 3),
            "differences": [
                {
                    "what": one.what,
                    "expected": one.expected,
                    "got": one.got,
                    **_as_json(self.location(one)),
                }
                for one in self.differences
            ],
            "problems": [problem.as_json() for problem in self.problems],
        }


def tried(
    scenario: Scenario, secrets: frozenset[str], step_types: Mapping[str, StepType[Any]]
) -> Tried:
    """Play a scenario and compare."""
    case, name = scenario.case, scenario.playbook.name
    played = scenario.play(secrets, step_types)
    guesses = tuple(_guesses(case, played))
    return Tried(case, name, played, tuple(differences(case, played)), guesses)


def coverage_as_json(
    covered: Sequence[Covered], where: Mapping[tuple[str, str], Location]
) -> dict[str, Any]:
    """Stable keys: percent, items [{playbook, file, percent, branches, missing}].

    `branches` is how many there are; `missing` has {place, way, file, line, column}, `way` being
    performed, yes, no or failed. `where` has the places, by playbook and place.
    """
    return {
        "percent": round(percent(covered), 1),
        "items": [
            {
                "playbook": one.playbook.name,
                "file": one.playbook.file,
                "percent": round(one.percent, 1),
                "branches": len(one.branches),
                "missing": [
                    {
                        "place": branch.place,
                        "way": branch.way.name.lower(),
                        **_as_json(where[one.playbook.name, branch.place]),
                    }
                    for branch in one.missing
                ],
            }
            for one in covered
        ],
    }


def _guesses(case: Case, played: Played) -> Iterable[Problem]:
    """A test that rests on a supposition shows nothing: what decides has to be said."""
    driven = played.rehearsal.driven
    if driven is None or played.flow is None:
        return
    for step, why in driven.guesses:
        said = f"whether '{played.names.title(step.path)}' is performed is a guess: {why}"
        hint = "say what comes back, under `mocks`, or give the step it depends on an `example`"
        yield Problem("guess", said, case.location, hint)


def _as_json(where: Location) -> dict[str, Any]:
    return {"file": where.file, "line": where.line, "column": where.column}
