"""From a step and a document to parameters, or to one sentence that names what is wrong."""

from typing import Any

import pytest
from pydantic import ValidationError

from engine.playbooks.playbook import Step
from engine.playbooks.step_type import StepType
from engine.playbooks.template import RenderError
from engine.runs.rendering import rendered, rendering_error
from engine.steps.shell import Shell, ShellParameters
from engine.steps.wait import Wait
from tests.runs.fakes import Probe, ProbeParameters, a_playbook


def a_step(text: str) -> Step:
    return a_playbook(f"steps: [{text}]").steps[0]


def said_of(step: Step, step_type: StepType[Any], document: dict[str, Any]) -> str:
    with pytest.raises((RenderError, ValidationError)) as refused:
        rendered(step, step_type, document)
    return rendering_error(step, refused.value)


def test_parameters_are_rendered_and_checked() -> None:
    step = a_step('{probe: {say: "hello {{ labels.who }}", n: "{{ 1 + 1 }}"}}')
    parameters = rendered(step, Probe(), {"labels": {"who": "you"}})
    assert isinstance(parameters, ProbeParameters)
    assert (parameters.say, parameters.model_extra) == ("hello you", {"n": 2})


def test_a_text_that_says_less_than_a_type_wants_is_converted_as_in_the_file() -> None:
    assert rendered(a_step('{wait: "{{ labels.t }}"}'), Wait(), {"labels": {"t": "90s"}}) == (
        Wait.parameters(duration="1m30s")
    )


def test_what_is_not_there_is_named_with_its_parameter() -> None:
    step = a_step('{probe: "{{ labels.resorce }}"}')
    assert said_of(step, Probe(), {"labels": {"resource": "h"}}) == (
        "probe.say: 'resorce' is not there (did you mean 'resource'?)"
    )


def test_deep_inside_a_parameter_the_whole_way_is_named() -> None:
    step = a_step('{probe: {body: {hosts: [a, "{{ labels.x }}"]}}}')
    assert said_of(step, Probe(), {"labels": {}}) == (
        "probe.body.hosts.1: 'x' is not there (the mapping is empty)"
    )


def test_a_value_that_the_step_type_does_not_take_is_shown() -> None:
    step = a_step('{wait: "{{ labels.t }}"}')
    assert said_of(step, Wait(), {"labels": {"t": "soon"}}) == (
        "wait.duration: a duration is written like 500ms, 90s, 10m or 1h30m, not 'soon' "
        "(it is 'soon')"
    )


def test_a_long_value_is_shown_whole() -> None:
    """It is masked before it is shortened: half of a secret would not be recognised."""
    step = a_step('{wait: "{{ labels.t }}"}')
    said = said_of(step, Wait(), {"labels": {"t": ["x" * 200]}})
    assert said.endswith(f"(it is ['{'x' * 200}'])")


def test_a_complaint_about_the_whole_step_names_the_step_type() -> None:
    step = Step("steps/0", "shell", {"argv": []})
    with pytest.raises(ValidationError) as refused:
        ShellParameters.model_validate({"argv": []})
    assert rendering_error(step, refused.value) == "shell: the list is empty (it is {'argv': []})"
    assert Shell.parameters is ShellParameters


def test_an_error_without_a_place_names_the_step_type() -> None:
    step = a_step("{probe: a}")
    assert rendering_error(step, RenderError("secret X: not set")) == "probe: secret X: not set"


def test_a_sentence_that_pydantic_wraps_is_unwrapped() -> None:
    step = a_step("{wait: 1s}")
    with pytest.raises(ValidationError) as refused:
        Wait.parameters.model_validate({"duration": "1s", "more": 1})
    assert rendering_error(step, refused.value) == (
        "wait.more: extra inputs are not permitted (it is 1)"
    )
