"""A time that is longer than the playbook's own.

`timeout` of the playbook (one hour if it has none) is what `steps` may take together. What would
take longer is cut there, and the run has failed.

    wrong:  timeout: 5m
            steps:
              - http: "{{ config.probe_url }}"
                until: { condition: body.up, for: 10m }

`on_failure` and `finally` have no such limit.
"""

from collections.abc import Iterator
from typing import Any, Final

from engine.lint.check import Around, Check, Finding
from engine.lint.reading import STEPS
from engine.lint.subject import FileStep, Subject
from engine.marked_yaml.mark import Path
from engine.playbooks.schema import HOUR
from engine.playbooks.units import format_duration, parse_duration

_WITHIN: Final = (
    ("until", "for"),
    ("timeout",),
    ("wait",),
    ("wait", "duration"),
    ("approve", "within"),
)


def _find(subject: Subject, _: Around) -> Iterator[Finding]:
    whole = _seconds(subject.raw.get("timeout", "1h"))
    for top in subject.sections[STEPS] if whole is not None and STEPS in subject.sections else ():
        for step in top.with_inner():
            for path in _WITHIN:
                longest = _seconds(_at(step, path))
                if longest is not None and longest > (whole or HOUR):
                    where = subject.marked.locate((*step.path, *path))
                    said = f"{format_duration(longest)} is longer than the playbook may take"
                    yield Finding(said, where, f"its `timeout` is {format_duration(whole or HOUR)}")


def _at(step: FileStep, path: Path) -> Any:
    value: Any = step.raw
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _seconds(value: Any) -> float | None:
    try:
        return None if value is None else parse_duration(value)
    except ValueError:
        return None


CHECK: Final = Check("beyond-timeout", "warning", _find, __doc__)
