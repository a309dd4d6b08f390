"""What a run would not come to is listed, with what it would take."""

import pytest

from engine.rehearsal.dry_run import Rehearsal, rehearse
from tests.runs.fakes import Probe, a_playbook, an_event, step_types


def rehearsed(text: str) -> Rehearsal:
    return rehearse(
        a_playbook(text),
        an_event(),
        config={},
        secrets=frozenset(),
        step_types=step_types(Probe()),
    )


def left(text: str) -> list[tuple[str, str]]:
    return [(one.step.path, one.reason) for one in rehearsed(text).unreached]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("steps: [{probe: a}]\nfinally: [{probe: b}]", []),
        (
            "steps: [{id: gate, stop: enough}, {probe: a}, {probe: b}]\non_failure: [{probe: c}]",
            [
                ("steps/1", "gate (steps/0) stops the playbook before it"),
                ("steps/2", "gate (steps/0) stops the playbook before it"),
                ("on_failure/0", "only if a step fails"),
            ],
        ),
        (
            (
                "steps: [{id: a, probe: '{{ labels.no }}'}, {probe: b}]\n"
                "on_failure: [{stop: done}, {probe: c}]\nfinally: [{probe: d}]"
            ),
            [
                ("steps/1", "a (steps/0) would fail before it"),
                ("on_failure/1", "stop (on_failure/0) stops the playbook before it"),
            ],
        ),
        (
            "steps: [{id: a, probe: '{{ labels.no }}', continue_on_error: true}, {probe: b}]",
            [],
        ),
        (
            "vars: {a: '{{ labels.no }}'}\nsteps: [{probe: a}]\nfinally: [{probe: b}]",
            [("steps/0", "`vars` could not be rendered")],
        ),
        (
            (
                "steps:\n- parallel:\n  - [{stop: x}, {probe: a}]\n  - [{probe: b}, {probe: c}]\n"
                "- {probe: d}"
            ),
            [
                ("steps/0[0]/1", "stop (steps/0[0]/0) stops the playbook before it"),
                ("steps/0[1]/1", "another branch ends before it"),
                ("steps/1", "stop (steps/0[0]/0) stops the playbook before it"),
            ],
        ),
        ("steps: [{parallel: [[{probe: a}]], when: labels.no}, {foreach: 'alerts', probe: x}]", []),
        (
            "on_resolved: [{probe: back}]\nsteps: [{probe: a}]",
            [("on_resolved/0", "only if the incident is closed meanwhile")],
        ),
    ],
)
def test_a_step_says_why_it_is_not_come_to(text: str, told: list[tuple[str, str]]) -> None:
    assert left(text) == told


def test_a_stop_that_nobody_knows_of_yet_leaves_the_rest_to_be_seen() -> None:
    rehearsal = rehearsed(
        "steps: [{id: a, probe: look}, {when: steps.a.bad, stop: {status: failed}}, {probe: b}]"
    )
    assert rehearsal.succeeds
    assert rehearsal.unreached == ()
    assert [step.outcome for step in rehearsal.steps] == ["performed"] * 3
    assert str(rehearsal.steps[1].reason).endswith("; what follows is as if it did not stop here")


def test_the_json_of_one_has_these_keys() -> None:
    rehearsal = rehearsed("steps: [{stop: x}, {id: a, name: A, probe: a}]")
    assert rehearsal.as_json()["unreached"] == [
        {
            "path": "steps/1",
            "id": "a",
            "name": "A",
            "type": "probe",
            "reason": "stop (steps/0) stops the playbook before it",
        }
    ]
