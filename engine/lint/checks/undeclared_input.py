"""An input that the playbook does not declare: `inputs.NAME` without NAME under `inputs`.

A call cannot hand over what is not declared, so the value is never there: a template that needs it
fails its step, and a condition on it compares with null.

    wrong:  inputs: { host: { type: string } }      shell: [drain, "{{ inputs.hots }}"]
    right:  inputs: { host: { type: string } }      shell: [drain, "{{ inputs.host }}"]
"""

from collections.abc import Iterator
from typing import Final

from engine.lint.check import Around, Check, Finding
from engine.lint.subject import Subject
from engine.problem import nearest


def _find(subject: Subject, _: Around) -> Iterator[Finding]:
    declared = tuple(subject.part("inputs"))
    for placed, mention in subject.asking.get("inputs", ()):
        name = mention.path[1]
        if name not in declared:
            hint = nearest(name, declared) or "declare it under `inputs`, with its `type`"
            said = f"there is no input '{name}'"
            yield Finding(said, subject.place_of(placed, mention), hint)


CHECK: Final = Check("undeclared-input", "error", _find, __doc__)
