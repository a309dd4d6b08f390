r"""A regular expression that cannot be read.

A condition with such a pattern cannot be told, whatever the event: a trigger never fires, and a
step with it fails.

    wrong:  when: matches(labels.resource, '^(web|es-[0-9]+$')
    right:  when: matches(labels.resource, '^(web|es)-[0-9]+\Z')

The patterns are those of Python's `re`; in double quotes YAML wants two backslashes for one.
"""

import re
from collections.abc import Iterator
from typing import Final

from engine.lint.check import Around, Check, Finding
from engine.lint.subject import Subject


def _find(subject: Subject, _: Around) -> Iterator[Finding]:
    for placed in subject.conditions:
        for name, given in placed.asked.calls:
            pattern = given[1] if name == "matches" else None
            if pattern is None or not pattern.is_literal or not isinstance(pattern.literal, str):
                continue
            error = _error(pattern.literal)
            if error is not None:
                offset = (pattern.offset or 0) + 1 + (error.pos or 0)
                where = subject.marked.locate_in(placed.path, offset)
                yield Finding(f"this pattern cannot be read: {error.msg}", where)


def _error(pattern: str) -> re.error | None:
    try:
        re.compile(pattern)
    except re.error as error:
        return error
    return None


CHECK: Final = Check("bad-pattern", "error", _find, __doc__)
