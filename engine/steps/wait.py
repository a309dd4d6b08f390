"""`wait: 30s`: the run goes on when the time has passed, also across a restart of the engine."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import ConfigDict, Field

from engine.playbooks.parameters import Duration, Parameters
from engine.playbooks.step_type import Call, Paused, Plan, Report
from engine.playbooks.units import format_duration


class WaitParameters(Parameters):
    """How long."""

    model_config = ConfigDict(json_schema_extra={"examples": ["30s"]})
    shorthand: ClassVar[str | None] = "duration"

    duration: Duration = Field(description="Such as 500ms, 90s, 10m or 1h30m")


class Wait:
    """Holds nothing while it waits: the flow knows when the time has come."""

    parameters = WaitParameters
    timeout: float | None = None
    finds_out = False
    outside = None
    results: ClassVar[Mapping[str, str] | None] = {"waited": "number"}

    def plan(self, parameters: WaitParameters, call: Call) -> Plan:
        duration: object = parameters.duration  # a Deferred in a rehearsal
        shown = format_duration(duration) if isinstance(duration, float) else str(duration)
        return Plan(f"wait {shown}", {"duration": shown})

    def harmless_to_repeat(self, parameters: WaitParameters) -> bool:
        return True

    def foretell(self, parameters: WaitParameters) -> Report:
        return Paused(parameters.duration)

    async def perform(self, parameters: WaitParameters, call: Call) -> Report:
        return self.foretell(parameters)
