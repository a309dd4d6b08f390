"""A command to copy never sends a secret for what an alert says."""

from typing import Any

import pytest

from engine.playbooks.command import Command
from engine.playbooks.step_type import Plan
from engine.rehearsal.by_hand import typed
from tests.runs.fakes import an_event

PLAN = Plan("ls", {}, Command(("ls", "$LB_TOKEN", "$OTHER")))


def line(payload: dict[str, Any]) -> str | None:
    return typed(PLAN, {"LB_TOKEN", "OTHER"}, an_event(payload=payload))


def test_secrets_are_expanded_by_the_shell() -> None:
    assert line({"incident": {"title": "it costs 5 $, {{ $labels.x }}"}}) == (
        'ls "$LB_TOKEN" "$OTHER"'
    )


@pytest.mark.parametrize("said", ["$LB_TOKEN", "see $L", "$LB_TOKEN $OTHER"])
def test_one_that_an_alert_names_is_not(said: str) -> None:
    assert str(line({"incident": {"labels": {"a": said}}})).startswith("ls '$LB_TOKEN'")


@pytest.mark.parametrize("said", [{"a": "it costs $"}, {"a": "$\n"}, {"b$": 1}])
def test_none_is_where_parts_of_an_alert_could_be_put_together_to_one(said: Any) -> None:
    assert line({"incident": {"labels": said}}) == "ls '$LB_TOKEN' '$OTHER'"


def test_a_plan_that_nobody_can_type_has_no_command() -> None:
    assert typed(Plan("wait 1s", {}), (), an_event()) is None
