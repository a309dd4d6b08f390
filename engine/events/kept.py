"""What an event keeps of the head of its request: an allow list of headers, and never a token."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_plus

# Fact: what Flashduty's page of the label-mapping API recommends for the names of custom headers.
HEADERS: Final = ("x-custom-*", "x-enrich-*")
_SECRET_WORDS: Final = (
    *("token", "secret", "key", "auth", "pass", "pwd", "credential"),
    *("bearer", "session", "cookie", "signature"),
)


def looks_secret(name: str) -> bool:
    """Whether what has this name is rather a secret than anything a playbook needs."""
    return any(word in name.lower() for word in _SECRET_WORDS)


@dataclass(frozen=True, slots=True)
class Kept:
    """`names` and what begins with one of `prefixes`, in lower case, less what holds a token."""

    names: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = tuple(pattern.removesuffix("*") for pattern in HEADERS)
    tokens: frozenset[str] = frozenset()  # of all endpoints

    @classmethod
    def of(cls, patterns: Iterable[str], tokens: Iterable[str]) -> "Kept":
        """From names, and beginnings of names that end in a star."""
        lower = [pattern.lower() for pattern in patterns]
        return cls(
            frozenset(pattern for pattern in lower if not pattern.endswith("*")),
            tuple(pattern.removesuffix("*") for pattern in lower if pattern.endswith("*")),
            frozenset(token for token in tokens if token),
        )

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Of the headers, by their names in lower case."""
        return {
            name: value
            for name, value in headers.items()
            if (name in self.names or name.startswith(self.prefixes)) and self._may_be(name, value)
        }

    def query(self, query: Mapping[str, str]) -> dict[str, str]:
        """Of the query: it is part of the URL that the operator wrote."""
        return {name: value for name, value in query.items() if self._may_be(name, value)}

    def _may_be(self, name: str, value: str) -> bool:
        if looks_secret(name):
            return False
        # A proxy repeats the URL, and with it the token, as it came: percent-encoded in any way.
        plain = unquote_plus(value)
        return not any(token in value or token in plain for token in self.tokens)
