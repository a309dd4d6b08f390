"""`flashduty: {call: incident/comment, comment: ...}`: an operation of Flashduty's Open API.

All keys but `call` are the operation's parameters. The incident's id is filled in from the event
where the operation takes one and none is given. Result: `{data, request_id}`.
"""

from typing import Any, ClassVar

from pydantic import ConfigDict, Field

from engine.flashduty.client import FlashdutyClient, FlashdutyError
from engine.flashduty.operations import operation_at
from engine.playbooks.parameters import Parameters, Text
from engine.playbooks.step_type import Call, Failed, Plan, Report, Succeeded


class FlashdutyParameters(Parameters):
    """The operation's path, and whatever it takes."""

    model_config = ConfigDict(extra="allow")
    shorthand: ClassVar[str | None] = "call"

    call: Text = Field(description="The operation's path, such as incident/comment")


class Flashduty:
    """Success is `error.code`, not the HTTP status."""

    parameters = FlashdutyParameters
    timeout: float | None = 30.0

    def __init__(self, client: FlashdutyClient) -> None:
        self._client = client

    def plan(self, parameters: FlashdutyParameters, call: Call) -> Plan:
        body = _body(parameters, call)
        path = f"/{str(parameters.call).strip('/')}"
        return Plan(f"flashduty {path}", {"call": path, "body": body})

    def foretell(self, parameters: FlashdutyParameters) -> Report | None:
        return None

    def harmless_to_repeat(self, parameters: FlashdutyParameters) -> bool:
        return operation_at(str(parameters.call)).repeatable

    async def perform(self, parameters: FlashdutyParameters, call: Call) -> Report:
        body = _body(parameters, call)
        try:
            answer = await self._client.call(parameters.call, body)
        except FlashdutyError as error:
            identity = f" (request {error.request_id})" if error.request_id else ""
            return Failed(f"{error.code}: {error.message}{identity}", retryable=error.may_pass)
        return Succeeded({"data": answer.data, "request_id": answer.request_id})


def _body(parameters: FlashdutyParameters, call: Call) -> dict[str, Any]:
    """The parameters as they go out; explicit ones, null included, win over the event's."""
    body = dict(parameters.model_extra or {})
    key = operation_at(str(parameters.call)).incident
    named = {"incident_id", "incident_ids"} & body.keys()
    if key is not None and call.incident_id is not None and not named:
        body[key] = [call.incident_id] if key == "incident_ids" else call.incident_id
    return body
