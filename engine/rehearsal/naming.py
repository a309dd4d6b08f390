"""What the steps of a playbook are called in mocks and expectations.

As in `run.failed_step`: by `id`, else by `name`, else by place; all three are understood, unless
two steps share a name. A step of a called playbook is `out/lookup`, an item of a `foreach` is
`disks[0]`.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

from engine.playbooks.playbook import Playbook, Section, Step

_ITEM: Final = re.compile(r"\[\d+\]")


@dataclass(frozen=True, slots=True)
class Named:
    """A step as it stands in a playbook, and what it can be called, the shortest first."""

    step: Step
    names: tuple[str, ...]
    playbook: Playbook  # whose step it is: the one that is called, for a step of that
    place: str  # in that playbook: `steps/0` for `steps/2/steps/0`

    @property
    def title(self) -> str:
        """What people see."""
        return self.names[0]


@dataclass(frozen=True, slots=True)
class StepNames:
    """The names of one playbook's steps."""

    steps: Mapping[str, Named]  # by path
    _paths: Mapping[str, str]  # by name

    @classmethod
    def of(cls, playbook: Playbook) -> Self:
        """Of a playbook and all that it calls."""
        steps = {named.step.path: named for named in _all_named(playbook, "", "")}
        paths = {name: path for path, named in steps.items() for name in named.names}
        return cls(steps, {**paths, **{path: path for path in steps}})

    @property
    def known(self) -> Sequence[str]:
        """What each step is called, for a hint."""
        return [named.title for named in self.steps.values()]

    def path(self, name: str) -> str | None:
        """The path in a run that a name stands for; None when no step is called that."""
        if name in self._paths:
            return self._paths[name]
        for item in _ITEM.finditer(name):
            loop = self.path(name[: item.start()])
            inside = self.path(name[: item.start()] + name[item.end() :])
            if loop is not None and inside is not None and loop in self._loops:
                return f"{loop}{item[0]}{inside[len(loop) :]}"
        return None

    def at(self, path: str) -> Named | None:
        """The step at a path in a run, whichever item of a `foreach` it is performed for."""
        return self.steps.get(self._without_items(path)[0])

    def declared(self, path: str) -> str:
        """The path as it stands in the playbook."""
        return self._without_items(path)[0]

    def title(self, path: str) -> str:
        """What the step at a path in a run is called."""
        bare, items = self._without_items(path)
        if bare not in self.steps:
            return path
        shown = self.steps[bare].title
        for loop, item in reversed(items):
            outer = self.steps[loop].title
            shown = f"{outer}{item}{shown[len(outer) :]}"
        return shown

    @property
    def _loops(self) -> Sequence[str]:
        """The steps with a `foreach`, an outer one before those in it."""
        return [path for path, named in self.steps.items() if named.step.foreach is not None]

    def _without_items(self, path: str) -> tuple[str, list[tuple[str, str]]]:
        items: list[tuple[str, str]] = []
        for loop in self._loops:
            item = _ITEM.match(path, len(loop)) if path.startswith(loop) else None
            if item is not None:
                path = loop + path[item.end() :]
                items.append((loop, item[0]))
        return path, items


def steps_of(playbook: Playbook) -> Iterator[tuple[Section, Step]]:
    """All steps of a playbook's own, those in branches too, in their order."""
    for section in Section:
        for step in playbook.section(section):
            yield from ((section, one) for one in _with_branches(step))


def _with_branches(step: Step) -> Iterator[Step]:
    yield step
    for branch in step.branches:
        for inner in branch:
            yield from _with_branches(inner)


def _all_named(playbook: Playbook, caller: str, title: str) -> Iterator[Named]:
    """`caller` is the path that those of a called playbook begin with, and a slash."""
    steps = [step for _, step in steps_of(playbook)]
    count = Counter(name for step in steps for name in {step.id, step.name})
    for step in steps:
        place = step.path.removeprefix(caller)
        own = [name for name in (step.id, step.name) if name is not None and count[name] == 1]
        names = tuple(dict.fromkeys(title + name for name in (*own, place)))
        yield Named(step, names, playbook, place)
        if step.called is not None:
            yield from _all_named(step.called, f"{step.path}/", f"{names[0]}/")
