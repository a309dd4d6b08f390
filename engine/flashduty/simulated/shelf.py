"""Things of one kind that an account has, by their id, as the Open API shows them."""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

from engine.flashduty.simulated.refusal import RefusalError


class Shelf:
    """Keeps copies and gives copies, in the order the things came."""

    def __init__(self, id_name: str) -> None:
        self._id_name = id_name
        self._things: dict[Any, dict[str, Any]] = {}

    def put(self, thing: Mapping[str, Any]) -> None:
        """Add a thing, or replace the one with its id."""
        self._things[thing[self._id_name]] = deepcopy(dict(thing))

    def all(self) -> list[dict[str, Any]]:
        return deepcopy(list(self._things.values()))

    def get(self, key: Any) -> dict[str, Any] | None:
        return deepcopy(self._things.get(key))

    def find(self, key: Any) -> dict[str, Any]:
        """Give the thing with this id. Raises RefusalError when there is none."""
        if key not in self._things:
            raise RefusalError.not_found(f"{self._id_name} {key}")
        return deepcopy(self._things[key])

    def some(self, keys: Iterable[Any]) -> list[dict[str, Any]]:
        """Give the things with these ids; an id that there is not is left out."""
        wanted = set(keys)
        return [one for one in self.all() if one[self._id_name] in wanted]

    def remove(self, key: Any) -> None:
        """Take a thing away. Raises RefusalError when there is none."""
        self.find(key)
        del self._things[key]
