"""What incidents' timelines tell that no delivery brought: what was done to each, and by whom.

Facts: `/incident/list` asks for when incidents started, at most 31 days at a time, and not for when
they changed; `updated_at` says that. A timeline has the time in milliseconds, the person's id (0
for nobody) and what changed; the rest of the event is the incident as it is now. A press is in it
only if it was answered 200.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from engine.events.event import Event
from engine.flashduty.caller import Caller, items_behind_cursors, items_of, items_of_pages
from engine.flashduty.client import FlashdutyError
from engine.flashduty.reconciling.missed import DAY, GONE, INCIDENT_EVENTS, Span, missed
from engine.rules.match import TOLD_BY_TIMELINE

LONGEST_WINDOW: Final = 31 * DAY
_PRESS: Final = "i_custom"


@dataclass(frozen=True, slots=True)
class Timelines:
    """The timelines of an account's incidents.

    `actions` gives the name in a button's URL by the integration's id or name, as texts: the
    timeline has these two, the URL is in the console alone.
    """

    caller: Caller
    actions: Mapping[str, str]
    new_id: Callable[[], str]
    clock: Callable[[], float]

    async def missed(
        self, span: Span, types: frozenset[str], *, look_everywhere: bool
    ) -> AsyncIterator[Event]:
        """Every event of these types in the span. Raises FlashdutyError.

        `look_everywhere`: also at incidents that are closed and began more than a day before.
        """
        types &= INCIDENT_EVENTS
        if not types:
            return
        async for incident in self._incidents(span, look_everywhere=look_everywhere):
            try:
                events = await self._events(incident, span, types)
            except FlashdutyError as error:
                # An incident that is merged away or removed meanwhile has nothing more to tell.
                if error.code != GONE:
                    raise
            else:
                for event in events:
                    yield missed(event)

    async def _events(
        self, incident: Mapping[str, Any], span: Span, types: frozenset[str]
    ) -> list[Event]:
        entries = await self._entries(incident, span, types)
        people = await self._people({entry.get("creator_id") for entry in entries})
        return [await self._event(incident, entry, people) for entry in entries]

    async def _incidents(
        self, span: Span, *, look_everywhere: bool
    ) -> AsyncIterator[Mapping[str, Any]]:
        recent = Span(span.since - DAY, span.until)
        older = Span(min(span.until - LONGEST_WINDOW, recent.since), recent.since)
        still_open = {} if look_everywhere else {"progress": "Triggered,Processing"}
        for whole, narrowed in ((older, still_open), (recent, {})):
            for window in whole.windows(LONGEST_WINDOW):
                times = {"start_time": int(window.since), "end_time": int(window.until) + 1}
                wanted = {**times, **narrowed, "asc": True}
                async for incident in items_behind_cursors(self.caller, "/incident/list", wanted):
                    if _number(incident.get("updated_at")) >= int(span.since):
                        yield incident

    async def _entries(
        self, incident: Mapping[str, Any], span: Span, types: frozenset[str]
    ) -> Sequence[Mapping[str, Any]]:
        """The entries of the span, oldest first. The newest are asked for first: they are few."""
        wanted = {"incident_id": incident.get("incident_id"), "types": sorted(types), "asc": False}
        found: list[Mapping[str, Any]] = []
        async for entry in items_of_pages(self.caller, "/incident/feed", wanted):
            created = _number(entry.get("created_at"))
            if created / 1000 < span.since:
                break
            # A list that is read while it grows shows an entry twice.
            if span.has(created) and entry.get("type") in types and entry not in found:
                found.append(entry)
        return found[::-1]

    async def _people(self, ids: set[Any]) -> Mapping[int, Mapping[str, Any]]:
        wanted = sorted(id_ for id_ in ids if isinstance(id_, int) and id_)
        if not wanted:
            return {}
        answer = await self.caller.call("/person/infos", {"person_ids": wanted})
        names = ("person_id", "person_name", "email")
        return {
            person["person_id"]: {name: person.get(name) for name in names}
            for person in items_of(answer, "/person/infos")
            if isinstance(person.get("person_id"), int)
        }

    async def _event(
        self,
        incident: Mapping[str, Any],
        entry: Mapping[str, Any],
        people: Mapping[int, Mapping[str, Any]],
    ) -> Event:
        type_, time, person_id = entry["type"], entry["created_at"], entry.get("creator_id")
        detail = entry.get("detail") if isinstance(entry.get("detail"), Mapping) else {}
        # The webhooks' name for what the API calls an integration.
        about = {"data_source_id": incident.get("integration_id", 0), **incident}
        if type_ == _PRESS:
            about["alerts"] = await self._alerts(incident)
        payload = {
            "event_type": type_,
            "event_time": time,
            "incident": about,
            "timeline": detail,
            **({"person": people.get(person_id, {"person_id": person_id})} if person_id else {}),
        }
        return Event(
            id=self.new_id(),
            source="",
            action=self._action(detail) if type_ == _PRESS else None,
            key=f"{TOLD_BY_TIMELINE}{type_}:{time}:{incident.get('incident_id')}:{person_id}",
            type=type_,
            time=time,
            query={},
            headers={},
            payload=payload,
            received=self.clock(),
        )

    async def _alerts(self, incident: Mapping[str, Any]) -> list[dict[str, Any]]:
        wanted = {"incident_id": incident.get("incident_id"), "limit": 100}
        answer = await self.caller.call("/incident/alert/list", wanted)
        return [
            {"data_source_id": alert.get("integration_id", 0), **alert}
            for alert in items_of(answer, "/incident/alert/list")
        ]

    def _action(self, detail: Any) -> str | None:
        for name in ("integration_id", "integration_name"):
            action = self.actions.get(str(detail.get(name)))
            if action is not None:
                return action
        return None


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0
