"""Whether a request is what the vendor's specifications describe, in the eyes of `jsonschema`.

Nothing of the engine takes part: the schemas are the vendor's, and so is what a key's name is. What
no specification has is written down here from the vendor's pages and command line.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, Literal

from jsonschema import Draft202012Validator, FormatChecker

from tests.flashduty.operations.specifications import LEGACY, PRESENT, document, resolved

# Both specifications are OpenAPI 3.1, whose schemas are those of JSON Schema 2020-12.
_FORMATS: Final = FormatChecker(formats=())


@_FORMATS.checks("int64")
def _is_int64(value: object) -> bool:
    return not isinstance(value, int | float) or _is_within(value, -(2**63), 2**63)


@_FORMATS.checks("uint64")
def _is_uint64(value: object) -> bool:
    return not isinstance(value, int | float) or _is_within(value, 0, 2**64)


def _is_within(value: float, least: int, end: int) -> bool:
    # To JSON Schema 1.0 is an integer; to the vendor's Go decoder it is none.
    return isinstance(value, int) and least <= value < end


@dataclass(frozen=True)
class Request:
    """One request as a server got it; `body` is None where there was none."""

    method: str
    path: str
    query: Mapping[str, str]
    content_type: str
    body: Any


@dataclass(frozen=True)
class _Described:
    """What is known of an operation: its method, its key, and the schemas of what it takes."""

    method: str
    key: Literal["app_key", "integration_key"] = "app_key"
    query: Any = field(default_factory=lambda: _object({}))
    body: Any = field(default_factory=lambda: _object({}))


def complaints_about(request: Request) -> list[str]:
    """Everything in a request that is not as the newest description of its path has it."""
    return list(_complaints(request, _described(request.path)))


def _complaints(request: Request, known: _Described) -> Iterator[str]:
    if request.method != known.method:
        yield f"the method is {known.method}, not {request.method}"
    if known.key not in request.query:
        yield f"the query has no {known.key}"
    query = {name: text for name, text in request.query.items() if name != known.key}
    yield from _errors("query", _typed(query, known.query), known.query)
    if known.method == "GET":
        if request.body is not None:
            yield "a GET has no body"
    elif request.content_type != "application/json":
        yield f"the content type is application/json, not {request.content_type}"
    else:
        yield from _errors("body", request.body, known.body)


def _errors(part: str, value: Any, schema: Any) -> Iterator[str]:
    validator = Draft202012Validator(schema, format_checker=_FORMATS)
    for error in validator.iter_errors(value):
        yield f"{error.json_path.replace('$', part, 1)}: {error.message}"


def _typed(query: Mapping[str, str], schema: Any) -> dict[str, Any]:
    """A query's texts, and numbers where a number is described and the text is one."""
    kinds = {name: one.get("type") for name, one in schema["properties"].items()}
    return {
        name: int(text) if kinds.get(name) == "integer" and re.fullmatch("-?[0-9]+", text) else text
        for name, text in query.items()
    }


@cache
def _described(path: str) -> _Described:
    if path in WRITTEN_DOWN:
        return WRITTEN_DOWN[path]
    file = PRESENT if path in document(PRESENT)["paths"] else LEGACY
    ((method, operation),) = document(file)["paths"][path].items()
    in_query = [
        one
        for one in (resolved(document(file), given) for given in operation.get("parameters", ()))
        if one["in"] == "query"
    ]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return _Described(
        method.upper(),
        query=_object(
            {one["name"]: one["schema"] for one in in_query},
            *(one["name"] for one in in_query if one.get("required")),
        ),
        # Its `$ref`s begin at the root, so that the components have to be there.
        body={"components": _components(file), **_closed(body.get("schema", {}))},
    )


@cache
def _components(file: str) -> Any:
    return _closed(document(file)["components"])


def _closed(schema: Any) -> Any:
    """The schema, and what is in it, refusing names it does not know.

    By its letter it lets them pass; the server would ignore them. (A request of schemas joined by
    `allOf`, of which there is none, would be refused whatever it is.)
    """
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: _closed(one) for name, one in schema.items()}
    if schema.get("type") == "object" and "properties" in schema:
        return {"additionalProperties": False, **inner}
    return inner


def _object(properties: Mapping[str, Any], *required: str) -> Any:
    """An object of these, and of nothing else."""
    kept = {"type": "object", "properties": dict(properties)}
    return {**kept, "required": list(required), "additionalProperties": False}


_INTEGER: Final = {"type": "integer", "format": "int64"}
_TEXT: Final = {"type": "string"}
_LABELS: Final = {
    "type": "object",
    "maxProperties": 50,
    "propertyNames": {"maxLength": 128},
    "additionalProperties": {"type": "string", "maxLength": 2048},
}


_COMPONENT: Final = _object(
    {"component_id": _TEXT, "name": _TEXT, "section_id": _TEXT, "order_id": _INTEGER}, "name"
)
_PAGE: Final = _object({"page_id": _INTEGER}, "page_id")
_RUNNING: Final = _object(
    {"page_id": _INTEGER, "type": {"enum": ["incident", "maintenance"]}}, "page_id", "type"
)

WRITTEN_DOWN: Final[Mapping[str, _Described]] = {
    # The page "standard alert integration" of the vendor's documentation.
    "/event/push/alert/standard": _Described(
        "POST",
        "integration_key",
        body=_object(
            {
                "title_rule": {"type": "string", "maxLength": 512},
                "event_status": {"enum": ["Critical", "Warning", "Info", "Ok"]},
                "alert_key": {"type": "string", "maxLength": 255},
                "description": {"type": "string", "maxLength": 2048},
                "labels": _LABELS,
                "images": {
                    "type": "array",
                    "items": _object({"src": _TEXT, "alt": _TEXT, "href": _TEXT}),
                },
            },
            "title_rule",
            "event_status",
        ),
    ),
    # The vendor's page of 2024-11; the one that followed it says nothing.
    "/event/push/change/standard": _Described(
        "POST",
        "integration_key",
        body=_object(
            {
                "change_status": {"enum": ["Planned", "Ready", "Processing", "Canceled", "Done"]},
                "change_key": _TEXT,
                "title": _TEXT,
                "event_time": _INTEGER,
                "description": {"type": "string", "maxLength": 2048},
                "link": _TEXT,
                "labels": _LABELS,
            },
            "change_status",
            "change_key",
            "title",
        ),
    ),
    # What the vendor's command line of 2026-08 sends. Of the two template and messenger lists no
    # parameter is known.
    "/datasource/im/war-room-enabled/list": _Described("POST"),
    "/status-page/list": _Described("GET"),
    "/status-page/template/list": _Described("GET"),
    "/status-page/info": _Described("GET", query=_PAGE),
    "/status-page/change/active/list": _Described("GET", query=_RUNNING),
    "/status-page/component/upsert": _Described(
        "POST",
        body=_object(
            {
                "page_id": _INTEGER,
                "components": {
                    "type": "array",
                    "items": {**_COMPONENT, "patternProperties": {"^hide_": {}}},
                },
            },
            "page_id",
        ),
    ),
}
