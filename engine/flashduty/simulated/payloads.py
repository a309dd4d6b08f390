"""What the vendor's webhooks show of an incident, an alert and a person (reference 1.4, 1.5).

Webhooks and the Open API name things differently: here an integration is a *data source*, an
incident tells nothing of its API-only sides, and who did it is a person and not an id.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

Person = Callable[[int], dict[str, Any] | None]

_INCIDENT: Final = (
    *("account_id", "account_name", "ack_time", "alert_cnt", "channel_id"),
    *("channel_name", "close_time", "created_at", "dedup_key", "description", "detail_url"),
    *("end_time", "equals_md5", "group_method", "impact", "incident_id", "incident_severity"),
    *("incident_status", "last_time", "num", "progress", "resolution", "root_cause"),
    *("snoozed_before", "start_time", "title", "updated_at"),
)
_ALERT: Final = (
    *("alert_id", "alert_key", "alert_severity", "alert_status", "close_time", "created_at"),
    *("description", "end_time", "event_cnt", "labels", "last_time", "progress", "start_time"),
    *("title", "title_rule", "updated_at"),
)


def incident_of_webhook(info: Mapping[str, Any], person: Person) -> dict[str, Any]:
    """Give the `incident` of an incident webhook: without its alerts."""
    return {
        **_incident(info, person),
        "creator_id": info["creator_id"],
        "responder_ids": [one["person_id"] for one in info["responders"]],
    }


def incident_of_action(
    info: Mapping[str, Any], alerts: Sequence[Mapping[str, Any]], person: Person
) -> dict[str, Any]:
    """Give the `incident` of a custom action: with its alerts."""
    shown = [
        {
            "account_id": info["account_id"],
            "data_source_id": alert["integration_id"],
            **{name: alert[name] for name in _ALERT},
            "responder_email": "",
            "responder_id": 0,
            "responder_name": "",
        }
        for alert in alerts
    ]
    return {**_incident(info, person), "alerts": shown}


def alert_of_webhook(alert: Mapping[str, Any]) -> dict[str, Any]:
    """Give the `alert` of an alert webhook; `incident` is there once it is merged into one."""
    incident = alert.get("incident")
    short = {name: incident[name] for name in ("incident_id", "title")} if incident else None
    return {
        **{name: alert[name] for name in (*_ALERT, "channel_id", "channel_name")},
        "data_source_id": alert["integration_id"],
        "data_source_name": alert["integration_name"],
        "data_source_ref_id": "",
        "data_source_type": alert["integration_type"],
        **({"incident": short} if short else {}),
    }


def label_request(keys: Sequence[str], alert: Mapping[str, Any]) -> dict[str, Any]:
    """Give the body of a call of the label-mapping API (reference 1.7)."""
    same = ("account_id", "channel_id", "title", "title_rule", "description", "alert_key")
    return {
        "result_label_keys": list(keys),
        "event": {
            **{name: alert[name] for name in same},
            "alert_id": alert["alert_id"],
            "data_source_id": alert["integration_id"],
            "data_source_type": alert["integration_type"],
            "event_severity": alert["event_severity"],
            "event_status": alert["event_status"],
            "event_time": alert["event_time"],
            "labels": alert["labels"],
            "images": alert["images"],
        },
    }


def _incident(info: Mapping[str, Any], person: Person) -> dict[str, Any]:
    shown = {name: info[name] for name in _INCIDENT}
    shown["data_source_id"] = info["integration_id"]
    shown["responders"] = [
        {**one, **(person(one["person_id"]) or {})} for one in info["responders"]
    ]
    if info["assigned_to"].get("assigned_at"):
        shown["assigned_to"] = info["assigned_to"]
    # "Not present for manual creation"; creator and closer only when it was a person.
    if info["labels"]:
        shown["labels"] = info["labels"]
    if info["fields"]:
        shown["fields"] = info["fields"]
    for role in ("creator", "closer"):
        if who := person(info[f"{role}_id"]):
            shown[role] = who
    return shown
