"""What Flashduty would refuse of a call, or ignore without a word: said before it is sent."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from engine.flashduty.operations import OPERATIONS, Operation, operation_at
from engine.flashduty.parameters import read_query
from engine.flashduty.rule import MISSING, TOO_LONG, WRONG, complaints_about
from engine.playbooks.deferred import Deferred
from engine.playbooks.template import Template
from engine.problem import Complaint

_WAY_OUT: Final = "`unchecked: true` calls any path"


def complaints_about_call(call: str, given: Mapping[str, Any]) -> Iterator[Complaint]:
    """Everything wrong with `given`, the parameters as they go out, for the operation of a path.

    The parameter that takes the event's incident may be missing: it is filled in.
    """
    operation = operation_at(str(call))
    if isinstance(call, Deferred):
        said = "cannot be a template: nothing is known of its parameters then"
        yield Complaint("template-in-call", ("call",), said, hint=_WAY_OUT)
    elif operation.spec is None:
        said = "must be a known operation"
        yield Complaint("unknown-operation", ("call",), said, call, _nearest(call))
    else:
        yield from _complaints_about_parameters(operation, given)


def complaints_about_cutting(call: str, given: Mapping[str, Any]) -> Iterator[Complaint]:
    """Why the texts among `given` cannot be cut to the limits of the operation."""
    if isinstance(call, Deferred):
        return
    limited = {name for name, rule in operation_at(call).takes.items() if rule.cuts}
    if not limited:
        said = "cuts nothing: no text of this operation has a limit that is known"
        yield Complaint(WRONG, ("truncate",), said)
    for name, value in given.items():
        if name in limited and _holds_secret(value):
            said = "cannot hold a secret and be cut: half of one is not recognised and masked"
            yield Complaint("secret-that-is-cut", (name,), said)


def _complaints_about_parameters(
    operation: Operation, given: Mapping[str, Any]
) -> Iterator[Complaint]:
    if operation.method == "GET":
        given = read_query(operation.takes, given)
    for one in complaints_about(operation.takes, given, others=operation.open):
        if one.code == TOO_LONG:
            yield replace(one, hint=f"{one.hint}; `truncate: true` cuts it")
        elif one.code != MISSING or one.loc != (operation.incident,) or operation.incident in given:
            yield one


def _nearest(path: str) -> str:
    near = difflib.get_close_matches(f"/{path.strip('/')}", OPERATIONS, n=1, cutoff=0.7)
    return f"did you mean '{near[0].strip('/')}'? {_WAY_OUT}" if near else _WAY_OUT


def _holds_secret(value: Any) -> bool:
    match value:
        case Template():
            return "secrets" in value.names
        case dict():
            return any(_holds_secret(one) for one in value.values())
        case list():
            return any(_holds_secret(one) for one in value)
        case _:
            return False
