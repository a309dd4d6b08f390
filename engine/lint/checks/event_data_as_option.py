r"""Data of an event that a command may take for an option, because the step lets it pass.

An argument of data that begins with `-` fails the step before it does anything. `allow_dash: true`
lets it pass, and whoever can send an alert chooses then among the options of the command. Some
run what they are given: `ssh -oProxyCommand=...`, `tar --to-command=...`, `find -exec`.

    wrong:  shell: { argv: [restart-host, "{{ labels.resource }}"], allow_dash: true }
    right:  shell: [restart-host, --, "{{ labels.resource }}"]
    right:  shell: [restart-host, "--host={{ labels.resource }}"]

Most commands take `--` for the end of their options. A value that the playbook compares with
something first is taken for what it says: `when: "!matches(vars.host, '^[a-z0-9-][a-z0-9.-]*\\Z')"`
beside a `stop`.
"""

from collections.abc import Iterator
from typing import Final

from engine.lint.check import Around, Check, Finding
from engine.lint.command_line import code_at
from engine.lint.mention import written
from engine.lint.origin import Origins
from engine.lint.subject import FileStep, Subject

_HINT: Final = 'put "--" before it and leave `allow_dash` out, or let a `stop` look at it first'


def _find(subject: Subject, _: Around) -> Iterator[Finding]:
    origins: Origins | None = None
    templates = {placed.path: placed for placed in subject.templates}
    for step in subject.steps:
        for at in _open_to_options(step):
            place = (*step.path, "shell", "argv", at)
            placed = templates.get(place)
            # Behind a text of its own it begins with that.
            if placed is None or not placed.template.source.startswith(("{{", "{%")):
                continue
            origins = origins or Origins(subject)
            path = origins.foreign(placed, placed.template.tree)
            if path is not None:
                said = f"'{written(path)}' may be an option of the command, and comes from an event"
                yield Finding(said, subject.marked.locate(place), _HINT)


def _open_to_options(step: FileStep) -> Iterator[int]:
    """The places of the arguments that may be an option; code is another check's."""
    argv = step.tree.get("argv") if step.key == "shell" else None
    if not isinstance(argv, list) or step.tree.get("allow_dash") is not True:
        return
    end = next((at for at, word in enumerate(argv) if at and word == "--"), len(argv))
    code = set(code_at(argv))
    yield from (at for at in range(1, end) if at not in code)


CHECK: Final = Check("event-data-as-option", "warning", _find, __doc__)
