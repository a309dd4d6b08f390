"""A field that is nowhere: no event of Flashduty has it, nor does the step's result.

In a condition it is null each time, and what is compared with it never true; in a template it fails
the step.

    wrong:  when: incident.severity == 'Critical'
    right:  when: incident.incident_severity == 'Critical'
    right:  when: severity == 'Critical'

`labels`, `fields` and what a service answers may have any names. A field that Flashduty has added
since is found in the body as it came: `payload.incident.NAME`.
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from engine.lint.check import Around, Check, Finding
from engine.lint.checks.double_quoted_name import quoted_operands
from engine.lint.fields import OF_EVENTS, Fields, Shape
from engine.lint.mention import Mention, Path, written
from engine.lint.subject import Placed, PlacedCondition, Subject
from engine.playbooks.reading import IN_NO_RESULT

_SHORT: Final = ("severity", "status", "title", "channel", "labels", "fields")
_GROUPS: Final = ("incident", "alert", "person", "event", "run")
_IN_PAYLOAD: Final = ("incident", "alert")


def _find(subject: Subject, _: Around) -> Iterator[Finding]:
    for placed in subject.placed:
        for mention in placed.mentions:
            shape, known = placed.sees.follow(mention.path)
            # What is asked of an unknown field is not known either: it is told once.
            if known != len(mention.path) - 1 or not isinstance(shape, Fields):
                continue
            if not _is_told_elsewhere(placed, mention) and mention.offset not in _quoted(placed):
                where = subject.place_of(placed, mention)
                yield Finding(_message(mention.path), where, _hint(mention.path, shape.of))


def _quoted(placed: Placed) -> frozenset[int | None]:
    """Where texts stand that were taken for names."""
    if not isinstance(placed, PlacedCondition):
        return frozenset()
    return frozenset(operand.offset for operand in quoted_operands(placed))


def _is_told_elsewhere(placed: Placed, mention: Mention) -> bool:
    """Whether the loader refuses the name that it begins with."""
    root = mention.path[0]
    if placed.sees.result is None:
        return root in placed.sees.hidden
    return root in IN_NO_RESULT and placed.path[-1] != "expect"


def _message(path: Path) -> str:
    *around, name = path
    if not around:
        return f"the step's result has no field '{name}'"
    return f"'{written(around)}' has no field '{name}'"


def _hint(path: Path, known: Mapping[str, Shape]) -> str:
    *around, name = path
    near = [f"{written([*around, one])}" for one in _near(name, tuple(known))]
    of_event = len(around) == 1 and around[0] in OF_EVENTS
    if of_event:
        elsewhere = [f"{group}.{name}" for group in _GROUPS if _has(group, name)]
        near = [*([name] if name in _SHORT else []), *elsewhere, *near]
    if near:
        return f"did you mean {' or '.join(near)}?"
    if of_event and around[0] in _IN_PAYLOAD:
        return f"a label is labels.{name}; the body as it came is payload.{around[0]}.{name}"
    return f"known here: {', '.join(sorted(known))}"


def _near(name: str, known: Sequence[str]) -> list[str]:
    longer = [one for one in known if one.endswith(f"_{name}")]
    return longer[:1] or difflib.get_close_matches(name, known, n=1, cutoff=0.75)


def _has(group: str, name: str) -> bool:
    shape = OF_EVENTS[group]
    return isinstance(shape, Fields) and name in shape.of


CHECK: Final = Check("unknown-field", "error", _find, __doc__)
