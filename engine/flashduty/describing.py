"""The catalogue as JSON Schema, so that an editor can offer operations and what they take.

A template may stand in the place of any value, and `null` for what is left out.
"""

from collections.abc import Mapping
from typing import Final

from engine.flashduty.operations import OPERATIONS, Operation
from engine.flashduty.parameters import (
    INT64,
    OBJECT_ID,
    QUERY_INTEGER,
    Choice,
    Flag,
    Integer,
    ListOf,
    ObjectId,
    Pairs,
    Shape,
    Text,
    WordList,
)
from engine.flashduty.rule import Rule
from engine.playbooks.json_values import Schema, or_template

_NULL: Final = {"type": "null"}
_OTHERS: Final = {"pattern": "^/|/$"}  # slashes around a path mean nothing


def describe_calls(step: Schema) -> None:
    """Put into the schema of a `flashduty` step what the catalogue knows, unless `unchecked`."""
    names = [path.strip("/") for path in OPERATIONS]
    step["properties"]["call"]["anyOf"] = [{"enum": names}, {"type": "string"}]
    own = dict.fromkeys(step["properties"], True)
    step["if"] = {"properties": {"unchecked": {"const": True}}, "required": ["unchecked"]}
    step["else"] = {
        "properties": {"call": {"anyOf": [{"enum": names}, _OTHERS]}},
        "allOf": [
            {
                "if": {
                    "properties": {"call": {"type": "string", "pattern": f"^/*{name}/*$"}},
                    "required": ["call"],
                },
                "then": _operation(OPERATIONS[f"/{name}"], own),
            }
            for name in names
        ],
    }


def _operation(operation: Operation, own: Schema) -> Schema:
    in_query = operation.method == "GET"
    known = _shape(operation.takes, is_open=operation.open, in_query=in_query)
    known["properties"] = {**own, **known["properties"]}
    if operation.incident in known["required"]:
        known["required"].remove(operation.incident)  # the event has it
    return known


def _shape(rules: Mapping[str, Rule], *, is_open: bool, in_query: bool = False) -> Schema:
    return {
        "properties": {name: _parameter(rule, in_query=in_query) for name, rule in rules.items()},
        "required": [name for name, rule in rules.items() if rule.required],
        "additionalProperties": is_open,
    }


def _parameter(rule: Rule, *, in_query: bool) -> Schema:
    kinds = [_value(rule)]
    if in_query and isinstance(rule, Integer):
        kinds.append({"type": "string", "pattern": QUERY_INTEGER})
    if not rule.required:
        kinds.append(_NULL)
    one_of = kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
    return {"description": f"{said_of(rule)}.", **or_template(one_of)}


def _value(rule: Rule) -> Schema:
    """What the rule asks for, apart from templates. Texts may be of any length, and are cut."""
    schema: Schema = {}  # the account's own definitions decide
    match rule:
        case Text() | WordList():
            schema = {"type": "string"}
        case Choice(one_of=words):
            schema = {"enum": [*words] if rule.required else [*words, ""]}
        case ObjectId():
            schema = {"type": "string", "pattern": OBJECT_ID}
        case Integer(least=least, most=most):
            schema = {"type": "integer"}
            schema |= {} if least == -INT64 else {"minimum": least}
            schema |= {} if most == INT64 - 1 else {"maximum": most}
        case Flag():
            schema = {"type": "boolean"}
        case ListOf(item=item, least=least, most=most):
            schema = {"type": "array", "items": or_template(_value(item))}
            schema |= {"minItems": least} if least else {}
            schema |= {} if most is None else {"maxItems": most}
        case Shape(parameters=rules):
            schema = {"type": "object", **_shape(rules, is_open=rule.open)}
        case Pairs(value=value, most=most):
            values = or_template({"anyOf": [_value(value), _NULL]})
            schema = {"type": "object", "additionalProperties": values, "maxProperties": most}
        case _:
            pass
    return schema


def said_of(rule: Rule) -> str:
    """What the rule asks for, in words."""
    said = "Whatever the account's own definitions ask for"
    match rule:
        case Text(least=least, most=most):
            said = f"A text{_bounds(least, most, 'characters')}"
        case WordList(one_of=words):
            said = f"With commas between them, some of {', '.join(words)}"
        case Choice(one_of=words):
            said = f"One of {', '.join(words)}"
        case ObjectId():
            said = "An id: a text of 24 hex digits"
        case Integer(least=least, most=most):
            said = f"A whole number{_bounds(least, most, '')}"
        case Flag():
            said = "true or false"
        case ListOf(item=item, least=least, most=most):
            said = f"A list{_bounds(least, most, 'items')}; each: {said_of(item)}"
        case Shape(parameters=rules):
            said = f"A mapping with {', '.join(rules)}"
        case Pairs(most=most):
            said = f"Names and texts, at most {most}"
        case _:
            pass
    return said


def _bounds(least: int, most: int | None, unit: str) -> str:
    """` of 1 to 100 items`, without the bounds that mean nothing."""
    low = None if least <= (0 if unit else -INT64) else f"at least {least}"
    high = None if most is None or most >= INT64 - 1 else f"at most {most}"
    bounds = " and ".join(one for one in (low, high) if one is not None)
    return f" of {bounds} {unit}".rstrip() if bounds else ""
