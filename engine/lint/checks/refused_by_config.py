"""A step that config.yaml lets nobody perform.

The step would fail each time, before it does anything: its command is none of `shell.allow`.

    shell:
      allow: [systemctl, /usr/local/bin/restart-host]

A `script` is carried out by `/bin/sh`, and needs `sh` in the list. Where the commands themselves
are not on the machine that checks, it goes by their names.
"""

from collections.abc import Iterator
from typing import Final

from engine.lint.check import Around, Check, Finding
from engine.lint.subject import Subject
from engine.playbooks.step_type import Failed


def _find(subject: Subject, _: Around) -> Iterator[Finding]:
    for step in subject.steps:
        if step.step_type is None or step.parameters is None:
            continue
        told = step.step_type.foretell(step.parameters)
        if isinstance(told, Failed):
            where = subject.marked.locate((*step.path, str(step.key)))
            yield Finding(told.error, where, "add it there, or leave the step out")


CHECK: Final = Check("refused-by-config", "error", _find, __doc__)
