"""Addresses beside the Open API by which a person plays the account: `/simulator/...`.

    GET    /simulator                         what there is: incidents, webhooks, people, faults
    POST   /simulator/press                   {"incident_id", "button": name or id, "person_id"}
    POST   /simulator/as/{person_id}/{path}   an operation of the Open API, done by that person
    POST   /simulator/faults                  one more thing that goes wrong: faults.Fault
    DELETE /simulator/faults                  nothing goes wrong any more

They want no key, and answer in the vendor's envelope.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, fields
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from engine.flashduty.simulated.account import SimulatedAccount
from engine.flashduty.simulated.delivery import press
from engine.flashduty.simulated.envelope import answer, read_body, refuse
from engine.flashduty.simulated.faults import Fault, Faults
from engine.flashduty.simulated.operations import OPERATIONS
from engine.flashduty.simulated.perform import perform
from engine.flashduty.simulated.refusal import RefusalError

_FAULT = {one.name: one.type for one in fields(Fault)}


def control_routes(account: SimulatedAccount, faults: Faults) -> list[Route]:
    """Make the routes of these addresses."""

    async def shown(_request: Request) -> Any:
        named = ("incident_id", "title", "progress")
        return {
            "incidents": [{name: one[name] for name in named} for one in account.incidents()],
            "webhooks": [
                {name: value for name, value in asdict(one).items() if name != "headers"}
                for one in account.webhooks.all()
            ],
            "people": [account.person(one["member_id"]) for one in account.members()],
            "faults": faults.asked_for(),
        }

    async def press_button(request: Request) -> Any:
        given = await read_body(request)
        incident_id, person_id = given.get("incident_id"), given.get("person_id")
        if not isinstance(incident_id, str):
            raise RefusalError.parameter("incident_id is required.")
        if person_id is not None:
            _check_person(account, person_id)
        button = _button(account, given.get("button"))
        return {"message": await press(account, incident_id, button, person_id=person_id)}

    async def act(request: Request) -> Any:
        path, person_id = f"/{request.path_params['path']}", request.path_params["person_id"]
        _check_person(account, person_id)
        if path not in OPERATIONS or OPERATIONS[path].credential != "app_key":
            raise RefusalError("RouteNotFound", f"There is no operation {path}.")
        return await perform(account, path, await read_body(request), person_id=person_id)

    async def add_fault(request: Request) -> Any:
        faults.add(_fault(await read_body(request)))
        return faults.asked_for()

    async def clear_faults(_request: Request) -> Any:
        faults.clear()
        return faults.asked_for()

    return [
        Route(path, _answering(account, do), methods=[method])
        for method, path, do in (
            ("GET", "/simulator", shown),
            ("POST", "/simulator/press", press_button),
            ("POST", "/simulator/as/{person_id:int}/{path:path}", act),
            ("POST", "/simulator/faults", add_fault),
            ("DELETE", "/simulator/faults", clear_faults),
        )
    ]


def _answering(
    account: SimulatedAccount, do: Callable[[Request], Awaitable[Any]]
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            return answer(account.ids, await do(request))
        except RefusalError as refusal:
            return refuse(account.ids, refusal)

    return endpoint


def _button(account: SimulatedAccount, wanted: Any) -> int:
    buttons = account.webhooks.of_kind("action")
    for one in buttons:
        if wanted in (one.name, one.integration_id):
            return one.integration_id
    names = ", ".join(one.name for one in buttons) or "none"
    raise RefusalError.parameter(f"button must be the name or the id of a button: {names}.")


def _check_person(account: SimulatedAccount, person_id: Any) -> None:
    if person_id not in [one["member_id"] for one in account.members()]:
        raise RefusalError.not_found(f"person_id {person_id}")


def _fault(given: Mapping[str, Any]) -> Fault:
    unknown = ", ".join(name for name in given if name not in _FAULT)
    if unknown:
        known = ", ".join(_FAULT)
        raise RefusalError.parameter(f"A fault has {known}, and no {unknown}.")
    try:
        return Fault(**given)
    except (AttributeError, TypeError):
        raise RefusalError.parameter(
            "A fault has a kind; its path is a text, and what it counts are numbers."
        ) from None
