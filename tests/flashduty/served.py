"""Applications under a real uvicorn, on a port of this machine."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import uvicorn
from starlette.types import ASGIApp


@asynccontextmanager
async def served(
    app: ASGIApp, http: Literal["auto", "h11", "httptools"] = "auto"
) -> AsyncIterator[str]:
    """The URL `app` is served at, until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            app,
            http=http,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        # Serving, without the signal handlers: those are the test runner's. No TaskGroup: it would
        # hide what a test expects to be raised in a group.
        serving = asyncio.ensure_future(server._serve([listener]))  # noqa: SLF001
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving
