"""What the vendor's specifications say of a path, and what a rule of ours says, in the same words.

Both become facts such as `{"updates[].status required": True}`, so that they can be compared.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from engine.flashduty.parameters import (
    INT64,
    OBJECT_ID,
    Anything,
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

FOLDER: Final = Path(__file__).parents[4] / "shared" / "flashduty"
PRESENT: Final = "openapi.en.json"
LEGACY: Final = "openapi.legacy.zh.json"

_TYPES: Final[Mapping[type[Rule], str]] = {
    **dict.fromkeys((Text, Choice, WordList, ObjectId), "string"),
    **dict.fromkeys((Shape, Pairs), "object"),
    Integer: "integer",
    Flag: "boolean",
    ListOf: "array",
    Anything: "anything",
}

Facts = dict[str, Any]


@dataclass(frozen=True)
class Specified:
    """One operation of a specification."""

    methods: frozenset[str]
    facts: Facts


@cache
def document(file: str) -> Any:
    """A specification as it is written."""
    return json.loads((FOLDER / file).read_text(encoding="utf-8"))


@cache
def specified(file: str) -> Mapping[str, Specified]:
    """Every path of a specification."""
    whole = document(file)
    return {
        path: Specified(
            frozenset(method.upper() for method in methods),
            {name: fact for one in methods.values() for name, fact in _demands(whole, one)},
        )
        for path, methods in whole["paths"].items()
    }


@cache
def methods_of_2026_08() -> Mapping[str, str]:
    """Every path the vendor's command line of August 2026 knows, and its method."""
    lines = (FOLDER / "operations-2026-08.tsv").read_text(encoding="utf-8").splitlines()
    rows = (line.split("\t") for line in lines[1:])
    return {path: method for method, path, *_ in rows}


def _demands(document: Any, operation: Any) -> Iterator[tuple[str, Any]]:
    for parameter in operation.get("parameters", ()):
        one = resolved(document, parameter)
        if one.get("in") == "query":
            yield from _of_schema(document, one["schema"], one["name"], one.get("required", False))
    content = operation.get("requestBody", {}).get("content", {})
    schema = resolved(document, content.get("application/json", {}).get("schema", {}))
    yield from _of_properties(document, schema, "")


def _of_properties(document: Any, schema: Any, within: str) -> Iterator[tuple[str, Any]]:
    for name, one in schema.get("properties", {}).items():
        needed = name in schema.get("required", ())
        yield from _of_schema(document, one, f"{within}{name}", needed)


def _of_schema(document: Any, given: Any, name: str, required: object) -> Iterator[tuple[str, Any]]:
    schema = resolved(document, given)
    kind = schema.get("type", "anything")
    facts = {
        "required": True if required else None,
        "type": kind,
        "pattern": schema.get("pattern"),
        "words": tuple(sorted(map(str, schema["enum"]))) if "enum" in schema else None,
    }
    if kind == "string":
        facts |= {"least": schema.get("minLength"), "most": schema.get("maxLength")}
    elif kind == "integer":
        least = schema.get("minimum", 0 if schema.get("format") == "uint64" else None)
        if "exclusiveMinimum" in schema:
            least = schema["exclusiveMinimum"] + 1
        facts |= {"least": least, "most": schema.get("maximum")}
    elif kind == "array":
        facts |= {"least": schema.get("minItems"), "most": schema.get("maxItems")}
    yield from _named(name, facts)
    if kind == "array":
        yield from _of_schema(document, schema["items"], f"{name}[]", required=False)
    elif kind == "object":
        yield from _of_properties(document, schema, f"{name}.")


def resolved(document: Any, schema: Any) -> Any:
    """Follow `$ref`, and join what `allOf` has."""
    if "$ref" in schema:
        target = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        beside = {name: one for name, one in schema.items() if name != "$ref"}
        return {**resolved(document, target), **beside}
    whole = {name: one for name, one in schema.items() if name != "allOf"}
    for part in schema.get("allOf", ()):
        one = resolved(document, part)
        joined = {
            "properties": {**one.get("properties", {}), **whole.get("properties", {})},
            "required": [*one.get("required", ()), *whole.get("required", ())],
        }
        whole = {**one, **whole, **{name: value for name, value in joined.items() if value}}
    return whole


def facts_of(rules: Mapping[str, Rule], within: str = "") -> Iterator[tuple[str, Any]]:
    """Say of rules what a specification would."""
    for name, rule in rules.items():
        yield from _of_rule(rule, f"{within}{name}")


def _of_rule(rule: Rule, name: str) -> Iterator[tuple[str, Any]]:
    facts: Facts = {"required": rule.required or None, "type": _TYPES[type(rule)]}
    match rule:
        case Text():
            facts |= {"least": rule.least or None, "most": rule.most}
        case Choice() | WordList():
            facts["words"] = tuple(sorted(rule.one_of))
        case ObjectId():
            facts["pattern"] = OBJECT_ID
        case Integer():
            facts["least"] = None if rule.least == -INT64 else rule.least
            facts["most"] = None if rule.most == INT64 - 1 else rule.most
        case ListOf():
            facts |= {"least": rule.least or None, "most": rule.most}
        case _:
            pass
    yield from _named(name, facts)
    if isinstance(rule, ListOf):
        yield from _of_rule(rule.item, f"{name}[]")
    elif isinstance(rule, Shape):
        yield from facts_of(rule.parameters, f"{name}.")


def _named(name: str, facts: Facts) -> Iterator[tuple[str, Any]]:
    return ((f"{name} {aspect}", fact) for aspect, fact in facts.items() if fact is not None)


def differences(ours: Facts, theirs: Facts) -> set[str]:
    """Name what is not the same: `comment required`, or `comment` where only one side has it."""
    different: set[str] = set()
    for key in (one for one in ours.keys() | theirs.keys() if ours.get(one) != theirs.get(one)):
        name = key.split(" ")[0]
        lonely = [
            part for part in _around(name) if (f"{part} type" in ours) != (f"{part} type" in theirs)
        ]
        different.add(lonely[0] if lonely else key)
    # Where the types differ, what is inside has nothing to be compared with.
    opaque = {one.removesuffix(" type") for one in different if one.endswith(" type")}
    return {
        one
        for one in different
        if not any(part in opaque for part in _around(one.split(" ")[0])[:-1])
    }


def _around(name: str) -> list[str]:
    """`a[].b` stands within `a[]`, which stands within `a`."""
    cuts = [at for at in range(1, len(name)) if name.startswith((".", "[]"), at)]
    return [*(name[:at] for at in cuts), name]
