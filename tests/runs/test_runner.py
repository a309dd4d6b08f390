"""A run is carried out step by step, and the ledger knows of each before the next."""

import asyncio
import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from engine.playbooks.step_type import (
    Call,
    Failed,
    Paused,
    Report,
    Stopped,
    Succeeded,
    Uncertain,
)
from engine.runs.attempt import LONGEST, shortened
from engine.runs.change import RunBegin, RunMove, StepPause, StepStart
from engine.runs.conduct import MASKED_VALUE
from engine.runs.control import Control
from engine.runs.fact import Began, Settled, Started
from engine.runs.fact import Paused as PausedFact
from engine.runs.happening import (
    Happening,
    RunMoved,
    StepSettled,
    StepStarted,
)
from engine.runs.redaction import MASK, MAX_DEPTH, TOO_DEEP
from engine.runs.run import Outcome, Run, RunState, StepRecord
from engine.store.records import RunRecord, open_records
from tests.runs.fakes import NOW, PATIENCE, Clock, Stage, a_playbook, an_event

EVENT = an_event()
SECRET = "hunter2-and-more"


def found(database: Path, statement: str) -> list[tuple[Any, ...]]:
    """What somebody else finds in the file right now."""
    with closing(sqlite3.connect(database)) as db:
        return db.execute(statement).fetchall()


def record_of(database: Path, id_: str = "RUN1") -> RunRecord:
    with open_records(database) as records:
        return records.run(id_)


def story_of(stage: Stage, text: str, **rest: Any) -> Run:
    """Queue a run of this playbook and carry it out."""
    playbook = a_playbook(text)

    async def story() -> Run:
        run = await stage.queue(playbook, EVENT)
        return await stage.carry_out(run, playbook, EVENT, **rest)

    return asyncio.run(story())


def outcomes(steps: Any) -> list[tuple[str, int, str | None]]:
    return [
        (step.path, step.attempt, step.outcome.value if step.outcome else None) for step in steps
    ]


# In order, and recorded


def test_a_run_goes_through_its_steps_to_its_end(stage: Stage, database: Path) -> None:
    run = story_of(stage, "steps: [{probe: one}, {id: b, probe: two}]\nfinally: [{probe: three}]")
    assert run.state is RunState.SUCCEEDED
    assert stage.probe.said == ["one", "two", "three"]
    kept = record_of(database)
    assert kept.run == run
    assert outcomes(kept.steps) == [
        ("steps/0", 1, "succeeded"),
        ("steps/1", 1, "succeeded"),
        ("finally/0", 1, "succeeded"),
    ]
    assert [step.plan for step in kept.steps] == ["say one", "say two", "say three"]
    assert kept.steps[1].id == "b"
    assert stage.told.states == [("RUN1", RunState.RUNNING), ("RUN1", RunState.SUCCEEDED)]


def test_started_is_committed_before_a_step_is_performed_and_its_outcome_before_the_next(
    stage: Stage, database: Path
) -> None:
    seen: list[list[tuple[Any, ...]]] = []

    async def looks(_: Call) -> Report:
        seen.append(found(database, "SELECT path, started, plan, outcome FROM steps ORDER BY seq"))
        assert found(database, "SELECT state FROM runs") == [("running",)]
        stage.clock.jump(1)
        return Succeeded()

    stage.probe.answer("steps/0", looks)
    stage.probe.answer("steps/1", looks)
    story_of(stage, "steps: [{probe: one}, {probe: two}]")
    assert seen == [
        [("steps/0", NOW, "say one", None)],
        [("steps/0", NOW, "say one", "succeeded"), ("steps/1", NOW + 1, "say two", None)],
    ]


def test_whoever_watches_hears_of_a_step_only_when_it_is_kept(stage: Stage, database: Path) -> None:
    heard: list[tuple[str, Any]] = []

    def listen(happening: Happening) -> None:
        match happening:
            case StepStarted():
                heard.append(("started", found(database, "SELECT outcome FROM steps")))
            case StepSettled():
                heard.append(("settled", found(database, "SELECT outcome FROM steps")))
            case RunMoved(run):
                assert found(database, "SELECT state FROM runs") == [(run.state.value,)]
            case _:  # pragma: no cover
                raise AssertionError(happening)

    stage.told.listeners.append(listen)
    story_of(stage, "steps: [{probe: one}]")
    assert heard == [("started", [(None,)]), ("settled", [("succeeded",)])]


def test_a_step_sees_the_results_before_it_and_vars(stage: Stage) -> None:
    stage.probe.answer("steps/0", Succeeded({"n": 41}, variables={"host": "h2"}))
    story_of(
        stage,
        'vars: {host: "{{ labels.resource }}", url: "http://{{ vars.host }}"}\n'
        'steps: [{id: a, probe: "{{ vars.url }}"}, '
        '{probe: "{{ steps.a.n + 1 }} {{ vars.host }} {{ run.id }} {{ run.attempt }}"}]',
    )
    assert stage.probe.said == ["http://es.nj.01", "42 h2 RUN1 1"]


def test_a_step_type_is_told_which_step_of_which_run_about_which_incident(stage: Stage) -> None:
    calls: list[Call] = []

    async def looks(call: Call) -> Report:
        calls.append(call)
        stage.clock.jump(3)
        return Failed("once more")

    stage.probe.answer("steps/0", looks, looks)
    story_of(stage, "steps: [{probe: a, timeout: 7s, retry: {attempts: 2, delay: 0s}}]")
    incident = "6551f3888713372ad1054d57"
    assert calls == [
        Call("RUN1", "steps/0", 1, incident, started=NOW, limit=7.0),
        Call("RUN1", "steps/0", 2, incident, started=NOW + 3, limit=7.0),
    ]
    assert {call.idempotency_key for call in calls} == {"RUN1:steps/0"}


def test_a_skipped_step_is_kept_with_what_decided_it_and_never_started(
    stage: Stage, database: Path
) -> None:
    story_of(stage, "steps: [{probe: a, when: labels.go}]")
    assert stage.probe.calls == []
    (step,) = record_of(database).steps
    assert (step.outcome, step.error, step.started) == (
        Outcome.SKIPPED,
        "labels.go is null",
        None,
    )
    assert stage.told.started == []


def test_a_failing_step_is_tried_again_after_its_delay(stage: Stage, database: Path) -> None:
    stage.probe.answer("steps/0", Failed("one"), Failed("two", {"status": 500}))
    run = story_of(
        stage,
        "steps: [{probe: a, retry: {attempts: 3, delay: 10s, backoff: 2}}]",
        while_waiting=lambda: stage.clock.jump(20),
    )
    assert run.state is RunState.SUCCEEDED
    assert outcomes(record_of(database).steps) == [
        ("steps/0", 1, "failed"),
        ("steps/0", 2, "failed"),
        ("steps/0", 3, "succeeded"),
    ]
    assert [state.value for _, state in stage.told.states] == [
        "running",
        "waiting",
        "running",
        "waiting",
        "running",
        "succeeded",
    ]
    reasons = [h.run.reason for h in stage.told.happenings if isinstance(h, RunMoved)]
    assert str(reasons[1]).startswith("probe: until the next attempt (20")


def test_stop_ends_the_run_with_its_reason(stage: Stage, database: Path) -> None:
    run = story_of(stage, "steps: [{stop: not ours}, {probe: b}]\nfinally: [{probe: c}]")
    assert (run.state, run.reason) == (RunState.SUCCEEDED, "not ours")
    assert stage.probe.calls == [("finally/0", 1)]
    assert record_of(database).steps[0].stops


def test_stop_as_failed_goes_on_with_on_failure(stage: Stage) -> None:
    stage.probe.answer("steps/0", Stopped(succeeded=False, reason="too risky"))
    run = story_of(
        stage,
        "steps: [{id: gate, probe: a}]\n"
        'on_failure: [{probe: "{{ run.failed_step }}: {{ run.error }}"}]',
    )
    assert (run.state, run.reason) == (RunState.FAILED, "gate: too risky")
    assert stage.probe.said[1] == "gate: too risky"


# What fails before any effect


def test_a_name_that_is_not_there_fails_the_step_before_any_effect(
    stage: Stage, database: Path
) -> None:
    run = story_of(
        stage, 'steps: [{id: a, probe: "{{ labels.nope }}", retry: {attempts: 5}}, {probe: b}]'
    )
    assert (run.state, run.reason) == (
        RunState.FAILED,
        "a: probe.say: 'nope' is not there (known here: resource)",
    )
    assert stage.probe.calls == []
    (step,) = record_of(database).steps
    assert (step.started, step.outcome, step.retryable) == (None, Outcome.FAILED, False)


def test_a_value_that_the_step_type_refuses_fails_the_step_before_any_effect(
    stage: Stage,
) -> None:
    run = story_of(stage, 'steps: [{wait: "{{ labels.resource }}"}]')
    assert run.state is RunState.FAILED
    assert run.reason is not None
    assert run.reason.startswith("steps/0: wait.duration: a duration is written like")


def test_vars_that_cannot_be_rendered_fail_the_run_before_any_step(
    stage: Stage, database: Path
) -> None:
    run = story_of(
        stage,
        'vars: {one: "1", two: "{{ labels.nope }}", three: "3"}\n'
        'steps: [{probe: a}]\non_failure: [{probe: "{{ run.error }}"}]',
    )
    said = "two: 'nope' is not there (known here: resource)"
    assert (run.state, run.reason) == (RunState.FAILED, f"vars: {said}")
    assert stage.probe.said == [said]
    kept = record_of(database)
    assert (kept.variables, kept.variables_error) == ({"one": "1"}, said)


# Faults and times


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (KeyError("x"), "KeyError: 'x' (this is a fault of the step type)"),
        (TimeoutError("of its own"), "TimeoutError: of its own"),
    ],
)
def test_a_step_type_that_raises_fails_its_step(stage: Stage, error: Exception, said: str) -> None:
    stage.probe.answer("steps/0", error)
    run = story_of(stage, "steps: [{id: a, probe: a}]")
    assert (run.state, run.reason) == (RunState.FAILED, f"a: {said}")


async def hangs(_: Call) -> Report:
    await asyncio.Event().wait()
    raise AssertionError


def test_a_step_that_takes_too_long_is_cut_and_has_failed(stage: Stage) -> None:
    stage.probe.answer("steps/0", hangs, Succeeded())
    run = story_of(
        stage, "steps: [{id: a, probe: a, timeout: 10ms, retry: {attempts: 2, delay: 0s}}]"
    )
    assert run.state is RunState.SUCCEEDED
    assert [fact.error for fact in stage.told.settled] == ["timed out after 10ms", None]


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("steps: [{probe: a}]", 3600.0),
        ("timeout: 5s\nsteps: [{probe: a, timeout: 1m}]", 5.0),
        ("steps: [{probe: a, timeout: 1m}]", 60.0),
        ("steps: [{set: {x: 1}}]\nfinally: [{probe: a}]", None),
    ],
)
def test_a_step_type_is_told_how_long_it_has(stage: Stage, text: str, limit: float | None) -> None:
    limits: list[float | None] = []

    async def looks(call: Call) -> Report:
        limits.append(call.limit)
        return Succeeded()

    stage.probe.answer("steps/0", looks)
    stage.probe.answer("finally/0", looks)
    story_of(stage, text)
    assert limits == [limit]


def test_a_step_type_that_cannot_say_what_it_did_leaves_the_outcome_unknown(
    stage: Stage, database: Path
) -> None:
    stage.probe.answer("steps/0", Uncertain("lost; look there", {"code": "BrokenExchange"}))
    run = story_of(
        stage,
        "steps: [{id: a, probe: a, retry: {attempts: 3, delay: 0s}}]\n"
        "on_failure: [{probe: '{{ run.failed_step }}: {{ run.error }} ({{ steps.a.code }})'}]",
    )
    said = "its outcome is unknown: lost; look there"
    assert (run.state, run.reason) == (RunState.FAILED, f"a: {said}")
    assert stage.probe.said == ["a", f"a: {said} (BrokenExchange)"]
    first = record_of(database).steps[0]
    assert (first.outcome, first.attempt, first.retryable) == (Outcome.UNKNOWN, 1, False)
    assert (first.error, first.result) == ("lost; look there", {"code": "BrokenExchange"})


def test_a_step_type_that_is_cut_may_still_say_what_it_knows(stage: Stage) -> None:
    async def says(call: Call) -> Report:
        try:
            return await hangs(call)
        except asyncio.CancelledError:
            return Uncertain("it was on its way")

    stage.probe.answer("steps/0", says)
    run = story_of(
        stage, "steps: [{probe: a, timeout: 10ms, retry: {attempts: 2, delay: 0s}}, {probe: b}]"
    )
    assert run.reason == "steps/0: its outcome is unknown: it was on its way"
    assert stage.probe.calls == [("steps/0", 1)]


def test_a_step_that_names_no_timeout_has_its_step_types(stage: Stage) -> None:
    stage.probe.timeout = 0.01
    stage.probe.answer("steps/0", hangs)
    assert story_of(stage, "steps: [{probe: a}]").reason == "steps/0: timed out after 10ms"


@pytest.mark.parametrize("step", ["{probe: a}", "{probe: a, timeout: 1h}"])
def test_no_step_outlasts_the_playbooks_time(stage: Stage, step: str) -> None:
    stage.probe.answer("steps/0", hangs)
    run = story_of(stage, f"timeout: 20ms\nsteps: [{step}]\nfinally: [{{probe: b}}]")
    assert run.state is RunState.FAILED
    assert run.reason == "steps/0: timed out after 20ms"
    assert stage.probe.calls[-1] == ("finally/0", 1)


def test_a_step_that_cleans_up_has_its_own_time_alone(stage: Stage) -> None:
    stage.probe.answer("finally/0", hangs)
    run = story_of(stage, "timeout: 1s\nsteps: [{probe: a}]\nfinally: [{probe: b, timeout: 10ms}]")
    assert run.reason == "finally/0: timed out after 10ms"


PLAN_FAULT = "KeyError: 'x' (this is a fault of the step type)"


def test_a_plan_that_raises_is_a_failed_step_before_any_effect(
    stage: Stage, database: Path
) -> None:
    stage.probe.plan_fault = KeyError("x")
    run = story_of(
        stage,
        "steps: [{id: a, probe: a, retry: {attempts: 3, delay: 0s}}, {probe: b}]\n"
        "on_failure: [{set: {why: '{{ run.error }}'}}]\n"
        "finally: [{id: b, set: {last: '{{ vars.why }}'}}]",
    )
    assert (run.state, run.reason) == (RunState.FAILED, f"a: {PLAN_FAULT}")
    assert (stage.probe.calls, stage.told.started) == (
        [],
        [("on_failure/0", 1), ("finally/0", 1)],
    )
    first, *others = record_of(database).steps
    assert (first.started, first.outcome, first.error, first.retryable) == (
        None,
        Outcome.FAILED,
        PLAN_FAULT,
        False,
    )
    assert outcomes(others) == [("on_failure/0", 1, "succeeded"), ("finally/0", 1, "succeeded")]
    assert others[1].variables == {"last": PLAN_FAULT}


def test_a_plan_that_raises_may_be_passed_over(stage: Stage) -> None:
    stage.probe.plan_fault = KeyError("x")
    run = story_of(stage, "steps: [{probe: a, continue_on_error: true}, {set: {x: 1}}]")
    assert run.state is RunState.SUCCEEDED


def test_a_fault_in_rendering_is_a_failed_step_before_any_effect(stage: Stage) -> None:
    class Broken(dict[str, str]):
        @override
        def __getitem__(self, name: str) -> str:
            raise ZeroDivisionError("by zero")

    stage.secrets = Broken(TOKEN="")
    run = story_of(
        stage, 'steps: [{id: a, probe: "{{ secrets.TOKEN }}"}]\nfinally: [{probe: last}]'
    )
    assert run.state is RunState.FAILED
    assert "ZeroDivisionError: by zero" in (run.reason or "")
    assert stage.probe.said == ["last"]


def test_a_result_that_is_nested_without_end_is_cut_and_the_run_goes_on(
    stage: Stage, database: Path
) -> None:
    deep: Any = "bottom"
    for _ in range(600):
        deep = [deep]
    stage.probe.answer("steps/0", Succeeded({"n": 1, "deep": deep}))
    run = story_of(
        stage, 'steps: [{id: a, probe: one}, {probe: "{{ steps.a.n }} {{ steps.a.deep }}"}]'
    )
    assert run.state is RunState.SUCCEEDED
    assert stage.probe.said[1].startswith("1 [[[")
    assert TOO_DEEP in stage.probe.said[1]
    assert "bottom" not in stage.probe.said[1]
    kept = record_of(database).steps[0].result
    assert kept["n"] == 1
    assert json.dumps(kept["deep"]).count("[") == MAX_DEPTH - 1


def test_long_errors_and_plans_are_cut_in_the_middle(stage: Stage, database: Path) -> None:
    text = "".join(f"{number:04}" for number in range(500))
    stage.probe.answer("steps/0", Failed(text))
    story_of(stage, f"steps: [{{probe: '{text}'}}]")
    (step,) = record_of(database).steps
    half = LONGEST // 2
    assert step.error == f"{text[:half]} ... {text[-half:]}"
    assert step.plan == f"say {text[: half - 4]} ... {text[-half:]}"


def test_a_run_goes_on_with_the_result_that_is_kept_also_where_it_was_cut(
    stage: Stage, database: Path
) -> None:
    stage.probe.answer("steps/0", Succeeded({"exit": 0, "stdout": "o" * 200_000}))
    story_of(stage, "steps: [{id: a, probe: a}, {probe: '{{ steps.a.stdout }}|{{ steps.a.cut }}'}]")
    kept = record_of(database).steps[0].result
    assert len(json.dumps(kept)) <= 64 * 1024
    assert kept["cut"] == "larger than 65536 bytes: stdout (of 200000 characters)"
    assert stage.probe.said[1] == f"{kept['stdout']}|{kept['cut']}"


def test_a_text_of_just_the_limit_is_whole() -> None:
    assert shortened("x" * LONGEST) == "x" * LONGEST
    assert len(shortened("x" * (LONGEST + 1))) == LONGEST + len(" ... ")


# Secrets


def test_secrets_are_masked_wherever_a_run_leaves_traces_and_the_flow_goes_on_masked(
    stage: Stage, database: Path
) -> None:
    stage.secrets = {"TOKEN": SECRET}
    stage.probe.answer(
        "steps/0",
        Failed(f"refused {SECRET}", {"got": SECRET}),
        Succeeded({"echo": f"<{SECRET}>", SECRET: [SECRET]}),
    )
    run = story_of(
        stage,
        "steps:\n"
        '- {id: a, probe: "Bearer {{ secrets.TOKEN }}", retry: {attempts: 2, delay: 0s}}\n'
        '- {id: b, probe: "{{ steps.a.echo }}"}\n',
    )
    assert run.state is RunState.SUCCEEDED
    assert stage.probe.said == [f"Bearer {SECRET}"] * 2 + [f"<{MASK}>"]
    assert SECRET not in repr(stage.told.happenings)
    assert MASK in repr(stage.told.happenings)
    with closing(sqlite3.connect(database)) as db:
        assert SECRET not in "\n".join(db.iterdump())
    kept = record_of(database)
    assert kept.steps[0].error == f"refused {MASK}"
    assert kept.steps[1].result == {"echo": f"<{MASK}>", MASK: [MASK]}
    assert kept.steps[0].plan == f"say Bearer {MASK}"


def test_a_secret_in_why_a_step_could_not_be_rendered_is_masked(stage: Stage) -> None:
    stage.secrets = {"TOKEN": SECRET}
    run = story_of(stage, 'steps: [{wait: "{{ secrets.TOKEN }}"}]')
    assert run.state is RunState.FAILED
    assert SECRET not in (run.reason or "")
    assert f"(it is '{MASK}')" in (run.reason or "")


@pytest.mark.parametrize(
    "value", ["'{{ labels.resource }}'", "['x {{ labels.resource }}']", "{es.nj.01: 1}"]
)
def test_vars_that_carry_a_secret_fail_the_run_before_any_effect(
    stage: Stage, database: Path, value: str
) -> None:
    stage.redactor.learn("es.nj.01")
    run = story_of(
        stage,
        f"vars: {{host: {value}}}\nsteps: [{{probe: '{{{{ vars.host }}}}'}}]\n"
        "finally: [{probe: last}]",
    )
    assert (run.state, run.reason) == (RunState.FAILED, f"vars: {MASKED_VALUE}")
    assert stage.probe.said == ["last"]
    kept = record_of(database)
    assert kept.variables_error == MASKED_VALUE
    assert MASK in repr(kept.variables)
    with closing(sqlite3.connect(database)) as db:
        (began,) = db.execute("SELECT began FROM runs").fetchone()
    assert "es.nj.01" not in began


def test_set_that_carries_a_secret_fails_its_step_and_sets_nothing(
    stage: Stage, database: Path
) -> None:
    stage.secrets = {"TOKEN": SECRET}
    run = story_of(
        stage,
        "vars: {url: as it was}\n"
        "steps:\n"
        '- {id: s, set: {n: 1, url: "http://x/{{ secrets.TOKEN }}"}, '
        "retry: {attempts: 3, delay: 0s}}\n"
        '- {probe: "{{ vars.url }}"}\n'
        "finally:\n"
        '- {probe: "{{ vars.url }} {{ vars.n is defined }}"}\n',
    )
    assert (run.state, run.reason) == (RunState.FAILED, f"s: {MASKED_VALUE}")
    assert stage.probe.said == ["as it was False"]
    first = record_of(database).steps[0]
    assert (first.outcome, first.attempt, first.retryable) == (Outcome.FAILED, 1, False)
    with closing(sqlite3.connect(database)) as db:
        assert SECRET not in "\n".join(db.iterdump())


@pytest.mark.parametrize(
    "value", ["{{ ('a', 'b') }}", "{{ labels.items() | list }}", "{{ {1: 'a'} }}"]
)
def test_a_value_that_json_writes_differently_carries_no_secret(stage: Stage, value: str) -> None:
    run = story_of(stage, f'vars: {{x: "{value}"}}\nsteps: [{{set: {{y: "{value}"}}}}]')
    assert (run.state, run.reason) == (RunState.SUCCEEDED, None)


@pytest.mark.parametrize("before", [0, 284, 290, 299, 484, 490, 499, 500, 900, 3000])
@pytest.mark.parametrize("after", [0, 290, 484, 490, 499, 500, 3000])
def test_no_part_of_a_secret_stays_where_a_long_error_is_cut(
    stage: Stage, before: int, after: int
) -> None:
    stage.redactor.learn(SECRET)
    stage.probe.answer("steps/0", Failed("x" * before + SECRET + "y" * after))
    story_of(stage, "steps: [{probe: a}]")
    (fact,) = stage.told.settled
    said = fact.error or ""
    assert not [part for part in ("hunt", "er2-", "and", "more") if part in said]


def test_a_secret_that_no_step_has_used_is_masked_once_the_redactor_was_told(
    stage: Stage, database: Path
) -> None:
    stage.redactor.learn(SECRET)
    stage.probe.answer("steps/0", Succeeded({"stdout": f"TOKEN={SECRET}"}))
    story_of(stage, "steps: [{id: a, probe: printenv}]")
    assert record_of(database).steps[0].result == {"stdout": f"TOKEN={MASK}"}


# Stopping and going on


def test_stopping_between_steps_leaves_the_run_and_another_runner_goes_on_behind_it(
    stage: Stage, database: Path
) -> None:
    playbook = a_playbook(
        'steps: [{id: a, probe: one}, {probe: "{{ steps.a.n }}"}]\nfinally: [{probe: three}]'
    )
    stopping = asyncio.Event()

    async def stops(_: Call) -> Report:
        stopping.set()
        return Succeeded({"n": 7})

    stage.probe.answer("steps/0", stops)

    async def story() -> None:
        run = await stage.queue(playbook, EVENT)
        left = await stage.carry_out(run, playbook, EVENT, stopping=stopping)
        assert left.state is RunState.RUNNING
        assert record_of(database).run == left
        assert outcomes(record_of(database).steps) == [("steps/0", 1, "succeeded")]
        (unfinished,) = await stage.ledger.unfinished()
        over = await stage.carry_out(unfinished, playbook, EVENT)
        assert over.state is RunState.SUCCEEDED

    asyncio.run(story())
    assert stage.probe.calls == [("steps/0", 1), ("steps/1", 1), ("finally/0", 1)]
    assert stage.probe.said[1] == "7"


def test_a_run_that_is_stopped_before_it_begins_has_begun_and_done_nothing(
    stage: Stage,
) -> None:
    stopping = asyncio.Event()
    stopping.set()
    run = story_of(stage, "steps: [{probe: a}]", stopping=stopping)
    assert run.state is RunState.RUNNING
    assert stage.probe.calls == []


def test_a_step_that_was_cut_is_performed_again_as_the_same_attempt_and_counted(
    stage: Stage, database: Path
) -> None:
    playbook = a_playbook("steps: [{probe: one}, {probe: two, on_interrupt: retry}]")
    reached = asyncio.Event()

    async def reaches(call: Call) -> Report:
        reached.set()
        return await hangs(call)

    agains: list[tuple[bool, float]] = []

    async def looks(call: Call) -> Report:
        agains.append((call.again, call.started))
        return Succeeded()

    stage.probe.answer("steps/0", looks)
    stage.probe.answer("steps/1", reaches, looks)

    async def story() -> None:
        run = await stage.queue(playbook, EVENT)
        going = asyncio.ensure_future(stage.carry_out(run, playbook, EVENT))
        async with asyncio.timeout(PATIENCE):
            await reached.wait()
        going.cancel()
        with pytest.raises(asyncio.CancelledError):
            await going
        assert outcomes(record_of(database).steps)[1] == ("steps/1", 1, None)
        stage.clock.jump(5)
        (unfinished,) = await stage.ledger.unfinished()
        over = await stage.carry_out(unfinished, playbook, EVENT)
        assert over.state is RunState.SUCCEEDED

    asyncio.run(story())
    assert stage.probe.calls == [("steps/0", 1), ("steps/1", 1), ("steps/1", 1)]
    steps = record_of(database).steps
    assert [step.repeats for step in steps] == [0, 1]
    assert agains == [(False, NOW), (True, NOW)]
    assert (steps[1].started, steps[1].ended) == (NOW, NOW + 5)


def test_a_step_in_flight_whose_playbooks_time_is_over_is_not_performed_again(
    stage: Stage,
) -> None:
    playbook = a_playbook("timeout: 1m\nsteps: [{probe: one}]")

    async def story() -> Run:
        run = await stage.queue(playbook, EVENT)
        running = run.move(RunState.RUNNING, at=NOW)
        await stage.ledger.keep([RunBegin(running, Began(NOW))])
        record = StepRecord(path="steps/0", attempt=1, type="probe", started=NOW)
        await stage.ledger.keep([StepStart(run.id, record)])
        stage.clock.jump(61)
        return await stage.carry_out(running, playbook, EVENT)

    run = asyncio.run(story())
    assert stage.probe.calls == []
    assert run.reason == (
        "steps/0: its outcome is unknown: the playbook's 1m were over while the step was under "
        "way, and it is not performed again"
    )


def test_a_run_goes_on_with_the_vars_it_began_with(stage: Stage) -> None:
    playbook = a_playbook(
        'vars: {host: "{{ labels.resource }}"}\nsteps: [{probe: "{{ vars.host }}"}]'
    )

    async def story() -> None:
        run = (await stage.queue(playbook, EVENT)).move(RunState.RUNNING, at=NOW)
        await stage.ledger.keep([RunBegin(run, Began(NOW, {"host": "as it was then"}))])
        await stage.carry_out(run, playbook, EVENT)

    asyncio.run(story())
    assert stage.probe.said == ["as it was then"]


# Waiting


def test_a_wait_holds_nothing_and_says_what_for(stage: Stage, database: Path) -> None:
    seen: list[tuple[Any, ...]] = []

    def looks() -> None:
        seen.extend(found(database, "SELECT state, reason FROM runs"))
        stage.clock.jump(31)

    run = story_of(stage, "steps: [{name: Let it settle, wait: 30s}]", while_waiting=looks)
    assert [state for state, _ in seen] == ["waiting"]
    assert str(seen[0][1]).startswith("Let it settle: for a timer (20")
    assert run.state is RunState.SUCCEEDED
    (step,) = record_of(database).steps
    assert (step.wake, step.ended, step.result) == (NOW + 30, NOW + 31, {"waited": 30.0})


def test_a_wait_of_no_time_is_over_at_once(stage: Stage) -> None:
    assert story_of(stage, "steps: [{wait: 0s}]").state is RunState.SUCCEEDED


def test_a_wait_really_waits(stage: Stage) -> None:
    began: list[float] = []

    def looks() -> None:
        began.append(asyncio.get_running_loop().time())

    class RealClock(Clock):
        @override
        def __call__(self) -> float:
            return NOW + asyncio.get_running_loop().time()

    stage.clock = RealClock()

    async def story() -> float:
        playbook = a_playbook("steps: [{wait: 20ms}]")
        run = await stage.queue(playbook, EVENT)
        await stage.carry_out(run, playbook, EVENT, while_waiting=looks)
        return asyncio.get_running_loop().time()

    assert asyncio.run(story()) - began[0] >= 0.01


def test_a_wait_survives_a_restart_with_the_time_that_is_left(stage: Stage, database: Path) -> None:
    playbook = a_playbook("steps: [{id: w, wait: 30s}, {probe: b}]")
    stopping = asyncio.Event()
    control = Control(stopping)

    def stop() -> None:
        stopping.set()
        control.changed.set()

    async def story() -> None:
        run = await stage.queue(playbook, EVENT)
        left = await stage.carry_out(run, playbook, EVENT, control=control, while_waiting=stop)
        assert left.state is RunState.WAITING
        assert found(database, "SELECT state FROM runs") == [("waiting",)]
        stage.clock.jump(20)
        (unfinished,) = await stage.ledger.unfinished()
        lefts: list[float] = []

        def looks() -> None:
            ((wake,),) = found(database, "SELECT wake FROM steps WHERE path = 'steps/0'")
            lefts.append(wake - stage.clock())
            stage.clock.jump(10)

        over = await stage.carry_out(unfinished, playbook, EVENT, while_waiting=looks)
        assert lefts == [10.0]
        assert over.state is RunState.SUCCEEDED

    asyncio.run(story())
    assert [fact.path for fact in stage.told.settled] == ["steps/0", "steps/1"]
    assert stage.told.started == [("steps/0", 1), ("steps/1", 1)]


def test_a_wait_that_was_over_while_the_engine_was_away_is_over(stage: Stage) -> None:
    playbook = a_playbook("steps: [{wait: 30s}]")

    async def story() -> Run:
        run = (await stage.queue(playbook, EVENT)).move(RunState.RUNNING, at=NOW)
        await stage.ledger.keep([RunBegin(run, Began(NOW))])
        record = StepRecord(path="steps/0", attempt=1, type="wait", started=NOW)
        await stage.ledger.keep([StepStart(run.id, record)])
        await stage.ledger.keep([StepPause(run.id, PausedFact("steps/0", 1, NOW + 30))])
        waiting = run.move(RunState.WAITING, at=NOW)
        await stage.ledger.keep([RunMove(waiting)])
        stage.clock.jump(300)
        return await stage.carry_out(waiting, playbook, EVENT)

    assert asyncio.run(story()).state is RunState.SUCCEEDED
    assert [state.value for _, state in stage.told.states] == ["succeeded"]


def test_a_wait_that_was_cut_before_it_was_kept_is_counted_from_when_it_started(
    stage: Stage, database: Path
) -> None:
    playbook = a_playbook("steps: [{wait: 30s}]")

    async def story() -> None:
        run = (await stage.queue(playbook, EVENT)).move(RunState.RUNNING, at=NOW)
        await stage.ledger.keep([RunBegin(run, Began(NOW))])
        record = StepRecord(path="steps/0", attempt=1, type="wait", started=NOW)
        await stage.ledger.keep([StepStart(run.id, record)])
        stage.clock.jump(20)
        over = await stage.carry_out(
            run, playbook, EVENT, while_waiting=lambda: stage.clock.jump(10)
        )
        assert over.ended == NOW + 30

    asyncio.run(story())
    assert record_of(database).steps[0].wake == NOW + 30


def test_any_step_type_may_pause(stage: Stage) -> None:
    stage.probe.answer("steps/0", Paused(5.0))
    run = story_of(stage, "steps: [{id: a, probe: a}]", while_waiting=lambda: stage.clock.jump(5))
    assert run.state is RunState.SUCCEEDED
    assert stage.probe.calls == [("steps/0", 1)]
    assert stage.told.settled[0].result == {"waited": 5.0}


# The ledger's history is the run's history


@pytest.mark.parametrize(
    "answers",
    [
        {"steps/0": [Succeeded({"n": 1}, variables={"x": [1, {"y": None}]})]},
        {"steps/0": [Failed("no", {"status": 500}), Failed("no", retryable=False)]},
        {"steps/0": [Uncertain("lost", {"code": "BrokenExchange"})]},
        {"steps/1": [Stopped(succeeded=True, reason="enough")]},
        {"steps/1": [Stopped(succeeded=False, reason="enough")]},
    ],
)
def test_the_ledger_tells_the_history_as_it_was_told_to_whoever_watched(
    stage: Stage, answers: Mapping[str, Any]
) -> None:
    for path, laid_out in answers.items():
        stage.probe.answer(path, *laid_out)
    story_of(
        stage,
        "steps: [{id: a, probe: a, retry: {attempts: 2, delay: 0s}}, {probe: b}, "
        "{probe: c, when: labels.no}]\nfinally: [{wait: 0s}]",
    )
    history = asyncio.run(stage.ledger.history("RUN1"))
    assert [fact for fact in history if isinstance(fact, Settled)] == stage.told.settled
    started = [(f.path, f.attempt) for f in history if isinstance(f, Started)]
    assert started == stage.told.started


# Answers


def answering(answer: str) -> str:
    return f"trigger: {{answer: labels}}\nsteps: [{{id: a, probe: x}}]\nanswer: {answer}"


def carried_out(stage: Stage, text: str) -> Run:
    async def story() -> Run:
        playbook = a_playbook(text)
        run = await stage.queue(playbook, an_event())
        await stage.carry_out(run, playbook, an_event())
        return await stage.ledger.run(run.id)

    return asyncio.run(story())


def test_an_answer_sees_the_steps_as_they_are_at_the_end(stage: Stage) -> None:
    text = answering("{said: '{{ steps.a.said }}', last: '{{ steps.b.said }}', none: null}")

    run = carried_out(stage, f"{text}\nfinally: [{{id: b, probe: y}}]")

    assert (run.state, run.answer) == (RunState.SUCCEEDED, {"said": "x", "last": "y"})


def test_a_run_that_failed_answers_nothing(stage: Stage) -> None:
    stage.probe.answer("steps/0", Failed("no", retryable=False))

    run = carried_out(stage, answering("{said: hello}"))

    assert (run.state, run.reason, run.answer) == (RunState.FAILED, "a: no", None)


def test_an_answer_that_cannot_be_given_fails_the_run_with_its_reason(stage: Stage) -> None:
    run = carried_out(stage, answering("{all: '{{ labels }}'}"))

    assert (run.state, run.answer) == (RunState.FAILED, None)
    assert run.reason == "answer: all: the value of a label is a text, not a mapping"


def test_an_answer_that_holds_a_secret_is_not_given(stage: Stage) -> None:
    stage.redactor.learn("es.nj.01")

    run = carried_out(stage, answering("{host: 'on {{ labels.resource }}'}"))

    assert (run.state, run.answer) == (RunState.FAILED, None)
    assert run.reason == f"answer: {MASKED_VALUE}"
