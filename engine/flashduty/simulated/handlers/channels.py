"""Channels and their escalation rules."""

from collections.abc import Mapping
from typing import Any, Final

from engine.flashduty.simulated.account import SimulatedAccount
from engine.flashduty.simulated.handlers.paging import Call, Handler, in_order, page
from engine.flashduty.simulated.refusal import RefusalError

_BRIEF: Final = ("channel_id", "channel_name", "description", "status")
_SHORT: Final = ("channel_id", "channel_name", "status")


def list_(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    if call.get("is_my_starred") and call.get("is_my_team"):
        raise RefusalError.parameter("is_my_starred and is_my_team exclude each other.")
    name, wanted = call.get("channel_name"), call.get("query", "").lower()
    found = [
        one
        for one in account.channels.all()
        if (one["channel_name"] == name if name else wanted in _texts(one))
        and (not call.get("team_ids") or one["team_id"] in call["team_ids"])
        and (not call.get("channel_ids") or one["channel_id"] in call["channel_ids"])
        and (not call.get("is_my_starred") or one["is_starred"])
        # The key's member manages no channel and is in no team.
        and not call.get("is_my_managed")
        and not call.get("is_my_team")
    ]
    by = call.get("orderby") or "ranking"
    by = "channel_id" if by == "ranking" else by
    shown = page(in_order(found, call, by, "channel_id"), call, size=100)
    if call.get("is_brief"):
        shown["items"] = [{name: one[name] for name in _BRIEF} for one in shown["items"]]
    return shown


def info(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    return account.channels.find(call["channel_id"])


def infos(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    found = account.channels.some(call["channel_ids"])
    return {"items": [{name: one[name] for name in _SHORT} for one in found]}


def escalate_rule_list(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    channel = account.channels.find(call["channel_id"])
    rules = account.escalation_rules.all()
    return {"items": [one for one in rules if one["channel_id"] == channel["channel_id"]]}


def escalate_rule_info(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    rule = account.escalation_rules.find(call["rule_id"])
    if rule["channel_id"] != call["channel_id"]:
        raise RefusalError.not_found(f"rule_id {rule['rule_id']} of this channel")
    return rule


def _texts(channel: Mapping[str, Any]) -> str:
    return f"{channel['channel_name']}\n{channel['description']}".lower()


HANDLERS: Final[Mapping[str, Handler]] = {
    "/channel/list": list_,
    "/channel/info": info,
    "/channel/infos": infos,
    "/channel/escalate/rule/list": escalate_rule_list,
    "/channel/escalate/rule/info": escalate_rule_info,
}
