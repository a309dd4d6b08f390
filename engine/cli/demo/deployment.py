"""The demo's deployment platform: versions in service, and rollbacks that take a while."""

from collections.abc import Callable, Sequence
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from engine.cli.demo.target_calls import (
    BUSY,
    Once,
    TargetBody,
    Text,
    demand_bearer,
    read_body,
)


class _Rollback(TargetBody):
    service: Text
    change: Text
    to_version: Text


class Deployment:
    """Versions of services and their rollbacks."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._versions = {"engine": "2026.11.23-1", "checkout": "2026.11.23-2"}
        self._rollbacks: dict[str, dict[str, Any]] = {}
        self._once = Once()

    def routes(self) -> Sequence[Route]:
        return (
            Route("/deploy/api/rollbacks", self._create, methods=["POST"]),
            Route("/deploy/api/rollbacks/{rollback_id}", self._show),
            Route("/deploy/api/services/{service}", self._service),
        )

    async def _create(self, request: Request) -> Response:
        demand_bearer(request)
        wanted = await read_body(_Rollback, request)
        current = self._version(wanted.service)

        def act() -> dict[str, Any]:
            if any(one["service"] == wanted.service for one in self._running()):
                raise HTTPException(409, f"A rollback of {wanted.service} is running already.")
            if current == wanted.to_version:
                raise HTTPException(409, f"{wanted.service} is at {current} already.")
            rollback_id = f"rollback-{len(self._rollbacks) + 1}"
            self._rollbacks[rollback_id] = {
                "rollback_id": rollback_id,
                **wanted.model_dump(),
                "from_version": current,
                "began": self._clock(),
            }
            return {"rollback_id": rollback_id, "state": "running"}

        return await self._once.answer(request, act)

    async def _show(self, request: Request) -> Response:
        rollback_id = str(request.path_params["rollback_id"])
        rollback = self._rollbacks.get(rollback_id)
        if rollback is None:
            raise HTTPException(404, f"There is no rollback {rollback_id}.")
        shown = {name: value for name, value in rollback.items() if name != "began"}
        state = "running" if rollback in self._running() else "done"
        return JSONResponse({**shown, "state": state})

    async def _service(self, request: Request) -> Response:
        service = str(request.path_params["service"])
        return JSONResponse({"service": service, "version": self._version(service)})

    def _running(self) -> list[dict[str, Any]]:
        now = self._clock()
        return [one for one in self._rollbacks.values() if one["began"] + BUSY > now]

    def _version(self, service: str) -> str:
        """Give the version in service: that of the last rollback that is done, if there is one."""
        if service not in self._versions:
            raise HTTPException(404, f"The deployment platform has no service {service}.")
        running = self._running()
        done = [
            one["to_version"]
            for one in self._rollbacks.values()
            if one["service"] == service and one not in running
        ]
        return str(done[-1]) if done else self._versions[service]
