"""The organization of the sample account: teams, channels, who is on call, templates, messengers.

Ids go with the vendor's samples, as in `sample.py`.
"""

from collections.abc import Mapping
from typing import Any, Final

from engine.flashduty.simulated.account import SimulatedAccount

CHANNEL: Final = 1973372625504
TEAM: Final = 2477033058131
SCHEDULE: Final = 2485762210131
ESCALATION_RULE: Final = "6509344bc1d50d723ca04986"
TEMPLATE: Final = "6605a1b2c3d4e5f6a7b8c9d0"
PRESET_TEMPLATE: Final = "000000000000000000000001"  # "the built-in preset"
POST_MORTEM: Final = "3b1f6d0c8a9e4f57"
POST_MORTEM_TEMPLATE: Final = "post_mortem_default"
MESSENGER: Final = 2490562293132
_TOUTIE, _ZHANGSAN, _LISI = 1552048792504, 1234648032504, 1999632289504
_YEAR: Final = 365 * 24 * 3600
_WEEK: Final = 7 * 24 * 3600
_CHATS: Final = (
    *("email", "sms", "voice", "dingtalk", "wecom", "feishu", "feishu_app", "dingtalk_app"),
    *("wecom_app", "slack_app", "teams_app", "telegram", "slack", "zoom"),
)


def add_organization(account: SimulatedAccount) -> None:
    """Put it into an account that has the sample's members."""
    since = int(account.clock()) - _YEAR
    times = {"created_at": since, "updated_at": since}
    account.teams.put(
        {
            "account_id": account.account_id,
            "team_id": TEAM,
            "team_name": "SRE",
            "description": "",
            "status": "enabled",
            "updated_by_name": "TouTie",
            "updated_by": _TOUTIE,
            "creator_id": _TOUTIE,
            "creator_name": "TouTie",
            **times,
            "person_ids": [_TOUTIE, _ZHANGSAN, _LISI],
            "ref_id": "sre",
        }
    )
    account.channels.put(_channel(account, times))
    account.schedules.put(
        {
            "schedule_id": SCHEDULE,
            "schedule_name": "Production on call",
            "team_id": TEAM,
            "description": "",
            "groups": [[_ZHANGSAN], [_LISI]],
            "shift": _WEEK,
            "since": since,
        }
    )
    account.escalation_rules.put(_escalation_rule(account, times))
    for template_id, name in ((PRESET_TEMPLATE, "Preset"), (TEMPLATE, "Production")):
        account.templates.put(
            {
                "account_id": account.account_id,
                "team_id": 0,
                "template_id": template_id,
                "template_name": name,
                "description": "",
                **dict.fromkeys(_CHATS, "{{.Title}}"),
                "status": "enabled",
                "creator_id": _TOUTIE,
                "updated_by": _TOUTIE,
                **times,
            }
        )
    account.datasources.put(
        {
            "integration_id": MESSENGER,
            "integration_key": "",
            "name": "Feishu",
            "category": "im",
            "plugin_type": "feishu",
            "status": "enabled",
            "team_id": 0,
            "war_room_enabled": True,
        }
    )
    _add_post_mortem(account, since)


def _channel(account: SimulatedAccount, times: Mapping[str, int]) -> dict[str, Any]:
    return {
        "account_id": account.account_id,
        "channel_id": CHANNEL,
        "channel_name": "lim_test",
        "description": "Production services",
        "status": "enabled",
        "team_id": TEAM,
        "managing_team_ids": [],
        "creator_id": _TOUTIE,
        **times,
        "auto_resolve_timeout": 0,
        "auto_resolve_mode": "trigger",
        "is_private": False,
        "is_starred": False,
        "group": {"method": "n"},
        "last_incident_at": 0,
    }


def _escalation_rule(account: SimulatedAccount, times: Mapping[str, int]) -> dict[str, Any]:
    by = {"critical": ["voice"], "warning": ["sms"], "info": ["email"]}
    on_call = {"schedule_to_role_ids": {str(SCHEDULE): [1]}, "by": by}
    layers = [
        {"target": target, "max_times": 3, "notify_step": 5, "escalate_window": 15}
        for target in (on_call, {"person_ids": [_TOUTIE], "by": by})
    ]
    return {
        "account_id": account.account_id,
        "channel_id": CHANNEL,
        "rule_id": ESCALATION_RULE,
        "rule_name": "Policy 5",
        "description": "",
        "priority": 0,
        "aggr_window": 0,
        "layers": [{**one, "force_escalate": False} for one in layers],
        "time_filters": [],
        "filters": [],
        "status": "enabled",
        "template_id": TEMPLATE,
        "updated_by": _TOUTIE,
        **times,
    }


def _add_post_mortem(account: SimulatedAccount, since: int) -> None:
    times = {"created_at_seconds": since, "updated_at_seconds": since}
    account.post_mortem_templates.put(
        {
            "account_id": account.account_id,
            "template_id": POST_MORTEM_TEMPLATE,
            "name": "Default",
            "description": "",
            "content": "[]",
            "content_markdown": "",
            "team_id": 0,
            **times,
        }
    )
    meta = {
        "account_id": account.account_id,
        "title": "Search was slow",
        "status": "published",
        "post_mortem_id": POST_MORTEM,
        "template_id": POST_MORTEM_TEMPLATE,
        "incident_ids": ["6551f3888713372ad1054d50"],
        "media_count": 0,
        "author_ids": [_LISI],
        "team_id": TEAM,
        "channel_id": CHANNEL,
        "is_private": False,
        "channel_name": "lim_test",
        **times,
    }
    basics = {
        "incidents_highest_severity": "Critical",
        "incidents_earliest_start_seconds": since - 7200,
        "incidents_latest_close_seconds": since - 3600,
        "incidents_total_duration_seconds": 3600,
        "responders": [],
    }
    account.post_mortems.put(
        {
            "post_mortem_id": POST_MORTEM,
            "meta": meta,
            "basics": basics,
            "content": {"content": "[]"},
            "follow_ups": "",
        }
    )
