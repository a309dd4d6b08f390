"""How an alert event that an integration pushes becomes an alert and an incident (reference 2.9).

Events with one `alert_key` are one alert until it recovers or is closed; every alert is an incident
of its own until somebody merges them (grouping "n"). An event equal to the last one is discarded,
and what is too long is truncated.
"""

import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final

from engine.flashduty.simulated.account import SimulatedAccount
from engine.flashduty.simulated.alert import SimulatedAlert

_LONGEST: Final = {"title_rule": 512, "alert_key": 255, "description": 2048}
_MOST_LABELS: Final = 50
_LONGEST_LABEL: Final = 128
_LONGEST_VALUE: Final = 2048
_TEMPLATE: Final = "[TPL]"
_PLACEHOLDER: Final = re.compile(r"\$\{([^}]+)\}")
_SAID: Final = ("title_rule", "description", "event_status", "labels", "images")


def read_event(account: SimulatedAccount, call: Mapping[str, Any]) -> dict[str, Any]:
    """Make an AlertEventItem of a push; the alert it names may be one that is not there yet."""
    cut = {name: call.get(name, "")[:most] for name, most in _LONGEST.items()}
    labels = {
        name[:_LONGEST_LABEL]: value[:_LONGEST_VALUE]
        for name, value in list(call.get("labels", {}).items())[:_MOST_LABELS]
    }
    integration = account.integration(call["integration_key"])
    key = cut["alert_key"] or account.ids.object_id()
    running = _running(account, key, integration["integration_id"])
    now, status = int(account.clock()), call["event_status"]
    return {
        **cut,
        "event_id": account.ids.object_id(),
        "alert_id": running.alert_id if running else account.ids.object_id(),
        "account_id": account.account_id,
        "channel_id": integration["channel_id"],
        "integration_id": integration["integration_id"],
        "integration_type": integration["integration_type"],
        "data_source_id": integration["integration_id"],
        "title": _title(cut["title_rule"], labels),
        "alert_key": key,
        "event_severity": status,
        "event_status": status,
        "event_time": now,
        "labels": labels,
        "images": deepcopy(call.get("images", [])),
        "created_at": now,
        "updated_at": now,
        "deleted_at": 0,
    }


def is_news(account: SimulatedAccount, event: Mapping[str, Any]) -> bool:
    """Say whether an event changes anything: not one equal to the last, nor a needless recovery."""
    running = _running(account, event["alert_key"], event["integration_id"])
    if running is None:
        return bool(event["event_status"] != "Ok")
    last = running.events()[-1:]
    return not last or any(last[0][name] != event[name] for name in _SAID)


def ingest(
    account: SimulatedAccount, event: Mapping[str, Any], mapped: Mapping[str, str], name: str
) -> None:
    """Take an event of the integration `name` in, with the labels that are mapped to it."""
    alert = _running(account, event["alert_key"], event["integration_id"])
    if alert is not None:
        alert.take(event, mapped)
        alert.tell("a_update", 0)
        incident = account.cases.incident_of(alert)
        if incident is not None:
            incident.follow(0, alert, is_new=False)
            incident.recover()
        return
    alert = account.cases.keep_alert(_alert_info(account, event, name))
    alert.take(event, mapped)
    alert.tell("a_new", 0)
    account.cases.keep(_incident_info(account, alert.info()), [alert])
    alert.tell("a_merge", 0)


def _running(account: SimulatedAccount, key: str, integration_id: int) -> SimulatedAlert | None:
    alerts = account.cases.all_alerts()
    return next((one for one in alerts if one.takes(key, integration_id)), None)


def _title(rule: str, labels: Mapping[str, str]) -> str:
    """Fill in `[TPL]${label}`; a Go template, which a rule may be too, is left as it is."""
    if not rule.startswith(_TEMPLATE):
        return rule
    return _PLACEHOLDER.sub(lambda found: labels.get(found[1], ""), rule.removeprefix(_TEMPLATE))


def _alert_info(account: SimulatedAccount, event: Mapping[str, Any], name: str) -> dict[str, Any]:
    same = ("alert_id", "account_id", "integration_id", "data_source_id", "alert_key")
    return {
        **{name: event[name] for name in same},
        **account.channel_of(event["channel_id"]),
        "integration_type": event["integration_type"],
        "data_source_type": event["integration_type"],
        "integration_name": name,
        "data_source_name": name,
        "start_time": event["event_time"],
        "created_at": event["created_at"],
    }


def _incident_info(account: SimulatedAccount, alert: Mapping[str, Any]) -> dict[str, Any]:
    incident_id = account.ids.object_id()
    same = ("title", "description", "labels", "start_time", "last_time", "created_at")
    return {
        **{name: deepcopy(alert[name]) for name in same},
        **{name: alert[name] for name in ("channel_id", "channel_name", "channel_status")},
        "incident_id": incident_id,
        "num": incident_id[-6:].upper(),
        "incident_severity": alert["alert_severity"],
        "incident_status": alert["alert_status"],
        "integration_id": alert["integration_id"],
        "integration_ids": [alert["integration_id"]],
        "integration_type": alert["integration_type"],
        "integration_types": [alert["integration_type"]],
        "dedup_key": alert["alert_key"],
    }
