"""A flashduty step is checked against the catalogue: at load, and again before anything is sent."""

from typing import Any, Final

import aiohttp
import pytest

from engine.flashduty.client import FlashdutyClient
from engine.flashduty.operations import OPERATIONS
from engine.playbooks.deferred import Unknown
from engine.playbooks.load import Loader
from engine.playbooks.playbook import Step
from engine.playbooks.step_type import Call
from engine.playbooks.template import RenderError
from engine.problem import EngineError
from engine.runs.rendering import rendered, rendering_error
from engine.steps.flashduty import Flashduty, FlashdutyParameters

INCIDENT: Final = "6551f3888713372ad1054d57"
CALL: Final = Call("run-1", "steps/0", 1, INCIDENT)


def no_session() -> aiohttp.ClientSession:
    raise AssertionError("nothing is sent here")


FLASHDUTY: Final = Flashduty(FlashdutyClient(no_session, "http://nowhere.invalid", None))
LOADER: Final = Loader({"flashduty": FLASHDUTY})


def loaded(parameters: str) -> Step:
    text = f"name: a\ntrigger: {{}}\nsteps:\n  - flashduty: {parameters}\n"
    return LOADER.load(text, "a.yaml").steps[0]


def problems(parameters: str) -> list[str]:
    with pytest.raises(EngineError) as refused:
        loaded(parameters)
    return [f"{one.code}: {one.message}" for one in refused.value.problems]


def refusal(parameters: str, **document: Any) -> str:
    """Give the sentence the step fails with before anything is sent."""
    step = loaded(parameters)
    with pytest.raises(RenderError) as refused:
        rendered(step, FLASHDUTY, document)
    return rendering_error(step, refused.value)


def sent(parameters: str, **document: Any) -> Any:
    return FLASHDUTY.plan(rendered(loaded(parameters), FLASHDUTY, document), CALL).details["body"]


@pytest.mark.parametrize(
    "parameters",
    [
        "incident/ack",
        "/incident/ack/",
        "{call: incident/ack, incident_ids: [6551f3888713372ad1054d57]}",
        "{call: incident/comment, comment: Done, mute_reply: null}",
        '{call: incident/comment, comment: "{{ labels.anything }}"}',
        '{call: incident/assign, assigned_to: "{{ vars.to }}"}',
        '{call: status-page/change/active/list, page_id: "5", type: incident}',
        "{call: status-page/template/list, whatever: 5}",
        "{call: status-page/component/upsert, page_id: 5, components: [{name: A, hide_a: true}]}",
        '{call: "{{ vars.path }}", unchecked: true}',
        "{call: incident/new-thing, unchecked: true, a: [1]}",
        "{call: incident/comment, unchecked: true, coment: 5}",
        f"{{call: incident/comment, comment: {'x' * 1025}, truncate: true}}",
    ],
)
def test_what_flashduty_would_take_loads(parameters: str) -> None:
    assert loaded(parameters).type == "flashduty"


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ("incident/comment", ["missing-parameter: 'comment' is required"]),
        (
            "{call: incident/ack, incident_ids: null}",
            ["missing-parameter: 'incident_ids' is required"],
        ),
        (
            "{call: incident/ack, incident_id: 6551f3888713372ad1054d57}",
            ["unknown-parameter: 'incident_id' is no parameter here"],
        ),
        (
            "{call: change/list, start_time: 5}",
            ["missing-parameter: 'end_time' is required"],
        ),
        (
            '{call: status-page/change/info, page_id: "5", change_id: "6x"}',
            ["wrong-value: 'change_id' must be an integer, not '6x'"],
        ),
        (
            '{call: incident/snooze, minutes: "{{ vars.m }}", minute: 5}',
            ["unknown-parameter: 'minute' is no parameter here"],
        ),
    ],
)
def test_what_is_written_out_is_checked_at_load(parameters: str, said: list[str]) -> None:
    assert problems(parameters) == said


@pytest.mark.parametrize(
    ("parameters", "document", "said"),
    [
        (
            '{call: incident/snooze, minutes: "{{ vars.m }}"}',
            {"vars": {"m": "30"}},
            (
                "flashduty.minutes: must be an integer, not '30' "
                "(leave out the quotes; in a template, end with `| int`)"
            ),
        ),
        (
            '{call: incident/comment, comment: "{{ vars.c }}"}',
            {"vars": {"c": "x" * 1100}},
            (
                "flashduty.comment: must have at most 1024 characters "
                "(it has 1100; `truncate: true` cuts it)"
            ),
        ),
        (
            '{call: incident/comment, comment: "{{ vars.c }}"}',
            {"vars": {"c": None}},
            "flashduty.comment: is required",
        ),
        (
            '{call: incident/assign, assigned_to: "{{ vars.to }}"}',
            {"vars": {"to": {"type": "asign", "person_ids": [1]}}},
            (
                "flashduty.assigned_to.type: must be one of assign, reassign, escalate, reopen, "
                "not 'asign' (did you mean 'assign'?)"
            ),
        ),
        (
            '{call: incident/assign, assigned_to: "{{ vars.to }}"}',
            {"vars": {"to": {"persons": [1]}}},
            ("flashduty.assigned_to.persons: is no parameter here (did you mean 'person_ids'?)"),
        ),
        (
            '{call: status-page/change/active/list, page_id: "{{ vars.p }}", type: incident}',
            {"vars": {"p": "five"}},
            "flashduty.page_id: must be an integer, not 'five'",
        ),
    ],
)
def test_what_is_rendered_is_checked_before_it_is_sent(
    parameters: str, document: dict[str, Any], said: str
) -> None:
    assert refusal(parameters, **document) == said


@pytest.mark.parametrize("page", [5, "5"])
def test_a_query_takes_an_integer_as_text_too(page: object) -> None:
    call = '{call: status-page/change/active/list, page_id: "{{ vars.p }}", type: incident}'
    assert sent(call, vars={"p": page}) == {"page_id": page, "type": "incident"}


def test_a_rendered_null_is_absent() -> None:
    call = '{call: incident/comment, comment: Done, mute_reply: "{{ vars.m }}"}'
    body = {"comment": "Done", "mute_reply": None, "incident_ids": [INCIDENT]}
    assert sent(call, vars={"m": None}) == body


def test_what_a_rehearsal_does_not_know_is_not_complained_of() -> None:
    call = '{call: incident/snooze, minutes: "{{ vars.m }}"}'
    minutes = Unknown("steps.a.body.minutes")
    assert sent(call, vars={"m": minutes})["minutes"] is minutes


def test_a_text_that_is_cut_goes_out_and_is_shown_at_its_limit() -> None:
    call = '{call: incident/comment, truncate: true, comment: "{{ vars.c }}"}'
    assert sent(call, vars={"c": "x" * 1100}) == {
        "comment": "x" * 1023 + "…",
        "incident_ids": [INCIDENT],
    }


def test_cutting_mends_only_what_is_too_long() -> None:
    call = '{call: incident/reset, truncate: true, title: "{{ vars.t }}", impact: "{{ vars.t }}"}'
    assert refusal(call, vars={"t": "no"}) == (
        "flashduty.title: must have at least 3 characters, not 'no'"
    )


def test_an_unchecked_call_keeps_what_is_known_of_its_operation() -> None:
    call = "{call: incident/comment, unchecked: true, coment: 5}"
    assert sent(call) == {"coment": 5, "incident_ids": [INCIDENT]}
    parameters = FlashdutyParameters.model_validate({"call": "incident/ack", "unchecked": True})
    assert FLASHDUTY.harmless_to_repeat(parameters)


def test_an_unchecked_call_may_be_cut_where_its_limits_are_known() -> None:
    call = f"{{call: incident/comment, unchecked: true, truncate: true, comment: {'x' * 1100}}}"
    assert len(sent(call)["comment"]) == 1024


def test_an_unchecked_call_of_a_template_is_not_asked_for_limits_at_load() -> None:
    call = '{call: "{{ vars.path }}", unchecked: true, truncate: true, a: "{{ vars.path }}"}'
    assert sent(call, vars={"path": "incident/comment"})["a"] == "incident/comment"


def test_a_key_that_is_secret_is_no_text_that_is_cut() -> None:
    call = (
        '{call: event/push/change/standard, integration_key: "{{ secrets.K }}", truncate: true, '
        "change_key: deploy-1, title: Rollback, change_status: Done}"
    )
    parameters = rendered(loaded(call), FLASHDUTY, {"secrets": {"K": "k"}})
    assert parameters.given["integration_key"] == "k"


def test_no_operation_takes_a_parameter_that_the_step_keeps_for_itself() -> None:
    own = set(FlashdutyParameters.model_fields)
    assert own == {"call", "unchecked", "truncate"}
    assert [path for path, one in OPERATIONS.items() if own & one.takes.keys()] == []
