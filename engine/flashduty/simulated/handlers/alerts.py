"""Alerts: what integrations push, what was made of it, and merging and closing by hand."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from engine.flashduty.simulated.account import SimulatedAccount
from engine.flashduty.simulated.delivery import push_alert
from engine.flashduty.simulated.handlers.paging import (
    LONGEST_WINDOW,
    Call,
    Handler,
    in_order,
    page,
    page_after,
    window,
)


def info(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    return account.cases.alert_info(account.cases.alert(call["alert_id"]))


def list_(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    start, end = window(call, longest=LONGEST_WINDOW)
    at = "updated_at" if call.get("by_updated_at") else "start_time"
    found = [
        shown
        for alert in account.cases.all_alerts()
        if start <= (shown := account.cases.alert_info(alert))[at] <= end
        and call.get("is_active") in (None, alert.is_active)
        and all(fits(shown, call[name]) for name, fits in _FILTERS.items() if call.get(name))
    ]
    by = call.get("orderby") or "created_at"
    return page_after(in_order(found, call, by, "alert_id"), call, "alert_id")


def list_by_ids(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    # "Any invalid ID causes the entire request to fail."
    found = [account.cases.alert_info(one) for one in account.cases.alerts(call["alert_ids"])]
    return {"items": found, "total": len(found), "has_next_page": False}


def event_list(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    return {"items": account.cases.alert(call["alert_id"]).events()}


def feed(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    entries = account.cases.alert(call["alert_id"]).feed()
    if call.get("types"):
        entries = [one for one in entries if one["type"] in call["types"]]
    if not call.get("asc"):
        entries.reverse()
    found = page(entries, call)
    return {"items": found["items"], "has_next_page": found["has_next_page"]}


def all_events(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    earliest, latest = call.get("start_time", 0), call.get("end_time") or float("inf")
    found = [
        event
        for alert in account.cases.all_alerts()
        for event in alert.events()
        if earliest <= event["event_time"] <= latest
        and all(fits(event, call[name]) for name, fits in _EVENT_FILTERS.items() if call.get(name))
    ]
    return page_after(in_order(found, call, "event_time", "event_id"), call, "event_id")


def merge(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    target = account.cases.incident(call["incident_id"])
    for alert in account.cases.alerts(call["alert_ids"]):
        before = account.cases.incident_of(alert)
        if before is target:
            continue
        if before is not None:
            before.let_go(alert, account.actor)
        target.follow(account.actor, alert, is_new=True)
    target.retitle(call)
    target.record("a_merge", {"comment": call.get("comment", "")}, account.actor)
    return {}


def close(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    for alert in account.cases.alerts(call["alert_ids"]):
        alert.close(account.actor)
    return {}


async def push(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    return await push_alert(account, call)


_FILTERS: Final[Mapping[str, Callable[[Mapping[str, Any], Any], bool]]] = {
    "ever_muted": lambda one, _: one["ever_muted"],
    "alert_severity": lambda one, words: one["alert_severity"] in words.split(","),
    "channel_ids": lambda one, ids: one["channel_id"] in ids,
    "integration_ids": lambda one, ids: one["integration_id"] in ids,
    "alert_ids": lambda one, ids: one["alert_id"] in map(str.lower, ids),
    "alert_keys": lambda one, keys: one["alert_key"] in keys,
}
_EVENT_FILTERS: Final[Mapping[str, Callable[[Mapping[str, Any], Any], bool]]] = {
    "integration_ids": lambda one, ids: one["integration_id"] in ids,
    "integration_types": lambda one, types: one["integration_type"] in types,
    "channel_ids": lambda one, ids: one["channel_id"] in ids,
    "severities": lambda one, words: one["event_severity"] in words.split(","),
}

HANDLERS: Final[Mapping[str, Handler]] = {
    "/alert/info": info,
    "/alert/list": list_,
    "/alert/list-by-ids": list_by_ids,
    "/alert/event/list": event_list,
    "/alert/feed": feed,
    "/alert-event/list": all_events,
    "/alert/merge": merge,
    "/alert/close": close,
    "/event/push/alert/standard": push,
}
