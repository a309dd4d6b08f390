"""The judge of requests refuses what the vendor's specifications do not describe."""

from dataclasses import replace
from typing import Any, Final

import pytest

from engine.flashduty.operations import OPERATIONS
from tests.flashduty.official import WRITTEN_DOWN, Request, complaints_about
from tests.flashduty.operations.specifications import FOLDER, LEGACY, PRESENT, document

KEY: Final = "canary0123456789"
INCIDENT: Final = "6551f3888713372ad1054d57"
PAGE: Final = 5750613685214

needs_facts = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the vendor's specifications are not beside the repository"
)

SNOOZE: Final = Request(
    "POST",
    "/incident/snooze",
    {"app_key": KEY},
    "application/json",
    {"incident_ids": [INCIDENT], "minutes": 30},
)
EVENTS: Final = Request(
    "GET",
    "/status-page/change/list",
    {"app_key": KEY, "page_id": str(PAGE), "type": "incident", "status": "resolved"},
    "",
    None,
)
MEMBERS: Final = replace(
    SNOOZE,
    path="/incident/war-room/add-member",  # in the legacy specification alone
    body={"integration_id": 1, "chat_id": "oc_1", "member_ids": [1]},
)
PUSH: Final = replace(
    SNOOZE,
    path="/event/push/alert/standard",
    query={"integration_key": "k"},
    body={"title_rule": "CPU", "event_status": "Ok"},
)


def with_body(request: Request, **given: Any) -> Request:
    return replace(request, body={**request.body, **given})


def with_query(request: Request, **given: str) -> Request:
    return replace(request, query={**request.query, **given})


@needs_facts
@pytest.mark.parametrize("request_", [SNOOZE, EVENTS, MEMBERS, PUSH], ids=lambda one: one.path)
def test_what_is_right_is_let_through(request_: Request) -> None:
    assert complaints_about(request_) == []


@needs_facts
@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        (replace(SNOOZE, method="GET"), "the method is POST, not GET"),
        (replace(SNOOZE, query={}), "the query has no app_key"),
        (replace(SNOOZE, content_type="text/plain"), "the content type is application/json, not text/plain"),
        (replace(SNOOZE, body=None), "body: None is not of type 'object'"),
        (replace(SNOOZE, body={"minutes": 5}), "body: 'incident_ids' is a required property"),
        (with_body(SNOOZE, minutes="30"), "body.minutes: '30' is not of type 'integer'"),
        (with_body(SNOOZE, minutes=30.0), "body.minutes: 30.0 is not a 'int64'"),
        (with_body(SNOOZE, minutes=1441), "body.minutes: 1441 is greater than the maximum of 1440"),
        (with_body(SNOOZE, minute=5), "body: Additional properties are not allowed ('minute' was unexpected)"),
        (with_body(SNOOZE, incident_ids=["x"]), "body.incident_ids[0]: 'x' does not match '^[0-9a-fA-F]{24}$'"),
        (with_query(SNOOZE, minutes="5"), "query: Additional properties are not allowed ('minutes' was unexpected)"),
        (replace(EVENTS, body={}), "a GET has no body"),
        (with_query(EVENTS, page_id="p"), "query.page_id: 'p' is not of type 'integer'"),
        (with_query(EVENTS, page_id=str(2**63)), f"query.page_id: {2**63} is not a 'int64'"),
        (with_query(EVENTS, status="closed"), "query.status: 'closed' is not one of ['investigating', 'identified', 'monitoring', 'resolved', 'scheduled', 'ongoing', 'completed']"),
        (with_body(MEMBERS, chat_id=7), "body.chat_id: 7 is not of type 'string'"),
        (with_body(PUSH, event_status="ok"), "body.event_status: 'ok' is not one of ['Critical', 'Warning', 'Info', 'Ok']"),
        (replace(PUSH, query={"app_key": KEY}), "the query has no integration_key"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_complained_of(wrong: Request, complaint: str) -> None:
    assert complaint in complaints_about(wrong)


@needs_facts
def test_a_name_within_an_object_is_looked_at_too() -> None:
    update = {"component_changes": [{"component": "01KC", "status": "degraded"}]}
    given = {"page_id": PAGE, "type": "incident", "title": "Slow", "status": "identified"}
    path = "/status-page/change/create"
    request = replace(SNOOZE, path=path, body={**given, "description": "", "updates": [update]})
    within = "body.updates[0].component_changes[0]"
    assert set(complaints_about(request)) >= {
        f"{within}: Additional properties are not allowed ('component' was unexpected)",
        f"{within}: 'component_id' is a required property",
    }


@needs_facts
def test_only_what_no_specification_has_is_written_down_here() -> None:
    specified = document(PRESENT)["paths"].keys() | document(LEGACY)["paths"].keys()
    assert WRITTEN_DOWN.keys() == OPERATIONS.keys() - specified


@pytest.mark.parametrize("path", WRITTEN_DOWN)
def test_the_catalogue_takes_and_requires_what_is_written_down_here(path: str) -> None:
    written, known = WRITTEN_DOWN[path], OPERATIONS[path]
    assert (known.method, known.credential) == (written.method, written.key)
    schema = written.query if known.method == "GET" else written.body
    assert known.parameters.keys() == schema["properties"].keys()
    required = {name for name, rule in known.parameters.items() if rule.required}
    assert required == set(schema["required"])
