"""The operations of Flashduty's Open API that a step needs to know something about.

Facts: the vendor's OpenAPI of 2026-05 with its changes to 2026-08. Any path may be called; what is
listed here is where the incident's id goes, what is read by GET, and what does no harm when it is
repeated. No operation takes an idempotency key.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

IncidentKey = Literal["incident_id", "incident_ids"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation."""

    path: str
    method: Literal["GET", "POST"] = "POST"
    incident: IncidentKey | None = None  # the parameter that names the incident
    repeatable: bool = False  # twice is the same as once
    credential: Literal["app_key", "integration_key"] = "app_key"  # which goes into the query
    message_is_failure: bool = False  # HTTP 200 without an error, and yet `data.message`


def _reads(path: str, incident: IncidentKey | None = None) -> Operation:
    return Operation(path, "POST", incident, repeatable=True)


def _gets(path: str, incident: IncidentKey | None = None) -> Operation:
    return Operation(path, "GET", incident, repeatable=True)


def _sets(path: str, incident: IncidentKey | None = None) -> Operation:
    """Writes a state that a second call would write again."""
    return Operation(path, "POST", incident, repeatable=True)


def _adds(path: str, incident: IncidentKey | None = None) -> Operation:
    """Does something once more each time: a comment, a notification, a longer snooze."""
    return Operation(path, "POST", incident, repeatable=False)


_ALL: Final = (
    _reads("/incident/info", "incident_id"),
    _reads("/incident/list"),
    _reads("/incident/list-by-ids", "incident_ids"),
    _reads("/incident/feed", "incident_id"),
    _reads("/incident/alert/list", "incident_id"),
    _reads("/incident/past/list", "incident_id"),
    _adds("/incident/create"),
    _adds("/incident/comment", "incident_ids"),
    _adds("/incident/assign", "incident_ids"),
    _adds("/incident/responder/add", "incident_id"),
    _adds("/incident/snooze", "incident_ids"),
    _adds("/incident/merge"),
    _adds("/incident/remove", "incident_ids"),
    _adds("/incident/reopen", "incident_ids"),
    Operation("/incident/custom-action/do", incident="incident_id", message_is_failure=True),
    _sets("/incident/reset", "incident_id"),
    _sets("/incident/field/reset", "incident_id"),
    _sets("/incident/ack", "incident_ids"),
    _sets("/incident/unack", "incident_ids"),
    _sets("/incident/resolve", "incident_ids"),
    _sets("/incident/wake", "incident_ids"),
    _sets("/incident/disable-merge", "incident_ids"),
    _reads("/incident/war-room/list", "incident_id"),
    _reads("/incident/war-room/detail"),
    _adds("/incident/war-room/create", "incident_id"),
    _adds("/incident/war-room/delete", "incident_id"),
    _gets("/incident/post-mortem/info"),
    _gets("/incident/post-mortem/template/info"),
    _reads("/incident/post-mortem/list"),
    _reads("/alert/info"),
    _reads("/alert/list"),
    _reads("/alert/list-by-ids"),
    _reads("/alert/event/list"),
    _reads("/alert/feed"),
    _reads("/alert-event/list"),
    _adds("/alert/merge", "incident_id"),
    _reads("/change/list"),
    _reads("/field/list"),
    _gets("/status-page/list"),
    _gets("/status-page/info"),
    _gets("/status-page/change/list"),
    _gets("/status-page/change/info"),
    _gets("/status-page/change/active/list"),
    _gets("/status-page/template/list"),
    _gets("/status-page/subscriber/list"),
    _gets("/status-page/migration/status"),
    _adds("/status-page/change/create"),
    _adds("/status-page/change/delete"),
    _adds("/status-page/change/timeline/create"),
    _sets("/status-page/change/update"),
    _sets("/status-page/change/timeline/update"),
    _sets("/status-page/component/upsert"),
    _reads("/schedule/list"),
    _reads("/schedule/info"),
    _reads("/schedule/infos"),
    _reads("/member/info"),
    _reads("/member/list"),
    _reads("/person/infos"),
    _reads("/team/list"),
    _reads("/team/info"),
    _reads("/team/infos"),
    _reads("/channel/list"),
    _reads("/channel/info"),
    _reads("/channel/infos"),
    _reads("/channel/escalate/rule/list"),
    _reads("/template/preview"),
    _reads("/webhook/history/list"),
    _reads("/webhook/history/detail"),
    Operation("/event/push/alert/standard", credential="integration_key"),
    Operation("/event/push/change/standard", credential="integration_key"),
)

OPERATIONS: Final[Mapping[str, Operation]] = {operation.path: operation for operation in _ALL}


def operation_at(path: str) -> Operation:
    """The operation of a path, with or without its leading slash; a plain POST when unknown."""
    full = "/" + path.strip("/")
    return OPERATIONS.get(full, Operation(full))
