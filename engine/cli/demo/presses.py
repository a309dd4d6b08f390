"""The four button presses of the demo, as Flashduty would send them.

The shape is the vendor's example of a custom action; people, hosts and services are made up.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_ACCOUNT: Final = 74058170041504


@dataclass(frozen=True, slots=True)
class Press:
    """A responder presses one button on one incident."""

    action: str
    says: str  # what the demo calls it
    payload: Mapping[str, Any]

    @property
    def incident_id(self) -> str:
        """The incident it is pressed on."""
        return str(self.payload["incident"]["incident_id"])


def presses(now: float) -> tuple[Press, ...]:
    """One press for each use case; the incidents began a few minutes before `now`."""
    return (
        Press(
            "restart-host",
            "Restart a host whose memory is full",
            _payload(
                now,
                number="a01001",
                title="nj / es.nj.01 - memory exhausted",
                description="mem.available < 2%",
                labels={
                    "cluster": "nj",
                    "resource": "es.nj.01",
                    "service": "engine",
                    "metric": "node_memory_MemAvailable_bytes",
                    "check": "memory exhausted",
                },
            ),
        ),
        Press(
            "enrich-incident",
            "Enrich an incident with tracing, logging and topology",
            _payload(
                now,
                number="a01002",
                title="nj / engine - search is slow",
                description="p99 of GET /search > 3 s",
                labels={"cluster": "nj", "service": "engine", "check": "search is slow"},
            ),
        ),
        Press(
            "rollback-change",
            "Roll back the change before the incident",
            _payload(
                now,
                number="a01003",
                title="nj / checkout - errors after a deploy",
                description="5xx of POST /checkout > 10%",
                labels={"cluster": "nj", "service": "checkout", "env": "prod"},
            ),
        ),
        Press(
            "update-status-page",
            "Tell the customers on the status page",
            _payload(
                now,
                number="a01004",
                title="nj / checkout - unavailable",
                description="availability of checkout < 90%",
                labels={"cluster": "nj", "service": "checkout", "env": "prod"},
            ),
        ),
    )


def _payload(
    now: float, *, number: str, title: str, description: str, labels: Mapping[str, str]
) -> dict[str, Any]:
    began = int(now) - 240
    source = 2398086111504
    alert = {
        "account_id": _ACCOUNT,
        "alert_id": f"6551f37f8713372ad1{number}",
        "alert_key": f"demo-{number}",
        "alert_severity": "Critical",
        "alert_status": "Critical",
        "close_time": 0,
        "created_at": began,
        "data_source_id": source,
        "description": description,
        "end_time": 0,
        "event_cnt": 3,
        "labels": dict(labels),
        "last_time": began + 180,
        "progress": "Triggered",
        "start_time": began,
        "title": title,
        "title_rule": "$cluster::$resource::$check",
        "updated_at": began + 180,
    }
    incident = {
        "event_id": f"demo{int(now):x}{number}".ljust(32, "0"),
        "account_id": _ACCOUNT,
        "account_name": "Example",
        "ack_time": 0,
        "alert_cnt": 1,
        "alerts": [alert],
        "channel_id": 1973372625504,
        "channel_name": "Search and checkout",
        "close_time": 0,
        "created_at": began,
        "data_source_id": source,
        "dedup_key": f"demo-{number}",
        "description": description,
        "detail_url": f"http://127.0.0.1/incident/detail/6551f3888713372ad1{number}",
        "end_time": 0,
        "fields": {"priority": "P3"},
        "group_method": "p",
        "impact": "",
        "incident_id": f"6551f3888713372ad1{number}",
        "incident_severity": "Critical",
        "incident_status": "Critical",
        "labels": dict(labels),
        "last_time": began + 180,
        "num": number.upper(),
        "progress": "Triggered",
        "resolution": "",
        "responders": [
            {
                "acknowledged_at": 0,
                "assigned_at": began + 5,
                "email": "zhangsan@toutie.com",
                "person_id": 1234648032504,
                "person_name": "zhangsan",
            }
        ],
        "root_cause": "",
        "snoozed_before": 0,
        "start_time": began,
        "title": title,
        "updated_at": began + 180,
    }
    return {
        "event_time": int(now * 1000),
        "event_type": "i_custom",
        "incident": incident,
        "person": {
            "email": "zhangsan@toutie.com",
            "person_id": 1234648032504,
            "person_name": "zhangsan",
        },
    }
