"""What belongs to an incident: war rooms, post-mortems, custom fields."""

from typing import Final

from engine.flashduty.operations.incidents import INCIDENT
from engine.flashduty.operations.operation import AN_ID, NEWER, Operation, adds, gets, reads
from engine.flashduty.parameters import Choice, Flag, Integer, ListOf, Text

_INTEGERS: Final = ListOf(item=Integer())
_IM: Final = Integer(required=True)  # the integration of the chat
_CHAT: Final = Text(required=True, cuttable=False)

_WAR_ROOMS: Final[tuple[Operation, ...]] = (
    reads(
        "/incident/war-room/list",
        {"incident_id": INCIDENT, "integration_id": Integer()},
        incident="incident_id",
    ),
    reads("/incident/war-room/detail", {"integration_id": _IM, "chat_id": _CHAT}),
    adds(
        "/incident/war-room/create",
        {
            "incident_id": INCIDENT,
            "integration_id": _IM,
            "member_ids": _INTEGERS,
            "add_observers": Flag(),
        },
        incident="incident_id",
    ),
    adds(
        "/incident/war-room/delete",
        {"incident_id": INCIDENT, "integration_id": _IM},
        incident="incident_id",
    ),
    adds(
        "/incident/war-room/add-member",
        {
            "integration_id": _IM,
            "chat_id": _CHAT,
            "member_ids": ListOf(required=True, item=Integer()),
        },
        spec="legacy",
    ),
    reads(
        "/incident/war-room/default-observers",
        {"incident_id": INCIDENT},
        incident="incident_id",
        spec="legacy",
        differs={"incident_id pattern": AN_ID},
    ),
    # Its parameters are in no source we have; it finds the `integration_id` of a chat.
    reads("/datasource/im/war-room-enabled/list", open=True, spec="2026-08"),
)

_POST_MORTEMS: Final[tuple[Operation, ...]] = (
    reads(
        "/incident/post-mortem/list",
        {
            "status": Choice(one_of=("drafting", "published")),
            "team_ids": _INTEGERS,
            "channel_ids": _INTEGERS,
            "created_at_start_seconds": Integer(least=0),
            "created_at_end_seconds": Integer(least=0),
            "order_by": Choice(one_of=("created_at_seconds", "updated_at_seconds")),
            "asc": Flag(),
            "p": Integer(least=0),
            "limit": Integer(least=0, most=100),
            "search_after_ctx": Text(),
        },
    ),
    gets("/incident/post-mortem/info", {"post_mortem_id": Text(required=True)}),
    reads(
        "/incident/post-mortem/template/list",
        {
            "order_by": Choice(one_of=("created_at_seconds",)),
            "asc": Flag(),
            "p": Integer(),
            "limit": Integer(),
        },
        spec="legacy",
    ),
    gets(
        "/incident/post-mortem/template/info", {"template_id": Text(required=True)}, spec="legacy"
    ),
)

_FIELDS: Final[tuple[Operation, ...]] = (
    reads(
        "/field/list",
        {"query": Text(), "orderby": Text(), "asc": Flag()},
        spec="legacy",
        differs={"query": NEWER, "orderby": NEWER, "asc": NEWER},
    ),
    reads("/field/info", {"field_id": Text(required=True)}, spec="legacy"),
)

AROUND_INCIDENTS: Final = (*_WAR_ROOMS, *_POST_MORTEMS, *_FIELDS)
