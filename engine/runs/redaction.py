"""The one place where secrets are taken out of what the engine writes down or shows.

Over-redaction is reversible, a leaked secret is not: every form a value commonly takes is masked
wherever it stands, in keys as well as in values.
"""

import base64
import json
import re
import sys
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

MASK: Final = "******"
MAX_DEPTH: Final = 100  # levels of a result; a target may answer with any number
TOO_DEEP: Final = "(nested too deeply to be kept)"
SHORTEST: Final = 4  # masking a shorter value would garble everything and protect nothing
SHORTEST_LINE: Final = 8  # of a secret of several lines: a bracket alone is none

_PLAIN: Final = (int, float, bool, type(None), list, tuple)
_ESCAPE: Final = re.compile(r"%[0-9A-F]{2}")
_UNICODE: Final = re.compile(r"\\u[0-9a-f]{4}")
_UNSAFE: Final = ("<>&'", "<>&")  # what writers of JSON for web pages escape: Jinja's, and Go's
# What URL writers leave as it is: Python's quote() twice, encodeURIComponent, and the HTTP client
# in a query it builds, in one it is given, and in a path.
_LEFT_PLAIN: Final = ("", "/", "!'()*", "!$'()*,/:?@", "!$&'()*+,/:;=?@", "!$&'()*+,/:;=@")


class Redactor:
    """Knows the values that must not be seen. It learns each secret when it is resolved."""

    def __init__(self) -> None:
        self._forms: tuple[str, ...] = ()
        self._values: set[str] = set()
        self._lengths: tuple[int, ...] = ()  # of the forms, below zero: they come longest first
        self._shortest = sys.maxsize  # of the forms

    def learn(self, value: str) -> None:
        """Mask this value from now on, in all its forms; of several lines each one, too."""
        if len(value) < SHORTEST or value in self._values:
            return
        self._values.add(value)
        lines = [line for line in map(str.strip, value.split("\n")) if len(line) >= SHORTEST_LINE]
        forms = {
            form
            for text in {value, value.strip(), *lines}
            for form in _forms_of(text)
            if len(form) >= SHORTEST
        }
        if not forms <= set(self._forms):
            # Longest first: a value may be part of another one.
            self._forms = tuple(sorted({*self._forms, *forms}, key=len, reverse=True))
            self._lengths = tuple(-len(form) for form in self._forms)
            self._shortest = len(self._forms[-1])

    def text(self, text: str) -> str:
        """The text with every known value masked."""
        if len(text) < self._shortest:  # as most are, in an answer or in the log
            return text
        first = bisect_left(self._lengths, -len(text))
        for form in self._forms[first:] if first else self._forms:
            if form in text:
                text = text.replace(form, MASK)
        return text

    def data(self, value: Any, depth: int = 0) -> Any:
        """JSON-like data with every known value masked, cut where nobody could write it down."""
        if isinstance(value, str):
            return self.text(value)
        # By far most are dicts and plain values; to ask whether one is a Mapping takes long.
        is_mapping = isinstance(value, dict) or (
            not isinstance(value, _PLAIN) and isinstance(value, Mapping)
        )
        if not is_mapping and not isinstance(value, list | tuple):
            return value
        if depth == MAX_DEPTH:
            return TOO_DEEP
        shortest = self._shortest
        if not is_mapping:
            return [self.data(item, depth + 1) for item in value]
        return {
            # Most keys, and many values, are too short to hold one: that is seen at once.
            key if type(key) is str and len(key) < shortest else self.text(str(key)): item
            if type(item) is str and len(item) < shortest
            else self.data(item, depth + 1)
            for key, item in value.items()
        }

    def cut(self, text: str) -> str:
        """The same for the beginning of a text, whose rest is lost.

        What could be the beginning of a value goes too: half of a secret is not recognised.
        """
        return self.stream().add(text)

    def stream(self) -> "Masking":
        """For a text that comes in pieces, and is written down before the whole of it is there."""
        return Masking(lambda: self._forms)


class Masking:
    """Masks a text that comes in pieces just as `Redactor.text` masks the whole of it.

    What could be the beginning of a value is held back until it is known to be none. A value that
    is learned meanwhile is masked in what is held back and in what comes then.
    """

    def __init__(self, forms: Callable[[], tuple[str, ...]]) -> None:
        self._known = forms
        self._stages: list[_Stage] = []
        self._forms: tuple[str, ...] = ()

    def add(self, text: str) -> str:
        """What may be written down now that this piece has come."""
        forms = self._known()
        if forms is not self._forms:
            text = "".join(stage.held for stage in reversed(self._stages)) + text
            self._forms, self._stages = forms, [_Stage(form) for form in forms]
        for stage in self._stages:
            text = stage.add(text)
        return text

    def end(self) -> str:
        """What was held back: no other piece comes."""
        text = self.add("")
        for stage in self._stages:
            text = stage.end(text)
        return text


class _Stage:
    """Replaces one form in what the stage before it lets through, as str.replace would."""

    def __init__(self, form: str) -> None:
        self.held = ""
        self._form = form

    def add(self, text: str) -> str:
        text, before = self.held + text, ""
        if self._form in text:
            *parts, text = text.split(self._form)
            before = MASK.join([*parts, ""])
        kept = len(text) - self._begun_in(text)
        self.held = text[kept:]
        return before + text[:kept]

    def end(self, text: str) -> str:
        text, self.held = self.held + text, ""
        return text.replace(self._form, MASK)

    def _begun_in(self, text: str) -> int:
        """How many characters at the end of a text could be the beginning of the form."""
        start = max(0, len(text) - len(self._form) + 1)
        while (start := text.find(self._form[0], start)) >= 0:
            if self._form.startswith(text[start:]):
                return len(text) - start
            start += 1
        return 0


def _forms_of(value: str) -> set[str]:
    raw = value.encode(errors="surrogateescape")  # as the environment hands over what is no UTF-8
    forms = {value, raw.hex(), raw.hex().upper(), *_quoted(value)}
    for text in (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]):
        for written in (text, text.replace("/", "\\/"), *(_escaped(text, it) for it in _UNSAFE)):
            upper = _UNICODE.sub(lambda match: match[0].upper().replace("\\U", "\\u"), written)
            # JSON in JSON: what one service wrote down of the answer of another.
            forms |= {written, upper, json.dumps(written, ensure_ascii=False)[1:-1]}
    for safe in _LEFT_PLAIN:
        quoted = quote(raw, safe=safe)
        # A URL in the query of another one is encoded again.
        plus = quoted.replace("%20", "+")
        for text in (
            quoted,
            plus,
            *(quote(it, safe=left) for it in (quoted, plus) for left in "/?"),
        ):
            for written in (text, *_entities(text)):
                forms |= {written, _ESCAPE.sub(lambda match: match[0].lower(), written)}
    # Base64 of a longer text that holds the value shows it at one of three alignments; the
    # characters at either end also depend on the neighbours and are left out.
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
        inner = encoded[(0, 2, 3)[shift] : len(encoded) - (1 if (shift + len(raw)) % 3 else 0)]
        forms |= {inner, inner.replace("+", "-").replace("/", "_")}
    return forms


def _escaped(text: str, unsafe: str) -> str:
    """A text in JSON as writers leave it that care for what HTML makes of it."""
    return "".join(f"\\u{ord(char):04x}" if char in unsafe else char for char in text)


def _quoted(value: str) -> Iterator[str]:
    """As a shell, Python or a page of HTML would show it."""
    for ending in ("'\\''", "'\"'\"'"):
        yield value.replace("'", ending)
    yield re.sub(r'([\\"$`!])', r"\\\1", value)
    yield repr(value)[1:-1]
    yield from _entities(value)


def _entities(text: str) -> Iterator[str]:
    """As a page of HTML has it."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    yield escaped
    for double, single in (("&quot;", "&#x27;"), ("&#34;", "&#39;"), ("&quot;", "&apos;")):
        yield escaped.replace('"', double).replace("'", single)
        yield escaped.replace('"', double)
