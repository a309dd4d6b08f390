"""One request as it goes out, and what becomes of it when it is redirected."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

from yarl import URL

from engine.outward.checks import wrong_with
from engine.outward.policy import RefusedError

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})  # RFC 9110, 9.2.1
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_SEE_OTHER: Final = 303
_ONCE_A_POST: Final = frozenset({301, 302})  # a POST becomes a GET: RFC 9110, 15.4.2 and 15.4.3
# What says nothing about who asks. Any other header may hold a secret, whatever its name.
_KEPT_ELSEWHERE: Final = frozenset({"accept", "accept-language", "user-agent"})
_OF_A_BODY: Final = frozenset({"content-type", "content-encoding", "content-language"})


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked. It has one body at the most: `body` as it is, or `form`."""

    method: str
    url: URL
    headers: Mapping[str, str]
    body: bytes | str | None = None
    form: Mapping[str, str] | None = None

    @property
    def host(self) -> str:
        """An address, or a name in ASCII."""
        return self.url.raw_host or ""

    @property
    def port(self) -> int:
        """80 or 443 where the URL names none."""
        return self.url.port or 0

    @property
    def place(self) -> str:
        """The host and the port, for people."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def origin(self) -> str:
        """Who is asked, and how: a secret that was sent there may be sent there again."""
        return f"{self.url.scheme}://{self.place}"

    @property
    def has_body(self) -> bool:
        """Whether anything comes after the headers."""
        return self.body is not None or self.form is not None

    def redirected(self, status: int, location: str) -> "Request":
        """What to ask instead. Raises RefusedError.

        To another origin (scheme, host or port) goes no header that may hold a secret, and nothing
        that changes anything. The URL is not shown: a target may have put a key into it.
        """
        try:
            url = self.url.join(URL(location))
        except ValueError:
            raise RefusedError("redirected to what is no URL") from None
        if (said := wrong_with(url)) is not None:
            raise RefusedError(f"redirected, and not followed: the new URL {said}")
        moved = replace(self, url=url)
        if self.url.scheme == "https" and url.scheme != "https":
            said = "what was asked over TLS is not asked without it"
            raise RefusedError(f"redirected to {moved.origin}, and not followed: {said}")
        if (status == _SEE_OTHER and self.method != "HEAD") or (
            status in _ONCE_A_POST and self.method == "POST"
        ):
            given = self.headers.items()
            rest = {name: value for name, value in given if name.lower() not in _OF_A_BODY}
            moved = Request("GET", url, rest)
        if moved.origin == self.origin:
            return moved
        if moved.method not in SAFE or moved.has_body:
            said = f"a {self.method} is sent to another origin only if the playbook names it"
            raise RefusedError(f"redirected to {moved.origin}, and not followed: {said}")
        given = moved.headers.items()
        kept = {name: value for name, value in given if name.lower() in _KEPT_ELSEWHERE}
        return replace(moved, headers=kept)


def shown(url: str) -> str:
    """A URL for people: whole, as it is written; of one with a query the origin alone.

    No other part of it: where a whole URL is a secret, a part would not be known as one.
    """
    if "?" not in url:
        return url
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
