"""One alert of a simulated account: the events that made it, its state and its own timeline.

An alert that was closed takes no new events (reference 2.5). A recovery sets `end_time` and
`close_time`, a person who closes it sets `close_time` alone (trap 12).
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, Final

# The alert, what happened to it in a webhook's words, and who did it; 0 is nobody.
Tell = Callable[["SimulatedAlert", str, int], None]

_CHANGEABLE: Final = ("title", "title_rule", "description", "images")


class SimulatedAlert:
    """Keeps one alert as the API's AlertInfo; every time in it is in seconds, 0 is unset."""

    def __init__(
        self, info: Mapping[str, Any], *, clock: Callable[[], float], tell: Tell | None = None
    ) -> None:
        self._info = {**_blank_info(), **deepcopy(dict(info))}
        self._events: list[dict[str, Any]] = []
        self._feed: list[dict[str, Any]] = []
        self._clock = clock
        self._tell = tell

    @property
    def alert_id(self) -> str:
        return str(self._info["alert_id"])

    @property
    def is_active(self) -> bool:
        return is_active(self._info)

    def takes(self, alert_key: str, integration_id: int) -> bool:
        """Say whether an event with this key is one of this alert: not once it is closed."""
        known = (self._info["alert_key"], self._info["integration_id"])
        return known == (alert_key, integration_id) and self._info["progress"] != "Closed"

    def info(self) -> dict[str, Any]:
        """Give a copy of AlertInfo, without the incident it is in."""
        return deepcopy(self._info)

    def events(self) -> list[dict[str, Any]]:
        """Give copies of the events it was made of, oldest first (AlertEventItem)."""
        return deepcopy(self._events)

    def feed(self) -> list[dict[str, Any]]:
        """Give a copy of its timeline, oldest entry first, times in milliseconds."""
        return deepcopy(self._feed)

    def take(self, event: Mapping[str, Any], mapped: Mapping[str, str]) -> None:
        """Take an event of its integration and the labels mapped to it; Ok is its recovery."""
        now, is_new = int(self._clock()), not self._events
        status = event["event_status"]
        self._events.append({**deepcopy(dict(event)), "alert_id": self.alert_id})
        self._info.update({name: deepcopy(event[name]) for name in _CHANGEABLE})
        self._info.update(alert_status=status, last_time=event["event_time"], updated_at=now)
        self._info["labels"] = {**event["labels"], **mapped}
        self._info["event_cnt"] += 1
        if status == "Ok":
            self._info.update(end_time=event["event_time"], close_time=now, progress="Closed")
        else:
            self._info["alert_severity"] = status
        if is_new:
            self._record("a_new", {"severity": event["event_severity"], "status": status}, 0)

    def close(self, person_id: int) -> None:
        """Close it by hand, with its incident or alone."""
        if self._info["progress"] == "Closed":
            return
        now = int(self._clock())
        self._info.update(progress="Closed", close_time=now, updated_at=now)
        self._record("a_close", {}, person_id)
        self.tell("a_close", person_id)

    def tell(self, event_type: str, person_id: int) -> None:
        """Say to the account's webhooks that something happened to it."""
        if self._tell:
            self._tell(self, event_type, person_id)

    def _record(self, kind: str, detail: Mapping[str, Any], creator_id: int) -> None:
        at = int(self._clock() * 1000)
        self._feed.append(
            {
                "ref_id": self.alert_id,
                "type": kind,
                "detail": dict(detail),
                "account_id": self._info["account_id"],
                "creator_id": creator_id,
                "created_at": at,
                "updated_at": at,
            }
        )


def is_active(alert: Mapping[str, Any]) -> bool:
    """Say whether an alert has neither recovered nor been closed with its incident."""
    return bool(alert["alert_status"] != "Ok" and alert["progress"] != "Closed")


def alert_of_payload(
    alert: Mapping[str, Any], incident: Mapping[str, Any], account_id: int
) -> dict[str, Any]:
    """Make AlertInfo of a webhook's alert: `data_source_id` is `integration_id` there."""
    integration_id = alert.get("data_source_id", 0)
    channel_id, channel_name = incident.get("channel_id", 0), incident.get("channel_name", "")
    return {
        "account_id": account_id,
        "alert_status": alert.get("alert_severity", "Info"),
        "integration_id": integration_id,
        "data_source_id": integration_id,
        "channel_id": channel_id,
        "channel_name": channel_name,
        "channel_status": "enabled" if channel_id else "",
        **alert,
    }


def _blank_info() -> dict[str, Any]:
    """Give every field that AlertInfo always has, unset."""
    zeros = (
        "account_id channel_id close_time created_at data_source_id end_time event_cnt "
        "integration_id last_time start_time updated_at"
    )
    texts = (
        "alert_key channel_name channel_status data_source_name data_source_ref_id "
        "data_source_type description integration_name integration_ref_id integration_type "
        "responder_email responder_name title title_rule"
    )
    return {
        **dict.fromkeys(zeros.split(), 0),
        **dict.fromkeys(texts.split(), ""),
        "alert_severity": "Info",
        "alert_status": "Info",
        "ever_muted": False,
        "images": None,
        "labels": {},
        "progress": "Triggered",
    }
