r"""Data of an event that is run: as the command itself, or as code for a shell or an interpreter.

Labels, titles and fields come from alerts, and whoever can send an alert writes them. As an
argument they are data; as the first item of the list, after `sh -c`, or behind `ssh HOST`, they are
what is run.

    wrong:  shell: ["{{ labels.command }}"]
    wrong:  shell: [sh, -c, "df -h {{ labels.mount }}"]
    right:  shell: { script: 'df -h "$MOUNT"', env: { MOUNT: "{{ labels.mount }}" } }
    right:  shell: ["{{ {'web': 'restart-web', 'db': 'restart-db'}[labels.role] }}"]

A value that the playbook compares with something first is taken for what it says:
`when: "!matches(vars.host, '^[a-z0-9.-]+\\Z')"` beside a `stop`.
"""

from collections.abc import Iterator
from typing import Final

from engine.lint.check import Around, Check, Finding
from engine.lint.command_line import code_at, name_of
from engine.lint.mention import written
from engine.lint.origin import Origins
from engine.lint.subject import FileStep, Subject


def _find(subject: Subject, _: Around) -> Iterator[Finding]:
    origins: Origins | None = None
    templates = {placed.path: placed for placed in subject.templates}
    for step in subject.steps:
        argv = step.tree.get("argv") if step.key == "shell" else None
        if not isinstance(argv, list):
            continue
        origins = origins or Origins(subject)
        for at in dict.fromkeys((0, *code_at(argv))):
            placed = templates.get(_place(step, at))
            path = None if placed is None else origins.foreign(placed, placed.template.tree)
            if path is not None:
                where = subject.marked.locate(_place(step, at))
                said = "is the command that is run" if at == 0 else f"is code for {_reader(argv)}"
                hint = "hand it over by `env`, or let a `stop` with matches() look at it first"
                yield Finding(f"'{written(path)}' {said}, and comes from an event", where, hint)


def _place(step: FileStep, at: int) -> tuple[str | int, ...]:
    short = isinstance(step.raw["shell"], list)
    return (*step.path, "shell", at) if short else (*step.path, "shell", "argv", at)


def _reader(argv: list[object]) -> str:
    """What reads the argument as code."""
    names = [name_of(word) for word in argv]
    return "the shell behind ssh" if "ssh" in names else f"`{names[0]}`"


CHECK: Final = Check("event-data-as-command", "warning", _find, __doc__)
