"""A condition, or a part of one, that is always true or never.

    wrong:  when: severity == 'Critical' || 'Warning'
    right:  when: severity == 'Critical' || severity == 'Warning'

    wrong:  when: severity != 'Critical' || severity != 'Warning'
    right:  when: severity != 'Critical' && severity != 'Warning'

    wrong:  trigger: { action: restart-host, when: event.action == 'restart' }

A text that is not empty is true, and so is every number. Also what the trigger's own `events` and
`action` make impossible is reported.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from engine.lint.check import Around, Check, Finding
from engine.lint.possible import answers
from engine.lint.subject import PlacedCondition, Subject
from engine.rules.written import expression_of

_KEYS: Final = ("when", "condition", "expect")  # whose answer matters, not their value


def _find(subject: Subject, _: Around) -> Iterator[Finding]:
    given = _given(subject)
    for placed in subject.conditions:
        if placed.path[-1] not in _KEYS:
            continue
        found = _constant(placed) or _impossible(placed, given)
        if found is not None:
            said, offset, hint = found
            yield Finding(said, subject.marked.locate_in(placed.path, offset), hint)


def _constant(placed: PlacedCondition) -> tuple[str, int, str | None] | None:
    constant = placed.asked.constant
    if constant is None:
        return None
    part, always = constant.part, constant.always
    if part["type"] == "literal" and always and placed.path[-1] == "expect":
        return None  # whatever the status: there is no other way to say it
    said = f"{expression_of(part)} is {'always' if always else 'never'} true"
    return said, constant.offset, _hint(part, always=always)


def _impossible(
    placed: PlacedCondition, given: Mapping[str, Sequence[Any]]
) -> tuple[str, int, str] | None:
    about = placed.sees.result is None and any(
        ".".join(mention.path) in given for mention in placed.mentions
    )
    if not about or answers(placed.condition.tree, given) != {False}:
        return None
    said = f"{placed.condition.text.strip()} is never true here"
    return said, 0, "the trigger's `events` and `action` let no such event pass"


def _given(subject: Subject) -> Mapping[str, Sequence[Any]]:
    trigger = subject.part("trigger")
    events, action = trigger.get("events"), trigger.get("action")
    given: dict[str, Sequence[Any]] = {}
    if isinstance(events, list) and events:
        given["event.type"] = events
    if isinstance(action, str):
        given["event.action"] = [action]
    return given


def _hint(part: Mapping[str, Any], *, always: bool) -> str | None:
    kinds = [child["type"] for child in part["children"] if isinstance(child, Mapping)]
    if part["type"] == "or_expression" and "literal" in kinds and always:
        return "compare once more: a == 'x' || a == 'y'"
    if part["type"] == "or_expression" and always:
        return "one of several differences always holds; `&&` asks for all of them"
    if part["type"] == "and_expression" and not always:
        return "nothing is two things at once; `||` asks for one of them"
    if part["type"] == "literal":
        return "a value has no quotes and no backticks around it"
    return None


CHECK: Final = Check("constant-condition", "warning", _find, __doc__)
