"""`stop: {status: succeeded, reason: ...}`: the playbook's steps end here."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import ConfigDict, Field

from engine.playbooks.parameters import Parameters, Text
from engine.playbooks.step_type import Call, Plan, Report, Stopped


class StopParameters(Parameters):
    """How the run ends, and why. `stop: not ours` is short for a reason."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": ["not ours", {"status": "failed", "reason": "{{ vars.host }} is protected"}]
        }
    )
    shorthand: ClassVar[str | None] = "reason"

    status: Literal["succeeded", "failed"] = Field(
        default="succeeded", description="How the run ends; failed: `on_failure` comes next"
    )
    reason: Text = Field(
        default="stopped by the playbook",
        description="For people: it is the run's reason",
        examples=["{{ vars.host }} is protected"],
    )


class Stop:
    """`failed` goes on with `on_failure`; both go on with `finally`."""

    parameters = StopParameters
    timeout: float | None = None
    finds_out = False
    outside = None
    results: ClassVar[Mapping[str, str] | None] = {}

    def plan(self, parameters: StopParameters, call: Call) -> Plan:
        details = {"status": parameters.status, "reason": parameters.reason}
        return Plan(f"stop as {parameters.status}: {parameters.reason}", details)

    def harmless_to_repeat(self, parameters: StopParameters) -> bool:
        return True

    def foretell(self, parameters: StopParameters) -> Report:
        status: object = parameters.status  # a Deferred in a rehearsal, which goes on as if well
        failed = isinstance(status, str) and status == "failed"
        return Stopped(succeeded=not failed, reason=parameters.reason)

    async def perform(self, parameters: StopParameters, call: Call) -> Report:
        return self.foretell(parameters)
