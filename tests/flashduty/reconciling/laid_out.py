"""A Flashduty whose answers are laid out, and the events and records that stories are made of."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from engine.events.event import Event
from engine.events.source import Request
from engine.flashduty.client import Answer, FlashdutyError
from engine.sources.flashduty import AlertWebhookSource, IncidentWebhookSource
from tests.runs.fakes import NOW

INCIDENT: Final = "69da451ef77b1b51f40e83ee"
OWN_ENDPOINT: Final = "https://engine.example.com/hooks/flashduty/incidents?a=a"

Answering = Callable[[Mapping[str, Any]], Any]


@dataclass
class LaidOut:
    """Answers each path by what was laid out for it: data, or a function of the parameters."""

    answers: dict[str, Any]
    calls: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    async def call(self, path: str, parameters: Mapping[str, Any], /) -> Answer:
        self.calls.append((path, parameters))
        answer = self.answers.get(path, {"items": [], "has_next_page": False})
        answer = answer(parameters) if callable(answer) else answer
        if isinstance(answer, FlashdutyError):
            raise answer
        return Answer(answer, "request-1")

    def asked(self, path: str) -> list[Mapping[str, Any]]:
        """The parameters of each call of a path."""
        return [parameters for called, parameters in self.calls if called == path]


def at(seconds: float) -> int:
    """Milliseconds of a time so many seconds from now."""
    return int((NOW + seconds) * 1000)


def a_body(type_: str, seconds: float, event_id: str | None = None) -> dict[str, Any]:
    return {
        "event_type": type_,
        "event_time": at(seconds),
        **({"event_id": event_id} if event_id else {}),
        "incident": {"incident_id": INCIDENT, "incident_severity": "Critical"},
    }


def a_record(type_: str, seconds: float, event_id: str, **other: Any) -> dict[str, Any]:
    """What the history's list has of one attempt; `request_body` is in the detail alone."""
    moment = datetime.fromtimestamp(at(seconds) / 1000, tz=UTC)
    return {
        "integration_id": 5321026051131,
        "event_id": f"history-of-{event_id}",
        "webhook_type": "incident",
        "event_type": type_,
        "ref_id": INCIDENT,
        "endpoint": OWN_ENDPOINT,
        "status": "failed",
        "event_time": moment.isoformat(),
        "request_body": json.dumps(a_body(type_, seconds, event_id)),
        **other,
    }


def an_entry(type_: str, seconds: float, person: int = 0, **detail: Any) -> dict[str, Any]:
    return {
        "ref_id": INCIDENT,
        "type": type_,
        "detail": detail,
        "creator_id": person,
        "created_at": at(seconds),
        "updated_at": at(seconds),
    }


def an_incident(updated: float = 0, **other: Any) -> dict[str, Any]:
    return {
        "incident_id": INCIDENT,
        "title": "es.nj.01",
        "incident_severity": "Critical",
        "incident_status": "Critical",
        "labels": {"resource": "es.nj.01"},
        "integration_id": 6113996590131,
        "updated_at": int(NOW + updated),
        **other,
    }


def read(kind: str, body: bytes) -> Event | None:
    """As the endpoint would."""
    sources = {"incident": IncidentWebhookSource(), "alert": AlertWebhookSource()}
    event = sources[kind].read(Request(None, {}, {}, None), body, id_=f"E{body!r}", received=NOW)
    return event if isinstance(event, Event) else None
