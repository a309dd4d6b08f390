"""The rules of status page events (reference 2.11)."""

from typing import Any

import pytest

from engine.flashduty.simulated.ids import SimulatedIds
from engine.flashduty.simulated.refusal import RefusalError
from engine.flashduty.simulated.status_page import SimulatedStatusPage

NOW = 1_795_000_000
API, CHECKOUT = "01KC3GB4T2XQ8D1M7R5VWN0HKA", "01KC3GB9C6P3F7J0YZ2SEQT8MB"
COMPONENTS = [{"component_id": API, "name": "API"}, {"component_id": CHECKOUT, "name": "Checkout"}]


@pytest.fixture
def page() -> SimulatedStatusPage:
    ids = SimulatedIds(lambda: NOW)
    return SimulatedStatusPage({"page_id": 7, "components": COMPONENTS}, ids=ids, clock=lambda: NOW)


def states(**components: str) -> list[dict[str, str]]:
    ids = {"api": API, "checkout": CHECKOUT}
    return [{"component_id": ids[name], "status": status} for name, status in components.items()]


def event(**more: Any) -> dict[str, Any]:
    return {
        "type": "incident",
        "status": "investigating",
        "title": "Checkout is slow",
        "description": "We are looking into it.",
        "updates": [{"component_changes": states(api="degraded", checkout="partial_outage")}],
        **more,
    }


def test_an_event_is_kept_with_the_names_of_its_components(page: SimulatedStatusPage) -> None:
    made = page.create_change(event())
    change = page.change(made["change_id"])
    (update,) = change.pop("updates")
    assert made == {"change_id": change["change_id"], "change_name": "Checkout is slow"}
    assert change == {
        "change_id": change["change_id"],
        "page_id": 7,
        "type": "incident",
        "title": "Checkout is slow",
        "description": "We are looking into it.",
        "status": "investigating",
        "affected_components": [
            {"component_id": API, "name": "API", "status": "degraded"},
            {"component_id": CHECKOUT, "name": "Checkout", "status": "partial_outage"},
        ],
        "responder_ids": [],
        "linked_change_ids": [],
        "start_at_seconds": NOW,
        "close_at_seconds": 0,
        "is_retrospective": False,
        "notify_subscribers": False,
        "auto_update_by_schedule": False,
    }
    assert update["at_seconds"] == NOW
    assert update["component_changes"][0]["component_name"] == "API"


def test_an_event_ends_only_when_all_its_components_are_operational(
    page: SimulatedStatusPage,
) -> None:
    change_id = page.create_change(event())["change_id"]
    page.add_update(change_id, {"status": "identified", "description": "A slow query."})
    end = {"status": "resolved", "description": "It works again."}

    with pytest.raises(RefusalError) as refusal:
        page.add_update(change_id, {**end, "component_changes": states(api="operational")})
    assert refusal.value.message == (
        "status resolved ends the incident: component_changes must bring every component it is "
        f"about back to operational, and these are not: {CHECKOUT}."
    )
    assert page.change(change_id)["status"] == "identified"
    assert len(page.change(change_id)["updates"]) == 2

    well = states(api="operational", checkout="operational")
    page.add_update(change_id, {**end, "component_changes": well})
    change = page.change(change_id)
    assert (change["status"], change["close_at_seconds"]) == ("resolved", NOW)


def test_a_closed_event_is_opened_again_by_a_status_that_is_not_terminal(
    page: SimulatedStatusPage,
) -> None:
    change_id = page.create_change(
        event(status="resolved", updates=[{"component_changes": states(api="operational")}])
    )["change_id"]
    assert page.change(change_id)["close_at_seconds"] == NOW

    page.add_update(
        change_id,
        {
            "status": "identified",
            "description": "It is back.",
            "component_changes": states(api="degraded"),
        },
    )
    change = page.change(change_id)
    assert (change["status"], change["close_at_seconds"]) == ("identified", 0)


def test_an_update_replaces_lists_and_keeps_what_is_empty_or_absent(
    page: SimulatedStatusPage,
) -> None:
    change_id = page.create_change(event(responders=[1, 2]))["change_id"]
    page.update_change(change_id, {"title": "", "responders": [3], "linked_changes": ["x"]})
    change = page.change(change_id)
    assert (change["title"], change["responder_ids"], change["linked_change_ids"]) == (
        "Checkout is slow",
        [3],
        ["x"],
    )


def test_a_maintenance_has_its_own_words_and_window(page: SimulatedStatusPage) -> None:
    made = page.create_change(
        event(
            type="maintenance",
            status="scheduled",
            start_at_seconds=NOW + 60,
            close_at_seconds=NOW + 3660,
            auto_update_by_schedule=True,
            updates=[{"at_seconds": NOW, "component_changes": states(api="under_maintenance")}],
        )
    )
    assert page.changes() == [page.change(made["change_id"])]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            event(status="scheduled"),
            (
                "status of type incident must be one of investigating, identified, monitoring, "
                "resolved."
            ),
        ),
        (
            event(updates=[{"description": "Nothing yet."}]),
            (
                "updates[0].component_changes is required: the first update says which components "
                "the event is about."
            ),
        ),
        (
            event(updates=[{"component_changes": states(api="under_maintenance")}]),
            (
                "updates[0].component_changes[0].status of type incident must be one of "
                "operational, degraded, partial_outage, full_outage."
            ),
        ),
        (
            event(updates=[{"component_changes": [{"component_id": "X", "status": "degraded"}]}]),
            "updates[0].component_changes[0].component_id is no component of this page.",
        ),
        (
            event(updates=[{"component_changes": states(api="degraded") * 2}]),
            (
                "updates[0].component_changes[1].component_id is there twice: component ids "
                "must be unique."
            ),
        ),
        (
            event(updates=[{"component_changes": states(api="degraded"), "at_seconds": NOW - 1}]),
            "updates[0].at_seconds must not be before the start of the event.",
        ),
        (
            event(updates=[{"component_changes": states(api="degraded"), "status": "ongoing"}]),
            (
                "updates[0].status of type incident must be one of investigating, identified, "
                "monitoring, resolved."
            ),
        ),
        (
            event(is_retrospective=True),
            "updates must have at least 2 items when is_retrospective.",
        ),
        (
            event(close_at_seconds=NOW),
            "close_at_seconds must be greater than start_at_seconds.",
        ),
        (
            event(auto_update_by_schedule=True),
            "auto_update_by_schedule is for maintenances only.",
        ),
        (
            event(type="maintenance", status="scheduled", auto_update_by_schedule=True),
            "close_at_seconds is required with auto_update_by_schedule.",
        ),
        (
            event(
                type="maintenance",
                status="scheduled",
                auto_update_by_schedule=True,
                close_at_seconds=NOW + 31 * 86400,
            ),
            "close_at_seconds must be at most 30 days after start_at_seconds.",
        ),
    ],
)
def test_an_event_that_breaks_a_rule_is_refused_and_not_kept(
    page: SimulatedStatusPage, call: dict[str, Any], message: str
) -> None:
    with pytest.raises(RefusalError) as refusal:
        page.create_change(call)
    assert (refusal.value.code, refusal.value.message) == ("InvalidParameter", message)
    assert page.changes() == []
