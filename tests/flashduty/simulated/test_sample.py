"""The sample account goes with the vendor's sample incident and with the playbooks of the demo."""

import pytest
from ulid_transform import bytes_to_ulid, ulid_to_bytes

from engine.flashduty.simulated.sample import sample_account

NOW = 1_795_000_000


def test_the_app_keys_own_member_is_one_of_the_members() -> None:
    account = sample_account(lambda: NOW)
    names = {member["member_id"]: member["member_name"] for member in account.members()}
    assert names[account.own_member_id] == "Automation engine"
    assert set(names.values()) == {"TouTie", "zhangsan", "lisi", "Automation engine"}


def test_its_custom_fields_are_those_of_the_playbooks() -> None:
    fields = {
        field["field_name"]: (field["field_type"], field["value_type"], field["options"])
        for field in sample_account(lambda: NOW).fields()
    }
    services = ["passport", "order", "engine", "checkout", "payment"]
    assert fields == {
        "priority": ("single_select", "string", ["P1", "P2", "P3", "P4", "P5"]),
        "impacted_services": ("multi_select", "string", services),
        "owner": ("text", "string", None),
        "trace_url": ("text", "string", None),
        "suspect_change": ("text", "string", None),
    }


def test_its_status_page_has_three_components_with_ulids() -> None:
    (page,) = sample_account(lambda: NOW).status_pages()
    components = {one["name"]: one["component_id"] for one in page["components"]}
    assert page["page_id"] == 5750613685214
    assert components == {
        "Web Console": "01KC3GAZ6ZJE40H55GM31RPWZE",
        "API": "01KC3GB4T2XQ8D1M7R5VWN0HKA",
        "Checkout": "01KC3GB9C6P3F7J0YZ2SEQT8MB",
    }
    for component_id in components.values():
        assert bytes_to_ulid(ulid_to_bytes(component_id)) == component_id


@pytest.mark.parametrize("now", [NOW, NOW + 1_000_000])
def test_its_deploys_are_of_the_last_hours_whatever_the_clock_says(now: int) -> None:
    account = sample_account(lambda: now)
    changes = {change["change_key"]: change for change in account.changes()}
    assert set(changes) == {"deploy-4799", "deploy-4807", "deploy-4812"}
    assert all(now - 8 * 3600 < change["start_time"] < now for change in changes.values())
    checkout = changes["deploy-4812"]
    assert (checkout["change_status"], checkout["end_time"]) == ("Done", now - 38 * 60)
    assert checkout["labels"] == {
        "service": "checkout",
        "env": "prod",
        "version": "2026.11.23-2",
        "previous": "2026.11.22-5",
    }


def test_it_has_no_incident_yet_and_takes_changes_from_one_integration() -> None:
    account = sample_account(lambda: NOW)
    assert account.incidents() == []
    assert account.has_integration("sample-change-integration")
    assert not account.has_integration("another")
