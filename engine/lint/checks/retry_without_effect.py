"""A retry of what cannot come out differently.

`wait`, `set` and `stop` do what they say each time, and what a person has rejected is not asked
again: a `retry` beside them does nothing.

    wrong:  wait: 30s
            retry: { attempts: 3 }
"""

from collections.abc import Iterator
from typing import Final

from engine.lint.check import Around, Check, Finding
from engine.lint.subject import Subject
from engine.playbooks.step_type import Failed


def _find(subject: Subject, _: Around) -> Iterator[Finding]:
    for step in subject.steps:
        if "retry" not in step.raw or step.step_type is None or step.parameters is None:
            continue
        told = step.step_type.foretell(step.parameters)
        if told is not None and not isinstance(told, Failed):  # refused: another check tells
            where = subject.marked.locate_key((*step.path, "retry"))
            said = f"`{step.key}` is never tried again: it cannot come out differently"
            yield Finding(said, where, "remove it")


CHECK: Final = Check("retry-without-effect", "warning", _find, __doc__)
