"""What is wrong with a URL or a header before anything is sent. No value is ever shown."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from yarl import URL

from engine.outward.policy import RefusedError
from engine.problem import UNSAID, Complaint

_SHOWN: Final = 60  # characters
_BEGINNINGS: Final = ("http://", "https://")
_NAMED: Final = "$"  # a rehearsal has $NAME for a secret, which may well be a whole URL
_BEGINNINGS_SAID: Final = f"has to begin with {' or '.join(_BEGINNINGS)}"
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_CONTROL_BUT_TAB: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_CONTROL_SAID: Final = "has a line break or another control character in it"
_LOGIN_SAID: Final = "has a user or a password before its host, and `basic_auth` is for these"
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_HOST: Final = re.compile(r"[A-Za-z0-9._:%-]+")  # a name in ASCII, an address, a zone
_OF_THE_TRANSPORT: Final = frozenset({"content-length", "transfer-encoding"})


def complaints_about_url(url: object) -> Iterator[Complaint]:
    """What can be told of a URL, as far as it is a text already."""
    if not isinstance(url, str):
        return
    if (said := _wrong_with_text(url)) is not None:
        yield Complaint("not-a-url", ("url",), said)
    elif not url.lower().startswith((*_BEGINNINGS, _NAMED)):
        # What may hold a secret is shown whole, for the redactor to know it, or not at all.
        given = url if len(url) <= _SHOWN and "?" not in url else UNSAID
        yield Complaint("not-a-url", ("url",), _BEGINNINGS_SAID, given)


def complaints_about_headers(headers: object) -> Iterator[Complaint]:
    """What would make one header two, or the answer to another question."""
    given: Mapping[str, Any] = headers if isinstance(headers, Mapping) else {}
    for name, value in given.items():
        if not _TOKEN.fullmatch(name):
            yield Complaint("bad-header", ("headers",), f"has {name!r}, which cannot be a name")
        elif name.lower() in _OF_THE_TRANSPORT:
            said = f"has {name}, which is written by what sends the body"
            yield Complaint("bad-header", ("headers",), said)
        elif isinstance(value, str) and _CONTROL_BUT_TAB.search(value):
            yield Complaint("bad-header", ("headers", name), _CONTROL_SAID)


def read_url(text: str) -> URL:
    """Raises RefusedError."""
    said = _wrong_with_text(text)
    if said is None:
        try:
            url = URL(text)
        except ValueError:
            said = "is no URL: its host or its port cannot be read"
        else:
            said = wrong_with(url)
            if said is None:
                return url
    raise RefusedError(f"nothing was sent: url {said}")


def wrong_with(url: URL) -> str | None:
    """What keeps a URL from being asked, whether a playbook or a redirect has it."""
    if url.scheme not in ("http", "https"):
        begins = f", not with {url.scheme}:" if url.scheme else ""
        return f"{_BEGINNINGS_SAID}{begins}"
    if url.raw_user is not None or url.raw_password is not None:
        return _LOGIN_SAID
    if not url.raw_host:
        return "is no URL: it names no host"
    return None if _HOST.fullmatch(url.raw_host) else "is no URL: its host cannot be one"


def _wrong_with_text(url: str) -> str | None:
    """What a reader of URLs passes over in silence, or takes for something else."""
    if _CONTROL.search(url):
        return _CONTROL_SAID
    authority = re.split(r"[/?#]", url.partition("//")[2], maxsplit=1)[0]
    return _LOGIN_SAID if "@" in authority else None
