"""Status pages: their events, which the vendor calls changes, and their components."""

from collections.abc import Mapping
from typing import Any, Final

from engine.flashduty.simulated.account import SimulatedAccount
from engine.flashduty.simulated.handlers.paging import Call, Handler, page
from engine.flashduty.simulated.refusal import RefusalError

_TERMINAL: Final = ("resolved", "completed")


def list_(account: SimulatedAccount, _call: Call) -> dict[str, Any]:
    return {"items": account.status_pages()}


def info(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    return account.status_page(call["page_id"]).page()


def change_active_list(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    changes = account.status_page_changes(call["page_id"])
    running = [one for one in changes if one["status"] not in _TERMINAL]
    return {"items": [one for one in running if one["type"] == call["type"]]}


def change_list(account: SimulatedAccount, call: Call) -> dict[str, Any]:
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


def change_info(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    return account.status_page(call["page_id"]).change(call["change_id"])


def change_create(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    return account.status_page(call["page_id"]).create_change(call)


def change_timeline_create(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    return account.status_page(call["page_id"]).add_update(call["change_id"], call)


def change_update(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    account.status_page(call["page_id"]).update_change(call["change_id"], call)
    return {}


def change_delete(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    account.status_page(call["page_id"]).delete_change(call["change_id"])
    return {}


def timeline_update(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    page_ = account.status_page(call["page_id"])
    page_.correct_update(call["change_id"], call["update_id"], call)
    return {}


def timeline_delete(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    account.status_page(call["page_id"]).delete_update(call["change_id"], call["update_id"])
    return {}


def component_upsert(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    account.status_page(call["page_id"]).put_components(call.get("components", []))
    return {}


def subscriber_list(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    account.status_page(call["page_id"])  # nobody subscribes to a simulated page
    return page([], call)


def template_list(_account: SimulatedAccount, _call: Call) -> dict[str, Any]:
    return {"items": []}


def migration_status(_account: SimulatedAccount, call: Call) -> dict[str, Any]:
    # Migrations begin in the console, and here none ever did.
    raise RefusalError.not_found(f"job_id {call['job_id']}")


HANDLERS: Final[Mapping[str, Handler]] = {
    "/status-page/list": list_,
    "/status-page/info": info,
    "/status-page/change/active/list": change_active_list,
    "/status-page/change/list": change_list,
    "/status-page/change/info": change_info,
    "/status-page/change/create": change_create,
    "/status-page/change/update": change_update,
    "/status-page/change/delete": change_delete,
    "/status-page/change/timeline/create": change_timeline_create,
    "/status-page/change/timeline/update": timeline_update,
    "/status-page/change/timeline/delete": timeline_delete,
    "/status-page/component/upsert": component_upsert,
    "/status-page/subscriber/list": subscriber_list,
    "/status-page/template/list": template_list,
    "/status-page/migration/status": migration_status,
}
