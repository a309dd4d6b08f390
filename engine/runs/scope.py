"""What the steps at one place of a playbook see of the steps before them.

It follows from where a step stands, not from when things happened: what goes on beside a step is
not seen by it, so that the same history means the same however it was mixed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from engine.playbooks.playbook import Step
from engine.runs.fact import Settled


@dataclass(frozen=True, slots=True)
class Scope:
    """`vars` and `steps`, `inputs`, and `item` and `index` for a step of a `foreach`."""

    variables: Mapping[str, Any] = field(default_factory=dict)
    results: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def after(self, step: Step, fact: Settled, result: Any) -> Self:
        """What the next step sees."""
        if step.id is None and not fact.variables:
            return self
        results = self.results
        if step.id is not None:
            results = {**results, step.id: shown_result(fact, result)}
        variables = self.variables
        if fact.variables:
            variables = {**variables, **fact.variables}
        return type(self)(variables, results, self.extra)

    def for_item(self, item: Any, index: int) -> Self:
        """What the step sees for one item."""
        return replace(self, extra={**self.extra, "item": item, "index": index})

    def joined(self, others: Sequence["Scope"]) -> Self:
        """What is seen after several that began with this one, in their order."""
        variables, results = dict(self.variables), dict(self.results)
        for other in others:
            variables |= _added(self.variables, other.variables)
            results |= _added(self.results, other.results)
        return replace(self, variables=variables, results=results)


def shown_result(fact: Settled, result: Any) -> Any:
    """`steps.<id>`: with `outcome` and `error` beside what the step returned."""
    result = {} if result is None else result
    if isinstance(result, Mapping):
        return {**result, "outcome": fact.outcome.value, "error": fact.error}
    return result


def _added(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in after.items() if before.get(name) is not value}
