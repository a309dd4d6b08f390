"""A step that is never reached: a `stop` without `when` stands before it.

    wrong:  - stop: nothing to do
            - shell: [restart-web, "{{ vars.host }}"]
    right:  - when: "!(vars.host)"
              stop: nothing to do
            - shell: [restart-web, "{{ vars.host }}"]

A `stop` in a branch of a `parallel` ends the list around it as well.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from engine.lint.check import Around, Check, Finding
from engine.lint.subject import FileStep, Subject


def _find(subject: Subject, _: Around) -> Iterator[Finding]:
    for steps in subject.sections.values():
        yield from _in_list(subject, steps)


def _in_list(subject: Subject, steps: Sequence[FileStep]) -> Iterator[Finding]:
    for at, step in enumerate(steps):
        for branch in step.branches:
            yield from _in_list(subject, branch)
        stop = _end_of(step)
        if stop is not None and at + 1 < len(steps):
            line = subject.marked.locate(stop.path).line
            where = subject.marked.locate(steps[at + 1].path)
            said = f"this is never reached: the `stop` of line {line} always ends the list"
            yield Finding(said, where, "give the `stop` a `when`")
            return


def _end_of(step: FileStep) -> FileStep | None:
    """The `stop` that ends the list which the step is in, whatever happens."""
    if "when" in step.raw:
        return None
    if step.key == "stop":
        return step
    inner = (_end_of(one) for branch in step.branches for one in branch)
    return next((one for one in inner if one is not None), None)


CHECK: Final = Check("unreachable-step", "warning", _find, __doc__)
