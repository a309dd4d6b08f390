"""What is the account's own: integrations, templates, the audit log and the webhook history."""

import re
from collections.abc import Mapping
from typing import Any, Final

from engine.flashduty.simulated.account import SimulatedAccount
from engine.flashduty.simulated.handlers.paging import DAY, Call, Handler, in_order, page, window
from engine.flashduty.simulated.refusal import RefusalError

_LONGEST_AUDIT: Final = 90 * DAY
_VARIABLE: Final = re.compile(r"\{\{\s*\.([A-Za-z]+)\s*\}\}")
_HUMP: Final = re.compile(r"(?<!^)(?=[A-Z])")
_MOCK: Final = {"title": "Mock incident", "incident_severity": "Warning", "num": "000000"}


def datasource_list(account: SimulatedAccount, call: Call) -> list[dict[str, Any]]:
    """Give a bare list, as the legacy specification has it (trap 25)."""
    same = ("category", "plugin_type", "status")
    found = [
        one
        for one in account.integrations_shown()
        if all(one[name] == call[name] for name in same if call.get(name))
        and call.get("name", "").lower() in one["name"].lower()
        and (not call.get("team_ids") or one["team_id"] in call["team_ids"])
    ]
    items: list[dict[str, Any]] = page(found, call)["items"]
    return items


def template_list(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    wanted = call.get("query", "").lower()
    found = [
        one
        for one in account.templates.all()
        if wanted in one["template_name"].lower()
        and (not call.get("team_ids") or one["team_id"] in call["team_ids"])
        and (not call.get("creator_id") or one["creator_id"] == call["creator_id"])
    ]
    by = call.get("orderby") or "created_at"
    return page(in_order(found, call, by, "template_id"), call)


def template_info(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    return account.templates.find(call["template_id"])


def template_preview(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    """Fill in `{{.Title}}` and the like; of Go templates it knows no more than that."""
    known = account.incident(call["incident_id"]) if call.get("incident_id") else _MOCK
    unknown = [name for name in _VARIABLE.findall(call["content"]) if _snake(name) not in known]
    if unknown:
        return {"content": "", "success": False, "message": f"can't evaluate field {unknown[0]}"}
    content = _VARIABLE.sub(lambda found: str(known[_snake(found[1])]), call["content"])
    return {"content": content, "success": True, "message": ""}


def webhook_history_list(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    return account.history.page(call)


def webhook_history_detail(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    record = account.history.detail(call["event_id"], call["integration_id"])
    title = account.title_of(record["webhook_type"], record["ref_id"])
    channel = account.channel_of(record["channel_id"])
    return {**record, "ref_title": title, "channel_name": channel["channel_name"]}


def audit_search(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    start, end = window(call, longest=_LONGEST_AUDIT)
    same = ("request_id", "is_dangerous", "is_write")
    found = [
        one
        for one in account.audit.all()
        if start * 1000 <= one["created_at"] <= end * 1000
        and all(one[name] == call[name] for name in same if name in call)
        and (not call.get("operations") or one["operation"] in call["operations"])
        and (not call.get("person_id") or one["member_id"] == call["person_id"])
    ]
    found = in_order(found, {}, "created_at", "request_id")
    if cursor := call.get("search_after_ctx"):
        ids = [one["request_id"] for one in found]
        if cursor not in ids:
            raise RefusalError.parameter("search_after_ctx is no cursor of this list.")
        found = found[ids.index(cursor) + 1 :]
    shown = found[: call.get("limit") or 20]
    more = len(found) > len(shown)
    # `docs` and not `items` (trap 25).
    after = shown[-1]["request_id"] if more else ""
    return {"total": len(found), "docs": shown, "search_after_ctx": after}


def audit_operation_list(account: SimulatedAccount, _call: Call) -> dict[str, Any]:
    names = sorted({one["operation"] for one in account.audit.all()})
    return {"items": [{"name": name, "name_cn": name} for name in names]}


def _snake(name: str) -> str:
    return _HUMP.sub("_", name).lower()


HANDLERS: Final[Mapping[str, Handler]] = {
    "/datasource/list": datasource_list,
    "/template/list": template_list,
    "/template/info": template_info,
    "/template/preview": template_preview,
    "/webhook/history/list": webhook_history_list,
    "/webhook/history/detail": webhook_history_detail,
    "/audit/search": audit_search,
    "/audit/operation/list": audit_operation_list,
}
