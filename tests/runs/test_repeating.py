"""From where a run that is over can be carried out again."""

from dataclasses import replace

import pytest

from engine.events.event import LABEL_MAPPING
from engine.problem import EngineError
from engine.runs.repeating import done_before, paths_within
from engine.runs.run import Outcome, RunState, StepRecord
from tests.runs.fakes import NOW, a_playbook, a_run, an_event

PLAYBOOK = a_playbook("""\
steps:
  - {id: a, probe: a}
  - {id: may, probe: b, continue_on_error: true}
  - {id: side, parallel: [[{probe: c}], [{probe: d}]]}
  - {id: last, probe: e}
finally: [{probe: f}]
""")
EVENT = an_event()
DONE, FAILED, UNKNOWN = Outcome.SUCCEEDED, Outcome.FAILED, Outcome.UNKNOWN


def past(*outcomes: tuple[str, Outcome]) -> list[StepRecord]:
    return [
        StepRecord(path=path, attempt=1, type="probe", ended=NOW, outcome=outcome)
        for path, outcome in outcomes
    ]


PAST = past(
    *(("steps/0", DONE), ("steps/1", FAILED), ("steps/2[0]/0", DONE), ("steps/2[1]/0", FAILED)),
    *(("steps/2", FAILED), ("finally/0", DONE)),
)


def done(
    records: list[StepRecord], wanted: str | None = None, state: RunState = RunState.FAILED
) -> list[str]:
    run = replace(a_run("RUN1", PLAYBOOK, EVENT), state=state)
    return [step.path for step in done_before(run, EVENT, PLAYBOOK, records, wanted)]


def refused(
    state: RunState, wanted: str | None = None, source: str = "custom-action"
) -> tuple[str, str | None]:
    run = replace(a_run("RUN1", PLAYBOOK, EVENT), state=state, reason="cooldown")
    with pytest.raises(EngineError) as refusal:
        done_before(run, replace(EVENT, source=source), PLAYBOOK, PAST, wanted)
    (problem,) = refusal.value.problems
    return problem.message, problem.hint


def test_it_goes_on_with_the_first_step_that_was_not_done() -> None:
    assert done(PAST) == ["steps/0", "steps/1"]
    assert done([]) == []
    assert done(past(("steps/0", UNKNOWN))) == []
    assert done(past(("steps/0", Outcome.SKIPPED)), state=RunState.CANCELLED) == ["steps/0"]


def test_the_last_attempt_is_the_one_that_counts() -> None:
    assert done(past(("steps/0", FAILED), ("steps/0", DONE))) == ["steps/0"]


def test_a_stop_is_never_behind_it() -> None:
    (stopped,) = past(("steps/0", DONE))
    assert done([replace(stopped, stops=True)]) == []


def test_where_all_steps_were_done_only_what_comes_after_them_is_left() -> None:
    whole = past(*((f"steps/{number}", DONE) for number in range(4)))
    assert done([*whole, *past(("finally/0", FAILED))]) == [f"steps/{n}" for n in range(4)]


@pytest.mark.parametrize("wanted", ["may", "steps/1"])
def test_an_earlier_step_can_be_named_by_id_or_path(wanted: str) -> None:
    assert done(PAST, wanted) == ["steps/0"]
    assert done(PAST, wanted, RunState.SUCCEEDED) == ["steps/0"]


def test_what_was_not_done_is_not_passed_over() -> None:
    assert refused(RunState.FAILED, "last") == (
        "step 'last' comes after 'side' (steps/2), which was not done",
        "go on from there: --from side",
    )


def test_a_step_that_is_not_on_top_is_none() -> None:
    assert refused(RunState.FAILED, "sid") == (
        "playbook p has no step 'sid' on top of `steps`",
        "did you mean 'side'?",
    )
    assert refused(RunState.FAILED, "steps/2[0]/0")[0].startswith("playbook p has no step")


def test_only_what_is_over_and_was_begun_is_repeated() -> None:
    assert refused(RunState.WAITING)[0] == "run RUN1 is not over: it is waiting"
    assert refused(RunState.SKIPPED) == (
        "run RUN1 was skipped: cooldown",
        "`engine events replay EVENT1` has the event once more",
    )
    assert refused(RunState.SUCCEEDED) == (
        "run RUN1 succeeded: there is nothing to go on with",
        "--from STEP carries it out again from a step on",
    )
    assert refused(RunState.FAILED, source=LABEL_MAPPING)[0] == (
        "run RUN1 answered a call for labels: nobody waits for its answer any more"
    )


def test_what_is_inside_a_step_goes_with_it() -> None:
    assert paths_within(PLAYBOOK.steps[:3], PAST) == [
        *("steps/0", "steps/1", "steps/2[0]/0", "steps/2[1]/0", "steps/2"),
    ]
    assert paths_within(PLAYBOOK.steps[:1], PAST) == ["steps/0"]
