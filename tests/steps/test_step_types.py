"""Every step type keeps the promise of engine.playbooks.step_type."""

import inspect
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from engine.flashduty.client import FlashdutyClient
from engine.playbooks.deferred import Unknown
from engine.playbooks.parameters import Parameters
from engine.playbooks.step_type import (
    Asks,
    Call,
    Failed,
    Paused,
    Plan,
    StepType,
    Stopped,
    Succeeded,
)
from engine.processes.warden import Warden
from engine.steps import step_types
from engine.steps.http import HttpSettings
from engine.steps.shell import ShellSettings

CALL = Call("run-1", "steps/0", 1, "6551f3888713372ad1054d57")
X = Unknown("steps.a.body")
# The least that each takes, then everything it takes; none of it known yet.
UNKNOWN: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "http": (
        {"url": X},
        {
            "url": X,
            "method": X,
            "params": {"a": X},
            "headers": {"A": X},
            "json": [X],
            "basic_auth": {"user": X, "password": X},
            "follow_redirects": X,
            "max_body": X,
            "expect": "status == `200`",
        },
    ),
    "shell": (
        {"argv": X},
        {
            "argv": [X, X],
            "env": {"A": X},
            "cwd": X,
            "stdin": X,
            "parse": X,
            "max_output": X,
            "exit_codes": X,
        },
    ),
    "flashduty": ({"call": X}, {"call": X, "incident_ids": X, "comment": X}),
    "wait": ({"duration": X}, {"duration": X}),
    "set": ({}, {"a": X, "b": [X]}),
    "stop": ({}, {"status": X, "reason": X}),
    "approve": ({"ask": X}, {"ask": X, "within": X, "otherwise": X}),
}
CASES = [(name, given) for name, cases in UNKNOWN.items() for given in cases]


def no_session() -> aiohttp.ClientSession:
    raise AssertionError("a plan has no effect")


def all_types(folder: Path = Path("/nowhere")) -> dict[str, StepType[Any]]:
    return step_types(
        session=no_session,
        flashduty=FlashdutyClient(no_session, "http://nowhere.invalid", "key"),
        shell=ShellSettings({}, folder, 1000, Warden("offline", print)),
        http=HttpSettings(1000),
    )


def test_every_step_type_is_known_to_these_tests() -> None:
    assert all_types().keys() == UNKNOWN.keys()


@pytest.mark.parametrize("name", UNKNOWN)
def test_every_member_of_the_promise_is_there(name: str) -> None:
    step_type = all_types()[name]
    assert issubclass(step_type.parameters, Parameters)
    assert step_type.timeout is None or step_type.timeout > 0
    assert inspect.iscoroutinefunction(step_type.perform)
    for member in ("plan", "foretell", "harmless_to_repeat", "perform"):
        promised = inspect.signature(getattr(StepType, member)).parameters
        kept = inspect.signature(getattr(type(step_type), member)).parameters
        assert list(kept) == list(promised)


@pytest.mark.parametrize("name", UNKNOWN)
def test_its_parameters_are_frozen_and_its_shorthand_is_one_of_them(name: str) -> None:
    parameters = all_types()[name].parameters
    assert parameters.model_config["frozen"]
    assert parameters.shorthand is None or parameters.shorthand in parameters.model_fields
    assert parameters.constants <= parameters.model_fields.keys()


@pytest.mark.parametrize("name", UNKNOWN)
def test_its_manual_page_is_in_its_file(name: str) -> None:
    step_type = all_types()[name]
    module = inspect.getmodule(type(step_type))
    assert module is not None
    assert (module.__doc__ or "").startswith(f"`{name}: ")
    assert step_type.parameters.__doc__


@pytest.mark.parametrize(("name", "given"), CASES)
def test_a_plan_works_before_anything_is_known(name: str, given: dict[str, Any]) -> None:
    step_type = all_types()[name]
    plan = step_type.plan(step_type.parameters.model_validate(given), CALL)
    assert isinstance(plan, Plan)
    assert "\n" not in plan.summary
    assert "******" in str(plan.details) if "basic_auth" in given else True


@pytest.mark.parametrize(("name", "given"), CASES)
def test_each_single_parameter_may_be_unknown(name: str, given: dict[str, Any]) -> None:
    step_type = all_types()[name]
    for key in given:
        least = {**UNKNOWN[name][0], key: X}
        parameters = step_type.parameters.model_validate(least)
        assert step_type.plan(parameters, CALL).summary


@pytest.mark.parametrize(("name", "given"), CASES)
def test_a_plan_has_no_effect(name: str, given: dict[str, Any], tmp_path: Path) -> None:
    step_type = all_types(tmp_path)[name]
    parameters = step_type.parameters.model_validate(given)
    before = repr(parameters), sorted(tmp_path.iterdir())
    assert str(step_type.plan(parameters, CALL)) == str(step_type.plan(parameters, CALL))
    assert (repr(parameters), sorted(tmp_path.iterdir())) == before


@pytest.mark.parametrize(("name", "given"), CASES)
def test_what_is_unknown_can_be_foretold_or_not_but_never_raises(
    name: str, given: dict[str, Any]
) -> None:
    step_type = all_types()[name]
    parameters = step_type.parameters.model_validate(given)
    told = step_type.foretell(parameters)
    assert told is None or isinstance(told, Succeeded | Failed | Paused | Stopped | Asks)
    assert step_type.harmless_to_repeat(parameters) in (True, False)


@pytest.mark.parametrize(("name", "given"), CASES)
def test_what_may_not_be_repeated_is_not_foretold(name: str, given: dict[str, Any]) -> None:
    step_type = all_types()[name]
    parameters = step_type.parameters.model_validate(given)
    if not step_type.harmless_to_repeat(parameters):
        assert step_type.foretell(parameters) is None


def test_the_idempotency_key_is_the_same_on_every_attempt() -> None:
    keys = {Call("run-1", "steps/3[0]/1", attempt).idempotency_key for attempt in (1, 2, 3)}
    assert keys == {"run-1:steps/3[0]/1"}
