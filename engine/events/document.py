"""The document that conditions and templates see of an event: the same names in both.

Facts about the payload: the field tables of Flashduty's custom-action and webhook pages. `labels`
are absent on incidents made by hand, `alerts` is a list in the samples and an object in the table,
`fields` may hold anything; all of these have to read the same here.
"""

from collections.abc import Mapping
from typing import Any, Final

from engine.events.event import LABEL_MAPPING, Event

NAMES: Final = (
    "event",
    "incident",
    "alert",
    "alerts",
    "person",
    "labels",
    "fields",
    "severity",
    "status",
    "title",
    "channel",
    "payload",
    "config",
    "vars",
    "steps",
    "run",
    "inputs",
)


def document_of(event: Event, config: Mapping[str, Any]) -> dict[str, Any]:
    """Everything a trigger's condition may look at. `config` holds the constants of config.yaml."""
    alert = _alert(event)
    # An alert webhook names the incident of its alert, if there is one, inside the alert.
    incident = _mapping(event.payload.get("incident")) or _mapping((alert or {}).get("incident"))
    about = "incident" if alert is None else "alert"
    subject = (incident if alert is None else alert) or {}
    return {
        "event": {
            "id": event.id,
            "type": event.type,
            "time": event.time,
            "source": event.source,
            "action": event.action,
            "query": dict(event.query),
            "headers": dict(event.headers),
            "stale": event.stale,
            "own": event.own,
        },
        "incident": incident,
        "alert": alert,
        "alerts": _alerts(incident, alert),
        "person": _mapping(event.payload.get("person")),
        "labels": _mapping(subject.get("labels")) or {},
        "fields": _mapping((incident or {}).get("fields")) or {},
        "severity": subject.get(f"{about}_severity"),
        "status": subject.get(f"{about}_status"),
        "title": subject.get("title"),
        "channel": subject.get("channel_name"),
        "payload": event.payload,
        "config": config,
    }


def _alert(event: Event) -> Mapping[str, Any] | None:
    """The alert an event is about; None for what is about an incident.

    Fact: the label-mapping API sends an alert that is still being ingested, as `event`.
    """
    if event.source != LABEL_MAPPING:
        return _mapping(event.payload.get("alert"))
    alert = _mapping(event.payload.get("event")) or {}
    return {
        **alert,
        "alert_severity": alert.get("event_severity"),
        "alert_status": alert.get("event_status"),
    }


def _mapping(value: Any) -> Mapping[str, Any] | None:
    return value if isinstance(value, Mapping) else None


def _alerts(
    incident: Mapping[str, Any] | None, alert: Mapping[str, Any] | None
) -> list[Mapping[str, Any]]:
    alerts = (incident or {}).get("alerts")
    if isinstance(alerts, Mapping):
        return [alerts]
    if isinstance(alerts, list):
        return [item for item in alerts if isinstance(item, Mapping)]
    return [alert] if alert is not None else []
