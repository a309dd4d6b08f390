"""Playbooks that call others: joined into one once all of them are read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from engine.marked_yaml.mark import MarkedYaml, Path
from engine.playbooks.guard import NO_GUARD
from engine.playbooks.inputs import is_of, named, needs_rendering
from engine.playbooks.playbook import NO_DEFAULT, Playbook, Step
from engine.playbooks.version import version_of
from engine.problem import Problem, nearest

CALL: Final = "playbook"
_ONLY_CALLED: Final = "`inputs: {}` in the place of `trigger` makes one that is only called"
MOST_DEEP: Final = 8  # playbooks in each other


@dataclass(frozen=True, slots=True)
class CallSite:
    """Where a file names another playbook, and what it hands to it."""

    path: Path  # of the name
    name: str
    inputs: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Read:
    """A playbook whose calls are not joined yet, and what is needed to say where they stand."""

    playbook: Playbook
    calls: Sequence[CallSite]
    marked: MarkedYaml


class Joining:
    """Joins playbooks with those they call. `broken` names the ones that could not be read."""

    def __init__(self, reads: Mapping[str, Read], broken: frozenset[str]) -> None:
        self._reads = reads
        self._broken = broken
        self._joined: dict[str, Playbook | None] = {}
        self._depths: dict[str, int] = {}
        self.problems: list[Problem] = []

    def playbook(self, name: str) -> Playbook | None:
        """The playbook with all that it calls; None where that has a problem."""
        return self._join(name, ())

    def _join(self, name: str, callers: tuple[str, ...]) -> Playbook | None:
        if name in self._joined:
            return self._joined[name]
        read, chain = self._reads[name], (*callers, name)
        found = [one for site in read.calls for one in self._problems(read, site, chain)]
        self._depths[name] = 1 + max(
            (self._depths.get(site.name, 0) for site in read.calls), default=0
        )
        if not found and self._depths[name] > MOST_DEEP:
            where = read.marked.locate(read.calls[0].path)
            said = f"more than {MOST_DEEP} playbooks call each other from here"
            found = [Problem("too-deep", said, where, "let some of them do more by themselves")]
        self.problems.extend(found)
        whole = {site.name: self._joined[site.name] for site in read.calls if not found}
        called = {name: one for name, one in whole.items() if one is not None}
        self._joined[name] = None if found else _with_calls(read.playbook, called)
        return self._joined[name]

    def _problems(self, read: Read, site: CallSite, chain: tuple[str, ...]) -> list[Problem]:
        where = read.marked.locate(site.path)
        if site.name in chain:
            circle = " → ".join((*chain[chain.index(site.name) :], site.name))
            said = f"'{site.name}' would call itself without end: {circle}"
            return [Problem("recursion", said, where, "a playbook may call only others")]
        if site.name in self._broken:
            said = f"'{site.name}' cannot be called: it has problems of its own"
            return [Problem("broken-call", said, where, None)]
        if site.name not in self._reads:
            said = f"there is no playbook named '{site.name}'"
            others = [name for name in self._reads if name not in chain]
            hint = nearest(site.name, others) if others else _ONLY_CALLED
            return [Problem("no-such-playbook", said, where, hint)]
        other = self._reads[site.name].playbook
        if self._join(site.name, chain) is None:
            said = f"'{site.name}' cannot be called: something it calls has a problem"
            return [Problem("broken-call", said, where, None)]
        return [*_unfit(other, site, where=read.marked), *_inputs(other, site, read.marked)]


def _unfit(other: Playbook, site: CallSite, where: MarkedYaml) -> Iterator[Problem]:
    if other.guard != NO_GUARD:
        yield Problem(
            "guarded-call",
            f"'{other.name}' has a guard, which would not hold for a call",
            where.locate(site.path),
            "a guard counts runs of its own playbook: put the steps that both need into a third",
        )
    if other.trigger.answers:
        said = f"'{other.name}' answers calls for labels, and nothing else"
        yield Problem("answering-call", said, where.locate(site.path), None)


def _inputs(other: Playbook, site: CallSite, marked: MarkedYaml) -> Iterator[Problem]:
    """What is handed over, against what is declared."""
    around = (*site.path[:-1], "inputs") if site.path[-1] == "call" else site.path
    for name, value in site.inputs.items():
        declared = other.inputs.get(name)
        if declared is None:
            said = f"'{other.name}' takes no input '{name}'"
            hint = nearest(name, [*other.inputs]) if other.inputs else "it declares none"
            yield Problem("unknown-input", said, marked.locate_key((*around, name)), hint)
        elif not needs_rendering(value) and not is_of(declared.type, value):
            said = f"'{name}' takes {named(declared.type)}, not {value!r}"
            yield Problem("wrong-input", said, marked.locate((*around, name)), None)
    for name, declared in other.inputs.items():
        if declared.default is NO_DEFAULT and name not in site.inputs:
            said = f"'{other.name}' has to be given '{name}'"
            hint = declared.description or f"{named(declared.type)}, under `inputs`"
            yield Problem("missing-input", said, marked.locate(site.path), hint)


def _with_calls(playbook: Playbook, called: Mapping[str, Playbook]) -> Playbook:
    if not called:
        return playbook
    versions = "".join(called[name].version for name in sorted(called))
    version = version_of(f"{playbook.text}\0{versions}")
    within = {one.name: one for other in called.values() for one in (*other.calls, other)}

    def joined(step: Step) -> Step:
        if step.type == CALL:
            other = called[step.parameters["call"]]
            return replace(step, called=other.moved("", f"{step.path}/"))
        branches = tuple(tuple(map(joined, branch)) for branch in step.branches)
        return replace(step, branches=branches)

    whole = playbook.with_steps(joined)
    return replace(whole, version=version, calls=tuple(within.values()))
