"""A variable that is not there: nobody declares it, or it is set only later.

`vars.NAME` is there when the playbook's `vars` has it, or a `set` that comes before. In `vars`
itself each may use those above it. What a branch of `parallel` sets, the other branches do not see.

    wrong:  vars: { url: "https://{{ vars.host }}", host: "{{ labels.resource }}" }
    right:  vars: { host: "{{ labels.resource }}", url: "https://{{ vars.host }}" }
"""

from collections.abc import Iterator
from typing import Final

from engine.lint.check import Around, Check, Finding
from engine.lint.subject import SET, Subject
from engine.problem import nearest


def _find(subject: Subject, _: Around) -> Iterator[Finding]:
    declared = {name: ("vars", name) for name in subject.part("vars")}
    later = {
        name: (*step.path, SET, name)
        for step in subject.steps
        if step.key == SET
        for name in step.tree
    }
    for placed, mention in subject.asking.get("vars", ()):
        name = mention.path[1]
        if name in placed.sees.variables:
            continue
        where = subject.place_of(placed, mention)
        if name in declared or name in later:
            line = subject.marked.locate_key(declared.get(name) or later[name]).line
            said = f"'vars.{name}' is not there yet: line {line} makes it"
            yield Finding(said, where, "what is used has to come first")
        else:
            known = tuple(placed.sees.variables)
            hint = nearest(name, known) or "declare it under `vars`, or `set` it before"
            yield Finding(f"there is no variable '{name}'", where, hint)


CHECK: Final = Check("unknown-var", "error", _find, __doc__)
