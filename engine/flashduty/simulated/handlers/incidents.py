"""Incidents: reading them, and what is written into them."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from engine.flashduty.simulated.account import SimulatedAccount
from engine.flashduty.simulated.handlers.paging import (
    LONGEST_WINDOW,
    Call,
    Handler,
    in_order,
    page,
    page_after,
    window,
)
from engine.flashduty.simulated.incident import RESETTABLE
from engine.flashduty.simulated.refusal import RefusalError

_EVENTS: Final = 20  # "newest 20 per alert"


def info(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    return account.incident(call["incident_id"])


def list_(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    start, end = window(call, longest=LONGEST_WINDOW)
    channels = account.channels_of_teams(call.get("team_ids", []))
    found = [
        one
        for one in account.incidents()
        if start <= one["start_time"] <= end
        and (not call.get("team_ids") or one["channel_id"] in channels)
        and all(fits(one, call[name]) for name, fits in _FILTERS.items() if name in call)
    ]
    return page_after(in_order(found, call, "start_time", "incident_id"), call, "incident_id")


def list_by_ids(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    wanted = {one.lower() for one in call["incident_ids"]}
    found = [one for one in account.incidents() if one["incident_id"].lower() in wanted]
    return {"items": found, "total": len(found), "has_next_page": False}


def reset(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    changes = {name: call[name] for name in RESETTABLE if call.get(name)}
    if not changes:
        raise RefusalError.parameter(f"at least one of {', '.join(RESETTABLE)} is required.")
    account.reset(call["incident_id"], changes)
    return {}


def field_reset(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    account.reset_field(call["incident_id"], call["field_name"], call.get("field_value"))
    return {}


def comment(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    text = call["comment"].strip()
    if not text:
        raise RefusalError.parameter("comment is required and must not be blank.")
    account.comment(call["incident_ids"], text, mute_reply=call.get("mute_reply", False))
    return {}


def feed(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    entries = account.feed(call["incident_id"])
    if call.get("types"):
        entries = [one for one in entries if one["type"] in call["types"]]
    if not call.get("asc"):
        # By the parameter's description; the specification's own example shows the older first.
        entries.reverse()
    found = page(entries, call)
    return {"items": found["items"], "has_next_page": found["has_next_page"]}


def alert_list(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    alerts = account.cases.incident(call["incident_id"]).alerts
    shown = [
        {
            **account.cases.alert_info(alert),
            **(
                {"events": alert.events()[: -_EVENTS - 1 : -1]}
                if call.get("include_events")
                else {}
            ),
        }
        for alert in alerts
        if call.get("is_active") in (None, alert.is_active)
    ]
    found = page(shown, call, size=1000)
    return {"items": found["items"], "total": found["total"]}


def past_list(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    return {"items": account.past_incidents(call["incident_id"])[: call.get("limit") or 5]}


def _person_ids(incident: Mapping[str, Any], *, acknowledged: bool = False) -> set[int]:
    responders = incident["responders"]
    return {
        one["person_id"] for one in responders if one["acknowledged_at"] > 0 or not acknowledged
    }


# Parameter of /incident/list -> does this incident fit it? A flag that is false asks nothing.
# The key's member owns no channel and is in no team.
_FILTERS: Final[Mapping[str, Callable[[Mapping[str, Any], Any], bool]]] = {
    "progress": lambda one, words: not words or one["progress"] in words.split(","),
    "incident_severity": lambda one, words: (
        not words or one["incident_severity"] in words.split(",")
    ),
    "query": lambda one, text: text.lower() in f"{one['title']}\n{one['description']}".lower(),
    "channel_ids": lambda one, ids: not ids or one["channel_id"] in ids,
    "responder_ids": lambda one, ids: not ids or bool(_person_ids(one) & set(ids)),
    "acker_ids": lambda one, ids: not ids or bool(_person_ids(one, acknowledged=True) & set(ids)),
    "creator_ids": lambda one, ids: not ids or one["creator_id"] in ids,
    "closer_ids": lambda one, ids: not ids or one["closer_id"] in ids,
    "incident_ids": lambda one, ids: not ids or one["incident_id"] in map(str.lower, ids),
    "nums": lambda one, nums: not nums or one["num"] in nums,
    "is_snoozed": lambda one, flag: not flag or one["snoozed_before"] > 0,
    "is_my_team": lambda _one, flag: not flag,
    "is_my_channel": lambda _one, flag: not flag,
    "ever_muted": lambda one, flag: not flag or one["ever_muted"],
    "is_rare": lambda one, flag: not flag or one["frequency"] == "rare",
}

HANDLERS: Final[Mapping[str, Handler]] = {
    "/incident/info": info,
    "/incident/list": list_,
    "/incident/list-by-ids": list_by_ids,
    "/incident/reset": reset,
    "/incident/field/reset": field_reset,
    "/incident/comment": comment,
    "/incident/feed": feed,
    "/incident/alert/list": alert_list,
    "/incident/past/list": past_list,
}
