"""The state of a simulated Flashduty account, for the demo, `engine simulate` and tests.

Keeps what the Open API shows and the rules by which calls change it. It knows no web: the calls
come from `simulator.py`, which has checked their parameters. Times come from the clock handed in.
"""

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from difflib import SequenceMatcher
from typing import Any, Final

from engine.flashduty.simulated.ids import SimulatedIds
from engine.flashduty.simulated.incident import SimulatedIncident
from engine.flashduty.simulated.refusal import RefusalError
from engine.flashduty.simulated.status_page import SimulatedStatusPage

LONGEST_TEXT: Final = 3000  # characters of a custom field (reference 2.7)
_SIMILAR: Final = 0.9  # past incidents match above 90 % (reference 2.5)
_ENDED: Final = ("Done", "Canceled")


class SimulatedAccount:
    """One account, as the owner of one app key sees it.

    `add_*` puts things there without a timeline entry by anybody; the other verbs act as the app
    key's own member and raise `RefusalError` for what the API would refuse.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        account_id: int = 74058170041504,
        account_name: str = "TouTie Tech",
    ) -> None:
        self.clock = clock
        self.ids = SimulatedIds(clock)
        self.account_id = account_id
        self.account_name = account_name
        self.own_member_id = 0  # "0 means system-generated", until add_member says whose key it is
        self._incidents: dict[str, SimulatedIncident] = {}
        self._members: dict[int, dict[str, Any]] = {}
        self._fields: dict[str, dict[str, Any]] = {}
        self._changes: dict[str, dict[str, Any]] = {}
        self._integrations: dict[str, dict[str, Any]] = {}
        self._pages: dict[int, SimulatedStatusPage] = {}

    # What the account has -------------------------------------------------------------------

    def add_incident(self, incident: Mapping[str, Any]) -> None:
        """Take the `incident` object of a webhook body and keep it as IncidentInfo.

        `alerts` goes to the incident's alert list and `event_id`, which is the delivery's, goes
        away. An incident that is known already is replaced; its timeline goes on.
        """
        incident_id = incident["incident_id"].lower()
        known = self._incidents.get(incident_id)
        info = {name: incident[name] for name in incident if name not in ("alerts", "event_id")}
        source = info.get("data_source_id", 0)
        info.setdefault("account_id", self.account_id)
        info.setdefault("integration_id", source)
        info.setdefault("integration_ids", [source] if source else [])
        info.setdefault("creator_id", info.get("creator", {}).get("person_id", 0))
        alerts = [_alert_info(alert, info) for alert in incident.get("alerts", [])]
        feed = known.feed() if known else []
        kept = SimulatedIncident(info, alerts, feed=feed, clock=self.clock)
        self._incidents[incident_id] = kept
        if known is None:
            info = kept.info()
            new = {"severity": info["incident_severity"], "title": info["title"]}
            kept.record("i_new", new, info["creator_id"])

    def add_member(self, member: Mapping[str, Any], *, owns_app_key: bool = False) -> None:
        """Add a MemberItem; `member_id`, `member_name` and `email` at the least."""
        self._members[member["member_id"]] = {**_blank_member(self.account_id), **member}
        if owns_app_key:
            self.own_member_id = member["member_id"]

    def add_field(self, definition: Mapping[str, Any]) -> None:
        """Define a custom field: `field_name`, `field_type` and, for selects, `options`."""
        is_bool = definition["field_type"] == "checkbox"
        self._fields[definition["field_name"]] = {
            "field_id": self.ids.object_id(),
            "account_id": self.account_id,
            "display_name": definition["field_name"],
            "value_type": "bool" if is_bool else "string",
            "options": None,
            "default_value": None,
            "status": "enabled",
            **deepcopy(dict(definition)),
        }

    def add_integration(self, key: str, *, integration_id: int, name: str) -> None:
        """Let `key` push change events; it is the `integration_key` of the push address."""
        self._integrations[key] = {"integration_id": integration_id, "integration_name": name}

    def add_status_page(self, page: Mapping[str, Any]) -> None:
        """Add a page: `page_id`, `name` and `components` of `component_id` and `name`."""
        kept = SimulatedStatusPage(page, ids=self.ids, clock=self.clock)
        self._pages[page["page_id"]] = kept

    def add_change(self, event: Mapping[str, Any], *, integration_key: str = "") -> str:
        """Take a change event (reference 2.9) and give its `change_key`.

        Events with one key are one change: the first starts it, the last says how it stands, and
        Done or Canceled ends it.
        """
        key: str = event.get("change_key") or self.ids.object_id()
        integration = self._integrations.get(integration_key, {"integration_id": 0})
        at = event.get("event_time") or int(self.clock())
        kept = {"description": "", "link": "", "labels": {}, **deepcopy(dict(event))}
        kept |= {"change_key": key, "event_time": at, "event_id": self.ids.object_id()}
        change = self._changes.setdefault(
            key,
            {"change_id": self.ids.object_id(), "start_time": at, "events": [], **integration},
        )
        shown = ("change_key", "change_status", "title", "description", "link", "labels")
        change.update({name: kept[name] for name in shown})
        change.update(last_time=at, end_time=at if kept["change_status"] in _ENDED else 0)
        change["events"].append({**kept, "integration_id": change["integration_id"]})
        return key

    # What it shows --------------------------------------------------------------------------

    def incident(self, incident_id: str) -> dict[str, Any]:
        return self._incident(incident_id).info()

    def incidents(self) -> list[dict[str, Any]]:
        return [incident.info() for incident in self._incidents.values()]

    def alerts(self, incident_id: str) -> list[dict[str, Any]]:
        return self._incident(incident_id).alerts()

    def feed(self, incident_id: str) -> list[dict[str, Any]]:
        """Give the timeline, oldest entry first."""
        return self._incident(incident_id).feed()

    def past_incidents(self, incident_id: str) -> list[dict[str, Any]]:
        """Give closed incidents of the same channel that resemble this one, best first.

        The vendor compares vectors; here two titles are compared letter by letter.
        """
        subject = self.incident(incident_id)
        if not subject["channel_id"]:
            raise RefusalError("ResourceNotFound", "Channel not found")
        scored = [
            {**one, "score": SequenceMatcher(None, subject["title"], one["title"]).ratio()}
            for one in self.incidents()
            if one["incident_id"] != incident_id
            and one["channel_id"] == subject["channel_id"]
            and one["progress"] == "Closed"
        ]
        similar = [one for one in scored if one["score"] > _SIMILAR]
        return sorted(similar, key=lambda one: one["score"], reverse=True)

    def members(self) -> list[dict[str, Any]]:
        return deepcopy(list(self._members.values()))

    def fields(self) -> list[dict[str, Any]]:
        return deepcopy(list(self._fields.values()))

    def changes(self) -> list[dict[str, Any]]:
        return deepcopy(list(self._changes.values()))

    def has_integration(self, key: str) -> bool:
        return key in self._integrations

    def status_pages(self) -> list[dict[str, Any]]:
        return [page.page() for page in self._pages.values()]

    def status_page_changes(self, page_id: int) -> list[dict[str, Any]]:
        """Give the events of a page, newest first."""
        return self.status_page(page_id).changes()

    def status_page(self, page_id: int) -> SimulatedStatusPage:
        page = self._pages.get(page_id)
        if page is None:
            raise RefusalError.not_found(f"page_id {page_id}")
        return page

    # What calls change ----------------------------------------------------------------------

    def comment(self, incident_ids: Iterable[str], text: str, *, mute_reply: bool) -> None:
        for incident in self._all(incident_ids):
            detail = {"comment": text, "mute_reply": mute_reply}
            incident.record("i_comm", detail, self.own_member_id)

    def reset(self, incident_id: str, changes: Mapping[str, str]) -> None:
        self._incident(incident_id).reset(changes, self.own_member_id)

    def reset_field(self, incident_id: str, name: str, value: Any) -> None:
        """Set a custom field to a value of its definition's type; None deletes it."""
        incident = self._incident(incident_id)
        definition = self._fields.get(name)
        if definition is None:
            raise RefusalError.parameter(f"field_name {name} is no custom field of this account.")
        if value is not None:
            _check_field_value(definition, value)
        incident.set_field(name, value, self.own_member_id)

    def acknowledge(self, incident_ids: Iterable[str]) -> None:
        for incident in self._all(incident_ids):
            incident.acknowledge(self.own_member_id)

    def unacknowledge(self, incident_ids: Iterable[str]) -> None:
        for incident in self._all(incident_ids):
            incident.unacknowledge(self.own_member_id)

    def resolve(
        self, incident_ids: Iterable[str], *, root_cause: str = "", resolution: str = ""
    ) -> None:
        for incident in self._all(incident_ids):
            incident.resolve(self.own_member_id, root_cause=root_cause, resolution=resolution)

    def reopen(self, incident_ids: Iterable[str], reason: str = "") -> None:
        for incident in self._all(incident_ids):
            incident.reopen(self.own_member_id, reason)

    def snooze(self, incident_ids: Iterable[str], minutes: int) -> None:
        for incident in self._all(incident_ids):
            incident.snooze(self.own_member_id, minutes)

    def wake(self, incident_ids: Iterable[str]) -> None:
        for incident in self._all(incident_ids):
            incident.wake(self.own_member_id)

    def create_incident(self, call: Mapping[str, Any]) -> str:
        """Make an incident by hand, with the body of /incident/create: no labels, no alerts."""
        incident_id = self.ids.object_id()
        now = int(self.clock())
        assigned_to = call.get("assigned_to")
        person_ids = (assigned_to or {}).get("person_ids", [])
        info = {
            "incident_id": incident_id,
            "num": incident_id[-6:].upper(),
            "account_name": self.account_name,
            "title": call.get("title", ""),
            "description": call.get("description", ""),
            "incident_severity": call["incident_severity"],
            "incident_status": call["incident_severity"],
            "channel_id": call.get("channel_id", 0),
            "creator_id": self.own_member_id,
            "responders": [
                {"person_id": one, "assigned_at": now, "acknowledged_at": 0} for one in person_ids
            ],
            **dict.fromkeys(("start_time", "last_time", "created_at", "updated_at"), now),
        }
        if assigned_to:
            info["assigned_to"] = {"type": "assign", "assigned_at": now, **assigned_to}
        self.add_incident(info)
        return incident_id

    def _incident(self, incident_id: str) -> SimulatedIncident:
        # The API takes hex digits of either case; it gives out lower case.
        incident = self._incidents.get(incident_id.lower())
        if incident is None:
            raise RefusalError.not_found(f"incident_id {incident_id}")
        return incident

    def _all(self, incident_ids: Iterable[str]) -> list[SimulatedIncident]:
        """Find every incident before any is touched, so that a refused call changes nothing."""
        return [self._incident(one) for one in dict.fromkeys(map(str.lower, incident_ids))]


def _check_field_value(definition: Mapping[str, Any], value: Any) -> None:
    """Refuse a value that is not of the field's type (reference 2.7)."""
    options = definition["options"] or []
    chosen = value if isinstance(value, list) else [value]
    match definition["field_type"]:
        case "checkbox":
            fits, wanted = isinstance(value, bool), "true or false"
        case "multi_select":
            fits = isinstance(value, list) and all(one in options for one in chosen)
            wanted = f"a list of some of {', '.join(options)}"
        case "single_select":
            fits = isinstance(value, str) and value in options
            wanted = f"one of {', '.join(options)}"
        case _:
            fits = isinstance(value, str) and len(value) <= LONGEST_TEXT
            wanted = f"a text of at most {LONGEST_TEXT} characters"
    if not fits:
        raise RefusalError.parameter(f"field_value of {definition['field_name']} must be {wanted}.")


def _alert_info(alert: Mapping[str, Any], incident: Mapping[str, Any]) -> dict[str, Any]:
    """Make the API's AlertInfo of a webhook's alert: `data_source_id` is `integration_id` there."""
    integration_id = alert.get("data_source_id", 0)
    channel_id, channel_name = incident.get("channel_id", 0), incident.get("channel_name", "")
    return {
        "alert_status": alert.get("alert_severity", "Info"),
        "ever_muted": False,
        "event_cnt": 0,
        "images": None,
        "labels": {},
        "integration_id": integration_id,
        "integration_name": "",
        "integration_type": "",
        "channel_id": channel_id,
        "channel_name": channel_name,
        "channel_status": "enabled" if channel_id else "",
        **deepcopy(dict(alert)),
    }


def _blank_member(account_id: int) -> dict[str, Any]:
    return {
        "account_id": account_id,
        **dict.fromkeys(("country_code", "phone", "avatar", "ref_id"), ""),
        **dict.fromkeys(("locale", "time_zone"), ""),
        "phone_verified": False,
        "email_verified": True,
        "status": "enabled",
        "account_role_ids": [],
        "is_external": False,
        "created_at": 0,
        "updated_at": 0,
    }
