"""Status pages. What happens on one is called a change there; it is no deploy."""

from collections.abc import Mapping, Sequence
from typing import Final

from engine.flashduty.operations.operation import (
    IN_WORDS,
    SINCE_ZERO,
    Operation,
    adds,
    gets,
    sets,
)
from engine.flashduty.parameters import Choice, Flag, Integer, ListOf, Shape, Text
from engine.flashduty.rule import Rule

# By type, in the order an event goes through them; the last one is terminal.
EVENT_STATUSES: Final[Mapping[str, Sequence[str]]] = {
    "incident": ("investigating", "identified", "monitoring", "resolved"),
    "maintenance": ("scheduled", "ongoing", "completed"),
}
COMPONENT_STATUSES: Final[Mapping[str, Sequence[str]]] = {
    "incident": ("operational", "degraded", "partial_outage", "full_outage"),
    "maintenance": ("operational", "under_maintenance"),
}


def _every(lists: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Join the words of both types; which fits which is the status page's to say."""
    return tuple(dict.fromkeys(word for words in lists.values() for word in words))


_ID: Final = Integer(required=True)
_TYPE: Final = Choice(required=True, one_of=tuple(EVENT_STATUSES))
_STATUS: Final = Choice(required=True, one_of=_every(EVENT_STATUSES))
_TIME: Final = Integer(least=0)
_UPDATE: Final = Text(required=True, cuttable=False)
_CHANGE: Final[Mapping[str, Rule]] = {"page_id": _ID, "change_id": _ID}
_COMPONENTS: Final = ListOf(
    item=Shape(
        parameters={
            "component_id": Text(required=True),
            "status": Choice(required=True, one_of=_every(COMPONENT_STATUSES)),
        }
    )
)

_READING: Final[tuple[Operation, ...]] = (
    gets("/status-page/list", spec="2026-08"),
    gets("/status-page/info", {"page_id": _ID}, spec="2026-08"),
    gets("/status-page/change/active/list", {"page_id": _ID, "type": _TYPE}, spec="2026-08"),
    gets(
        "/status-page/change/list",  # one status a call
        {
            "page_id": _ID,
            "type": _TYPE,
            "status": _STATUS,
            "start_at_seconds": _TIME,
            "end_at_seconds": _TIME,
        },
        differs={"start_at_seconds least": SINCE_ZERO, "end_at_seconds least": SINCE_ZERO},
    ),
    gets("/status-page/change/info", _CHANGE),
    gets(
        "/status-page/subscriber/list",
        {
            "page_id": _ID,
            "component_ids": Text(),
            "p": Integer(least=1),
            "limit": Integer(least=1, most=100),
        },
    ),
    gets("/status-page/migration/status", {"job_id": Text(required=True)}),
    # Its parameters are in no source we have.
    gets("/status-page/template/list", open=True, spec="2026-08"),
)

_WRITING: Final[tuple[Operation, ...]] = (
    adds(
        "/status-page/change/create",
        {
            "page_id": _ID,
            "type": _TYPE,
            "title": Text(required=True, most=255),
            "description": Text(required=True),
            "status": _STATUS,
            "start_at_seconds": _TIME,
            "close_at_seconds": _TIME,
            "responders": ListOf(item=Integer()),
            "linked_changes": ListOf(item=Text()),
            "updates": ListOf(
                required=True,
                least=1,
                item=Shape(
                    parameters={
                        "update_id": Text(),
                        "at_seconds": _TIME,
                        "status": Choice(one_of=_every(EVENT_STATUSES)),
                        "description": Text(),
                        "component_changes": _COMPONENTS,
                    }
                ),
            ),
            "notify_subscribers": Flag(),
            "auto_update_by_schedule": Flag(),
            "is_retrospective": Flag(),
        },
        differs={
            "description required": IN_WORDS,
            "start_at_seconds least": SINCE_ZERO,
            "close_at_seconds least": SINCE_ZERO,
            "updates least": "not marked; the first update has to name its components",
            "updates[].at_seconds least": SINCE_ZERO,
        },
    ),
    sets(
        "/status-page/change/update",  # not the status; lists are replaced whole
        {
            **_CHANGE,
            "title": Text(most=255),
            "responders": ListOf(item=Integer()),
            "linked_changes": ListOf(item=Text()),
        },
    ),
    adds("/status-page/change/delete", _CHANGE),
    adds(
        "/status-page/change/timeline/create",
        {
            **_CHANGE,
            "at_seconds": _TIME,
            "status": _STATUS,
            "description": Text(required=True),
            "component_changes": _COMPONENTS,
        },
        differs={"description required": IN_WORDS, "at_seconds least": SINCE_ZERO},
    ),
    sets(
        "/status-page/change/timeline/update",
        {**_CHANGE, "update_id": _UPDATE, "at_seconds": _TIME, "description": Text()},
        differs={"at_seconds least": SINCE_ZERO},
    ),
    adds("/status-page/change/timeline/delete", {**_CHANGE, "update_id": _UPDATE}),
    sets(  # cannot set a component's status; what it may hide is in no source we have
        "/status-page/component/upsert",
        {
            "page_id": _ID,
            "components": ListOf(
                item=Shape(
                    parameters={
                        "component_id": Text(),
                        "name": Text(required=True),
                        "section_id": Text(),
                        "order_id": Integer(),
                    },
                    open=True,
                )
            ),
        },
        spec="2026-08",
    ),
)

STATUS_PAGE_OPERATIONS: Final = (*_READING, *_WRITING)
