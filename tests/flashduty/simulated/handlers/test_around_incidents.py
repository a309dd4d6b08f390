"""War rooms are opened and closed, post-mortems and custom fields are read."""

from engine.flashduty.simulated.organization import MESSENGER, POST_MORTEM, POST_MORTEM_TEMPLATE
from tests.flashduty.simulated.handlers.calling import FIRST, NOW, SECOND, Calling

ME, LISI = 3790925372131, 1999632289504


def test_a_war_room_is_opened_found_and_deleted(call: Calling) -> None:
    room = call("/incident/war-room/create", incident_id=FIRST, integration_id=MESSENGER)
    assert room["chat_name"] == "#054D57 incident 0"
    (listed,) = call("/incident/war-room/list", incident_id=FIRST)["items"]
    assert (listed["chat_id"], listed["created_by"]) == (room["chat_id"], ME)
    named = {"integration_id": MESSENGER, "chat_id": room["chat_id"]}
    assert call("/incident/war-room/detail", **named) == room
    call("/incident/war-room/add-member", **named, member_ids=[LISI])
    call("/incident/war-room/delete", incident_id=FIRST, integration_id=MESSENGER)
    assert call("/incident/war-room/list", incident_id=FIRST)["items"] == []
    assert call.kinds(FIRST) == ["i_new", "i_wr_create", "i_wr_delete"]
    assert call.account.feed(FIRST)[1]["detail"] == {
        **room,
        "integration_id": MESSENGER,
        "integration_name": "Feishu",
        "plugin_type": "feishu",
    }
    assert "share_link" not in call.newest(FIRST)["detail"]


def test_what_has_no_war_room_is_refused(call: Calling) -> None:
    asked = {"incident_id": FIRST, "integration_id": MESSENGER}
    assert call.missing("/incident/war-room/delete", **asked) == "war room."
    room = call("/incident/war-room/create", **asked)
    assert call.refused("/incident/war-room/create", **asked)[0] == "InvalidParameter"
    assert call.missing("/incident/war-room/create", incident_id=FIRST, integration_id=1) == (
        "integration_id 1."
    )
    wrong = call.missing("/incident/war-room/detail", integration_id=1, chat_id=room["chat_id"])
    assert wrong == f"chat_id {room['chat_id']} of integration_id 1."


def test_messengers_and_observers_are_found(call: Calling) -> None:
    found = call("/datasource/im/war-room-enabled/list")["items"]
    assert [one["integration_id"] for one in found] == [MESSENGER]
    call("/incident/responder/add", incident_id=SECOND, person_ids=[LISI])
    observers = call("/incident/war-room/default-observers", incident_id=SECOND)["observers"]
    assert [one["person_name"] for one in observers] == ["lisi"]


def test_post_mortems_are_read(call: Calling) -> None:
    (meta,) = call("/incident/post-mortem/list")["items"]
    assert meta["post_mortem_id"] == POST_MORTEM
    assert call("/incident/post-mortem/info", post_mortem_id=POST_MORTEM)["meta"] == meta
    for nothing in (
        {"status": "drafting"},
        {"team_ids": [1]},
        {"channel_ids": [1]},
        {"created_at_start_seconds": NOW},
        {"created_at_end_seconds": 1},
    ):
        assert call("/incident/post-mortem/list", **nothing)["items"] == []
    assert call.missing("/incident/post-mortem/info", post_mortem_id="x") == "post_mortem_id x."
    (template,) = call("/incident/post-mortem/template/list")["items"]
    named = {"template_id": POST_MORTEM_TEMPLATE}
    assert call("/incident/post-mortem/template/info", **named) == template


def test_a_custom_field_is_found_by_its_id(call: Calling) -> None:
    field = call("/field/list", query="owner")["items"][0]
    assert call("/field/info", field_id=field["field_id"]) == field
    assert call.missing("/field/info", field_id="x") == "field_id x."
