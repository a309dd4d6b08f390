"""The demo's simulated targets: what playbooks act on and ask, in one Starlette app.

An inventory that reboots hosts, tracing, logging, a topology, a deployment platform and somebody
else's status page, each under its prefix. They have real state, so that a demo and a test can see
what a run did to them, and they keep every request. Nothing outside this process is touched.

A refusal is a 4xx with `{"error": sentence}`.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from engine.cli.demo.deployment import Deployment
from engine.cli.demo.inventory import Inventory
from engine.cli.demo.observability import Observability
from engine.cli.demo.outside_status_page import OutsideStatusPage


@dataclass(frozen=True)
class TargetRequest:
    """One request as it arrived, whatever was answered."""

    method: str
    path: str
    query: str
    idempotency_key: str | None
    authorized: bool  # it came with an Authorization header; the token itself is not kept
    json: Any  # None when there was no body, or none that is JSON


@dataclass(frozen=True)
class Targets:
    """The app to serve and the requests it has had, oldest first."""

    app: Starlette
    requests: list[TargetRequest]


def create_targets(clock: Callable[[], float]) -> Targets:
    """Make fresh targets; reboots and rollbacks take 1.5 s of `clock`, which counts in seconds."""
    requests: list[TargetRequest] = []

    async def keep(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        requests.append(await _as_arrived(request))
        return await answer(request)

    async def refuse(_request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):  # pragma: no cover (Starlette hands in no other)
            raise error
        return JSONResponse({"error": error.detail}, error.status_code, headers=error.headers)

    services = (Inventory(clock), Observability(clock), Deployment(clock), OutsideStatusPage())
    app = Starlette(
        routes=[route for service in services for route in service.routes()],
        middleware=[Middleware(BaseHTTPMiddleware, dispatch=keep)],
        exception_handlers={HTTPException: refuse},
    )
    return Targets(app, requests)


async def _as_arrived(request: Request) -> TargetRequest:
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        body = None
    return TargetRequest(
        method=request.method,
        path=request.url.path,
        query=request.url.query,
        idempotency_key=request.headers.get("idempotency-key"),
        authorized="authorization" in request.headers,
        json=body,
    )
