"""The operations that the simulated Open API answers: path -> handler.

What each demands of its parameters is the catalogue's to say.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from engine.flashduty import operations
from engine.flashduty.parameters import INT64, Pairs, Text
from engine.flashduty.rule import Rule
from engine.flashduty.simulated.handlers import HANDLERS, Handler


@dataclass(frozen=True)
class Operation:
    """One call of the Open API: what it demands and who answers it."""

    handler: Handler
    parameters: Mapping[str, Rule]
    method: Literal["GET", "POST"]
    credential: Literal["app_key", "integration_key"]


# "Over-long values are truncated" (reference 2.9): a limit of its parameters refuses nothing.
_TRUNCATES: Final = ("/event/push/alert/standard",)


def _answered_by(path: str, handler: Handler) -> Operation:
    known = operations.OPERATIONS[path]
    rules = known.parameters
    if path in _TRUNCATES:
        rules = {name: _without_limit(rule) for name, rule in rules.items()}
    return Operation(handler, rules, known.method, known.credential)


def _without_limit(rule: Rule) -> Rule:
    match rule:
        case Text():
            return replace(rule, most=None)
        case Pairs():
            return replace(rule, most=INT64, longest_key=INT64, value=Text())
        case _:
            return rule


OPERATIONS: Final[Mapping[str, Operation]] = {
    path: _answered_by(path, handler) for path, handler in HANDLERS.items()
}
