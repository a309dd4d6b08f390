"""The one place where secrets are taken out of what the engine writes down or shows.

Over-redaction is reversible, a leaked secret is not: every form a value commonly takes is masked
wherever it stands, in keys as well as in values.
"""

import base64
import json
import re
from bisect import bisect_left
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

MASK: Final = "******"
MAX_DEPTH: Final = 100  # levels of a result; a target may answer with any number
TOO_DEEP: Final = "(nested too deeply to be kept)"
SHORTEST: Final = 4  # masking a shorter value would garble everything and protect nothing

_ESCAPE: Final = re.compile(r"%[0-9A-F]{2}")
# What URL writers leave as it is: Python's quote() twice, encodeURIComponent, and the HTTP client
# in a query it builds, in one it is given, and in a path.
_LEFT_PLAIN: Final = ("", "/", "!'()*", "!$'()*,/:?@", "!$&'()*+,/:;=?@", "!$&'()*+,/:;=@")


class Redactor:
    """Knows the values that must not be seen. It learns each secret when it is resolved."""

    def __init__(self) -> None:
        self._forms: tuple[str, ...] = ()

    def learn(self, value: str) -> None:
        """Mask this value from now on, in all its forms."""
        if len(value) < SHORTEST:
            return
        forms = {form for form in _forms_of(value) if len(form) >= SHORTEST}
        if not forms <= set(self._forms):
            # Longest first: a value may be part of another one.
            self._forms = tuple(sorted({*self._forms, *forms}, key=len, reverse=True))

    def text(self, text: str) -> str:
        """The text with every known value masked."""
        # Most texts of an answer are shorter than any form: those are passed over at once.
        first = bisect_left(self._forms, -len(text), key=lambda form: -len(form))
        for form in self._forms[first:]:
            if form in text:
                text = text.replace(form, MASK)
        return text

    def data(self, value: Any, depth: int = 0) -> Any:
        """JSON-like data with every known value masked, cut where nobody could write it down."""
        if isinstance(value, str):
            return self.text(value)
        if not isinstance(value, Mapping | list | tuple):
            return value
        if depth == MAX_DEPTH:
            return TOO_DEEP
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.data(item, depth + 1) for key, item in value.items()}
        return [self.data(item, depth + 1) for item in value]


def _forms_of(value: str) -> set[str]:
    raw = value.encode(errors="surrogateescape")  # as the environment hands over what is no UTF-8
    forms = {value, raw.hex(), raw.hex().upper()}
    for text in (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]):
        forms |= {text, text.replace("/", "\\/")}
    for safe in _LEFT_PLAIN:
        quoted = quote(raw, safe=safe)
        for text in (quoted, quoted.replace("%20", "+")):
            forms |= {text, _ESCAPE.sub(lambda match: match[0].lower(), text)}
    # Base64 of a longer text that holds the value shows it at one of three alignments; the
    # characters at either end also depend on the neighbours and are left out.
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
        inner = encoded[(0, 2, 3)[shift] : len(encoded) - (1 if (shift + len(raw)) % 3 else 0)]
        forms |= {inner, inner.replace("+", "-").replace("/", "_")}
    return forms
