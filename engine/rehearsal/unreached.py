"""The steps that a rehearsal did not come to, and what they would take."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from engine.playbooks.playbook import Playbook, Section, Step
from engine.rehearsal.stage import RehearsedStep

_ONLY_IF: Final = {
    Section.ON_FAILURE: "only if a step fails",
    Section.ON_RESOLVED: "only if the incident is closed meanwhile",
}
_NOT_REACHED: Final = "it is not reached"


@dataclass(frozen=True, slots=True)
class Unreached:
    """A step that would not be carried out; what is inside of it is not either."""

    step: Step
    reason: str

    def as_json(self) -> dict[str, Any]:
        """Stable keys: path, id, name, type, reason."""
        return {
            "path": self.step.path,
            "id": self.step.id,
            "name": self.step.name,
            "type": self.step.type,
            "reason": self.reason,
        }


def unreached(
    playbook: Playbook, rehearsed: Sequence[RehearsedStep], before: str | None = None
) -> Iterator[Unreached]:
    """In the playbook's order. `before`: why not even the first step was come to."""
    for section in Section:
        steps = playbook.section(section)
        if section is not Section.STEPS:
            before = None
            if section in _ONLY_IF and not any(_reached(step, rehearsed) for step in steps):
                before = _ONLY_IF[section]
        yield from _of_sequence(steps, rehearsed, before)


def _of_sequence(
    steps: Sequence[Step], rehearsed: Sequence[RehearsedStep], before: str | None
) -> Iterator[Unreached]:
    reason = before
    for step in steps:
        reached = _reached(step, rehearsed)
        if not reached:
            yield Unreached(step, reason or _NOT_REACHED)
            continue
        if reached[-1].outcome == "performed" and step.foreach is None:
            for branch in step.branches:
                yield from _of_sequence(branch, rehearsed, "another branch ends before it")
            if step.called is not None:
                yield from unreached(step.called, rehearsed)
        reason = _end(step, rehearsed) or reason


def _reached(step: Step, rehearsed: Sequence[RehearsedStep]) -> list[RehearsedStep]:
    return [one for one in rehearsed if one.step.path == step.path]


def _end(step: Step, rehearsed: Sequence[RehearsedStep]) -> str | None:
    """What a step, or one inside of it, says to those behind it."""
    inside = (f"{step.path}/", f"{step.path}[")
    for one in rehearsed:
        path = one.step.path
        if path == step.path or path.startswith(inside):
            if one.outcome in ("failed", "unknown"):
                return f"{one.step.title} ({path}) would fail before it"
            if one.stops:
                return f"{one.step.title} ({path}) stops the playbook before it"
    return None
