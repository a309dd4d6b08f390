"""The demo's status page of another vendor, for the fourth use case."""

from collections.abc import Sequence
from typing import Any, Literal

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from engine.cli.demo.target_calls import TargetBody, Text, demand_bearer, read_body


class _Event(TargetBody):
    title: Text
    status: Literal["investigating", "identified", "monitoring", "resolved"]
    body: Text
    components: tuple[Text, ...] = ()
    external_id: str = ""


class _EventUpdate(TargetBody):
    status: Literal["investigating", "identified", "monitoring", "resolved"]
    body: Text


class OutsideStatusPage:
    """A status page that is not Flashduty's; it knows no Idempotency-Key, only `external_id`."""

    def __init__(self) -> None:
        self._events: dict[str, dict[str, Any]] = {}

    def routes(self) -> Sequence[Route]:
        return (
            Route("/status/api/events", self._list, methods=["GET"]),
            Route("/status/api/events", self._create, methods=["POST"]),
            Route("/status/api/events/{event_id}", self._update, methods=["PATCH"]),
        )

    async def _list(self, request: Request) -> Response:
        wanted = request.query_params.get("external_id")
        events = self._events.values()
        items = [one for one in events if wanted in (None, one["external_id"])]
        return JSONResponse({"items": items})

    async def _create(self, request: Request) -> Response:
        demand_bearer(request)
        event = await read_body(_Event, request)
        event_id = f"event-{len(self._events) + 1}"
        first = {"status": event.status, "body": event.body}
        self._events[event_id] = {"id": event_id, **event.model_dump(), "updates": [first]}
        return JSONResponse({"id": event_id}, 201)

    async def _update(self, request: Request) -> Response:
        demand_bearer(request)
        event_id = str(request.path_params["event_id"])
        if event_id not in self._events:
            raise HTTPException(404, f"There is no event {event_id}.")
        update = (await read_body(_EventUpdate, request)).model_dump()
        event = self._events[event_id]
        event.update(update)
        event["updates"].append(update)
        return JSONResponse(event)
