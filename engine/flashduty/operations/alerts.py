"""Alerts and their raw events, and pushing one in."""

from typing import Final

from engine.flashduty.operations.operation import (
    AN_ID,
    IN_WORDS,
    Operation,
    adds,
    reads,
    sets,
)
from engine.flashduty.parameters import (
    Choice,
    Flag,
    Integer,
    ListOf,
    ObjectId,
    Pairs,
    Shape,
    Text,
    WordList,
)

_STATUSES: Final = ("Critical", "Warning", "Info", "Ok")
_INTEGERS: Final = ListOf(item=Integer())
_ALERT: Final = ObjectId(required=True)
_ALERTS: Final = ListOf(required=True, item=ObjectId())
_ALERT_IN_WORDS: Final = {"alert_id pattern": IN_WORDS}
_ALERTS_IN_WORDS: Final = {"alert_ids[] pattern": IN_WORDS}

ALERT_OPERATIONS: Final[tuple[Operation, ...]] = (
    reads("/alert/info", {"alert_id": _ALERT}, differs=_ALERT_IN_WORDS),
    reads(
        "/alert/list",  # at most 31 days
        {
            "start_time": Integer(required=True),
            "end_time": Integer(required=True),
            "p": Integer(),
            "limit": Integer(most=100),
            "search_after_ctx": Text(),
            "is_active": Flag(),
            "ever_muted": Flag(),
            "alert_severity": WordList(one_of=_STATUSES),
            "channel_ids": _INTEGERS,
            "integration_ids": _INTEGERS,
            "alert_ids": ListOf(item=ObjectId()),
            "alert_keys": ListOf(item=Text()),
            "orderby": Choice(one_of=("created_at", "updated_at")),
            "asc": Flag(),
            "by_updated_at": Flag(),
        },
        differs={
            "limit most": IN_WORDS,
            "alert_severity words": IN_WORDS,
            **_ALERTS_IN_WORDS,
        },
    ),
    reads("/alert/list-by-ids", {"alert_ids": _ALERTS}, differs=_ALERTS_IN_WORDS),
    reads("/alert/event/list", {"alert_id": _ALERT}, differs=_ALERT_IN_WORDS),
    reads(
        "/alert/feed",
        {
            "alert_id": _ALERT,
            "p": Integer(),
            "limit": Integer(most=100),
            "asc": Flag(),
            "types": ListOf(item=Text()),
        },
        differs={"alert_id pattern": AN_ID, "limit most": IN_WORDS},
    ),
    reads(
        "/alert-event/list",
        {
            "start_time": Integer(),
            "end_time": Integer(),
            "p": Integer(),
            "limit": Integer(most=100),
            "search_after_ctx": Text(),
            "integration_ids": _INTEGERS,
            "integration_types": ListOf(item=Text()),
            "channel_ids": ListOf(item=Integer(), most=100),
            "severities": WordList(one_of=_STATUSES),
            "orderby": Choice(one_of=("event_time",)),
            "asc": Flag(),
        },
        differs={
            "limit most": IN_WORDS,
            "channel_ids most": IN_WORDS,
            "severities words": "not marked; the severities an alert event can have",
        },
    ),
    adds(  # cannot be undone
        "/alert/merge",
        {
            "alert_ids": _ALERTS,
            "incident_id": ObjectId(required=True),
            "comment": Text(),
            "title": Text(),
            "owner_id": Integer(),
        },
        incident="incident_id",
        differs={"alert_ids[] pattern": AN_ID, "incident_id pattern": AN_ID},
    ),
    sets(
        "/alert/close",
        {"alert_ids": _ALERTS},
        spec="legacy",
        differs={"alert_ids[] pattern": AN_ID},
    ),
    adds(  # the page of the standard alert integration
        "/event/push/alert/standard",
        {
            "title_rule": Text(required=True, most=512),
            "event_status": Choice(required=True, one_of=_STATUSES),
            "alert_key": Text(most=255, cuttable=False),
            "description": Text(most=2048),
            "labels": Pairs(),
            "images": ListOf(
                item=Shape(parameters={"src": Text(required=True), "alt": Text(), "href": Text()})
            ),
        },
        credential="integration_key",
        spec="vendor page",
    ),
)
