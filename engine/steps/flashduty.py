"""`flashduty: {call: incident/comment, comment: ...}`: an operation of Flashduty's Open API.

All keys but `call`, `unchecked` and `truncate` are the operation's parameters, and checked against
the catalogue before anything is sent. The incident's id is filled in from the event where the
operation takes one and none is given. Result: `{data, request_id}`, with `found_in_timeline` where
a comment had to be looked up; of a failure `{data, request_id, code, message, status}`, `data`
being null.
"""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

from pydantic import ConfigDict, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema
from typing_extensions import override

from engine.flashduty.answer import effect_of
from engine.flashduty.checking import complaints_about_call, complaints_about_cutting
from engine.flashduty.client import FlashdutyClient, FlashdutyError
from engine.flashduty.describing import describe_calls
from engine.flashduty.operations import Operation, operation_at
from engine.flashduty.rule import cut_all
from engine.flashduty.timeline import SentComment, look_up
from engine.playbooks.parameters import Flag, Parameters, Result, Text
from engine.playbooks.step_type import Call, Failed, Outside, Plan, Report, Succeeded, Uncertain
from engine.problem import Complaint
from engine.runs.redaction import MASK

_COMMENT: Final = "/incident/comment"
_FOR_SENDING: Final = 2 / 3  # of the time of a comment; the rest is for looking it up
_INTERRUPTED: Final = FlashdutyError(
    "Interrupted", "the engine stopped while this was on its way, and does not send it twice"
)
_CUT: Final = FlashdutyError("TimedOut", "its time was over while it was on its way")


class FlashdutyParameters(Parameters):
    """The operation's path, and whatever it takes."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": ["incident/ack", {"call": "incident/comment", "comment": "Restarted"}]
        },
    )
    shorthand: ClassVar[str | None] = "call"
    constants: ClassVar[frozenset[str]] = frozenset({"unchecked", "truncate"})

    call: Text = Field(
        description="The path of an operation of Flashduty's Open API; no template",
        examples=["incident/comment"],
    )
    unchecked: Flag = Field(default=False, description="Take any path and any parameters")
    truncate: Flag = Field(default=False, description="Cut texts that are too long, with a mark")

    @classmethod
    @override
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        reference = super().__get_pydantic_json_schema__(core, handler)
        describe_calls(handler.resolve_ref_schema(reference))
        return reference

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


class FlashdutyResult(Result):
    """What was answered; `code` is there when that was an error."""

    data: Any = Field(default_factory=dict)
    request_id: str = "01KA2Z0J6R4V8XW3T5N7P9QBCD"
    code: str | None = None
    message: str | None = None
    status: int | None = None
    found_in_timeline: bool | None = None


class Flashduty:
    """Success is `error.code`, not the HTTP status."""

    parameters = FlashdutyParameters
    timeout: float | None = 60.0  # an exchange, retries, and a look at the timeline
    finds_out = True  # a comment, in the timeline; of others it says that nobody knows
    results: ClassVar[Mapping[str, str] | None] = FlashdutyResult.types()

    def __init__(self, client: FlashdutyClient) -> None:
        self._client = client

    @property
    def outside(self) -> Outside[FlashdutyParameters]:
        return Outside(FlashdutyResult, _judged)

    def plan(self, parameters: FlashdutyParameters, call: Call) -> Plan:
        body = _body(parameters, call)
        path = f"/{str(parameters.call).strip('/')}"
        if "integration_key" in body and operation_at(path).credential == "integration_key":
            body = {**body, "integration_key": MASK}
        return Plan(f"flashduty {path}", {"call": path, "body": body})

    def foretell(self, parameters: FlashdutyParameters) -> Report | None:
        return None

    def harmless_to_repeat(self, parameters: FlashdutyParameters) -> bool:
        return parameters.operation.repeatable

    async def perform(self, parameters: FlashdutyParameters, call: Call) -> Report:
        """Call it; and where nobody knows whether that took effect, find out or say so.

        What does harm when it is repeated is not sent again after such a failure, nor when the
        engine stopped while it was on its way.
        """
        path, body = str(parameters.call), _body(parameters, call)
        harmless = operation_at(path).repeatable
        deadline = send_by = self._client.deadline_in(call.limit)
        if operation_at(path).path == _COMMENT and call.limit is not None:
            send_by = self._client.deadline_in(call.limit * _FOR_SENDING)
        try:
            if call.again and not harmless:
                return await self._find_out(path, body, call, _INTERRUPTED, deadline)
            try:
                answer = await self._client.call(path, body, caller=call.run_id, deadline=send_by)
            except FlashdutyError as error:
                if harmless or error.took_effect == "no":
                    return _failed(error)
                return await self._find_out(path, body, call, error, deadline)
        except asyncio.CancelledError:
            # On a busy loop the runner's time-out can come together with ours. It is a failure to
            # be tried again, which must not become of what may have taken effect.
            if harmless or not self._client.is_over(deadline):
                raise
            return Uncertain(f"{_said(_CUT)}; {_look_at(path)}", _result(_CUT))
        return Succeeded({"data": answer.data, "request_id": answer.request_id})

    async def _find_out(
        self,
        path: str,
        body: Mapping[str, Any],
        call: Call,
        error: FlashdutyError,
        deadline: float,
    ) -> Report:
        """Look for what was sent, where that is possible; else nobody knows."""
        comment = None
        if operation_at(path).path == _COMMENT:
            comment = SentComment.of(body, call.started)
        if comment is None:
            return Uncertain(f"{_said(error)}; {_look_at(path)}", _result(error))
        found = await look_up(self._client, comment, caller=call.run_id, deadline=deadline)
        if not found.missing and found.trouble is None:
            result = {"data": None, "request_id": found.request_id, "found_in_timeline": True}
            return Succeeded(result)
        missing = ", ".join(found.missing)
        seen = f"it is not in the timeline of {missing}, and may still come"
        if found.trouble is not None:
            seen = f"the timeline could not be looked up ({found.trouble})"
        said = f"{_said(error)}; {seen}: look there before writing it again"
        return Uncertain(said, _result(error))


def _judged(parameters: FlashdutyParameters, result: dict[str, Any]) -> Report:
    code = result.get("code")
    if code is None:
        return Succeeded(result)
    error = FlashdutyError(
        *(code, result.get("message") or "no message"),
        took_effect=effect_of(code, result.get("status") or 0),
        status=result.get("status"),
        request_id=result["request_id"],
    )
    if parameters.operation.repeatable or error.took_effect == "no":
        return _failed(error)
    return Uncertain(f"{_said(error)}; {_look_at(str(parameters.call))}", _result(error))


def _failed(error: FlashdutyError) -> Failed:
    return Failed(_said(error), _result(error), retryable=error.may_pass)


def _said(error: FlashdutyError) -> str:
    identity = f" (request {error.request_id})" if error.request_id else ""
    return f"{error.code}: {error.message}{identity}"


def _look_at(path: str) -> str:
    return f"look in Flashduty whether {operation_at(path).path} took effect before doing it again"


def _result(error: FlashdutyError) -> dict[str, Any]:
    """What a failed step leaves, for those after it."""
    return {
        "data": None,
        "request_id": error.request_id,
        "code": error.code,
        "message": error.message,
        "status": error.status,
    }


def _body(parameters: FlashdutyParameters, call: Call) -> dict[str, Any]:
    """The parameters as they go out; explicit ones, null included, win over the event's."""
    body = parameters.given
    key = parameters.operation.incident
    named = {"incident_id", "incident_ids"} & body.keys()
    if key is not None and call.incident_id is not None and not named:
        body[key] = [call.incident_id] if key == "incident_ids" else call.incident_id
    return body
