"""The changes of a simulated account: deploys and the like, made of pushed events."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, Final

from engine.flashduty.simulated.ids import SimulatedIds

_ENDED: Final = ("Done", "Canceled")


class Deploys:
    """Keeps the account's changes, in the order they began."""

    def __init__(self, ids: SimulatedIds, clock: Callable[[], float]) -> None:
        self._ids = ids
        self._clock = clock
        self._changes: dict[str, dict[str, Any]] = {}

    def all(self) -> list[dict[str, Any]]:
        return deepcopy(list(self._changes.values()))

    def take(self, event: Mapping[str, Any], integration: Mapping[str, Any]) -> str:
        """Take a change event (reference 2.9) and give its `change_key`.

        Events with one key are one change: the first starts it, the last says how it stands, and
        Done or Canceled ends it.
        """
        key: str = event["change_key"]
        at = event.get("event_time") or int(self._clock())
        kept = {"description": "", "link": "", "labels": {}, **deepcopy(dict(event))}
        kept |= {"event_time": at, "event_id": self._ids.object_id()}
        change = self._changes.setdefault(
            key,
            {"change_id": self._ids.object_id(), "start_time": at, "events": [], **integration},
        )
        shown = ("change_key", "change_status", "title", "description", "link", "labels")
        change.update({name: kept[name] for name in shown})
        change.update(last_time=at, end_time=at if kept["change_status"] in _ENDED else 0)
        change["events"].append({**kept, "integration_id": change["integration_id"]})
        return key
