"""A name in double quotes where a text was meant.

In JMESPath double quotes make a name, for names with a dash or a dot: `labels."k8s-app"`. A text
stands in single quotes. Compared with a name in double quotes, a value is compared with the field
of that name, which is most often nowhere, and so null.

    wrong:  until: { condition: 'body.state == "up"', for: 5m }
    right:  until: { condition: "body.state == 'up'", for: 5m }

At the beginning of a condition on the event, where such a name is nowhere at all, the loader
reports it as `unknown-name`.
"""

from collections.abc import Iterator
from typing import Final

from engine.events.document import NAMES
from engine.lint.check import Around, Check, Finding
from engine.lint.mention import Operand
from engine.lint.subject import PlacedCondition, Subject


def _find(subject: Subject, _: Around) -> Iterator[Finding]:
    for placed in subject.conditions:
        for operand in quoted_operands(placed):
            name = operand.node["value"]
            where = subject.marked.locate_in(placed.path, operand.offset or 0)
            said = f'"{name}" in double quotes is the name of a field, and no text'
            yield Finding(said, where, f"a text is quoted so: '{name}'")


def quoted_operands(placed: PlacedCondition) -> Iterator[Operand]:
    """Names in double quotes that something is compared with, or that a function is given."""
    asked = placed.asked
    compared = [side for one in asked.comparisons for side in (one.left, one.right)]
    for operand in (*compared, *(one for _, given in asked.calls for one in given)):
        if operand.node["type"] != "field" or operand.offset is None:
            continue
        of_document = placed.sees.result is None and operand.path == (operand.node["value"],)
        if of_document and operand.node["value"] not in NAMES:
            continue  # the loader has told of it
        if placed.condition.text[operand.offset] == '"':
            yield operand


CHECK: Final = Check("double-quoted-name", "error", _find, __doc__)
