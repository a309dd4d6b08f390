"""A set step gives later steps names for values, as they are."""

import asyncio
from typing import Any

from engine.playbooks.deferred import Unknown
from engine.playbooks.step_type import Call, Succeeded
from engine.steps.set import Set, SetParameters

CALL = Call("run-1", "steps/0", 1)
VALUES = {"owner": "ops", "count": 3, "hosts": ["a", "b"], "none": None, "self": {"x": True}}


def parameters(values: dict[str, Any]) -> SetParameters:
    return SetParameters.model_validate(values)


def test_its_values_are_its_result_and_join_the_variables() -> None:
    given = parameters(VALUES)
    assert asyncio.run(Set().perform(given, CALL)) == Succeeded(VALUES, variables=VALUES)
    assert Set().foretell(given) == Succeeded(VALUES, variables=VALUES)


def test_its_plan_names_them() -> None:
    planned = Set().plan(parameters({"owner": Unknown("steps.a"), "n": 1}), CALL)
    assert planned.summary == "set owner, n"
    assert str(planned.details) == "{'owner': ‹steps.a›, 'n': 1}"


def test_nothing_to_set_is_nothing_set() -> None:
    assert Set().foretell(parameters({})) == Succeeded({}, variables={})


def test_it_may_be_repeated_and_has_no_limit_of_its_own() -> None:
    assert Set().harmless_to_repeat(parameters(VALUES))
    assert Set().timeout is None
