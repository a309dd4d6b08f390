"""The incidents and the alerts of a simulated account, and what its webhooks are told of them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from engine.flashduty.simulated.alert import SimulatedAlert, alert_of_payload
from engine.flashduty.simulated.incident import SimulatedIncident
from engine.flashduty.simulated.payloads import Person, alert_of_webhook, incident_of_webhook
from engine.flashduty.simulated.refusal import RefusalError
from engine.flashduty.simulated.webhooks import INCIDENT_EVENTS, Webhooks


class Cases:
    """Finds incidents and alerts by their ids; hex digits of either case are the same id."""

    def __init__(
        self,
        webhooks: Webhooks,
        person: Person,
        *,
        clock: Callable[[], float],
        account: Mapping[str, Any],
    ) -> None:
        """Make an empty one; `account` is the `account_id` and `account_name` of what is kept."""
        self._webhooks = webhooks
        self._person = person
        self._clock = clock
        self._account = dict(account)
        self._incidents: dict[str, SimulatedIncident] = {}
        self._alerts: dict[str, SimulatedAlert] = {}

    def keep_payload(self, incident: Mapping[str, Any]) -> None:
        """Keep the `incident` object of a webhook body, and tell no webhook.

        An incident that is known already is replaced; its timeline goes on.
        """
        known = self._incidents.get(incident["incident_id"].lower())
        info = {name: incident[name] for name in incident if name not in ("alerts", "event_id")}
        source = info.get("data_source_id", 0)
        info.setdefault("integration_id", source)
        info.setdefault("integration_ids", [source] if source else [])
        info.setdefault("creator_id", info.get("creator", {}).get("person_id", 0))
        account_id = self._account["account_id"]
        alerts = [
            self.keep_alert(alert_of_payload(one, info, account_id))
            for one in incident.get("alerts", [])
        ]
        self.keep(info, alerts, feed=known.feed() if known else [], tell=False)

    def keep(
        self,
        info: Mapping[str, Any],
        alerts: Iterable[SimulatedAlert] = (),
        *,
        feed: Iterable[Mapping[str, Any]] = (),
        tell: bool = True,
    ) -> SimulatedIncident:
        """Keep an incident; one without a timeline begins it, and the webhooks are told."""
        timeline = tuple(feed)
        incident_id = info["incident_id"].lower()
        # An address inside the vendor's network, as in its samples: never to be fetched (trap 30).
        address = f"http://10.206.0.17:8567/incident/detail/{incident_id}"
        kept = SimulatedIncident(
            {**self._account, "detail_url": address, **info},
            tuple(alerts),
            feed=timeline,
            clock=self._clock,
            tell=self._tell_of_incident,
        )
        self._incidents[incident_id] = kept
        if not timeline:
            shown = kept.info()
            detail = {"severity": shown["incident_severity"], "title": shown["title"]}
            kept.record("i_new", detail, shown["creator_id"], tell=tell)
        return kept

    def keep_alert(self, info: Mapping[str, Any]) -> SimulatedAlert:
        alert = SimulatedAlert(info, clock=self._clock, tell=self._tell_of_alert)
        self._alerts[alert.alert_id.lower()] = alert
        return alert

    def remove(self, incident_id: str) -> None:
        self.incident(incident_id)
        del self._incidents[incident_id.lower()]

    def all(self) -> list[SimulatedIncident]:
        return list(self._incidents.values())

    def all_alerts(self) -> list[SimulatedAlert]:
        return list(self._alerts.values())

    def incident(self, incident_id: str) -> SimulatedIncident:
        incident = self._incidents.get(incident_id.lower())
        if incident is None:
            raise RefusalError.not_found(f"incident_id {incident_id}")
        return incident

    def incidents(self, incident_ids: Iterable[str]) -> list[SimulatedIncident]:
        """Find every incident before any is touched, so that a refused call changes nothing."""
        return [self.incident(one) for one in dict.fromkeys(map(str.lower, incident_ids))]

    def alert(self, alert_id: str) -> SimulatedAlert:
        alert = self._alerts.get(alert_id.lower())
        if alert is None:
            raise RefusalError.not_found(f"alert_id {alert_id}")
        return alert

    def alerts(self, alert_ids: Iterable[str]) -> list[SimulatedAlert]:
        """Find every alert before any is touched."""
        return [self.alert(one) for one in dict.fromkeys(map(str.lower, alert_ids))]

    def incident_of(self, alert: SimulatedAlert) -> SimulatedIncident | None:
        return next((one for one in self._incidents.values() if alert in one.alerts), None)

    def alert_info(self, alert: SimulatedAlert) -> dict[str, Any]:
        """Give AlertInfo, with the short form of the incident the alert is in."""
        incident = self.incident_of(alert)
        return {**alert.info(), **({"incident": incident.short()} if incident else {})}

    def _tell_of_incident(self, incident: SimulatedIncident, kind: str, person_id: int) -> None:
        if kind in INCIDENT_EVENTS:
            shown = incident_of_webhook(incident.info(), self._person)
            self._webhooks.announce("incident", kind, shown, self._person(person_id))

    def _tell_of_alert(self, alert: SimulatedAlert, kind: str, person_id: int) -> None:
        shown = alert_of_webhook(self.alert_info(alert))
        self._webhooks.announce("alert", kind, shown, self._person(person_id))
