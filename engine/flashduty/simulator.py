"""The Open API over a simulated account: strict where the real one is, and never a traceback.

Order of refusals: path, method, faults, credential, rate, content type, body, parameters, state.
Every answer is the vendor's envelope and carries its `request_id` in the header
`Flashcat-Request-Id` too.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from engine.flashduty.simulated.account import SimulatedAccount
from engine.flashduty.simulated.connection import cut
from engine.flashduty.simulated.controls import control_routes
from engine.flashduty.simulated.envelope import REQUEST_ID, answer, read_body, refuse
from engine.flashduty.simulated.faults import Faults, too_frequent
from engine.flashduty.simulated.limits import RateLimits
from engine.flashduty.simulated.operations import OPERATIONS, Operation
from engine.flashduty.simulated.parameters import read_query
from engine.flashduty.simulated.perform import perform
from engine.flashduty.simulated.refusal import HTTP_STATUS, RefusalError

_NO_ROUTE: Final = "RouteNotFound"

Endpoint = Callable[[Request], Awaitable[Response]]


def create_simulator(
    account: SimulatedAccount,
    *,
    app_key: str,
    faults: Faults | None = None,
    limits: RateLimits | None = None,
    controls: bool = False,
) -> Starlette:
    """Serve `account` to whoever knows `app_key`; the push addresses take the account's own keys.

    `faults` may be changed while it serves; without `limits` any number of calls is answered.
    `controls` opens the addresses of `simulated.controls` to everybody. What webhooks have to
    deliver is sent by `simulated.delivery.delivering`, beside it.
    """
    troubled = Faults() if faults is None else faults

    async def not_routed(_request: Request, error: Exception) -> Response:
        missing = isinstance(error, HTTPException) and error.status_code == HTTP_STATUS[_NO_ROUTE]
        if missing:
            refusal = RefusalError(_NO_ROUTE, "There is no operation at this path.")
        else:
            refusal = RefusalError("MethodNotAllowed", "This path takes another method.")
        return refuse(account.ids, refusal)

    app = Starlette(
        routes=[
            *(
                Route(
                    path,
                    _with_faults(
                        path, _endpoint(path, account, app_key, limits), account, troubled
                    ),
                    methods=[operation.method],
                )
                for path, operation in OPERATIONS.items()
            ),
            *(control_routes(account, troubled) if controls else ()),
        ],
        exception_handlers={404: not_routed, 405: not_routed},
    )
    # The real API does not mend a path: a trailing slash is another, unknown one.
    app.router.redirect_slashes = False
    return app


def _with_faults(
    path: str, endpoint: Endpoint, account: SimulatedAccount, faults: Faults
) -> Endpoint:
    async def faulty(request: Request) -> Response:
        delay, fault = faults.strike(path)
        if delay:
            await asyncio.sleep(delay)
        if fault is None:
            return await endpoint(request)
        if refusal := fault.refusal():
            return refuse(account.ids, refusal)
        response = await endpoint(request) if fault.kind == "cut-after" else Response()
        await cut(request.receive)
        return response  # which goes nowhere

    return faulty


def _endpoint(
    path: str, account: SimulatedAccount, app_key: str, limits: RateLimits | None
) -> Endpoint:
    operation = OPERATIONS[path]

    async def endpoint(request: Request) -> Response:
        try:
            key = _integration_key(request, operation, account, app_key)
            if limits and not limits.admit(path, integration_key=key):
                raise too_frequent()
            if operation.method == "GET":
                given = read_query(operation.parameters, request.query_params)
            else:
                given = dict(await read_body(request))
            data = await perform(account, path, given, integration_key=key)
        except RefusalError as refusal:
            return refuse(account.ids, refusal)
        response = answer(account.ids, data)
        caller = account.person(account.own_member_id)
        account.audit.record(path, given, response.headers[REQUEST_ID], caller)
        return response

    return endpoint


def _integration_key(
    request: Request, operation: Operation, account: SimulatedAccount, app_key: str
) -> str | None:
    """Check the key in the query; a push's key is part of the call, it says who reports."""
    key = request.query_params.get(operation.credential, "")
    if operation.credential == "integration_key" and account.has_integration(key):
        return key
    if operation.credential == "app_key" and key == app_key:
        return None
    raise RefusalError("Unauthorized", f"You are unauthorized: {operation.credential} is wrong.")
