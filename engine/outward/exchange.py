"""One request and its answer, redirects included: bounded, and judged again at every redirect."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import aiohttp

from engine.outward.failure import NoAnswerError, why_no_answer
from engine.outward.policy import OutwardPolicy, RefusedError
from engine.outward.request import REDIRECTS, Request

MOST_REDIRECTS: Final = 10


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. Header names are lower case; `cut`: there was more than the limit."""

    status: int
    headers: Mapping[str, str]
    content_type: str
    charset: str | None
    body: bytes
    cut: bool
    asked: Request  # the one that was answered: the last one after redirects


async def ask(
    session: aiohttp.ClientSession,
    policy: OutwardPolicy,
    request: Request,
    *,
    follow: bool,
    limit: int,
) -> Reply:
    """Ask, and follow redirects if that is wanted. `limit`: bytes of the body, once unpacked.

    Raises NoAnswerError.
    """
    came = ""
    for _ in range(MOST_REDIRECTS + 1):
        try:
            reply = await _ask_once(session, policy, request, follow=follow, limit=limit)
        except (aiohttp.ClientError, OSError, ValueError, TypeError) as error:
            failure = why_no_answer(error, request.place)
            raise NoAnswerError(f"{came}{failure}", may_pass=failure.may_pass) from None
        location = reply.headers.get("location")
        if not follow or reply.status not in REDIRECTS or not location:
            return reply
        try:
            request = request.redirected(reply.status, location)
        except RefusedError as error:
            raise NoAnswerError(str(error), may_pass=False) from None
        came = "redirected, and "
    raise NoAnswerError(f"redirected more than {MOST_REDIRECTS} times")


async def _ask_once(
    session: aiohttp.ClientSession,
    policy: OutwardPolicy,
    request: Request,
    *,
    follow: bool,
    limit: int,
) -> Reply:
    policy.check_target(request.host, request.port)
    async with session.request(
        request.method,
        request.url,
        headers=request.headers,
        data=request.body if request.form is None else request.form,
        allow_redirects=False,
        ssl=policy.verifies(request.host, request.port),
    ) as response:
        goes_on = follow and response.status in REDIRECTS
        body, cut = (b"", False) if goes_on else await _read(response, limit)
        return Reply(
            status=response.status,
            headers={name.lower(): _text(it) for name, it in response.headers.items()},
            content_type=response.content_type,
            charset=response.charset,
            body=body,
            cut=cut,
            asked=request,
        )


async def _read(response: aiohttp.ClientResponse, limit: int) -> tuple[bytes, bool]:
    """At most `limit` bytes, and whether there were more.

    The library unpacks no more than it is asked for and some buffers, so a body that is a million
    times as large unpacked as it was packed costs no more than any other.
    """
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > limit:
            return bytes(body[:limit]), True
    return bytes(body), False


def _text(header: str) -> str:
    """Bytes that are no UTF-8 arrive as lone surrogates, which nothing could write down."""
    return header.encode(errors="surrogateescape").decode(errors="replace")
