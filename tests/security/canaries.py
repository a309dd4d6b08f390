"""Secrets that are easy to find again, in whatever form they were written down."""

import base64
import html
import json
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote, quote_plus
from xml.sax import saxutils

SHORTEST: Final = 8  # of a piece that is looked for: a shorter one could be there by chance

# What changes under each encoding, and halves that nothing else holds.
ODD: Final = "o9/dd+qa'r \"zk<&>%=é~$tv\\w8-tail"
KEY: Final = "k3y/canary+of=flashduty+x7q"
TOKEN: Final = "t0ken-canary+of/webhooks=v5j"
MONITOR: Final = "m0nitor-canary-of-metrics-u2h"
FILE: Final = "f1le-canary-of-a-file-w4n"
PEM: Final = (
    "-----BEGIN CANARY-----\nMIIcAnArYlInEoNe5rTd\nhkiGcAnArYlInEtWo8Pb\n-----END CANARY-----"
)
CANARIES: Final[Mapping[str, str]] = {
    "odd": ODD,
    "app_key": KEY,
    "webhook_token": TOKEN,
    "monitor_token": MONITOR,
    "file": FILE,
    "pem": PEM,
}


def forms_of(value: str) -> dict[bytes, str]:
    """What a leak of it can look like, and how that is called; of long ones each half as well."""
    forms = {
        form.encode(): named
        for line in value.splitlines()
        for named, form in _written(line)
        if len(form) >= SHORTEST
    }
    raw = value.encode()
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw)[4 if shift else 0 : -4]
        forms[encoded.rstrip(b"=")] = f"base64 at {shift}"
        forms[encoded.rstrip(b"=").replace(b"+", b"-").replace(b"/", b"_")] = (
            f"base64url at {shift}"
        )
    return forms


def _written(line: str) -> Iterator[tuple[str, str]]:
    """Written independently of the redactor, by what people use."""
    half = len(line) // 2
    yield "plain", line
    yield "first half", line[:half]
    yield "second half", line[half:]
    yield "reversed", line[::-1]
    yield "hex", line.encode().hex()
    yield "HEX", line.encode().hex().upper()
    for safe in ("", "/", "!'()*", "!$'()*,/:?@", "!$&'()*+,/:;=?@"):
        for quoted in (quote(line, safe=safe), quote_plus(line, safe=safe)):
            yield "URL", quoted
            yield (
                "url",
                "".join(
                    char.lower() if "%" in quoted[max(0, at - 2) : at] else char
                    for at, char in enumerate(quoted)
                ),
            )
            yield "URL in a URL", quote(quoted)
            yield "URL in HTML", html.escape(quoted)
    for text in (json.dumps(line)[1:-1], json.dumps(line, ensure_ascii=False)[1:-1]):
        yield "JSON", text
        yield "JSON with \\/", text.replace("/", "\\/")
        yield "JSON in JSON", json.dumps(text)[1:-1]
        web = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
        yield "JSON for the web", web
        yield "JSON for Jinja", web.replace("'", "\\u0027")
    yield "HTML", html.escape(line)
    yield "HTML, quotes as they are", html.escape(line, quote=False)
    yield "XML", saxutils.quoteattr(line)[1:-1]
    yield "shell", shlex.quote(line).strip("'")
    yield "Python", repr(line)[1:-1]


_FORMS: Final = {name: forms_of(value) for name, value in CANARIES.items()}


def leaks_in(data: bytes) -> list[str]:
    """`app_key as URL: ...around it...`, for each canary and form that is there."""
    return [
        f"{name} as {named}: {data[max(0, at - 60) : at + len(form) + 20]!r}"
        for name, forms in _FORMS.items()
        for form, named in forms.items()
        if (at := data.find(form)) >= 0
    ]


def leaks_below(folder: Path) -> list[str]:
    """The same of every file in a folder, whatever its kind, and of their names."""
    return [
        f"{path.relative_to(folder)}: {leak}"
        for path in sorted(folder.rglob("*"))
        for leak in leaks_in(str(path).encode() + (path.read_bytes() if path.is_file() else b""))
    ]
