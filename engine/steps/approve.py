"""`approve: {ask: "Fail over to nj?", within: 30m}`: the run goes on when a person has agreed.

`engine runs approve RUN`, or a custom action whose URL ends in `/flashduty/actions/approve` on the
same incident (`/reject` for a no). Result: `{approved, by, at}`.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from engine.playbooks.parameters import Duration, Flag, Parameters, Result, Text
from engine.playbooks.step_type import Asks, Call, Failed, Outside, Plan, Report, Succeeded
from engine.playbooks.units import format_duration


class ApproveParameters(Parameters):
    """What is asked. `approve: Fail over to nj?` is short for it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": ["Fail over to nj?", {"ask": "Fail over to nj?", "within": "30m"}]
        }
    )
    shorthand: ClassVar[str | None] = "ask"

    ask: Annotated[Text, Field(min_length=1)] = Field(
        json_schema_extra={"minLength": 1},
        description="The question, as the person reads it",
        examples=["Fail over to {{ vars.region }}?"],
    )
    within: Annotated[Duration, Field(gt=0)] = Field(
        default=1800.0, description="How long to wait for an answer"
    )
    otherwise: Literal["fail", "approve"] = Field(
        default="fail", description="What no answer in that time means"
    )


class ApproveResult(Result):
    """What a person said."""

    approved: Flag = True
    by: str = "somebody"
    at: Any = "2026-01-01T00:00:00Z"


class Approve:
    """Has no effect but to wait; the answer is kept with the step, and who gave it."""

    parameters = ApproveParameters
    timeout: float | None = None
    finds_out = False
    results: ClassVar[Mapping[str, str] | None] = ApproveResult.types()

    @property
    def outside(self) -> Outside[ApproveParameters]:
        return Outside(ApproveResult, _judged)

    def plan(self, parameters: ApproveParameters, call: Call) -> Plan:
        within: object = parameters.within  # a Deferred in a rehearsal
        shown = format_duration(within) if isinstance(within, float) else str(within)
        details = {"ask": parameters.ask, "within": shown, "otherwise": parameters.otherwise}
        return Plan(f"wait up to {shown} for a person to agree: {parameters.ask}", details)

    def harmless_to_repeat(self, parameters: ApproveParameters) -> bool:
        return True

    def foretell(self, parameters: ApproveParameters) -> Report:
        otherwise: object = parameters.otherwise  # a Deferred in a rehearsal
        consent = isinstance(otherwise, str) and otherwise == "approve"
        return Asks(parameters.ask, parameters.within, otherwise=consent)

    async def perform(self, parameters: ApproveParameters, call: Call) -> Report:
        return self.foretell(parameters)


def _judged(_: ApproveParameters, result: dict[str, Any]) -> Report:
    if result["approved"]:
        return Succeeded(result)
    return Failed(f"rejected by {result['by']}", result, retryable=False)
