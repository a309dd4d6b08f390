"""The operations of the simulated Open API: path -> handler and the rules of its parameters.

The rules are the specification's of 2026-05; a comment says where a rule comes from elsewhere:
the legacy specification, the vendor's programs, or the words beside a parameter.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from engine.flashduty.simulated import handlers
from engine.flashduty.simulated.account import SimulatedAccount
from engine.flashduty.simulated.parameters import (
    Anything,
    Flag,
    Integer,
    ListOf,
    ObjectId,
    Pairs,
    Rule,
    Shape,
    Text,
    WordList,
)
from engine.flashduty.simulated.status_page import COMPONENT_STATUSES, EVENT_STATUSES


@dataclass(frozen=True)
class Operation:
    """One call of the Open API: what it demands and who answers it."""

    handler: Callable[
        [SimulatedAccount, Mapping[str, Any]], dict[str, Any] | Awaitable[dict[str, Any]]
    ]
    parameters: Mapping[str, Rule] = field(default_factory=dict)
    method: Literal["GET", "POST"] = "POST"
    credential: Literal["app_key", "integration_key"] = "app_key"


_SEVERITIES: Final = ("Info", "Warning", "Critical")
_FEED_TYPES: Final = (
    *("i_new", "i_assign", "i_a_rspd", "i_notify", "i_storm", "i_snooze"),
    *("i_wake", "i_ack", "i_unack", "i_comm", "i_rslv", "i_reopen"),
    *("i_merge", "i_r_title", "i_r_desc", "i_r_impact", "i_r_rc", "i_r_rsltn"),
    *("i_r_severity", "i_r_field", "i_m_flapping", "i_m_reply", "i_custom", "i_wr_create"),
    *("i_wr_delete", "i_auto_refresh", "a_merge"),
)


def _every(lists: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Join the words of both types of event; which fits which is the status page's to say."""
    return tuple(dict.fromkeys(word for words in lists.values() for word in words))


_INCIDENT: Final = ObjectId(required=True)
_INCIDENTS: Final = ListOf(required=True, item=ObjectId(), least=1, most=100)
_INTEGERS: Final = ListOf(item=Integer())
_PAGE: Final = Integer(required=True)
_EVENT_TYPE: Final = Text(required=True, one_of=tuple(EVENT_STATUSES))
_EVENT_STATUS: Final = Text(required=True, one_of=_every(EVENT_STATUSES))
_COMPONENTS: Final = ListOf(
    item=Shape(
        parameters={
            "component_id": Text(required=True),
            "status": Text(required=True, one_of=_every(COMPONENT_STATUSES)),
        }
    )
)
_TIME: Final = Integer(least=0)
_MILLISECONDS: Final = Integer(required=True, least=10**12, most=10**13 - 1)
# 0 would pass the schema; the API rejects 0/0 for /change/list (the vendor's MCP server says so).
_WINDOW_END: Final = Integer(required=True, least=1)

OPERATIONS: Final[Mapping[str, Operation]] = {
    "/incident/info": Operation(handlers.incident_info, {"incident_id": _INCIDENT}),
    "/incident/list": Operation(
        handlers.incident_list,
        {
            "start_time": _WINDOW_END,
            "end_time": _WINDOW_END,
            "asc": Flag(),
            "is_snoozed": Flag(),
            "is_my_team": Flag(),
            "is_my_channel": Flag(),
            "ever_muted": Flag(),
            "is_rare": Flag(),
            "progress": WordList(one_of=("Triggered", "Processing", "Closed")),
            "query": Text(),
            "incident_severity": WordList(one_of=_SEVERITIES),
            "channel_ids": _INTEGERS,
            "team_ids": _INTEGERS,
            "responder_ids": _INTEGERS,
            "acker_ids": _INTEGERS,
            "creator_ids": _INTEGERS,
            "closer_ids": _INTEGERS,
            "incident_ids": ListOf(item=ObjectId()),
            "nums": ListOf(item=Text()),
            "p": Integer(least=0),
            "limit": Integer(least=0, most=100),
            "search_after_ctx": Text(),
        },
    ),
    "/incident/list-by-ids": Operation(
        handlers.incident_list_by_ids, {"incident_ids": ListOf(required=True, item=ObjectId())}
    ),
    "/incident/create": Operation(
        handlers.incident_create,
        {
            "incident_severity": Text(required=True, one_of=_SEVERITIES),
            "title": Text(most=512),
            "description": Text(most=1024),
            "channel_id": Integer(least=0),
            "assigned_to": Shape(
                parameters={
                    "person_ids": ListOf(item=Integer(), least=1, most=100),
                    "escalate_rule_id": ObjectId(),
                    "layer_idx": Integer(least=0),
                    "type": Text(),
                    "emails": ListOf(item=Text(), least=1, most=100),
                    "notify": Shape(parameters={"follow_preference": Flag()}),
                }
            ),
        },
    ),
    "/incident/reset": Operation(
        handlers.incident_reset,
        {
            "incident_id": _INCIDENT,
            "title": Text(least=3, most=200),
            "description": Text(least=3, most=6144),
            "impact": Text(least=3, most=6144),
            "root_cause": Text(least=3, most=6144),
            "resolution": Text(least=3, most=6144),
            "incident_severity": Text(one_of=_SEVERITIES),
        },
    ),
    "/incident/field/reset": Operation(
        handlers.incident_field_reset,
        {
            "incident_id": _INCIDENT,
            "field_name": Text(required=True),
            "field_value": Anything(),
        },
    ),
    "/incident/ack": Operation(handlers.incident_ack, {"incident_ids": _INCIDENTS}),
    "/incident/unack": Operation(handlers.incident_unack, {"incident_ids": _INCIDENTS}),
    "/incident/resolve": Operation(
        handlers.incident_resolve,
        {
            "incident_ids": _INCIDENTS,
            "root_cause": Text(most=1024),
            "resolution": Text(most=1024),
        },
    ),
    "/incident/reopen": Operation(
        handlers.incident_reopen, {"incident_ids": _INCIDENTS, "reason": Text(most=1024)}
    ),
    "/incident/snooze": Operation(
        handlers.incident_snooze,
        {"incident_ids": _INCIDENTS, "minutes": Integer(required=True, least=1, most=1440)},
    ),
    "/incident/wake": Operation(handlers.incident_wake, {"incident_ids": _INCIDENTS}),
    "/incident/comment": Operation(
        handlers.incident_comment,
        {
            "incident_ids": _INCIDENTS,
            # Not marked as required, but "non-empty after trim" (the vendor's command line).
            "comment": Text(required=True, most=1024),
            "mute_reply": Flag(),
        },
    ),
    "/incident/feed": Operation(
        handlers.incident_feed,
        {
            "incident_id": _INCIDENT,
            "p": Integer(least=1),
            "limit": Integer(least=1, most=100),
            "asc": Flag(),
            "types": ListOf(item=Text(one_of=_FEED_TYPES)),
        },
    ),
    "/incident/alert/list": Operation(
        handlers.incident_alert_list,
        {
            "incident_id": _INCIDENT,
            "include_events": Flag(),
            "is_active": Flag(),
            "limit": Integer(least=0, most=1000),
            "p": Integer(least=0),
        },
    ),
    "/incident/past/list": Operation(
        handlers.incident_past_list,
        {"incident_id": _INCIDENT, "limit": Integer(least=0, most=100)},
    ),
    "/incident/custom-action/do": Operation(
        handlers.incident_custom_action_do,
        {"incident_id": _INCIDENT, "integration_id": Integer(required=True, least=1)},
    ),
    "/webhook/history/list": Operation(
        handlers.webhook_history_list,
        {
            "search_after_ctx": Text(),
            "limit": Integer(required=True, least=1, most=100),
            "asc": Flag(),
            "orderby": Text(one_of=("event_time",)),
            "ref_id": Text(most=128),
            "integration_id": Integer(least=0),
            "event_types": ListOf(item=Text()),
            "status": Text(one_of=("success", "failed")),
            "start_time": _MILLISECONDS,
            "end_time": _MILLISECONDS,
        },
    ),
    "/webhook/history/detail": Operation(
        handlers.webhook_history_detail,
        {"event_id": Text(required=True), "integration_id": Integer(required=True, least=1)},
    ),
    # The vendor's page of the standard alert (reference 2.9): what is too long is truncated.
    "/event/push/alert/standard": Operation(
        handlers.alert_push,
        {
            "title_rule": Text(required=True),
            "event_status": Text(required=True, one_of=("Critical", "Warning", "Info", "Ok")),
            "alert_key": Text(),
            "description": Text(),
            "labels": Pairs(most=10**6, value=Text(), longest_key=10**6),
            "images": ListOf(item=Shape(parameters={"src": Text(required=True)})),
        },
        credential="integration_key",
    ),
    # Not in the specification of 2026-05; `query` from the vendor's command line.
    "/field/list": Operation(handlers.field_list, {"query": Text()}),
    # The legacy specification; required times and limits from the vendor's own programs.
    "/change/list": Operation(
        handlers.change_list,
        {
            "start_time": _WINDOW_END,
            "end_time": _WINDOW_END,
            "p": Integer(least=0),
            "limit": Integer(least=1, most=100),
            "integration_ids": _INTEGERS,
            "query": Text(),
            "orderby": Text(one_of=("start_time", "last_time")),
            "asc": Flag(),
            "include_events": Flag(),
        },
    ),
    # An older page of the vendor (reference 2.9); that `change_key` comes back is by analogy with
    # `alert_key` of the alert push.
    "/event/push/change/standard": Operation(
        handlers.change_push,
        {
            "change_status": Text(
                required=True, one_of=("Planned", "Ready", "Processing", "Canceled", "Done")
            ),
            "change_key": Text(most=255),
            "title": Text(required=True),
            "event_time": _TIME,
            "description": Text(most=2048),
            "link": Text(),
            "labels": Pairs(),
        },
        credential="integration_key",
    ),
    "/member/info": Operation(handlers.member_info),
    "/member/list": Operation(
        handlers.member_list,
        {
            "role_id": Integer(least=0),
            "p": Integer(least=1),
            "limit": Integer(least=1, most=100),
            "orderby": Text(one_of=("created_at", "updated_at")),
            "asc": Flag(),
            "query": Text(),
        },
    ),
    "/person/infos": Operation(
        handlers.person_infos, {"person_ids": ListOf(required=True, item=Integer())}
    ),
    "/status-page/list": Operation(handlers.status_page_list, method="GET"),
    "/status-page/info": Operation(handlers.status_page_info, {"page_id": _PAGE}, method="GET"),
    "/status-page/change/active/list": Operation(
        handlers.status_page_change_active_list,
        {"page_id": _PAGE, "type": _EVENT_TYPE},
        method="GET",
    ),
    "/status-page/change/list": Operation(
        handlers.status_page_change_list,
        {
            "page_id": _PAGE,
            "type": _EVENT_TYPE,
            "status": _EVENT_STATUS,
            "start_at_seconds": _TIME,
            "end_at_seconds": _TIME,
        },
        method="GET",
    ),
    "/status-page/change/info": Operation(
        handlers.status_page_change_info, {"page_id": _PAGE, "change_id": _PAGE}, method="GET"
    ),
    "/status-page/change/create": Operation(
        handlers.status_page_change_create,
        {
            "page_id": _PAGE,
            "type": _EVENT_TYPE,
            "title": Text(required=True, most=255),
            "description": Text(required=True),  # "Required by the validator"
            "status": _EVENT_STATUS,
            "start_at_seconds": _TIME,
            "close_at_seconds": _TIME,
            "responders": _INTEGERS,
            "linked_changes": ListOf(item=Text()),
            "updates": ListOf(
                required=True,
                least=1,
                item=Shape(
                    parameters={
                        "update_id": Text(),
                        "at_seconds": _TIME,
                        "status": Text(one_of=_every(EVENT_STATUSES)),
                        "description": Text(),
                        "component_changes": _COMPONENTS,
                    }
                ),
            ),
            "notify_subscribers": Flag(),
            "auto_update_by_schedule": Flag(),
            "is_retrospective": Flag(),
        },
    ),
    "/status-page/change/timeline/create": Operation(
        handlers.status_page_change_timeline_create,
        {
            "page_id": _PAGE,
            "change_id": _PAGE,
            "at_seconds": _TIME,
            "status": _EVENT_STATUS,
            "description": Text(required=True),  # "Required", in the words beside it
            "component_changes": _COMPONENTS,
        },
    ),
    "/status-page/change/update": Operation(
        handlers.status_page_change_update,
        {
            "page_id": _PAGE,
            "change_id": _PAGE,
            "title": Text(most=255),
            "responders": _INTEGERS,
            "linked_changes": ListOf(item=Text()),
        },
    ),
}
