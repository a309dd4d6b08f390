"""The operations that the simulated Open API answers: path -> handler.

What each demands of its parameters is the catalogue's to say.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from engine.flashduty import operations
from engine.flashduty.rule import Rule
from engine.flashduty.simulated import handlers
from engine.flashduty.simulated.account import SimulatedAccount

Handler = Callable[[SimulatedAccount, Mapping[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class Operation:
    """One call of the Open API: what it demands and who answers it."""

    handler: Handler
    parameters: Mapping[str, Rule]
    method: Literal["GET", "POST"]
    credential: Literal["app_key", "integration_key"]


_HANDLERS: Final[Mapping[str, Handler]] = {
    "/incident/info": handlers.incident_info,
    "/incident/list": handlers.incident_list,
    "/incident/list-by-ids": handlers.incident_list_by_ids,
    "/incident/create": handlers.incident_create,
    "/incident/reset": handlers.incident_reset,
    "/incident/field/reset": handlers.incident_field_reset,
    "/incident/ack": handlers.incident_ack,
    "/incident/unack": handlers.incident_unack,
    "/incident/resolve": handlers.incident_resolve,
    "/incident/reopen": handlers.incident_reopen,
    "/incident/snooze": handlers.incident_snooze,
    "/incident/wake": handlers.incident_wake,
    "/incident/comment": handlers.incident_comment,
    "/incident/feed": handlers.incident_feed,
    "/incident/alert/list": handlers.incident_alert_list,
    "/incident/past/list": handlers.incident_past_list,
    "/field/list": handlers.field_list,
    "/change/list": handlers.change_list,
    "/event/push/change/standard": handlers.change_push,
    "/member/info": handlers.member_info,
    "/member/list": handlers.member_list,
    "/person/infos": handlers.person_infos,
    "/status-page/list": handlers.status_page_list,
    "/status-page/info": handlers.status_page_info,
    "/status-page/change/active/list": handlers.status_page_change_active_list,
    "/status-page/change/list": handlers.status_page_change_list,
    "/status-page/change/info": handlers.status_page_change_info,
    "/status-page/change/create": handlers.status_page_change_create,
    "/status-page/change/timeline/create": handlers.status_page_change_timeline_create,
    "/status-page/change/update": handlers.status_page_change_update,
}


def _answered_by(path: str, handler: Handler) -> Operation:
    known = operations.OPERATIONS[path]
    return Operation(handler, known.parameters, known.method, known.credential)


OPERATIONS: Final[Mapping[str, Operation]] = {
    path: _answered_by(path, handler) for path, handler in _HANDLERS.items()
}
