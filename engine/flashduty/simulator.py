"""The Open API over a simulated account: strict where the real one is, and never a traceback.

Order of refusals: path, method, faults, credential, rate, content type, body, parameters, state.
Every answer is the vendor's envelope and carries its `request_id` in the header
`Flashcat-Request-Id` too.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from engine.flashduty.simulated.account import SimulatedAccount
from engine.flashduty.simulated.connection import cut
from engine.flashduty.simulated.faults import Faults, too_frequent
from engine.flashduty.simulated.limits import RateLimits
from engine.flashduty.simulated.operations import OPERATIONS, Operation
from engine.flashduty.simulated.parameters import known_parameters, read_query
from engine.flashduty.simulated.refusal import HTTP_STATUS, RefusalError

_JSON: Final = "application/json"
_NO_ROUTE: Final = "RouteNotFound"

Endpoint = Callable[[Request], Awaitable[Response]]


def create_simulator(
    account: SimulatedAccount,
    *,
    app_key: str,
    faults: Faults | None = None,
    limits: RateLimits | None = None,
) -> Starlette:
    """Serve `account` to whoever knows `app_key`; the push addresses take the account's own keys.

    `faults` may be changed while it serves; without `limits` any number of calls is answered.
    """
    troubled = Faults() if faults is None else faults

    async def not_routed(_request: Request, error: Exception) -> Response:
        missing = isinstance(error, HTTPException) and error.status_code == HTTP_STATUS[_NO_ROUTE]
        if missing:
            return _refuse(account, RefusalError(_NO_ROUTE, "There is no operation at this path."))
        refusal = RefusalError("MethodNotAllowed", "This path takes another method.")
        return _refuse(account, refusal)

    app = Starlette(
        routes=[
            Route(
                path,
                _with_faults(path, _endpoint(path, account, app_key, limits), account, troubled),
                methods=[operation.method],
            )
            for path, operation in OPERATIONS.items()
        ],
        exception_handlers={404: not_routed, 405: not_routed},
    )
    # The real API does not mend a path: a trailing slash is another, unknown one.
    app.router.redirect_slashes = False
    return app


def _with_faults(
    path: str, endpoint: Endpoint, account: SimulatedAccount, faults: Faults
) -> Endpoint:
    async def answer(request: Request) -> Response:
        delay, fault = faults.strike(path)
        if delay:
            await asyncio.sleep(delay)
        if fault is None:
            return await endpoint(request)
        if refusal := fault.refusal():
            return _refuse(account, refusal)
        response = await endpoint(request) if fault.kind == "cut-after" else Response()
        await cut(request.receive)
        return response  # which goes nowhere

    return answer


def _endpoint(
    path: str, account: SimulatedAccount, app_key: str, limits: RateLimits | None
) -> Endpoint:
    operation = OPERATIONS[path]

    async def answer(request: Request) -> Response:
        try:
            credential = _credential(request, operation, account, app_key)
            if limits and not limits.admit(path, **credential):
                raise too_frequent()
            given = await _given(request, operation)
            call = known_parameters(operation.parameters, given)
            answered = operation.handler(account, {**call, **credential})
            data = await answered if isinstance(answered, Awaitable) else answered
        except RefusalError as refusal:
            return _refuse(account, refusal)
        return _envelope(account, 200, {"data": data})

    return answer


def _credential(
    request: Request, operation: Operation, account: SimulatedAccount, app_key: str
) -> dict[str, str]:
    """Check the key in the query; a push's key is part of the call, it says who reports."""
    key = request.query_params.get(operation.credential, "")
    if operation.credential == "integration_key" and account.has_integration(key):
        return {"integration_key": key}
    if operation.credential == "app_key" and key == app_key:
        return {}
    raise RefusalError("Unauthorized", f"You are unauthorized: {operation.credential} is wrong.")


async def _given(request: Request, operation: Operation) -> Mapping[str, Any]:
    if operation.method == "GET":
        return read_query(operation.parameters, request.query_params)
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


def _refuse(account: SimulatedAccount, refusal: RefusalError) -> Response:
    error = {"code": refusal.code, "message": refusal.message}
    return _envelope(account, HTTP_STATUS[refusal.code], {"error": error}, refusal.headers)


def _envelope(
    account: SimulatedAccount,
    status: int,
    content: Mapping[str, Any],
    headers: Mapping[str, str] = MappingProxyType({}),
) -> Response:
    request_id = account.ids.ulid()
    return Response(
        orjson.dumps({"request_id": request_id, **content}),
        status_code=status,
        media_type=_JSON,
        headers={"Flashcat-Request-Id": request_id, **headers},
    )
