"""Carries out an operation of the simulated Open API, for whoever calls it and however."""

from collections.abc import Awaitable, Mapping
from typing import Any

from engine.flashduty.simulated.account import SimulatedAccount
from engine.flashduty.simulated.operations import OPERATIONS
from engine.flashduty.simulated.parameters import known_parameters


async def perform(
    account: SimulatedAccount,
    path: str,
    parameters: Mapping[str, Any],
    *,
    person_id: int | None = None,
    integration_key: str | None = None,
) -> Any:
    """Check the parameters of an operation, carry it out, and give the answer's `data`.

        await perform(account, "/incident/ack", {"incident_ids": [incident_id]}, person_id=1999)

    It is done by `person_id`, or by the app key's own member; a push needs the `integration_key`.
    Raises RefusalError for what the API would refuse.
    """
    operation = OPERATIONS[path]
    call = known_parameters(operation.parameters, parameters)
    if integration_key is not None:
        call["integration_key"] = integration_key
    with account.acting_as(account.own_member_id if person_id is None else person_id):
        done = operation.handler(account, call)
    return await done if isinstance(done, Awaitable) else done
