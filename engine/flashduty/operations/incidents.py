"""Incidents: reading them, handling them, and what is written into them."""

from typing import Final

from engine.flashduty.operations.operation import (
    AN_ID,
    IN_WORDS,
    NEWER,
    SINCE_ZERO,
    Operation,
    adds,
    reads,
    sets,
)
from engine.flashduty.parameters import (
    Anything,
    Choice,
    Flag,
    Integer,
    ListOf,
    ObjectId,
    Shape,
    Text,
    WordList,
)

SEVERITIES: Final = ("Info", "Warning", "Critical")
PROGRESS: Final = ("Triggered", "Processing", "Closed")
FEED_TYPES: Final = (
    *("i_new", "i_assign", "i_a_rspd", "i_notify", "i_storm", "i_snooze"),
    *("i_wake", "i_ack", "i_unack", "i_comm", "i_rslv", "i_reopen"),
    *("i_merge", "i_r_title", "i_r_desc", "i_r_impact", "i_r_rc", "i_r_rsltn"),
    *("i_r_severity", "i_r_field", "i_m_flapping", "i_m_reply", "i_custom", "i_wr_create"),
    *("i_wr_delete", "i_auto_refresh", "a_merge"),
)

INCIDENT: Final = ObjectId(required=True)
INCIDENTS: Final = ListOf(required=True, item=ObjectId(), least=1, most=100)
_INTEGERS: Final = ListOf(item=Integer())
_PEOPLE: Final = ListOf(item=Integer(), least=1, most=100)
_NOTIFY: Final = Shape(
    parameters={
        "follow_preference": Flag(),
        "personal_channels": ListOf(item=Text()),
        "template_id": ObjectId(),
    }
)
# A form that newer accounts may have to fill in. Its fields are the account's own.
_FORM: Final = {
    "summary": Text(),
    "custom_fields": Anything(),
    "images": ListOf(item=Anything()),
}
_FORM_IS_NEWER: Final = dict.fromkeys(_FORM, NEWER)

READING: Final[tuple[Operation, ...]] = (
    reads("/incident/info", {"incident_id": INCIDENT}, incident="incident_id"),
    reads(
        "/incident/list",  # at most 31 days; `incident_ids` is a filter here
        {
            "start_time": Integer(required=True),
            "end_time": Integer(required=True),
            "asc": Flag(),
            "is_snoozed": Flag(),
            "is_my_team": Flag(),
            "is_my_channel": Flag(),
            "ever_muted": Flag(),
            "is_rare": Flag(),
            "progress": WordList(one_of=PROGRESS),
            "query": Text(),
            "incident_severity": WordList(one_of=SEVERITIES),
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
        differs={
            "progress words": IN_WORDS,
            "incident_severity words": IN_WORDS,
            "incident_ids[] pattern": AN_ID,
        },
    ),
    reads(
        "/incident/list-by-ids",
        {"incident_ids": ListOf(required=True, item=ObjectId())},
        incident="incident_ids",
    ),
    reads(
        "/incident/feed",
        {
            "incident_id": INCIDENT,
            "p": Integer(least=1),
            "limit": Integer(least=1, most=100),
            "asc": Flag(),
            "types": ListOf(item=Choice(one_of=FEED_TYPES)),
        },
        incident="incident_id",
    ),
    reads(
        "/incident/alert/list",
        {
            "incident_id": INCIDENT,
            "include_events": Flag(),
            "is_active": Flag(),
            "limit": Integer(least=0, most=1000),
            "p": Integer(least=0),
        },
        incident="incident_id",
    ),
    reads(  # an incident without a channel has none: HTTP 400
        "/incident/past/list",
        {"incident_id": INCIDENT, "limit": Integer(least=0, most=100)},
        incident="incident_id",
    ),
)

WRITING: Final[tuple[Operation, ...]] = (
    adds(
        "/incident/create",
        {
            "incident_severity": Choice(required=True, one_of=SEVERITIES),
            "title": Text(most=512),
            "description": Text(most=1024),
            "channel_id": Integer(least=0),
            "assigned_to": Shape(
                parameters={
                    "person_ids": _PEOPLE,
                    "escalate_rule_id": ObjectId(),
                    "layer_idx": Integer(least=0),
                    "type": Text(),
                    "emails": ListOf(item=Text(), least=1, most=100),
                    "notify": _NOTIFY,
                }
            ),
            "fields": Anything(),
        },
        differs={
            "channel_id least": SINCE_ZERO,
            "assigned_to.layer_idx least": SINCE_ZERO,
            "fields": NEWER,
        },
    ),
    sets(  # cannot clear a text: an empty one is ignored
        "/incident/reset",
        {
            "incident_id": INCIDENT,
            "title": Text(least=3, most=200),
            "description": Text(least=3, most=6144),
            "impact": Text(least=3, most=6144),
            "root_cause": Text(least=3, most=6144),
            "resolution": Text(least=3, most=6144),
            "incident_severity": Choice(one_of=SEVERITIES),
        },
        incident="incident_id",
    ),
    sets(  # without a value it deletes the field's
        "/incident/field/reset",
        {
            "incident_id": INCIDENT,
            "field_name": Text(required=True, cuttable=False),
            "field_value": Anything(),
        },
        incident="incident_id",
    ),
    sets(
        "/incident/ack",
        {"incident_ids": INCIDENTS, **_FORM},
        incident="incident_ids",
        differs=_FORM_IS_NEWER,
    ),
    sets("/incident/unack", {"incident_ids": INCIDENTS}, incident="incident_ids"),
    sets(
        "/incident/resolve",
        {
            "incident_ids": INCIDENTS,
            "root_cause": Text(most=1024),
            "resolution": Text(most=1024),
            "description": Text(most=6144),
            **_FORM,
        },
        incident="incident_ids",
        differs={"description": NEWER, **_FORM_IS_NEWER},
    ),
    adds(
        "/incident/reopen",
        {"incident_ids": INCIDENTS, "reason": Text(most=1024)},
        incident="incident_ids",
    ),
    adds(
        "/incident/snooze",
        {"incident_ids": INCIDENTS, "minutes": Integer(required=True, least=1, most=1440)},
        incident="incident_ids",
        differs={"incident_ids least": "not marked; none is nothing to snooze"},
    ),
    sets("/incident/wake", {"incident_ids": INCIDENTS}, incident="incident_ids"),
    adds(  # this is also "reassign"; it notifies each time
        "/incident/assign",
        {
            "incident_id": ObjectId(),
            "incident_ids": ListOf(item=ObjectId(), least=1, most=100),
            "assigned_to": Shape(
                required=True,
                parameters={
                    "person_ids": _PEOPLE,
                    "escalate_rule_id": ObjectId(),
                    "layer_idx": Integer(least=0),
                    "type": Choice(one_of=("assign", "reassign", "escalate", "reopen")),
                    "emails": ListOf(item=Text(), least=1, most=100),
                    "notify": _NOTIFY,
                },
            ),
        },
        incident="incident_ids",
        differs={
            "assigned_to.layer_idx least": SINCE_ZERO,
            "assigned_to.notify": NEWER,
            "assigned_to.escalate_rule_name": "the server fills it in",
            "assigned_to.assigned_at": "the server fills it in",
            "assigned_to.id": "the server makes it",
        },
    ),
    adds(
        "/incident/responder/add",
        {
            "incident_id": INCIDENT,
            "person_ids": ListOf(required=True, item=Integer()),
            "notify": _NOTIFY,
        },
        incident="incident_id",
    ),
    adds(  # cannot be undone
        "/incident/merge",
        {
            "source_incident_ids": INCIDENTS,
            "target_incident_id": INCIDENT,
            "title": Text(most=512),
            "comment": Text(most=1024),
            "owner_id": Integer(),
            "remove_source_incidents": Flag(),
        },
    ),
    sets(
        "/incident/disable-merge",
        {"incident_ids": ListOf(required=True, item=ObjectId())},
        incident="incident_ids",
    ),
    adds(  # for good
        "/incident/remove",
        {"incident_ids": ListOf(required=True, item=ObjectId(), most=100)},
        incident="incident_ids",
    ),
    adds(  # the legacy specification took 500 characters
        "/incident/comment",
        {
            "incident_ids": INCIDENTS,
            "comment": Text(required=True, most=1024),
            "mute_reply": Flag(),
            "comment_type_id": Anything(),
        },
        incident="incident_ids",
        differs={
            "comment required": "not marked, but one that is empty once trimmed is refused",
            "comment_type_id": NEWER,
        },
    ),
    adds(
        "/incident/custom-action/do",
        {"incident_id": INCIDENT, "integration_id": Integer(required=True)},
        incident="incident_id",
        message_is_failure=True,
    ),
)

INCIDENT_OPERATIONS: Final = (*READING, *WRITING)
