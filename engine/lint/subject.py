"""A playbook as the checks see it: its conditions, templates and steps, and where each stands.

It is read from the file itself, so that a mistake in one place leaves the others checked.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from engine.lint.fields import (
    ANY,
    OF_EVENTS,
    Fields,
    Shape,
    follow,
    kept_of_result,
    of_result,
)
from engine.lint.mention import Asked, AskedByTemplate, Mention, offset_in
from engine.marked_yaml.mark import MarkedYaml, Path
from engine.playbooks.step_type import StepType
from engine.playbooks.template import Template
from engine.problem import Location
from engine.rules.condition import Condition

PARALLEL: Final = "parallel"
CALL: Final = "playbook"
SET: Final = "set"  # its result are its parameters, and each is a variable
_DOCUMENT: Final = Fields(OF_EVENTS)
_NO_SECRETS: Final = frozenset({"secrets"})


@dataclass(frozen=True, slots=True)
class FileStep:
    """A step as it stands in the file."""

    path: Path
    raw: Mapping[str, Any]
    key: str | None = None  # of its step type; None where there is none, or more than one
    step_type: StepType[Any] | None = None  # None also for what is no step type, as `parallel`
    tree: Mapping[str, Any] = field(default_factory=dict)  # its parameters, with Templates in them
    parameters: Any = None  # the tree as its step type reads it; None where it is wrong, or none
    branches: tuple[tuple["FileStep", ...], ...] = ()

    @property
    def id(self) -> str | None:
        value = self.raw.get("id")
        return value if isinstance(value, str) else None

    @property
    def result(self) -> Shape:
        """What is known of `steps.<id>`."""
        if "output" in self.raw:
            return ANY
        if "foreach" in self.raw:
            return kept_of_result({"items": "array"})
        if self.key == CALL:
            return kept_of_result({"vars": "object"})
        if self.key in (PARALLEL, SET):
            return kept_of_result(dict.fromkeys(self.tree, "any"))
        types = None if self.step_type is None else self.step_type.results
        return ANY if types is None else kept_of_result(types)

    @property
    def own_result(self) -> Shape:
        """What is known of what it returns: what `expect`, `until` and `output` see."""
        types = None if self.step_type is None else self.step_type.results
        return ANY if types is None else of_result(types)

    def with_inner(self) -> Iterator["FileStep"]:
        """The step and all in its branches."""
        yield self
        for branch in self.branches:
            for step in branch:
                yield from step.with_inner()


@dataclass(frozen=True, slots=True)
class Sees:
    """What the names mean at one place of the file."""

    variables: frozenset[str] = frozenset()  # of `vars`: those that are there already
    steps: Mapping[str, FileStep] = field(default_factory=dict)  # by id: those that came before
    hidden: frozenset[str] = frozenset()  # names that the loader refuses there
    result: Shape | None = None  # the place sees a step's result of this shape, and nothing else

    def without_secrets(self) -> "Sees":
        """What a place sees that has all of this but secrets."""
        return Sees(self.variables, self.steps, _NO_SECRETS)

    def follow(self, path: Sequence[str]) -> tuple[Shape, int]:
        """What is known of the value at a path, and how many parts of it are known to be there.

        Of `vars`, `steps`, `config` and `secrets` other checks know what there is.
        """
        if self.result is not None:
            return follow(self.result, path)
        if not path or path[0] in OF_EVENTS:
            return follow(_DOCUMENT, path)
        if path[0] == "steps" and len(path) > 1 and path[1] in self.steps:
            shape, known = follow(self.steps[path[1]].result, path[2:])
            return shape, known + 2
        return ANY, len(path)


@dataclass(frozen=True, slots=True)
class PlacedCondition:
    """A condition, and what it asks for."""

    path: Path
    condition: Condition
    asked: Asked
    sees: Sees
    step: FileStep | None = None

    @property
    def mentions(self) -> Sequence[Mention]:
        return self.asked.mentions

    def offset_of(self, mention: Mention) -> int:
        return mention.offset or 0


@dataclass(frozen=True, slots=True)
class PlacedTemplate:
    """A template, and what it asks for."""

    path: Path
    template: Template
    asked: AskedByTemplate
    sees: Sees
    step: FileStep | None = None

    @property
    def mentions(self) -> Sequence[Mention]:
        return self.asked.mentions

    def offset_of(self, mention: Mention) -> int:
        return offset_in(self.template.source, mention.path)


Placed = PlacedCondition | PlacedTemplate


@dataclass(frozen=True, slots=True)
class Subject:
    """One file. What is broken in it is left out: the loader has told of it."""

    marked: MarkedYaml
    raw: Mapping[str, Any]
    conditions: Sequence[PlacedCondition] = ()
    templates: Sequence[PlacedTemplate] = ()
    sections: Mapping[str, Sequence[FileStep]] = field(default_factory=dict)
    asking: Mapping[str, Sequence[tuple[Placed, Mention]]] = field(default_factory=dict)
    """Who asks for `root.NAME`, by `root`, wherever the loader lets them."""

    @property
    def placed(self) -> Iterator[Placed]:
        """Every expression."""
        yield from self.conditions
        yield from self.templates

    @property
    def steps(self) -> Iterator[FileStep]:
        """Every step, those in branches too."""
        for steps in self.sections.values():
            for step in steps:
                yield from step.with_inner()

    def part(self, key: str) -> Mapping[str, Any]:
        """What stands at a key of the file, if that is a mapping."""
        value = self.raw.get(key)
        return value if isinstance(value, dict) else {}

    def place_of(self, placed: Placed, mention: Mention) -> Location:
        """Where the last name of a mention stands."""
        return self.marked.locate_in(placed.path, placed.offset_of(mention))
