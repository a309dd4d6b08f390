"""How the simulated Open API reads a body and answers: the vendor's envelope (reference 2.1)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from engine.flashduty.simulated.ids import SimulatedIds
from engine.flashduty.simulated.refusal import HTTP_STATUS, RefusalError

_JSON: Final = "application/json"
REQUEST_ID: Final = "Flashcat-Request-Id"


async def read_body(request: Request) -> Mapping[str, Any]:
    """Read the JSON object that every POST must have. Raises RefusalError."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != _JSON:
        raise RefusalError("InvalidContentType", f"The Content-Type must be {_JSON}.")
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise RefusalError.parameter(f"The body must be JSON: {error}.") from None
    if not isinstance(body, dict):
        raise RefusalError.parameter("The body must be a JSON object.")
    return body


def answer(ids: SimulatedIds, data: Any) -> Response:
    return _envelope(ids, 200, {"data": data})


def refuse(ids: SimulatedIds, refusal: RefusalError) -> Response:
    error = {"code": refusal.code, "message": refusal.message}
    return _envelope(ids, HTTP_STATUS[refusal.code], {"error": error}, refusal.headers)


def _envelope(
    ids: SimulatedIds,
    status: int,
    content: Mapping[str, Any],
    headers: Mapping[str, str] = MappingProxyType({}),
) -> Response:
    request_id = ids.ulid()
    return Response(
        orjson.dumps({"request_id": request_id, **content}),
        status_code=status,
        media_type=_JSON,
        headers={REQUEST_ID: request_id, **headers},
    )
