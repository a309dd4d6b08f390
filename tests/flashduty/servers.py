"""Real servers on a port of this machine that behave as a test tells them."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from aiohttp import web

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Account:
    """Keeps what arrives, and always answers the same."""

    def __init__(self, body: object = None, status: int = 200, **headers: str) -> None:
        self.text = body if isinstance(body, str) else json.dumps(body)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.method = ""
        self.path = ""
        self.query: dict[str, str] = {}
        self.sent: Mapping[str, str] = {}
        self.body = b""

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        self.method, self.path = request.method, request.path
        self.query, self.sent = dict(request.query), request.headers
        self.body = await request.read()
        return web.Response(text=self.text, status=self.status, headers=self.headers)


@asynccontextmanager
async def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    runner = web.ServerRunner(web.Server(handler))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def cutting(answer: bytes) -> AsyncIterator[str]:
    """Read the head of a request, write this, and cut the connection."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
