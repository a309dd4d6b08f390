"""An approve step waits for a person, and says what no answer means."""

import asyncio

import pytest
from pydantic import ValidationError

from engine.playbooks.deferred import Unknown
from engine.playbooks.step_type import Asks, Call
from engine.steps.approve import Approve, ApproveParameters

CALL = Call("run-1", "steps/0", 1)


def parameters(**given: object) -> ApproveParameters:
    return ApproveParameters.model_validate({"ask": "Fail over to nj?", **given})


@pytest.mark.parametrize(
    ("given", "asks", "shown"),
    [
        ({}, Asks("Fail over to nj?", 1800.0, otherwise=False), "30m"),
        ({"within": "90s"}, Asks("Fail over to nj?", 90.0, otherwise=False), "1m30s"),
        ({"otherwise": "approve"}, Asks("Fail over to nj?", 1800.0, otherwise=True), "30m"),
    ],
)
def test_it_asks_and_says_for_how_long(given: dict[str, object], asks: Asks, shown: str) -> None:
    assert asyncio.run(Approve().perform(parameters(**given), CALL)) == asks
    planned = Approve().plan(parameters(**given), CALL)
    assert planned.summary == f"wait up to {shown} for a person to agree: Fail over to nj?"
    assert planned.details == {
        "ask": "Fail over to nj?",
        "within": shown,
        "otherwise": given.get("otherwise", "fail"),
    }


def test_silence_is_no_consent_where_it_is_not_known_what_it_means() -> None:
    given = parameters(within=Unknown("vars.long"), otherwise=Unknown("vars.end"))
    told = Approve().foretell(given)
    assert isinstance(told, Asks)
    assert not told.otherwise
    assert Approve().plan(given, CALL).summary.startswith("wait up to ‹vars.long› for a person")


@pytest.mark.parametrize("wrong", [{"ask": ""}, {"within": "0s"}, {"otherwise": "reject"}])
def test_an_empty_question_and_no_time_to_answer_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        parameters(**wrong)


def test_it_may_be_asked_again_and_a_text_is_short_for_the_question() -> None:
    assert Approve().harmless_to_repeat(parameters())
    assert ApproveParameters.shorthand == "ask"
