"""What is known of the document: the fields of an event, their kinds, and the words they can hold.

Facts: the field tables of Flashduty's custom-action, incident-webhook, alert-webhook and
label-mapping pages, and what their samples have beyond them. Flashduty adds fields from time to
time; `payload` holds the whole body, whatever is in it, and is checked by nobody.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

ELEMENT: Final = "[]"  # in a path: one of a list
VALUE: Final = "*"  # in a path: one of the values of a mapping


class Kind(Enum):
    """What a value is that has no fields, or none that are known."""

    TEXT = "a text"
    NUMBER = "a number"
    TRUTH = "true or false"
    ANY = "anything"


@dataclass(frozen=True, slots=True)
class Fields:
    """A mapping whose names are known."""

    of: Mapping[str, "Shape"]


@dataclass(frozen=True, slots=True)
class Named:
    """A mapping of any names."""

    each: "Shape"


@dataclass(frozen=True, slots=True)
class Many:
    """A list."""

    each: "Shape"


Shape: TypeAlias = Kind | Fields | Named | Many

TEXT, NUMBER, TRUTH, ANY = Kind.TEXT, Kind.NUMBER, Kind.TRUTH, Kind.ANY


def _all(kind: Shape, names: str) -> dict[str, Shape]:
    return dict.fromkeys(names.split(), kind)


_PERSON: Final = Fields({**_all(NUMBER, "person_id"), **_all(TEXT, "person_name email")})
_RESPONDER: Final = Fields({**_PERSON.of, **_all(NUMBER, "assigned_at acknowledged_at")})
_LABELS: Final = Named(TEXT)
_ALERT_TEXTS: Final = (
    "alert_id alert_key alert_severity alert_status title title_rule description progress "
    "data_source_name data_source_type data_source_ref_id channel_name responder_name "
    "responder_email"
)
_ALERT_NUMBERS: Final = (
    "account_id channel_id data_source_id created_at updated_at start_time last_time end_time "
    "close_time event_cnt responder_id"
)
_ALERT: Final = Fields(
    {**_all(TEXT, _ALERT_TEXTS), **_all(NUMBER, _ALERT_NUMBERS), "labels": _LABELS}
)
_INCIDENT_TEXTS: Final = (
    "incident_id title description impact root_cause resolution incident_severity "
    "incident_status progress channel_name detail_url group_method account_name dedup_key "
    "equals_md5 num event_id"
)
_INCIDENT_NUMBERS: Final = (
    "created_at updated_at start_time last_time end_time ack_time close_time snoozed_before "
    "alert_cnt channel_id account_id creator_id data_source_id"
)
_ASSIGNED: Final = Fields(
    {
        **_all(TEXT, "escalate_rule_id escalate_rule_name id type"),
        **_all(NUMBER, "assigned_at layer_idx"),
        "person_ids": Many(NUMBER),
    }
)
_INCIDENT: Final = Fields(
    {
        **_all(TEXT, _INCIDENT_TEXTS),
        **_all(NUMBER, _INCIDENT_NUMBERS),
        "labels": _LABELS,
        "fields": Named(ANY),
        "creator": _PERSON,
        "closer": _PERSON,
        "responders": Many(_RESPONDER),
        "responder_ids": Many(NUMBER),
        "assigned_to": _ASSIGNED,
        "alerts": Many(_ALERT),
    }
)
# Of the alert of a call for labels: it is still being taken in, and has names of its own.
_COMING_ALERT: Final[Mapping[str, Shape]] = {
    **_all(TEXT, "event_severity event_status"),
    **_all(NUMBER, "event_time"),
    "images": Many(ANY),
}
_ANY_ALERT: Final = Fields({**_ALERT.of, **_COMING_ALERT, "incident": _INCIDENT})
_EVENT: Final = Fields(
    {
        **_all(TEXT, "id type source action"),
        **_all(NUMBER, "time"),
        **_all(TRUTH, "stale own"),
        "query": Named(TEXT),
        "headers": Named(TEXT),
    }
)
_RUN: Final = Fields(
    {**_all(TEXT, "id playbook url failed_step error"), **_all(NUMBER, "attempt started")}
)
OF_EVENTS: Final[Mapping[str, Shape]] = {
    "event": _EVENT,
    "incident": _INCIDENT,
    "alert": _ANY_ALERT,
    "alerts": Many(_ANY_ALERT),
    "person": _PERSON,
    "labels": _LABELS,
    "fields": Named(ANY),
    **_all(TEXT, "severity status title channel"),
    "payload": ANY,
    "run": _RUN,
}

_OF_JSON: Final[Mapping[str, Shape]] = {
    "string": TEXT,
    "number": NUMBER,
    "integer": NUMBER,
    "boolean": TRUTH,
    "object": Named(ANY),
    "array": Many(ANY),
}
_OF_EVERY_STEP: Final[Mapping[str, Shape]] = {"outcome": TEXT, "error": TEXT, "cut": TEXT}


def of_result(types: Mapping[str, str]) -> Fields:
    """A result, where its step type says what it can have, in JSON Schema's words."""
    return Fields({name: _OF_JSON.get(type_, ANY) for name, type_ in types.items()})


def kept_of_result(types: Mapping[str, str]) -> Fields:
    """What `steps.<id>` has of such a result."""
    return Fields({**_OF_EVERY_STEP, **of_result(types).of})


SEVERITIES: Final = ("Critical", "Warning", "Info", "Ok")
INCIDENT_EVENTS: Final = (
    *("i_new", "i_assign", "i_a_rspd", "i_snooze", "i_wake", "i_ack", "i_unack", "i_storm"),
    *("i_custom", "i_rslv", "i_reopen", "i_merge", "i_comm", "i_r_title", "i_r_desc"),
    *("i_r_impact", "i_r_rc", "i_r_rsltn", "i_r_severity", "i_r_field"),
)
ALERT_EVENTS: Final = ("a_new", "a_update", "a_merge", "a_close")
PRESS: Final = "i_custom"
CALL: Final = "label_mapping"
EVENT_TYPES: Final = (*INCIDENT_EVENTS, *ALERT_EVENTS, CALL)
OUTCOMES: Final = ("succeeded", "failed", "skipped", "unknown")

_ALERTS_OF: Final = (("alert",), ("alerts", ELEMENT), ("incident", "alerts", ELEMENT))
WORDS: Final[Mapping[tuple[str, ...], Sequence[str]]] = {
    ("severity",): SEVERITIES,
    ("status",): SEVERITIES,
    ("incident", "incident_severity"): SEVERITIES,
    ("incident", "incident_status"): SEVERITIES,
    ("incident", "progress"): ("Triggered", "Processing", "Closed"),
    ("incident", "group_method"): ("n", "p", "i"),
    **{(*alert, "alert_severity"): SEVERITIES for alert in _ALERTS_OF},
    **{(*alert, "alert_status"): SEVERITIES for alert in _ALERTS_OF},
    **{(*alert, "progress"): ("Triggered", "Closed") for alert in _ALERTS_OF},
    ("event", "type"): EVENT_TYPES,
    ("event", "source"): (
        *("custom-action", "incident-webhook", "alert-webhook", "label-mapping", "reconciled"),
    ),
}


def words_of(path: Sequence[str]) -> Sequence[str] | None:
    """The words that the value at a path of the document can be; None where any is possible."""
    steps_outcome = ("steps", "outcome")
    if len(path) == 1 + len(steps_outcome) and (path[0], path[-1]) == steps_outcome:
        return OUTCOMES
    return WORDS.get(tuple(path))


def follow(shape: Shape, path: Sequence[str]) -> tuple[Shape, int]:
    """What is known of the value at a path, and how many parts of it are known to be there.

    Where a name is one that nobody knows, that is fewer than the path has.
    """
    for place, part in enumerate(path):
        match shape:
            case Fields(of):
                if part == VALUE:
                    return ANY, len(path)
                if part not in of:
                    return shape, place
                shape = of[part]
            case Named(each):
                shape = each
            case Many(each):
                shape = each if part == ELEMENT else ANY
            case _:
                return ANY, len(path)
    return shape, len(path)
