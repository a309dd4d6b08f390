"""A wait step says for how long, and holds nothing while it waits."""

import asyncio

import pytest
from pydantic import ValidationError

from engine.playbooks.deferred import Unknown
from engine.playbooks.step_type import Call, Paused
from engine.steps.wait import Wait, WaitParameters

CALL = Call("run-1", "steps/0", 1)


def parameters(duration: object) -> WaitParameters:
    return WaitParameters.model_validate({"duration": duration})


@pytest.mark.parametrize(
    ("written", "seconds"), [("500ms", 0.5), ("90s", 90.0), ("1h30m", 5400.0), ("0s", 0.0)]
)
def test_it_pauses_for_as_long_as_it_says(written: str, seconds: float) -> None:
    given = parameters(written)
    assert Wait().foretell(given) == Paused(seconds)
    assert asyncio.run(Wait().perform(given, CALL)) == Paused(seconds)


@pytest.mark.parametrize(("written", "shown"), [("90s", "1m30s"), ("30s", "30s"), ("2ms", "2ms")])
def test_its_plan_says_for_how_long(written: str, shown: str) -> None:
    planned = Wait().plan(parameters(written), CALL)
    assert planned.summary == f"wait {shown}"
    assert planned.details == {"duration": shown}


def test_its_plan_names_a_time_that_is_not_known_yet() -> None:
    given = parameters(Unknown("steps.probe.body.after"))
    assert Wait().plan(given, CALL).summary == "wait ‹steps.probe.body.after›"
    assert str(Wait().foretell(given)) == "Paused(seconds=‹steps.probe.body.after›)"


@pytest.mark.parametrize("written", [30, "30", "soon", "-1s", None])
def test_a_time_without_a_unit_is_refused(written: object) -> None:
    with pytest.raises(ValidationError, match="a duration "):
        parameters(written)


def test_it_may_be_repeated_and_has_no_limit_of_its_own() -> None:
    assert Wait().harmless_to_repeat(parameters("1s"))
    assert Wait().timeout is None
    assert WaitParameters.shorthand == "duration"
