"""Conditions by their text: the same text is parsed once."""

from typing import Final

from engine.rules.condition import Condition

MAX_KEPT: Final = 20_000  # texts whose conditions are kept to be found again


class Conditions:
    """Parses conditions, and keeps them."""

    def __init__(self) -> None:
        self._parsed: dict[str, Condition] = {}

    def parse(self, text: str) -> Condition:
        """Raises ConditionSyntaxError."""
        known = self._parsed.get(text)
        if known is None:
            if len(self._parsed) >= MAX_KEPT:
                self._parsed.clear()
            known = self._parsed[text] = Condition.parse(text)
        return known
