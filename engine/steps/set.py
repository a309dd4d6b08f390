"""`set: {owner: "{{ steps.lookup.body.owner }}"}`: gives later steps a name for a value."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import ConfigDict

from engine.playbooks.parameters import Parameters
from engine.playbooks.step_type import Call, Plan, Report, Succeeded


class SetParameters(Parameters):
    """Names and values; each joins `vars`."""

    model_config = ConfigDict(
        extra="allow", json_schema_extra={"examples": [{"owner": "{{ steps.lookup.body.owner }}"}]}
    )


class Set:
    """Has no effect outside the run."""

    parameters = SetParameters
    timeout: float | None = None
    finds_out = False
    outside = None
    results: ClassVar[Mapping[str, str] | None] = None

    def plan(self, parameters: SetParameters, call: Call) -> Plan:
        values = _values(parameters)
        return Plan(f"set {', '.join(values)}", values)

    def harmless_to_repeat(self, parameters: SetParameters) -> bool:
        return True

    def foretell(self, parameters: SetParameters) -> Report:
        values = _values(parameters)
        return Succeeded(values, variables=values)

    async def perform(self, parameters: SetParameters, call: Call) -> Report:
        return self.foretell(parameters)


def _values(parameters: SetParameters) -> dict[str, Any]:
    return dict(parameters.model_extra or {})
