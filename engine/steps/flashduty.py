"""`flashduty: {call: incident/comment, comment: ...}`: an operation of Flashduty's Open API.

All keys but `call`, `unchecked` and `truncate` are the operation's parameters, and checked against
the catalogue before anything is sent. The incident's id is filled in from the event where the
operation takes one and none is given. Result: `{data, request_id}`.
"""

from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import ConfigDict, Field
from typing_extensions import override

from engine.flashduty.checking import complaints_about_call, complaints_about_cutting
from engine.flashduty.client import FlashdutyClient, FlashdutyError
from engine.flashduty.operations import Operation, operation_at
from engine.flashduty.rule import cut_all
from engine.playbooks.parameters import Flag, Parameters, Text
from engine.playbooks.step_type import Call, Failed, Plan, Report, Succeeded
from engine.problem import Complaint


class FlashdutyParameters(Parameters):
    """The operation's path, and whatever it takes."""

    model_config = ConfigDict(extra="allow")
    shorthand: ClassVar[str | None] = "call"
    constants: ClassVar[frozenset[str]] = frozenset({"unchecked", "truncate"})

    call: Text = Field(description="The operation's path, such as incident/comment")
    unchecked: Flag = Field(default=False, description="Take any path and any parameters")
    truncate: Flag = Field(default=False, description="Cut texts that are too long, with a mark")

    @property
    def operation(self) -> Operation:
        """What is known of what is called."""
        return operation_at(str(self.call))

    @property
    def given(self) -> dict[str, Any]:
        """The operation's parameters as they go out."""
        given = dict(self.model_extra or {})
        return cut_all(self.operation.takes, given) if self.truncate else given

    @override
    def complaints(self) -> Iterator[Complaint]:
        """What can be told of the call before it is sent; `unchecked` asks for less."""
        if self.truncate:
            yield from complaints_about_cutting(self.call, self.model_extra or {})
        if not self.unchecked:
            yield from complaints_about_call(self.call, self.given)


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
        return parameters.operation.repeatable

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
    body = parameters.given
    key = parameters.operation.incident
    named = {"incident_id", "incident_ids"} & body.keys()
    if key is not None and call.incident_id is not None and not named:
        body[key] = [call.incident_id] if key == "incident_ids" else call.incident_id
    return body
