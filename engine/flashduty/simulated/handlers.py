"""What the simulated Open API does on a call: one short function an operation.

A handler gets the account and parameters that their rules have let through; it gives the answer's
`data` or raises `RefusalError`. Sources: the operations in reference 2.5 to 2.12.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from engine.flashduty.simulated.account import SimulatedAccount
from engine.flashduty.simulated.alert import is_active
from engine.flashduty.simulated.delivery import press, push_alert
from engine.flashduty.simulated.incident import RESETTABLE
from engine.flashduty.simulated.refusal import RefusalError

_LONGEST_WINDOW: Final = 31 * 24 * 3600
_DEEPEST_PAGE: Final = 10_000  # p * limit (reference 2.1)
_COUNTED: Final = 1000  # `total` is exact below this, then always this
_PERSON: Final = (  # what PersonItem has of MemberItem
    *("account_id", "avatar", "locale", "time_zone", "email", "phone", "status"),
    *("phone_verified", "email_verified"),
)
_TERMINAL: Final = ("resolved", "completed")

Call = Mapping[str, Any]


# Incidents ----------------------------------------------------------------------------------


def incident_info(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    return account.incident(call["incident_id"])


def incident_list(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    start, end = _window(call)
    if end - start > _LONGEST_WINDOW:
        raise RefusalError.parameter("end_time must be at most 31 days after start_time.")
    found = [
        one
        for one in account.incidents()
        if start <= one["start_time"] <= end
        and all(fits(one, call[name]) for name, fits in _FILTERS.items() if name in call)
    ]
    found.sort(key=lambda one: (one["start_time"], one["incident_id"]), reverse=not call.get("asc"))
    cursor = call.get("search_after_ctx")
    if cursor:
        ids = [one["incident_id"] for one in found]
        if cursor not in ids:
            raise RefusalError.parameter("search_after_ctx is no cursor of this list.")
        found = found[ids.index(cursor) + 1 :]
        call = {**call, "p": 1}  # a cursor goes forward from where it stands, not from a page
    return _with_cursor(_page(found, call))


def incident_list_by_ids(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    wanted = {one.lower() for one in call["incident_ids"]}
    found = [one for one in account.incidents() if one["incident_id"].lower() in wanted]
    return {"items": found, "total": len(found), "has_next_page": False}


def incident_create(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    assigned_to = call.get("assigned_to")
    if assigned_to is not None and not {"person_ids", "escalate_rule_id"} & assigned_to.keys():
        raise RefusalError.parameter("assigned_to must have person_ids or escalate_rule_id.")
    return {"incident_id": account.create_incident(call), "title": call.get("title", "")}


def incident_reset(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    changes = {name: call[name] for name in RESETTABLE if call.get(name)}
    if not changes:
        raise RefusalError.parameter(f"at least one of {', '.join(RESETTABLE)} is required.")
    account.reset(call["incident_id"], changes)
    return {}


def incident_field_reset(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    account.reset_field(call["incident_id"], call["field_name"], call.get("field_value"))
    return {}


def incident_comment(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    text = call["comment"].strip()
    if not text:
        raise RefusalError.parameter("comment is required and must not be blank.")
    account.comment(call["incident_ids"], text, mute_reply=call.get("mute_reply", False))
    return {}


def incident_ack(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    account.acknowledge(call["incident_ids"])
    return {}


def incident_unack(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    account.unacknowledge(call["incident_ids"])
    return {}


def incident_resolve(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    texts = {name: call.get(name, "") for name in ("root_cause", "resolution")}
    account.resolve(call["incident_ids"], **texts)
    return {}


def incident_reopen(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    account.reopen(call["incident_ids"], call.get("reason", ""))
    return {}


def incident_snooze(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    account.snooze(call["incident_ids"], call["minutes"])
    return {}


def incident_wake(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    account.wake(call["incident_ids"])
    return {}


def incident_feed(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    entries = account.feed(call["incident_id"])
    if call.get("types"):
        entries = [one for one in entries if one["type"] in call["types"]]
    if not call.get("asc"):
        # By the parameter's description; the specification's own example shows the older first.
        entries.reverse()
    page = _page(entries, call)
    return {"items": page["items"], "has_next_page": page["has_next_page"]}


def incident_alert_list(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    alerts = account.alerts(call["incident_id"])
    if "is_active" in call:
        alerts = [one for one in alerts if is_active(one) == call["is_active"]]
    if call.get("include_events"):
        alerts = [{**one, "events": []} for one in alerts]
    page = _page(alerts, call, size=1000)
    return {"items": page["items"], "total": page["total"]}


def incident_past_list(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    return {"items": account.past_incidents(call["incident_id"])[: call.get("limit") or 5]}


async def incident_custom_action_do(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    # A push that failed is HTTP 200 all the same (trap 22).
    message = await press(account, call["incident_id"], call["integration_id"])
    return {"message": message} if message else {}


# Webhooks and what comes in -----------------------------------------------------------------


async def alert_push(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    return await push_alert(account, call)


def webhook_history_list(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    return account.history.page(call)


def webhook_history_detail(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    record = account.history.detail(call["event_id"], call["integration_id"])
    subject = account.title_of(record["webhook_type"], record["ref_id"])
    channel = account.channel_of(record["channel_id"])
    return {**record, "ref_title": subject, "channel_name": channel["channel_name"]}


# Fields, changes, people --------------------------------------------------------------------


def field_list(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    wanted = _pattern(call.get("query", ""))
    return {
        "items": [
            one
            for one in account.fields()
            if wanted.search(one["field_name"]) or wanted.search(one["display_name"])
        ]
    }


def change_list(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    start, end = _window(call)
    wanted = _pattern(call.get("query", ""))
    integration_ids = call.get("integration_ids")
    by = call.get("orderby") or "start_time"
    found = [
        one
        for one in account.changes()
        if start <= one[by] <= end
        and any(wanted.search(text) for text in _change_texts(one))
        and (not integration_ids or one["integration_id"] in integration_ids)
    ]
    found.sort(key=lambda one: (one[by], one["change_id"]), reverse=not call.get("asc"))
    if not call.get("include_events"):
        found = [{name: one[name] for name in one if name != "events"} for one in found]
    return _page(found, call, size=10)


def change_push(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    event = {name: call[name] for name in call if name != "integration_key"}
    return {"change_key": account.add_change(event, integration_key=call["integration_key"])}


def member_info(account: SimulatedAccount, _call: Call) -> dict[str, Any]:
    own = next((one for one in account.members() if one["member_id"] == account.own_member_id), {})
    return {**own, "account_id": account.account_id, "account_name": account.account_name}


def member_list(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    wanted = call.get("query", "").lower()
    found = [
        one
        for one in account.members()
        if wanted in one["member_name"].lower() or wanted in one["email"].lower()
        if call.get("role_id") is None or call["role_id"] in one["account_role_ids"]
    ]
    by = call.get("orderby") or "created_at"
    found.sort(key=lambda one: int(one[by]), reverse=not call.get("asc"))
    page = _page(found, call)
    paging = {"p": call.get("p", 1), "limit": call.get("limit", 20)}
    return {**paging, "total": len(found), "items": page["items"]}


def person_infos(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    return {
        "items": [
            {
                **{name: one[name] for name in _PERSON},
                "person_id": one["member_id"],
                "person_name": one["member_name"],
                "as": "member",
            }
            for one in account.members()
            if one["member_id"] in call["person_ids"]
        ]
    }


# Status pages -------------------------------------------------------------------------------


def status_page_list(account: SimulatedAccount, _call: Call) -> dict[str, Any]:
    return {"items": account.status_pages()}


def status_page_info(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    return account.status_page(call["page_id"]).page()


def status_page_change_active_list(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    changes = account.status_page_changes(call["page_id"])
    running = [one for one in changes if one["status"] not in _TERMINAL]
    return {"items": [one for one in running if one["type"] == call["type"]]}


def status_page_change_list(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    wanted = (call["type"], call["status"])
    earliest = call.get("start_at_seconds", 0)
    latest = call.get("end_at_seconds")
    return {
        "items": [
            one
            for one in account.status_page_changes(call["page_id"])
            if (one["type"], one["status"]) == wanted
            and earliest <= one["start_at_seconds"]
            and (latest is None or one["start_at_seconds"] <= latest)
        ]
    }


def status_page_change_info(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    return account.status_page(call["page_id"]).change(call["change_id"])


def status_page_change_create(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    return account.status_page(call["page_id"]).create_change(call)


def status_page_change_timeline_create(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    return account.status_page(call["page_id"]).add_update(call["change_id"], call)


def status_page_change_update(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    account.status_page(call["page_id"]).update_change(call["change_id"], call)
    return {}


# What several of them do --------------------------------------------------------------------


def _window(call: Call) -> tuple[int, int]:
    start, end = call["start_time"], call["end_time"]
    if end <= start:
        raise RefusalError.parameter("end_time must be greater than start_time.")
    return start, end


def _page(items: Sequence[Any], call: Call, *, size: int = 20) -> dict[str, Any]:
    page, limit = call.get("p") or 1, call.get("limit") or size
    if page * limit > _DEEPEST_PAGE:
        raise RefusalError.parameter(f"p times limit must be at most {_DEEPEST_PAGE}.")
    return {
        "items": list(items[(page - 1) * limit : page * limit]),
        "total": min(len(items), _COUNTED),
        "has_next_page": page * limit < len(items),
    }


def _with_cursor(page: dict[str, Any]) -> dict[str, Any]:
    last = page["items"][-1:]
    return {**page, "search_after_ctx": last[0]["incident_id"]} if last else page


def _pattern(query: str) -> re.Pattern[str]:
    """Read a `query`, which may be text or a regular expression: what is no expression is text."""
    try:
        return re.compile(query, re.IGNORECASE)
    except re.error:
        return re.compile(re.escape(query), re.IGNORECASE)


def _change_texts(change: Mapping[str, Any]) -> list[str]:
    texts = [change["title"], change["description"], change["change_key"]]
    return texts + [f"{name}={value}" for name, value in change["labels"].items()]


def _person_ids(incident: Mapping[str, Any], *, acknowledged: bool = False) -> set[int]:
    responders = incident["responders"]
    return {
        one["person_id"] for one in responders if one["acknowledged_at"] > 0 or not acknowledged
    }


# Parameter of /incident/list -> does this incident fit it? A flag that is false asks nothing.
# The account has no teams, so nothing is in a channel that a team or the key's member owns.
_FILTERS: Final[Mapping[str, Callable[[Mapping[str, Any], Any], bool]]] = {
    "progress": lambda one, words: not words or one["progress"] in words.split(","),
    "incident_severity": lambda one, words: (
        not words or one["incident_severity"] in words.split(",")
    ),
    "query": lambda one, text: text.lower() in f"{one['title']}\n{one['description']}".lower(),
    "channel_ids": lambda one, ids: not ids or one["channel_id"] in ids,
    "team_ids": lambda _one, ids: not ids,
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
