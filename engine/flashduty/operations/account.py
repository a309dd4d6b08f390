"""The account's own: channels and their escalation rules, templates, integrations, its records."""

from typing import Final

from engine.flashduty.operations.operation import AN_ID, Operation, reads
from engine.flashduty.parameters import Choice, Flag, Integer, ListOf, ObjectId, Text

_INTEGERS: Final = ListOf(item=Integer())
_CHANNEL: Final = Integer(required=True)
_MILLISECONDS: Final = Integer(required=True, least=1_000_000_000_000, most=9_999_999_999_999)
_CHATS: Final = (
    *("dingtalk_app", "feishu_app", "wecom_app", "slack_app", "teams_app", "feishu"),
    *("dingtalk", "wecom", "telegram", "zoom", "email", "sms"),
)

_CHANNELS: Final[tuple[Operation, ...]] = (
    reads(
        "/channel/list",
        {
            "p": Integer(least=1),
            "limit": Integer(least=1, most=100),
            "orderby": Choice(
                one_of=("ranking", "created_at", "updated_at", "channel_name", "last_incident_at")
            ),
            "asc": Flag(),
            "is_my_managed": Flag(),
            "is_my_starred": Flag(),
            "is_brief": Flag(),
            "is_my_team": Flag(),
            "team_ids": _INTEGERS,
            "query": Text(),
            "channel_ids": _INTEGERS,
            "channel_name": Text(),
        },
    ),
    reads("/channel/info", {"channel_id": _CHANNEL}),
    reads("/channel/infos", {"channel_ids": ListOf(required=True, item=Integer(), most=1000)}),
    reads("/channel/escalate/rule/list", {"channel_id": _CHANNEL}),
    reads(
        "/channel/escalate/rule/info",
        {"channel_id": _CHANNEL, "rule_id": ObjectId(required=True)},
    ),
)

_TEMPLATES: Final[tuple[Operation, ...]] = (
    reads(
        "/template/preview",  # without an incident it is about an invented one
        {
            "content": Text(required=True),
            "type": Choice(required=True, one_of=_CHATS),
            "incident_id": ObjectId(),
        },
        spec="legacy",
        differs={"incident_id pattern": AN_ID},
    ),
    reads(
        "/template/list",
        {
            "p": Integer(least=1),
            "limit": Integer(least=1, most=100),
            "orderby": Choice(one_of=("created_at", "updated_at")),
            "asc": Flag(),
            "is_my_team": Flag(),
            "team_ids": _INTEGERS,
            "creator_id": Integer(),
            "query": Text(),
        },
    ),
    reads("/template/info", {"template_id": ObjectId(required=True)}),
)

_INTEGRATIONS: Final[tuple[Operation, ...]] = (
    reads(
        "/webhook/history/list",  # times in milliseconds
        {
            "search_after_ctx": Text(),
            "limit": Integer(required=True, least=1, most=100),
            "asc": Flag(),
            "orderby": Choice(one_of=("event_time",)),
            "ref_id": Text(most=128, cuttable=False),
            "integration_id": Integer(least=0),
            "event_types": ListOf(item=Text()),
            "status": Choice(one_of=("success", "failed")),
            "start_time": _MILLISECONDS,
            "end_time": _MILLISECONDS,
        },
    ),
    reads(
        "/webhook/history/detail",
        {"event_id": Text(required=True), "integration_id": Integer(required=True, least=1)},
    ),
    reads(
        "/datasource/list",  # `data` is a bare list
        {
            "p": Integer(),
            "limit": Integer(),
            "orderby": Text(),
            "category": Choice(one_of=("event.alert", "im", "webhook", "event.change", "other")),
            "plugin_type": Text(),
            "status": Text(),
            "name": Text(),
            "asc": Flag(),
            "is_my_team": Flag(),
            "team_ids": _INTEGERS,
        },
        spec="legacy",
    ),
)

_AUDIT: Final[tuple[Operation, ...]] = (
    reads(
        "/audit/search",  # at most 90 days; answers `docs`
        {
            "start_time": Integer(required=True),
            "end_time": Integer(required=True),
            "limit": Integer(least=0, most=99),
            "request_id": Text(),
            "search_after_ctx": Text(),
            "operations": ListOf(item=Text()),
            "person_id": Integer(least=0),
            "is_dangerous": Flag(),
            "is_write": Flag(),
        },
    ),
    reads("/audit/operation/list"),
)

ACCOUNT_OPERATIONS: Final = (*_CHANNELS, *_TEMPLATES, *_INTEGRATIONS, *_AUDIT)
