"""The state of a simulated Flashduty account, for the demo, `engine simulate` and tests.

Keeps what the Open API shows and the rules by which calls change it. It knows no web: the calls
come from `simulator.py`, which has checked their parameters, and what its webhooks have to deliver
waits in `webhooks.outbox` for `delivery.py`. Times come from the clock handed in.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from difflib import SequenceMatcher
from typing import Any, Final

from engine.flashduty.simulated.audit import AuditLog
from engine.flashduty.simulated.cases import Cases
from engine.flashduty.simulated.deploys import Deploys
from engine.flashduty.simulated.fields import check_field_value, field_item
from engine.flashduty.simulated.history import WebhookHistory
from engine.flashduty.simulated.ids import SimulatedIds
from engine.flashduty.simulated.payloads import incident_of_action
from engine.flashduty.simulated.refusal import RefusalError
from engine.flashduty.simulated.shelf import Shelf
from engine.flashduty.simulated.status_page import SimulatedStatusPage
from engine.flashduty.simulated.webhooks import Delivery, Webhook, Webhooks

_SIMILAR: Final = 0.9  # past incidents match above 90 % (reference 2.5)


class SimulatedAccount:
    """One account, as the owner of one app key sees it.

    `add_*` puts things there and tells no webhook; the other verbs act as the app key's own member,
    or as whom `acting_as` says, and raise `RefusalError` for what the API would refuse. Every
    other operation can be carried out with `simulated.perform.perform`.

        account = sample_account(clock)
        account.add_webhook(Webhook("incident", "http://127.0.0.1:8787/flashduty/incidents"))
        async with delivering(account):
            with account.acting_as(person_id):
                account.acknowledge([incident_id])
            await account.webhooks.outbox.join()  # until it is delivered, or failed to be
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
        self.actor = 0  # who acts at present: the own member, but for `acting_as`
        self.webhooks = Webhooks(self.ids, clock)
        self.history = WebhookHistory(clock)
        self.deploys = Deploys(self.ids, clock)
        self.teams = Shelf("team_id")
        self.channels = Shelf("channel_id")
        self.schedules = Shelf("schedule_id")
        self.escalation_rules = Shelf("rule_id")
        self.templates = Shelf("template_id")
        self.post_mortems = Shelf("post_mortem_id")
        self.post_mortem_templates = Shelf("template_id")
        self.war_rooms = Shelf("chat_id")
        self.datasources = Shelf("integration_id")  # the instant messengers among them
        self.audit = AuditLog(clock, account_id)
        self._members = Shelf("member_id")
        self._fields = Shelf("field_name")
        self._integrations: dict[str, dict[str, Any]] = {}
        self._pages: dict[int, SimulatedStatusPage] = {}
        named = {"account_id": account_id, "account_name": account_name}
        self.cases = Cases(self.webhooks, self.person, clock=clock, account=named)

    @contextmanager
    def acting_as(self, person_id: int) -> Iterator[None]:
        """Let what is called within the block be done by another person; 0 is nobody."""
        before, self.actor = self.actor, person_id
        try:
            yield
        finally:
            self.actor = before

    # What the account has -------------------------------------------------------------------

    def add_incident(self, incident: Mapping[str, Any]) -> None:
        """Take the `incident` object of a webhook body and keep it as IncidentInfo.

        `alerts` goes to the account's alerts and `event_id`, which is the delivery's, goes away. An
        incident that is known already is replaced; its timeline goes on.
        """
        self.cases.keep_payload(incident)

    def add_member(self, member: Mapping[str, Any], *, owns_app_key: bool = False) -> None:
        """Add a MemberItem; `member_id`, `member_name` and `email` at the least."""
        self._members.put({**_blank_member(self.account_id), **member})
        if owns_app_key:
            self.actor = self.own_member_id = member["member_id"]

    def add_field(self, definition: Mapping[str, Any]) -> None:
        """Define a custom field: `field_name`, `field_type` and, for selects, `options`."""
        made = {"now": int(self.clock()), "creator_id": self.actor}
        self._fields.put(field_item(definition, self.ids, account_id=self.account_id, **made))

    def add_integration(
        self, key: str, *, integration_id: int, name: str, type_: str = "", channel_id: int = 0
    ) -> None:
        """Let `key` push events; it is the `integration_key` of the push addresses.

        Alerts that come by it belong to the channel.
        """
        self._integrations[key] = {
            "integration_id": integration_id,
            "integration_name": name,
            "integration_type": type_,
            "channel_id": channel_id,
        }

    def add_webhook(self, webhook: Webhook) -> Webhook:
        """Call out by this webhook from now on; the answer has its `integration_id`."""
        return self.webhooks.add(webhook)

    def add_status_page(self, page: Mapping[str, Any]) -> None:
        """Add a page: `page_id`, `name` and `components` of `component_id` and `name`."""
        kept = SimulatedStatusPage(page, ids=self.ids, clock=self.clock)
        self._pages[page["page_id"]] = kept

    def add_change(self, event: Mapping[str, Any], *, integration_key: str = "") -> str:
        """Take a change event (reference 2.9) and give its `change_key`."""
        integration = self._integrations.get(integration_key, {"integration_id": 0})
        shown = ("integration_id", "integration_name")
        known = {name: integration[name] for name in shown if name in integration}
        return self.deploys.take(event, known)

    # What it shows --------------------------------------------------------------------------

    def incident(self, incident_id: str) -> dict[str, Any]:
        return self.cases.incident(incident_id).info()

    def incidents(self) -> list[dict[str, Any]]:
        return [incident.info() for incident in self.cases.all()]

    def alerts(self, incident_id: str) -> list[dict[str, Any]]:
        """Give the alerts of an incident, each with the incident's short form (AlertInfo)."""
        return list(map(self.cases.alert_info, self.cases.incident(incident_id).alerts))

    def feed(self, incident_id: str) -> list[dict[str, Any]]:
        """Give the timeline, oldest entry first."""
        return self.cases.incident(incident_id).feed()

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

    def title_of(self, kind: str, ref_id: str) -> str:
        """Give the title of an incident or an alert as it is now; "" when it is gone."""
        try:
            found = self.cases.alert(ref_id) if kind == "alert" else self.cases.incident(ref_id)
        except RefusalError:
            return ""
        return str(found.info()["title"])

    def members(self) -> list[dict[str, Any]]:
        return self._members.all()

    def person(self, person_id: int) -> dict[str, Any] | None:
        """Give who this is, as webhooks show it; 0 is nobody."""
        if not person_id:
            return None
        member = self._members.get(person_id) or {"member_name": "", "email": ""}
        names = {"person_name": member["member_name"], "email": member["email"]}
        return {"person_id": person_id, **names}

    def fields(self) -> list[dict[str, Any]]:
        return self._fields.all()

    def changes(self) -> list[dict[str, Any]]:
        return self.deploys.all()

    def has_integration(self, key: str) -> bool:
        return key in self._integrations

    def integration(self, key: str) -> dict[str, Any]:
        """Give the integration whose key this is: what `has_integration` says yes to."""
        return dict(self._integrations[key])

    def integrations_shown(self) -> list[dict[str, Any]]:
        """Give every integration as /datasource/list does."""
        pushing = [
            (key, one["integration_id"], one["integration_name"], one["integration_type"])
            for key, one in self._integrations.items()
        ]
        calling = [("", one.integration_id, one.name, one.kind) for one in self.webhooks.all()]
        shown = [
            {
                "integration_id": integration_id,
                "integration_key": key,
                "name": name,
                "category": "webhook" if not key else f"event.{type_.partition('.')[0]}",
                "plugin_type": type_,
                "status": "enabled",
                "team_id": 0,
            }
            for key, integration_id, name, type_ in (*pushing, *calling)
        ]
        return [*shown, *self.datasources.all()]

    def channels_of_teams(self, team_ids: Iterable[int]) -> set[int]:
        wanted = set(team_ids)
        return {one["channel_id"] for one in self.channels.all() if one["team_id"] in wanted}

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
        for incident in self.cases.incidents(incident_ids):
            detail = {"comment": text, "mute_reply": mute_reply}
            incident.record("i_comm", detail, self.actor)

    def reset(self, incident_id: str, changes: Mapping[str, str]) -> None:
        self.cases.incident(incident_id).reset(changes, self.actor)

    def reset_field(self, incident_id: str, name: str, value: Any) -> None:
        """Set a custom field to a value of its definition's type; None deletes it."""
        incident = self.cases.incident(incident_id)
        definition = self._fields.get(name)
        if definition is None:
            raise RefusalError.parameter(f"field_name {name} is no custom field of this account.")
        if value is not None:
            check_field_value(definition, value)
        incident.set_field(name, value, self.actor)

    def acknowledge(self, incident_ids: Iterable[str]) -> None:
        for incident in self.cases.incidents(incident_ids):
            incident.acknowledge(self.actor)

    def unacknowledge(self, incident_ids: Iterable[str]) -> None:
        for incident in self.cases.incidents(incident_ids):
            incident.unacknowledge(self.actor)

    def resolve(
        self, incident_ids: Iterable[str], *, root_cause: str = "", resolution: str = ""
    ) -> None:
        for incident in self.cases.incidents(incident_ids):
            incident.resolve(self.actor, root_cause=root_cause, resolution=resolution)

    def reopen(self, incident_ids: Iterable[str], reason: str = "") -> None:
        for incident in self.cases.incidents(incident_ids):
            incident.reopen(self.actor, reason)

    def snooze(self, incident_ids: Iterable[str], minutes: int) -> None:
        for incident in self.cases.incidents(incident_ids):
            incident.snooze(self.actor, minutes)

    def wake(self, incident_ids: Iterable[str]) -> None:
        for incident in self.cases.incidents(incident_ids):
            incident.wake(self.actor)

    def create_incident(self, call: Mapping[str, Any]) -> str:
        """Make an incident by hand, with the body of /incident/create: no labels, no alerts."""
        incident_id = self.ids.object_id()
        now = int(self.clock())
        assigned_to = call.get("assigned_to")
        person_ids = (assigned_to or {}).get("person_ids", [])
        info = {
            "incident_id": incident_id,
            "num": incident_id[-6:].upper(),
            "title": call.get("title", ""),
            "description": call.get("description", ""),
            "incident_severity": call["incident_severity"],
            "incident_status": call["incident_severity"],
            **self.channel_of(call.get("channel_id", 0)),
            "creator_id": self.actor,
            "responders": [
                {"person_id": one, "assigned_at": now, "acknowledged_at": 0} for one in person_ids
            ],
            **dict.fromkeys(("start_time", "last_time", "created_at", "updated_at"), now),
        }
        if assigned_to:
            info["assigned_to"] = {"type": "assign", "assigned_at": now, **assigned_to}
        self.cases.keep(info)
        return incident_id

    def channel_of(self, channel_id: int) -> dict[str, Any]:
        """Give what an incident or an alert shows of its channel; 0 is none."""
        channel = self.channels.get(channel_id) or {"channel_name": "", "status": ""}
        return {
            "channel_id": channel_id,
            "channel_name": channel["channel_name"],
            "channel_status": channel["status"],
        }

    # What webhooks are told -----------------------------------------------------------------

    def press(self, incident_id: str, integration_id: int) -> Delivery:
        """Make the delivery of a press of a custom action by who acts at present."""
        incident = self.cases.incident(incident_id)
        webhook = self.webhooks.action(integration_id, incident.info()["channel_id"])
        shown = incident_of_action(incident.info(), self.alerts(incident_id), self.person)
        return self.webhooks.pressed(webhook, shown, self.person(self.actor))


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
