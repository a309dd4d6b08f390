"""A result that is not there: of no step, of a step that comes later, or of another branch.

`steps.ID` is there for the steps behind it. In a condition anything else is null; in a template it
fails the step. The branches of a `parallel` do not see each other; the steps behind it see them
all.

    wrong:  - { id: tell, flashduty: { call: incident/comment, comment: "{{ steps.up.body }}" } }
            - { id: up, http: "{{ config.url }}" }
    right:  - { id: up, http: "{{ config.url }}" }
            - { id: tell, flashduty: { call: incident/comment, comment: "{{ steps.up.body }}" } }
"""

from collections.abc import Iterator
from typing import Final

from engine.lint.check import Around, Check, Finding
from engine.lint.subject import PARALLEL, FileStep, Placed, Subject
from engine.problem import nearest


def _find(subject: Subject, _: Around) -> Iterator[Finding]:
    by_id = {step.id: step for step in subject.steps if step.id is not None}
    for placed, mention in subject.asking.get("steps", ()):
        name = mention.path[1]
        if name in placed.sees.steps:
            continue
        where = subject.place_of(placed, mention)
        if name in by_id:
            said, hint = _why_not_yet(subject, placed, by_id[name])
            yield Finding(f"'steps.{name}' is not there: {said}", where, hint)
        else:
            known = tuple(placed.sees.steps)
            hint = nearest(name, known) or "no step with an `id` comes before"
            yield Finding(f"there is no step '{name}'", where, hint)


def _why_not_yet(subject: Subject, placed: Placed, step: FileStep) -> tuple[str, str]:
    line = subject.marked.locate(step.path).line
    here = placed.path
    if here[: len(step.path)] == step.path:
        if step.key == PARALLEL and len(here) > len(step.path) and PARALLEL in here:
            return "it is the `parallel` around this step", "name the step whose result is meant"
        return "it is this step itself", "`until`, `expect` and `output` see the step's own result"
    common = next((at for at, (a, b) in enumerate(zip(here, step.path, strict=False)) if a != b), 0)
    before = here[:common]
    if before and (before[-1] == PARALLEL or before[-2:] == (PARALLEL, "branches")):
        return f"the step of line {line} is in another branch", "move this behind the `parallel`"
    return f"the step of line {line} comes later", "move it up, or this down"


CHECK: Final = Check("unknown-step", "error", _find, __doc__)
