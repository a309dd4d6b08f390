"""The catalogue says what the vendor's specifications say, or why it does not."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import pytest

from engine.flashduty.operations import OPERATIONS, Operation, operation_at
from engine.flashduty.parameters import Choice, Integer, ListOf, ObjectId, Shape, Text
from engine.flashduty.rule import Rule, complaints_about
from tests.flashduty.operations.specifications import (
    FOLDER,
    LEGACY,
    PRESENT,
    Specified,
    differences,
    facts_of,
    methods_of_2026_08,
    resolved,
    specified,
)

CHANGING: Final = (
    *("add", "add-member", "assign", "comment", "create", "delete", "do", "merge"),
    *("remove", "reopen", "snooze", "standard"),
)

# Where the legacy specification says another thing than the one that followed it, which we keep to.
OUTDATED: Final = {
    "/alert-event/list": {"severities type", "start_time required", "end_time required"},
    "/incident/assign": {"assigned_to.type required"},
    "/incident/create": {"assigned_to.type required", "title required"},
    "/incident/merge": {"remove_source_incidents required"},
    "/incident/reopen": {"reason required"},
    "/incident/war-room/create": {"integration_id type"},
    "/schedule/infos": {"schedule_ids[] type"},
    "/schedule/list": {"team_ids required"},
    "/schedule/preview": {"layers required"},
    "/schedule/self": {"start required", "end required"},
}

every_operation = pytest.mark.parametrize(
    "operation", OPERATIONS.values(), ids=lambda one: one.path
)
needs_facts = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the vendor's specifications are not beside the repository"
)


def specification_of(path: str) -> Specified | None:
    """Give the newest that knows the path."""
    return specified(PRESENT).get(path) or specified(LEGACY).get(path)


def unexplained(operation: Operation) -> set[str]:
    """Name differences without an explanation, and explanations without a difference."""
    theirs = specification_of(operation.path)
    if theirs is None:
        return set(operation.differs)
    found = differences(dict(facts_of(operation.parameters)), theirs.facts)
    return found ^ operation.differs.keys()


@needs_facts
@every_operation
def test_its_parameters_are_the_specifications_or_the_entry_explains_why_not(
    operation: Operation,
) -> None:
    assert unexplained(operation) == set()
    assert all(operation.differs.values())


@needs_facts
@every_operation
def test_its_method_is_the_vendors(operation: Operation) -> None:
    theirs = specification_of(operation.path)
    if theirs is not None:
        assert theirs.methods == {operation.method}
    elif operation.spec == "2026-08":
        assert methods_of_2026_08()[operation.path] == operation.method


def outdated(path: str) -> set[str]:
    """Name types and required parameters of ours that the legacy specification has otherwise."""
    ours, legacy = dict(facts_of(OPERATIONS[path].parameters)), specified(LEGACY)[path].facts
    different: set[str] = set()
    for name in (one.removesuffix(" type") for one in ours if one.endswith(" type")):
        kind, legacy_kind = ours[f"{name} type"], legacy.get(f"{name} type")
        if legacy_kind is None or kind == "anything":
            continue
        # `["boolean", "null"]` is a boolean: null is absent for our rules anyway.
        if kind not in (legacy_kind if isinstance(legacy_kind, list) else [legacy_kind]):
            different.add(f"{name} type")
        if legacy.get(f"{name} required") and not ours.get(f"{name} required"):
            different.add(f"{name} required")
    return different


@needs_facts
def test_where_both_specifications_have_a_path_the_older_one_differs_in_little() -> None:
    both = OPERATIONS.keys() & specified(PRESENT).keys() & specified(LEGACY).keys()
    assert len(both) >= 50
    assert {path: found for path in both if (found := outdated(path))} == OUTDATED
    assert [p for p in both if specified(LEGACY)[p].methods != {OPERATIONS[p].method}] == []


@needs_facts
@every_operation
def test_it_says_where_it_is_from(operation: Operation) -> None:
    sources = {
        "2026-05": operation.path in specified(PRESENT),
        "legacy": operation.path in specified(LEGACY),
        "2026-08": operation.path in methods_of_2026_08(),
        "vendor page": True,
    }
    assert operation.spec == next(name for name, has_it in sources.items() if has_it)


@needs_facts
@every_operation
def test_the_incident_of_an_event_goes_where_the_operation_takes_one(operation: Operation) -> None:
    taken = operation.parameters.keys() & {"incident_id", "incident_ids"}
    if operation.path in ("/incident/list", "/template/preview"):
        assert operation.incident is None  # there it is a filter, or an example: one has to ask
    elif operation.path == "/incident/assign":
        assert (operation.incident, taken) == ("incident_ids", {"incident_id", "incident_ids"})
    else:
        assert taken == ({operation.incident} if operation.incident else set())


@needs_facts
def test_everything_that_is_read_by_get_is_in_the_catalogue() -> None:
    gets = {path for path, method in methods_of_2026_08().items() if method == "GET"}
    assert gets == {path for path, known in OPERATIONS.items() if known.method == "GET"}


def _examples() -> Iterator[tuple[str, dict[str, Any]]]:
    for file in sorted((FOLDER / "samples" / "openapi").glob("[!_]*.json")):
        example = json.loads(file.read_text(encoding="utf-8"))
        if example["path"] in OPERATIONS and example["request"] is not None:
            yield example["path"], example["request"]


@needs_facts
def test_the_rules_complain_of_none_of_the_vendors_own_examples() -> None:
    examples = list(_examples())
    assert len(examples) >= 50
    for path, request in examples:
        assert list(complaints_about(OPERATIONS[path].parameters, request)) == [], path


@needs_facts
@pytest.mark.parametrize(
    ("path", "name", "rule", "said"),
    [
        ("/incident/ack", "incident_ids", ListOf(required=True, item=ObjectId(), least=1), "most"),
        ("/incident/ack", "incident_ids", ListOf(item=ObjectId(), least=1, most=100), "required"),
        ("/incident/resolve", "root_cause", Text(most=1025), "most"),
        ("/incident/reset", "title", Text(least=2, most=200), "least"),
        ("/incident/reset", "incident_severity", Choice(one_of=("Info", "Ok")), "words"),
        ("/incident/snooze", "minutes", Text(required=True), "type"),
        ("/incident/snooze", "minutes", Integer(required=True, least=0, most=1440), "least"),
        ("/incident/unack", "comment", Text(), ""),
        ("/incident/create", "title", None, ""),
    ],
)
def test_the_comparison_finds_what_is_wrong(
    path: str, name: str, rule: Rule | None, said: str
) -> None:
    known = OPERATIONS[path]
    others = {one: other for one, other in known.parameters.items() if one != name}
    broken = replace(known, parameters=others | ({name: rule} if rule else {}))
    assert unexplained(known) == set()
    assert f"{name} {said}".strip() in unexplained(broken)


@needs_facts
def test_the_comparison_looks_into_lists_and_objects() -> None:
    known = OPERATIONS["/status-page/change/create"]
    update = Shape(parameters={"status": Text(), "component_changes": ListOf(item=Text())})
    updates = ListOf(required=True, least=1, item=update)
    broken = replace(known, parameters={**known.parameters, "updates": updates})
    assert unexplained(broken) == {
        "updates[].at_seconds least",  # nothing is left of what it explains
        "updates[].at_seconds",
        "updates[].component_changes[] type",
        "updates[].description",
        "updates[].status words",
        "updates[].update_id",
    }


@needs_facts
def test_an_explanation_that_explains_nothing_is_found() -> None:
    operation = replace(OPERATIONS["/incident/unack"], differs={"incident_ids most": "whatever"})
    assert unexplained(operation) == {"incident_ids most"}


def test_references_and_parts_of_a_schema_are_joined() -> None:
    document = {
        "base": {"type": "object", "properties": {"a": {}}, "required": ["a"]},
        "more": {"allOf": [{"$ref": "#/base"}, {"properties": {"b": {}}, "required": ["b"]}]},
    }
    assert resolved(document, {"$ref": "#/more", "title": "x"}) == {
        "type": "object",
        "title": "x",
        "properties": {"a": {}, "b": {}},
        "required": ["b", "a"],
    }


@every_operation
def test_what_does_something_once_more_each_time_is_not_repeatable(operation: Operation) -> None:
    assert operation.repeatable is (operation.path.rsplit("/", 1)[-1] not in CHANGING)


def test_only_a_push_needs_the_key_of_an_integration() -> None:
    pushes = {path for path, one in OPERATIONS.items() if one.credential == "integration_key"}
    assert pushes == {path for path in OPERATIONS if path.startswith("/event/push/")}
    assert all("integration_key" in OPERATIONS[path].takes for path in pushes)
    assert all("integration_key" not in OPERATIONS[path].parameters for path in pushes)


def test_only_a_custom_action_fails_in_its_data() -> None:
    failing = [path for path, one in OPERATIONS.items() if one.message_is_failure]
    assert failing == ["/incident/custom-action/do"]


def test_no_path_is_twice_in_the_catalogue_and_each_begins_with_a_slash() -> None:
    assert all(path == known.path for path, known in OPERATIONS.items())
    assert all(path == f"/{path.strip('/')}" for path in OPERATIONS)


@pytest.mark.parametrize("path", ["incident/ack", "/incident/ack", "incident/ack/"])
def test_an_operation_is_found_with_and_without_its_slash(path: str) -> None:
    assert operation_at(path) is OPERATIONS["/incident/ack"]


def test_an_unknown_path_is_a_post_that_may_not_be_repeated_and_that_no_source_knows() -> None:
    expected = Operation("/incident/new-thing", "POST", None, repeatable=False, spec=None)
    assert operation_at("incident/new-thing") == expected
