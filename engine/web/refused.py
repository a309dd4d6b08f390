"""How a refusal is answered, wherever a request is refused."""

from http import HTTPStatus
from typing import Final

from starlette.responses import JSONResponse

from engine.events.source import Refusal

_BREAK: Final = {"Retry-After": "60", "Connection": "close"}


def refused(refusal: Refusal) -> JSONResponse:
    """`{"error": {"code", "message"}}` with the refusal's status."""
    return JSONResponse(
        {"error": {"code": refusal.code, "message": refusal.message}},
        status_code=refusal.status,
        headers=_BREAK if refusal.status == HTTPStatus.TOO_MANY_REQUESTS else None,
    )
