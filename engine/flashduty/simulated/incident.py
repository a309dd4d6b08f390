"""One incident of a simulated account: its state rules and its timeline.

State rules: reference 2.5. The first ack moves Triggered to Processing and later ones change
nothing; when everybody has taken theirs back it is Triggered again; it can be closed from any
state, which closes its alerts too; reopening makes it Triggered; so does a snooze that runs out.
What the vendor does to a closed incident that is acked, assigned, snoozed or woken is not
documented: here nothing changes.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any, Final

from engine.flashduty.simulated.alert import SimulatedAlert

# The incident, the type of its newest timeline entry, and who did it; 0 is nobody.
Tell = Callable[["SimulatedIncident", str, int], None]

NO_RULE: Final = "0" * 24

# Parameter of /incident/reset -> the type of its timeline entry (reference 2.6).
RESETTABLE: Final[Mapping[str, str]] = {
    "title": "i_r_title",
    "description": "i_r_desc",
    "impact": "i_r_impact",
    "root_cause": "i_r_rc",
    "resolution": "i_r_rsltn",
    "incident_severity": "i_r_severity",
}

_SEVERITIES: Final = ("Ok", "Info", "Warning", "Critical")  # ever more severe

# Later alerts do not overwrite these once a person set them (reference 2.5, `manual_overrides`).
_OVERRIDABLE: Final = ("title", "description", "incident_severity")


class SimulatedIncident:
    """Keeps one incident as the API's IncidentInfo; every time in it is in seconds, 0 is unset."""

    def __init__(
        self,
        info: Mapping[str, Any],
        alerts: Sequence[SimulatedAlert] = (),
        *,
        feed: Sequence[Mapping[str, Any]] = (),
        clock: Callable[[], float],
        tell: Tell | None = None,
    ) -> None:
        self._info = {**_blank_info(), **deepcopy(dict(info))}
        self._alerts = list(alerts)
        self._feed = [dict(entry) for entry in feed]
        self._clock = clock
        self._tell = tell
        self._recount()

    @property
    def incident_id(self) -> str:
        return str(self._info["incident_id"])

    def info(self) -> dict[str, Any]:
        """Give a copy of IncidentInfo. `alerts` is never in it (reference 2.5)."""
        self._end_snooze_that_ran_out()
        return deepcopy(self._info)

    @property
    def alerts(self) -> tuple[SimulatedAlert, ...]:
        return tuple(self._alerts)

    def short(self) -> dict[str, Any]:
        """Give what an alert or a timeline entry shows of this incident (IncidentShort)."""
        info = self.info()
        return {name: info[name] for name in ("incident_id", "title", "progress")}

    def feed(self) -> list[dict[str, Any]]:
        """Give a copy of the timeline, oldest entry first, times in milliseconds."""
        return deepcopy(self._feed)

    def record(
        self, kind: str, detail: Mapping[str, Any], creator_id: int, *, tell: bool = True
    ) -> None:
        """Add to the timeline; `detail` is what spec `FeedDetailIncident*` has for `kind`."""
        at = int(self._clock() * 1000)
        self._feed.append(
            {
                "ref_id": self.incident_id,
                "type": kind,
                "detail": dict(detail),
                "account_id": self._info["account_id"],
                "creator_id": creator_id,
                "created_at": at,
                "updated_at": at,
            }
        )
        self._info["updated_at"] = self._now()
        if self._tell and tell:
            self._tell(self, kind, creator_id)

    def reset(self, changes: Mapping[str, str], person_id: int) -> None:
        for name, value in changes.items():
            before, self._info[name] = self._info[name], value
            shown = name in ("title", "incident_severity")
            self.record(RESETTABLE[name], {"from": before, "to": value} if shown else {}, person_id)
            overrides = self._info["manual_overrides"]
            if name in _OVERRIDABLE and name not in overrides:
                overrides.append(name)

    def set_field(self, name: str, value: Any, person_id: int) -> None:
        """Set a custom field; None takes it away, as a call without `field_value` does."""
        if value is None:
            self._info["fields"].pop(name, None)
        else:
            self._info["fields"][name] = value
        self.record("i_r_field", {"field_name": name, "to": value}, person_id)

    def acknowledge(self, person_id: int) -> None:
        if self._closed:
            return
        responder = self._responder(person_id)
        if responder is None:
            responder = {"person_id": person_id, "assigned_at": self._now(), "acknowledged_at": 0}
            self._info["responders"].append(responder)
        if responder["acknowledged_at"]:
            return
        responder["acknowledged_at"] = self._now()
        self._info["ack_time"] = self._info["ack_time"] or self._now()
        self._info["progress"] = "Processing"
        self.record("i_ack", {}, person_id)

    def unacknowledge(self, person_id: int) -> None:
        responder = self._responder(person_id)
        if self._closed or responder is None or not responder["acknowledged_at"]:
            return
        responder["acknowledged_at"] = 0
        if not any(other["acknowledged_at"] for other in self._info["responders"]):
            self._info.update(progress="Triggered", ack_time=0)
        self.record("i_unack", {}, person_id)

    def resolve(self, person_id: int, *, root_cause: str, resolution: str) -> None:
        """Close by hand: `close_time` only, `end_time` is left for a recovery (trap 12)."""
        texts = {"root_cause": root_cause, "resolution": resolution}
        self._info.update({name: text for name, text in texts.items() if text})
        if self._closed:
            return
        now = self._now()
        self._info.update(progress="Closed", close_time=now, closer_id=person_id, snoozed_before=0)
        for alert in self._alerts:
            alert.close(person_id)
        self._recount()
        self.record("i_rslv", {"from": "console"}, person_id)

    def recover(self) -> None:
        """Close it because all its alerts recovered; nobody did it."""
        if self._closed or any(alert.is_active for alert in self._alerts):
            return
        now = self._now()
        self._info.update(progress="Closed", close_time=now, end_time=now, snoozed_before=0)
        self.record("i_rslv", {"from": "event"}, 0)

    def follow(self, person_id: int, alert: SimulatedAlert, *, is_new: bool) -> None:
        """Take in what an alert of this incident says now, or a further alert."""
        if alert not in self._alerts:
            self._alerts.append(alert)
        shown = alert.info()
        self._info["last_time"] = max(self._info["last_time"], shown["last_time"])
        self._info["updated_at"] = self._now()
        if alert is self._alerts[0]:
            # "The labels of the first grouped alert" (trap 17), and its texts.
            self._info["labels"] = shown["labels"]
            for name in ("title", "description"):
                if name not in self._info["manual_overrides"]:
                    self._info[name] = shown[name]
        self._recount()
        self._info["incident_status"] = self._worst("alert_status")
        if "incident_severity" not in self._info["manual_overrides"]:
            self._info["incident_severity"] = self._worst("alert_severity")
        if is_new:
            alert.tell("a_merge", person_id)

    def let_go(self, alert: SimulatedAlert, person_id: int) -> None:
        """Give an alert away; "becomes empty ... automatically closed" (/alert/merge)."""
        self._alerts.remove(alert)
        self._info["alert_cnt"] = len(self._alerts)
        self._recount()
        if not self._alerts:
            self.resolve(person_id, root_cause="", resolution="")

    def assign(
        self, person_id: int, assigned_to: Mapping[str, Any], person_ids: Sequence[int]
    ) -> None:
        """Make these people its responders, instead of the ones it has."""
        if self._closed:
            return
        kept = {one["person_id"]: one for one in self._info["responders"]}
        self._info["responders"] = [
            kept.get(one) or {"person_id": one, "assigned_at": self._now(), "acknowledged_at": 0}
            for one in dict.fromkeys(person_ids)
        ]
        self._info["assigned_to"] = {**assigned_to, "assigned_at": self._now()}
        self.record("i_assign", {**assigned_to, "to": list(person_ids)}, person_id)

    def add_responders(self, person_id: int, person_ids: Sequence[int]) -> None:
        if self._closed:
            return
        new = [one for one in dict.fromkeys(person_ids) if self._responder(one) is None]
        self._info["responders"] += [
            {"person_id": one, "assigned_at": self._now(), "acknowledged_at": 0} for one in new
        ]
        self.record("i_a_rspd", {"to": list(person_ids)}, person_id)

    def absorb(
        self, person_id: int, others: Sequence["SimulatedIncident"], call: Mapping[str, Any]
    ) -> None:
        """Take over the alerts of others that are merged into it; the others end."""
        detail = {
            "comment": call.get("comment", ""),
            "source_incidents": [other.short() for other in others],
            "target_incident": self.short(),
            "owner_id": call.get("owner_id", 0),
            "title": call.get("title", ""),
            "remove_source_incidents": call.get("remove_source_incidents", False),
            "source_responders": sorted(
                {one["person_id"] for other in others for one in other.info()["responders"]}
            ),
        }
        for other in others:
            for alert in other.alerts:
                other.let_go(alert, person_id)
                self.follow(person_id, alert, is_new=True)
            other.resolve(person_id, root_cause="", resolution="")
        self.retitle(call)
        self.record("i_merge", detail, person_id)

    def retitle(self, call: Mapping[str, Any]) -> None:
        """Take the `title` and `owner_id` that merging may give."""
        self._info.update({name: call[name] for name in ("title", "owner_id") if call.get(name)})

    def reopen(self, person_id: int, reason: str) -> None:
        if not self._closed:
            return
        self._info.update(close_time=0, closer_id=0)
        self._trigger_again()
        self.record("i_reopen", {"reason": reason}, person_id)

    def snooze(self, person_id: int, minutes: int) -> None:
        if self._closed:
            return
        self._info["snoozed_before"] = self._now() + minutes * 60
        self.record("i_snooze", {"minutes": minutes}, person_id)

    def wake(self, person_id: int) -> None:
        self._end_snooze_that_ran_out()
        before, self._info["snoozed_before"] = self._info["snoozed_before"], 0
        if before:
            # The only camelCase name among the timeline's details (reference 2.6).
            self.record("i_wake", {"snoozedBefore": before}, person_id)

    @property
    def _closed(self) -> bool:
        self._end_snooze_that_ran_out()
        return bool(self._info["progress"] == "Closed")

    def _now(self) -> int:
        return int(self._clock())

    def _responder(self, person_id: int) -> dict[str, Any] | None:
        responders: list[dict[str, Any]] = self._info["responders"]
        return next((one for one in responders if one["person_id"] == person_id), None)

    def _end_snooze_that_ran_out(self) -> None:
        # Looked at on every reading instead of by a timer: the clock is whatever we were handed.
        if 0 < self._info["snoozed_before"] <= self._now():
            self._info["snoozed_before"] = 0
            self._trigger_again()

    def _trigger_again(self) -> None:
        # Acknowledgements go too: left in place, the next ack would be a "later" one and the
        # incident could never be Processing again.
        self._info.update(progress="Triggered", ack_time=0)
        for responder in self._info["responders"]:
            responder["acknowledged_at"] = 0

    def _worst(self, name: str) -> str:
        return max((str(alert.info()[name]) for alert in self._alerts), key=_SEVERITIES.index)

    def _recount(self) -> None:
        alerts = [alert.info() for alert in self._alerts]
        self._info["alert_cnt"] = max(len(alerts), self._info["alert_cnt"])
        self._info["active_alert_cnt"] = sum(alert.is_active for alert in self._alerts)
        self._info["alert_event_cnt"] = sum(alert["event_cnt"] for alert in alerts)


def _blank_info() -> dict[str, Any]:
    """Give every field that IncidentInfo always has, unset."""
    zeros = (
        "account_id ack_time alert_cnt active_alert_cnt alert_event_cnt channel_id close_time "
        "closer_id created_at creator_id end_time integration_id last_time owner_id "
        "snoozed_before start_time updated_at"
    )
    texts = (
        "account_locale account_name account_time_zone ai_summary channel_name channel_status "
        "dedup_key description detail_url equals_md5 impact integration_type num post_mortem_id "
        "resolution root_cause silence_url title"
    )
    return {
        **dict.fromkeys(zeros.split(), 0),
        **dict.fromkeys(texts.split(), ""),
        "assigned_to": {"escalate_rule_id": NO_RULE, "layer_idx": 0},
        "ever_muted": False,
        "fields": {},
        "frequency": "rare",
        "group_method": "n",
        "images": None,
        "incident_severity": "Info",
        "incident_status": "Info",
        "integration_ids": [],
        "integration_types": [],
        "labels": {},
        "manual_overrides": [],
        "progress": "Triggered",
        "responders": [],
    }
