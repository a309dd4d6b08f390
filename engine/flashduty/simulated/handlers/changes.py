"""Deploy changes: what is pushed, and what can be read of it."""

from collections.abc import Mapping
from typing import Any, Final

from engine.flashduty.simulated.account import SimulatedAccount
from engine.flashduty.simulated.handlers.paging import (
    Call,
    Handler,
    in_order,
    page,
    pattern,
    window,
)


def list_(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    start, end = window(call)
    wanted = pattern(call.get("query", ""))
    integration_ids = call.get("integration_ids")
    by = call.get("orderby") or "start_time"
    found = [
        one
        for one in account.changes()
        if start <= one[by] <= end
        and any(wanted.search(text) for text in _texts(one))
        and (not integration_ids or one["integration_id"] in integration_ids)
    ]
    found = in_order(found, call, by, "change_id")
    if not call.get("include_events"):
        found = [{name: one[name] for name in one if name != "events"} for one in found]
    return page(found, call, size=10)


def push(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    event = {name: call[name] for name in call if name != "integration_key"}
    return {"change_key": account.add_change(event, integration_key=call["integration_key"])}


def _texts(change: Mapping[str, Any]) -> list[str]:
    texts = [change["title"], change["description"], change["change_key"]]
    return texts + [f"{name}={value}" for name, value in change["labels"].items()]


HANDLERS: Final[Mapping[str, Handler]] = {
    "/change/list": list_,
    "/event/push/change/standard": push,
}
