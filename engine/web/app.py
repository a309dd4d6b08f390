"""The web application: which path is answered by what, and every answer in JSON."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from engine.events.source import Refusal
from engine.problem import Problem
from engine.runs.ledger import LedgerError
from engine.web.receiver import Receiver, refused


def create_app(
    *,
    receivers: Mapping[str, Receiver],
    check: Callable[[], Awaitable[None]],
    problems: Callable[[], Sequence[Problem]],
    playbooks: Callable[[], Mapping[str, Any]],
    registry: CollectorRegistry,
    fault: Callable[[Exception], None],
) -> Starlette:
    """`check` raises LedgerError when nothing can be committed.

    `playbooks` says which ones are in force, `problems` what keeps it from being all of them.
    """

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def readyz(_: Request) -> Response:
        answer: dict[str, Any] = {
            "playbooks": playbooks(),
            "problems": [problem.as_json() for problem in problems()],
        }
        try:
            await check()
        except LedgerError as error:
            answer |= {"status": "not ready", "reason": f"nothing can be committed: {error}"}
            return JSONResponse(answer, HTTPStatus.SERVICE_UNAVAILABLE)
        return JSONResponse({"status": "ready", **answer})

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(registry), media_type="text/plain; version=0.0.4")

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
            *(
                Route(path, receiver.receive, methods=["POST"])
                for path, receiver in receivers.items()
            ),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", metrics),
        ],
        exception_handlers={HTTPException: refuse, Exception: fail},
    )
    # A redirect would lose the event: only 200 counts for Flashduty.
    app.router.redirect_slashes = False
    return app
