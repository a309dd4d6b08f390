"""The table of operations says what the vendor's specifications say."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from engine.flashduty.operations import OPERATIONS, Operation, operation_at

SPECIFICATIONS: Final = Path(__file__).parents[3] / "shared" / "flashduty"
CHANGING: Final = "add assign comment create delete do merge remove reopen snooze"


@dataclass
class Specified:
    """What is known of a path."""

    methods: set[str] = field(default_factory=set)
    parameters: set[str] = field(default_factory=set)  # of the present specification


@pytest.fixture(scope="module")
def specified() -> dict[str, Specified]:
    if not SPECIFICATIONS.is_dir():
        pytest.skip(f"the vendor's specifications are not at {SPECIFICATIONS}")
    known: dict[str, Specified] = {}
    # The present one first: where it knows a path, the legacy one has nothing to say.
    for name in ("openapi.en.json", "openapi.legacy.zh.json"):
        document = json.loads((SPECIFICATIONS / name).read_text(encoding="utf-8"))
        for path, methods in document["paths"].items():
            if path not in known:
                known[path] = Specified({method.upper() for method in methods})
                for operation in methods.values():
                    known[path].parameters |= set(_parameters(document, operation))
    table = (SPECIFICATIONS / "operations-2026-08.tsv").read_text(encoding="utf-8")
    for line in table.splitlines()[1:]:
        method, path, *_ = line.split("\t")
        known.setdefault(path, Specified()).methods.add(method)
    return known


def _parameters(document: dict[str, Any], operation: dict[str, Any]) -> Iterable[str]:
    content = operation.get("requestBody", {}).get("content", {})
    yield from _properties(document, content.get("application/json", {}).get("schema", {}))
    for parameter in operation.get("parameters", ()):
        if parameter.get("in") == "query":
            yield parameter["name"]


def _properties(document: dict[str, Any], schema: dict[str, Any]) -> Iterable[str]:
    if "$ref" in schema:
        target: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        yield from _properties(document, target)
    yield from schema.get("properties", ())
    for kind in ("allOf", "oneOf", "anyOf"):
        for part in schema.get(kind, ()):
            yield from _properties(document, part)


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=str)
def test_every_operation_exists_with_its_method(
    specified: dict[str, Specified], operation: Operation
) -> None:
    assert operation.path in specified
    assert specified[operation.path].methods == {operation.method}


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=str)
def test_the_incident_goes_where_the_operation_takes_one(
    specified: dict[str, Specified], operation: Operation
) -> None:
    taken = specified[operation.path].parameters & {"incident_id", "incident_ids"}
    if operation.path in ("/incident/list", "/template/preview"):
        assert operation.incident is None  # there it is a filter, or an example: one has to ask
    elif operation.path == "/incident/assign":
        assert (operation.incident, taken) == ("incident_ids", {"incident_id", "incident_ids"})
    else:
        assert taken == ({operation.incident} if operation.incident else set())


def test_everything_that_is_read_by_get_is_in_the_table(specified: dict[str, Specified]) -> None:
    table = (SPECIFICATIONS / "operations-2026-08.tsv").read_text(encoding="utf-8")
    gets = {line.split("\t")[1] for line in table.splitlines() if line.startswith("GET\t")}
    assert gets == {path for path, known in OPERATIONS.items() if known.method == "GET"}
    assert gets <= specified.keys()


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=str)
def test_what_does_something_once_more_each_time_is_not_repeatable(operation: Operation) -> None:
    assert operation.repeatable is (operation.path.rsplit("/", 1)[-1] not in CHANGING.split())


def test_no_path_is_twice_in_the_table_and_each_begins_with_a_slash() -> None:
    assert all(path == known.path for path, known in OPERATIONS.items())
    assert all(path == f"/{path.strip('/')}" for path in OPERATIONS)


@pytest.mark.parametrize("path", ["incident/ack", "/incident/ack", "incident/ack/"])
def test_an_operation_is_found_with_and_without_its_slash(path: str) -> None:
    assert operation_at(path) is OPERATIONS["/incident/ack"]


def test_an_unknown_path_is_a_post_that_may_not_be_repeated() -> None:
    expected = Operation("/incident/new-thing", "POST", None, repeatable=False)
    assert operation_at("incident/new-thing") == expected
