"""One status page of a simulated account: its components, its events and their rules.

The vendor calls an event of a status page a *change*; it is no deploy change. Rules: reference
2.11, from the specification's own words and the vendor's guide to publishing events.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any, Final

from engine.flashduty.operations.status_pages import COMPONENT_STATUSES, EVENT_STATUSES
from engine.flashduty.simulated.ids import SimulatedIds
from engine.flashduty.simulated.refusal import RefusalError

_LONGEST_MAINTENANCE: Final = 30 * 24 * 3600
_FEWEST_RETROSPECTIVE_UPDATES: Final = 2


class SimulatedStatusPage:
    """Takes calls whose parameters have the right types; refuses what breaks a rule."""

    def __init__(
        self, page: Mapping[str, Any], *, ids: SimulatedIds, clock: Callable[[], float]
    ) -> None:
        self._page = deepcopy(dict(page))
        self._components = {one["component_id"]: one for one in self._page["components"]}
        self._changes: dict[int, dict[str, Any]] = {}
        self._ids = ids
        self._clock = clock

    def page(self) -> dict[str, Any]:
        return deepcopy(self._page)

    def changes(self) -> list[dict[str, Any]]:
        """Give copies of all events, newest first."""
        return [self.change(change_id) for change_id in reversed(self._changes)]

    def change(self, change_id: int) -> dict[str, Any]:
        """Give one event as the specification's StatusPageChangeItem."""
        change = deepcopy(self._find(change_id))
        change["affected_components"] = [
            {**deepcopy(self._components[component_id]), "status": status}
            for component_id, status in _component_states(change["updates"]).items()
        ]
        return change

    def create_change(self, call: Mapping[str, Any]) -> dict[str, Any]:
        """Open an event; `call` is the body of /status-page/change/create."""
        kind, status = call["type"], call["status"]
        _check_status(kind, status, "status")
        start = call.get("start_at_seconds", int(self._clock()))
        self._check_window(call, start)
        if not call["updates"][0].get("component_changes"):
            raise RefusalError.parameter(
                "updates[0].component_changes is required: the first update says which "
                "components the event is about."
            )
        updates: list[dict[str, Any]] = []
        for place, entry in enumerate(call["updates"]):
            name = f"updates[{place}]."
            update = self._update(kind, {"at_seconds": start, **entry}, start, name)
            updates.append({**update, "update_id": entry.get("update_id") or update["update_id"]})
        _check_terminal(kind, status, updates)
        change = {
            "change_id": self._ids.number(),
            "page_id": self._page["page_id"],
            "type": kind,
            "title": call["title"],
            "description": call["description"],
            "status": status,
            "responder_ids": list(call.get("responders", [])),
            "linked_change_ids": list(call.get("linked_changes", [])),
            "start_at_seconds": start,
            "close_at_seconds": call.get("close_at_seconds", 0),
            "is_retrospective": call.get("is_retrospective", False),
            "updates": updates,
            "notify_subscribers": call.get("notify_subscribers", False),
            "auto_update_by_schedule": call.get("auto_update_by_schedule", False),
        }
        if _is_terminal(status) and not change["close_at_seconds"]:
            change["close_at_seconds"] = updates[-1]["at_seconds"]
        self._changes[change["change_id"]] = change
        return {"change_id": change["change_id"], "change_name": change["title"]}

    def add_update(self, change_id: int, call: Mapping[str, Any]) -> dict[str, Any]:
        """Add to an event's timeline. A closed event is opened again by a non-terminal status."""
        change = self._find(change_id)
        kind, start = change["type"], change["start_at_seconds"]
        _check_status(kind, call["status"], "status")
        update = self._update(kind, {"at_seconds": int(self._clock()), **call}, start, "")
        _check_terminal(kind, call["status"], [*change["updates"], update])
        change["updates"].append(update)
        was_closed = _is_terminal(change["status"])
        change.update(status=call["status"], description=call["description"])
        if _is_terminal(call["status"]):
            change["close_at_seconds"] = update["at_seconds"]
        elif was_closed:
            change["close_at_seconds"] = 0
        return {"update_id": update["update_id"]}

    def update_change(self, change_id: int, call: Mapping[str, Any]) -> None:
        """Replace the title, the responders or the linked changes; never the status."""
        change = self._find(change_id)
        names = {
            "title": "title",
            "responders": "responder_ids",
            "linked_changes": "linked_change_ids",
        }
        given = {name: call[name] for name in names if call.get(name, "") != ""}
        change.update({names[name]: deepcopy(value) for name, value in given.items()})

    def delete_change(self, change_id: int) -> None:
        self._find(change_id)
        del self._changes[change_id]

    def correct_update(self, change_id: int, update_id: str, call: Mapping[str, Any]) -> None:
        """Change when an update was and what it says; never a status."""
        change, update = self._find(change_id), self._find_update(change_id, update_id)
        at = call.get("at_seconds", update["at_seconds"])
        if change["type"] == "incident" and at < change["start_at_seconds"]:
            raise RefusalError.parameter("at_seconds must not be before the start of the event.")
        said = call.get("description") or update["description"]
        update.update(at_seconds=at, description=said)

    def delete_update(self, change_id: int, update_id: str) -> None:
        updates: list[dict[str, Any]] = self._find(change_id)["updates"]
        updates.remove(self._find_update(change_id, update_id))

    def put_components(self, components: Sequence[Mapping[str, Any]]) -> None:
        """Add components, or change those whose id is given; a status is nothing of theirs."""
        for one in components:
            component_id = one.get("component_id")
            if component_id and component_id not in self._components:
                raise RefusalError.not_found(f"component_id {component_id}")
        for one in components:
            component_id = one.get("component_id") or self._ids.ulid()
            given = {name: one[name] for name in one if name != "status"}
            known = self._components.get(component_id, {})
            self._components[component_id] = {**known, **given, "component_id": component_id}
        self._page["components"] = list(self._components.values())

    def _find_update(self, change_id: int, update_id: str) -> dict[str, Any]:
        updates: list[dict[str, Any]] = self._find(change_id)["updates"]
        for update in updates:
            if update["update_id"] == update_id:
                return update
        raise RefusalError.not_found(f"update_id {update_id}")

    def _find(self, change_id: int) -> dict[str, Any]:
        change = self._changes.get(change_id)
        if change is None:
            raise RefusalError.not_found(f"change_id {change_id}")
        return change

    def _check_window(self, call: Mapping[str, Any], start: int) -> None:
        close = call.get("close_at_seconds")
        if close is not None and close <= start:
            raise RefusalError.parameter("close_at_seconds must be greater than start_at_seconds.")
        if call.get("auto_update_by_schedule"):
            if call["type"] != "maintenance":
                raise RefusalError.parameter("auto_update_by_schedule is for maintenances only.")
            if close is None:
                raise RefusalError.parameter(
                    "close_at_seconds is required with auto_update_by_schedule."
                )
            if close - start > _LONGEST_MAINTENANCE:
                raise RefusalError.parameter(
                    "close_at_seconds must be at most 30 days after start_at_seconds."
                )
        if call.get("is_retrospective") and len(call["updates"]) < _FEWEST_RETROSPECTIVE_UPDATES:
            raise RefusalError.parameter(
                "updates must have at least 2 items when is_retrospective."
            )

    def _update(self, kind: str, entry: Mapping[str, Any], start: int, name: str) -> dict[str, Any]:
        """Make a timeline entry; `name` is what stands before its parameters in a message."""
        if "status" in entry:
            _check_status(kind, entry["status"], f"{name}status")
        if kind == "incident" and entry["at_seconds"] < start:
            raise RefusalError.parameter(
                f"{name}at_seconds must not be before the start of the event."
            )
        changes = entry.get("component_changes", [])
        ids = [one["component_id"] for one in changes]
        for place, one in enumerate(changes):
            at = f"{name}component_changes[{place}]"
            if one["component_id"] not in self._components:
                raise RefusalError.parameter(f"{at}.component_id is no component of this page.")
            if one["component_id"] in ids[:place]:
                raise RefusalError.parameter(
                    f"{at}.component_id is there twice: component ids must be unique."
                )
            if one["status"] not in COMPONENT_STATUSES[kind]:
                allowed = ", ".join(COMPONENT_STATUSES[kind])
                raise RefusalError.parameter(
                    f"{at}.status of type {kind} must be one of {allowed}."
                )
        return {
            "update_id": self._ids.ulid(),
            "at_seconds": entry["at_seconds"],
            **({"status": entry["status"]} if "status" in entry else {}),
            "description": entry.get("description", ""),
            "component_changes": [
                {
                    "component_id": one["component_id"],
                    "component_name": self._components[one["component_id"]]["name"],
                    "status": one["status"],
                }
                for one in changes
            ],
        }


def _check_status(kind: str, status: str, name: str) -> None:
    if status not in EVENT_STATUSES[kind]:
        allowed = ", ".join(EVENT_STATUSES[kind])
        raise RefusalError.parameter(f"{name} of type {kind} must be one of {allowed}.")


def _check_terminal(kind: str, status: str, updates: Sequence[Mapping[str, Any]]) -> None:
    """Refuse to end an event whose components, over all its updates, are not well again."""
    left = [one for one, state in _component_states(updates).items() if state != "operational"]
    if _is_terminal(status) and left:
        raise RefusalError.parameter(
            f"status {status} ends the {kind}: component_changes must bring every component it "
            f"is about back to operational, and these are not: {', '.join(left)}."
        )


def _component_states(updates: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Give each component an event is about the status it was last given."""
    return {
        one["component_id"]: one["status"]
        for update in updates
        for one in update["component_changes"]
    }


def _is_terminal(status: str) -> bool:
    return any(status == statuses[-1] for statuses in EVENT_STATUSES.values())
