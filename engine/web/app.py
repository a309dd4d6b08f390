"""The web application: which path is answered by what, and every answer in JSON."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from engine.events.source import Refusal
from engine.runs.ledger import LedgerError
from engine.web.monitor import Monitor
from engine.web.receiver import Receiver
from engine.web.refused import refused


def create_app(
    *,
    receivers: Mapping[str, Receiver],
    check: Callable[[], Awaitable[None]],
    state: Callable[[], Mapping[str, Any]],
    metrics: Callable[[], Awaitable[bytes]],
    monitor: Monitor,
    fault: Callable[[Exception], None],
) -> Starlette:
    """`check` raises LedgerError when nothing can be committed.

    `state` is the rest of what /readyz shows: nothing of it makes the engine unready. `metrics` is
    the text of /metrics. Each route
    asks who is there before it answers anything: receivers their source, the others the monitor.
    Red or green is for everybody, as load balancers have no token.
    """

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def readyz(request: Request) -> Response:
        status, reason = "ready", {}
        try:
            await check()
        except LedgerError as error:
            status, reason = "not ready", {"reason": f"nothing can be committed: {error}"}
        answer: dict[str, Any] = {"status": status}
        if monitor.may_look(request):
            answer |= reason
            answer |= state()
        return JSONResponse(answer, 503 if reason else 200)

    async def show_metrics(request: Request) -> Response:
        refusal = monitor.refusal(request)
        if refusal is not None:
            return refused(refusal)
        return Response(await metrics(), media_type="text/plain; version=0.0.4")

    async def refuse(_: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        headers = error.headers if isinstance(error, HTTPException) else None
        refusal = {
            404: Refusal(404, "not-found", f"events go to {', '.join(receivers)}"),
            405: Refusal(405, "method-not-allowed", "events are sent by POST"),
        }.get(status, Refusal(status, "refused", HTTPStatus(status).phrase))
        answer = refused(refusal)
        answer.headers.update(headers or {})
        return answer

    async def fail(_: Request, error: Exception) -> Response:
        fault(error)
        return refused(Refusal(503, "fault", "the engine failed; its log says how"))

    app = Starlette(
        routes=[
            *(Route(path, receiver, methods=["POST"]) for path, receiver in receivers.items()),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", show_metrics),
        ],
        exception_handlers={HTTPException: refuse, Exception: fail},
    )
    # A redirect would lose the event: only 200 counts for Flashduty.
    app.router.redirect_slashes = False
    return app
