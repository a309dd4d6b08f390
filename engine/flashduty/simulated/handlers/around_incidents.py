"""War rooms, post-mortems and custom fields."""

from collections.abc import Mapping
from typing import Any, Final

from engine.flashduty.simulated.account import SimulatedAccount
from engine.flashduty.simulated.handlers.paging import (
    Call,
    Handler,
    in_order,
    page,
    page_after,
    pattern,
)
from engine.flashduty.simulated.refusal import RefusalError

_CHAT: Final = ("chat_id", "chat_name", "share_link")
_ROOM: Final = ("account_id", "integration_id", "created_by", "chat_id", "incident_id")


def war_room_list(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    shown = (*_ROOM, "status", "created_at", "plugin_type")
    rooms = _rooms(account, call["incident_id"], call.get("integration_id"))
    return {"items": [{name: room[name] for name in shown} for room in rooms]}


def war_room_detail(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    room = _room(account, call["integration_id"], call["chat_id"])
    return {name: room[name] for name in _CHAT}


def war_room_create(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    incident = account.cases.incident(call["incident_id"])
    integration_id = call["integration_id"]
    integration = account.datasources.find(integration_id)
    if not integration["war_room_enabled"]:
        raise RefusalError.parameter(f"integration_id {integration_id} has no war rooms enabled.")
    if _rooms(account, call["incident_id"], integration_id):
        # What the vendor does then is not documented.
        raise RefusalError.parameter("The incident has a war room of this integration already.")
    info = incident.info()
    chat_id = f"oc_{account.ids.event_id()}"
    room = {
        "account_id": account.account_id,
        "integration_id": integration_id,
        "created_by": account.actor,
        "chat_id": chat_id,
        "incident_id": incident.incident_id,
        "status": "enabled",
        "created_at": int(account.clock()),
        "plugin_type": integration["plugin_type"],
        "chat_name": f"#{info['num']} {info['title']}",
        "share_link": f"https://im.example.com/join/{chat_id}",
        "member_ids": call.get("member_ids", []),
    }
    account.war_rooms.put(room)
    told = {"integration_name": integration["name"]}
    told |= {name: room[name] for name in (*_CHAT, "integration_id", "plugin_type")}
    incident.record("i_wr_create", told, account.actor)
    return {name: room[name] for name in _CHAT}


def war_room_delete(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    incident = account.cases.incident(call["incident_id"])
    integration = account.datasources.find(call["integration_id"])
    rooms = _rooms(account, call["incident_id"], call["integration_id"])
    if not rooms:
        raise RefusalError.not_found("war room")
    for room in rooms:
        account.war_rooms.remove(room["chat_id"])
        told = {name: room[name] for name in ("chat_id", "chat_name", "integration_id")}
        told |= {"plugin_type": room["plugin_type"], "integration_name": integration["name"]}
        incident.record("i_wr_delete", told, account.actor)
    return {}


def war_room_add_member(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    room = _room(account, call["integration_id"], call["chat_id"])
    members = dict.fromkeys([*room["member_ids"], *call["member_ids"]])
    account.war_rooms.put({**room, "member_ids": list(members)})
    return {}


def default_observers(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    responders = account.incident(call["incident_id"])["responders"]
    people = [account.person(one["person_id"]) for one in responders]
    return {"observers": [{**one, "as": "responder"} for one in people if one]}


def war_room_enabled_list(account: SimulatedAccount, _call: Call) -> dict[str, Any]:
    return {"items": [one for one in account.datasources.all() if one["war_room_enabled"]]}


def post_mortem_list(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    earliest, latest = (call.get(f"created_at_{end}_seconds") for end in ("start", "end"))
    found = [
        meta
        for meta in (one["meta"] for one in account.post_mortems.all())
        if meta["status"] == (call.get("status") or "published")
        and (not call.get("team_ids") or meta["team_id"] in call["team_ids"])
        and (not call.get("channel_ids") or meta["channel_id"] in call["channel_ids"])
        and (not earliest or meta["created_at_seconds"] >= earliest)
        and (not latest or meta["created_at_seconds"] <= latest)
    ]
    by = call.get("order_by") or "created_at_seconds"
    return page_after(in_order(found, call, by, "post_mortem_id"), call, "post_mortem_id")


def post_mortem_info(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    report = account.post_mortems.find(call["post_mortem_id"])
    return {name: report[name] for name in ("meta", "basics", "content", "follow_ups")}


def post_mortem_template_list(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    by = call.get("order_by") or "created_at_seconds"
    return page(in_order(account.post_mortem_templates.all(), call, by, "template_id"), call)


def post_mortem_template_info(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    return account.post_mortem_templates.find(call["template_id"])


def field_list(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    wanted = pattern(call.get("query", ""))
    return {
        "items": [
            one
            for one in account.fields()
            if wanted.search(one["field_name"]) or wanted.search(one["display_name"])
        ]
    }


def field_info(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    for one in account.fields():
        if one["field_id"] == call["field_id"]:
            return one
    raise RefusalError.not_found(f"field_id {call['field_id']}")


def _rooms(
    account: SimulatedAccount, incident_id: str, integration_id: int | None
) -> list[dict[str, Any]]:
    incident = account.cases.incident(incident_id)
    return [
        room
        for room in account.war_rooms.all()
        if room["incident_id"] == incident.incident_id
        and integration_id in (None, room["integration_id"])
    ]


def _room(account: SimulatedAccount, integration_id: int, chat_id: str) -> dict[str, Any]:
    room = account.war_rooms.find(chat_id)
    if room["integration_id"] != integration_id:
        raise RefusalError.not_found(f"chat_id {chat_id} of integration_id {integration_id}")
    return room


HANDLERS: Final[Mapping[str, Handler]] = {
    "/incident/war-room/list": war_room_list,
    "/incident/war-room/detail": war_room_detail,
    "/incident/war-room/create": war_room_create,
    "/incident/war-room/delete": war_room_delete,
    "/incident/war-room/add-member": war_room_add_member,
    "/incident/war-room/default-observers": default_observers,
    "/datasource/im/war-room-enabled/list": war_room_enabled_list,
    "/incident/post-mortem/list": post_mortem_list,
    "/incident/post-mortem/info": post_mortem_info,
    "/incident/post-mortem/template/list": post_mortem_template_list,
    "/incident/post-mortem/template/info": post_mortem_template_info,
    "/field/list": field_list,
    "/field/info": field_info,
}
