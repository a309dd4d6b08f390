"""The demo's tracing, logging and topology: what ails two services, for playbooks to find."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

_MOST: Final = 100  # what `limit` may ask for


class Observability:
    """Traces, logs and the topology of two services; it shows what ails them, and changes nothing.

    Log times are relative to the clock, so that an error is always minutes old.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._services: Mapping[str, Mapping[str, Any]] = {
            "engine": {
                "owner": "team-engine",
                "tier": 1,
                "upstream": ["passport"],
                "downstream": ["order", "elasticsearch"],
                # trace id, milliseconds, is an error, the span it begins with
                "traces": [
                    ("4bf92f3577b34da6a3ce929d0e0e4736", 5012, True, "GET /search"),
                    ("00f067aa0ba902b7d4c1b3a2f5e60718", 3877, False, "GET /search"),
                    ("7c1d4e2f9b8a4053a6e1c2d3f4b5a697", 912, False, "POST /index"),
                ],
                # seconds ago, level, message, how often
                "logs": [
                    (70, "error", "es.nj.01: circuit breaker: heap usage above 95%", 182),
                    (95, "error", "search request timed out after 5000 ms", 47),
                    (240, "warning", "es.nj.01: long garbage collection, 3.2 s", 12),
                ],
            },
            "checkout": {
                "owner": "team-checkout",
                "tier": 0,
                "upstream": ["web-console"],
                "downstream": ["payment", "order"],
                "traces": [
                    ("a3f1c2d4e5b60718293a4b5c6d7e8f90", 2204, True, "POST /checkout"),
                    ("b4e2d3c5f6a71829304b5c6d7e8f9a01", 1830, True, "POST /checkout"),
                    ("c5d3e4b6a7f8293a415c6d7e8f9a0b12", 210, False, "GET /cart"),
                ],
                "logs": [
                    (35, "error", "KeyError: 'currency' in price_lines", 964),
                    (40, "error", "payment refused: amount is missing", 311),
                    (300, "info", "started version 2026.11.23-2", 4),
                ],
            },
        }

    def routes(self) -> Sequence[Route]:
        return (
            Route("/tracing/api/traces", self._traces),
            Route("/logging/api/search", self._search),
            Route("/topology/api/services/{service}", self._topology),
        )

    async def _traces(self, request: Request) -> Response:
        service = self._known(request.query_params.get("service", ""))
        items = [
            {
                "trace_id": trace_id,
                "duration_ms": duration,
                "error": error,
                "root": root,
                "url": f"https://tracing.example.com/trace/{trace_id}",
            }
            for trace_id, duration, error, root in service["traces"][: _limit(request)]
        ]
        return JSONResponse({"items": items})

    async def _search(self, request: Request) -> Response:
        service = self._known(request.query_params.get("service", ""))
        level = request.query_params.get("level")
        found = [
            {
                "time": datetime.fromtimestamp(self._clock() - ago, UTC).isoformat(
                    timespec="seconds"
                ),
                "level": its_level,
                "message": message,
                "count": times,
            }
            for ago, its_level, message, times in service["logs"]
            if level in (None, "", its_level)
        ]
        total = sum(one["count"] for one in found)
        return JSONResponse({"total": total, "items": found[: _limit(request)]})

    async def _topology(self, request: Request) -> Response:
        name = str(request.path_params["service"])
        service = self._known(name)
        shown = {key: service[key] for key in ("owner", "tier", "upstream", "downstream")}
        return JSONResponse({"service": name, **shown})

    def _known(self, name: str) -> Mapping[str, Any]:
        if not name:
            raise HTTPException(400, "The query parameter service is required.")
        if name not in self._services:
            raise HTTPException(404, f"Nothing is known of a service {name}.")
        return self._services[name]


def _limit(request: Request) -> int:
    text = request.query_params.get("limit") or str(_MOST)
    if not re.fullmatch(r"[1-9][0-9]?|100", text):
        raise HTTPException(400, f"The query parameter limit must be from 1 to {_MOST}.")
    return int(text)
