"""The one client session of all http steps. What it connects to has passed the policy.

A URL's host is judged before (see exchange.py); here it is the addresses, at the very moment of the
connection: by then no name can come to mean another one any more.
"""

import socket
from typing import Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from typing_extensions import override

from engine.outward.policy import OutwardPolicy
from engine.outward.request import SAFE

CONNECTIONS: Final = 100  # at once, to all targets together
LONGEST_HEADER: Final = 8190  # bytes, of an answer


class SentOnceError(aiohttp.ClientConnectionError):
    """The connection broke, and what was sent on it is not sent again."""


class CheckedResolver(AbstractResolver):
    """Answers the addresses of a name that may be connected to, or refuses the name."""

    def __init__(self, policy: OutwardPolicy, resolver: AbstractResolver) -> None:
        self._policy = policy
        self._resolver = resolver

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        resolved = await self._resolver.resolve(host, port, family)
        if not resolved:
            raise OSError("it has no address")
        chosen = self._policy.chosen(host, port, [one["host"] for one in resolved])
        return [one for one in resolved if one["host"] in chosen]

    @override
    async def close(self) -> None:
        await self._resolver.close()


def open_session(
    policy: OutwardPolicy,
    *,
    max_headers: int = 128,
    resolver: AbstractResolver | None = None,
) -> aiohttp.ClientSession:
    """To be closed by who opened it. `resolver` is the machine's own unless a test says otherwise.

    The environment's proxy is not used, nor ~/.netrc: `trust_env` stays off. Behind a proxy nobody
    here would know which address is connected to.
    """

    def gate(info: Any) -> socket.socket:
        family, kind, protocol, _, address = info
        policy.check_connection(address[0])
        return socket.socket(family, kind, protocol)

    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=CONNECTIONS,
            resolver=CheckedResolver(policy, resolver or aiohttp.ThreadedResolver()),
            socket_factory=gate,
        ),
        timeout=aiohttp.ClientTimeout(total=None),  # each step has its own
        # What one playbook's target sets must not go out with another one's requests.
        cookie_jar=aiohttp.DummyCookieJar(),
        middlewares=[_sent_once],
        max_headers=max_headers,
        max_field_size=LONGEST_HEADER,
        max_line_size=LONGEST_HEADER,
    )


async def _sent_once(
    request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Keep the library from sending PUT and DELETE again by itself when the connection breaks."""
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        if request.method in SAFE:
            raise
        raise SentOnceError from error
