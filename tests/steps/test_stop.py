"""A stop step ends the playbook's steps, as succeeded or failed, with a reason."""

import asyncio

import pytest
from pydantic import ValidationError

from engine.playbooks.deferred import Unknown
from engine.playbooks.step_type import Call, Stopped
from engine.steps.stop import Stop, StopParameters

CALL = Call("run-1", "steps/0", 1)


def parameters(**given: object) -> StopParameters:
    return StopParameters.model_validate(given)


@pytest.mark.parametrize(("status", "succeeded"), [("succeeded", True), ("failed", False)])
def test_it_stops_as_it_says(status: str, *, succeeded: bool) -> None:
    given = parameters(status=status, reason="not ours")
    assert asyncio.run(Stop().perform(given, CALL)) == Stopped(succeeded, "not ours")
    planned = Stop().plan(given, CALL)
    assert planned.summary == f"stop as {status}: not ours"
    assert planned.details == {"status": status, "reason": "not ours"}


def test_without_more_it_stops_as_succeeded() -> None:
    assert Stop().foretell(parameters()) == Stopped(
        succeeded=True, reason="stopped by the playbook"
    )
    assert StopParameters.shorthand == "reason"


def test_how_it_ends_may_not_be_known_yet() -> None:
    given = parameters(status=Unknown("vars.end"), reason=Unknown("vars.why"))
    assert Stop().plan(given, CALL).summary == "stop as ‹vars.end›: ‹vars.why›"
    told = Stop().foretell(given)
    assert isinstance(told, Stopped)
    assert told.succeeded
    assert str(told.reason) == "‹vars.why›"


def test_another_status_is_refused() -> None:
    with pytest.raises(ValidationError, match="'succeeded' or 'failed'"):
        parameters(status="ok")


def test_it_may_be_repeated_and_has_no_limit_of_its_own() -> None:
    assert Stop().harmless_to_repeat(parameters())
    assert Stop().timeout is None
