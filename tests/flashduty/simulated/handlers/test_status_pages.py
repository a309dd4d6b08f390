"""The timeline of a status page's event can be corrected, and components can be renamed."""

from typing import Any

import pytest

from tests.flashduty.simulated.handlers.calling import NOW, Calling

PAGE = 5750613685214
API = "01KC3GB4T2XQ8D1M7R5VWN0HKA"


@pytest.fixture
def event(call: Calling) -> dict[str, Any]:
    """The page and the event, as calls name them."""
    update = {"component_changes": [{"component_id": API, "status": "degraded"}]}
    created = call(
        "/status-page/change/create",
        page_id=PAGE,
        type="incident",
        title="Slow",
        description="Looking.",
        status="investigating",
        updates=[update],
    )
    return {"page_id": PAGE, "change_id": created["change_id"]}


def updates(call: Calling, event: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = call("/status-page/change/info", **event)["updates"]
    return found


def test_an_update_is_corrected_and_deleted(call: Calling, event: dict[str, Any]) -> None:
    call("/status-page/change/timeline/create", **event, status="identified", description="Found.")
    first, second = updates(call, event)
    named = {**event, "update_id": second["update_id"]}
    call("/status-page/change/timeline/update", **named, description="It is the database.")
    call("/status-page/change/timeline/update", **named, at_seconds=NOW + 60)
    corrected = updates(call, event)[1]
    assert (corrected["description"], corrected["at_seconds"]) == ("It is the database.", NOW + 60)
    assert corrected["status"] == "identified"
    assert call.refused("/status-page/change/timeline/update", **named, at_seconds=NOW - 1)[1] == (
        "at_seconds must not be before the start of the event."
    )
    call("/status-page/change/timeline/delete", **named)
    assert updates(call, event) == [first]
    gone = f"update_id {second['update_id']}."
    assert call.missing("/status-page/change/timeline/delete", **named) == gone
    assert call.missing("/status-page/change/timeline/update", **named) == gone


def test_an_event_is_deleted(call: Calling, event: dict[str, Any]) -> None:
    call("/status-page/change/delete", **event)
    missing = f"change_id {event['change_id']}."
    assert call.missing("/status-page/change/info", **event) == missing
    assert call.missing("/status-page/change/delete", **event) == missing


def test_components_are_renamed_and_added_and_have_no_status(call: Calling) -> None:
    call(
        "/status-page/component/upsert",
        page_id=PAGE,
        components=[
            {"component_id": API, "name": "Open API", "status": "full_outage"},
            {"name": "Search"},
        ],
    )
    components = call("/status-page/info", page_id=PAGE)["components"]
    assert [one["name"] for one in components] == ["Web Console", "Open API", "Checkout", "Search"]
    assert all("status" not in one for one in components)
    refused = {"page_id": PAGE, "components": [{"name": "A"}, {"component_id": "x", "name": "B"}]}
    assert call.missing("/status-page/component/upsert", **refused) == "component_id x."
    assert len(call("/status-page/info", page_id=PAGE)["components"]) == 4


def test_nobody_subscribes_and_nothing_was_migrated(call: Calling) -> None:
    assert call("/status-page/subscriber/list", page_id=PAGE)["items"] == []
    assert call.missing("/status-page/subscriber/list", page_id=1) == "page_id 1."
    assert call("/status-page/template/list") == {"items": []}
    assert call.missing("/status-page/migration/status", job_id="x") == "job_id x."
