"""Changes: deploys and the like. The events of a status page, called changes too, are elsewhere."""

from typing import Final

from engine.flashduty.operations.operation import Operation, adds, reads
from engine.flashduty.parameters import Choice, Flag, Integer, ListOf, Pairs, Text

_INTEGERS: Final = ListOf(item=Integer())
_BOTH_TIMES: Final = "both are optional in it, but the vendor's programs say that 0 is refused"

CHANGE_OPERATIONS: Final[tuple[Operation, ...]] = (
    reads(
        "/change/list",
        {
            "start_time": Integer(required=True, least=1),
            "end_time": Integer(required=True, least=1),
            "p": Integer(least=0),
            "limit": Integer(least=1, most=100),
            "channel_ids": _INTEGERS,
            "integration_ids": _INTEGERS,
            "query": Text(),
            "orderby": Choice(one_of=("start_time", "last_time")),
            "asc": Flag(),
            "include_events": Flag(),
        },
        spec="legacy",
        differs={
            "start_time required": _BOTH_TIMES,
            "start_time least": _BOTH_TIMES,
            "end_time required": _BOTH_TIMES,
            "end_time least": _BOTH_TIMES,
            "p least": "not marked; pages count from 1",
            "limit least": "not marked; the vendor's command line says that 0 is refused",
            "limit most": "not marked; the vendor's command line knows no more",
            "orderby": "2026-08: what was `order_by`",
            "order_by": "now `orderby`",
            "filters": "gone in 2026-08",
        },
    ),
    adds(  # an older page of the vendor; that its key comes back is by analogy with alerts
        "/event/push/change/standard",
        {
            "change_status": Choice(
                required=True, one_of=("Planned", "Ready", "Processing", "Canceled", "Done")
            ),
            "change_key": Text(required=True, most=255, cuttable=False),
            "title": Text(required=True),
            "event_time": Integer(least=0),
            "description": Text(most=2048),
            "link": Text(),
            "labels": Pairs(),
        },
        credential="integration_key",
        spec="vendor page",
    ),
)
