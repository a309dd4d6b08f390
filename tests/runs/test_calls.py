"""Runs that carry out other playbooks, on a real ledger."""

import asyncio
from pathlib import Path

from engine.playbooks.load import Loader
from engine.playbooks.playbook import Playbook
from engine.runs.run import Outcome, RunState
from engine.store.records import open_records
from engine.store.sqlite import open_ledger
from tests.runs.fakes import Probe, Stage, an_event, step_types
from tests.runs.test_worker import Gate, a_worker, accepted, working

OUTER = """name: outer
trigger: {}
steps:
  - {id: in, playbook: {call: inner, inputs: {host: "{{ labels.resource }}"}}}
  - probe: "{{ steps.in.vars.last }}"
"""
INNER = """name: inner
inputs: {host: {type: string}}
vars: {host: "{{ inputs.host }}!"}
steps:
  - probe: one
  - probe: "two {{ vars.host }}"
  - set: {last: "three {{ inputs.host }}"}
"""


def loaded(*texts: str) -> tuple[Playbook, ...]:
    found = Loader(step_types(Probe())).load_all(
        (f"{n}.yaml", text) for n, text in enumerate(texts)
    )
    assert not found.problems
    return found.playbooks


def test_a_run_goes_on_within_a_called_playbook_after_a_restart_and_by_its_old_text(
    database: Path,
) -> None:
    async def first(stage: Stage) -> None:
        gate = Gate()
        stage.probe.answer("steps/0/steps/0", gate)
        worker = a_worker(stage, *loaded(OUTER, INNER))
        async with working(worker):
            await stage.told.until(lambda told: len(told.started) == 2)
            worker.stop()
            gate.let("RUN1")
        assert stage.probe.said == ["one"]

    async def second(stage: Stage) -> None:
        changed = loaded(OUTER, INNER.replace("two", "TWO").replace("three", "THREE"))
        async with working(a_worker(stage, *changed)):
            await stage.told.until(lambda told: told.ended("RUN1"))

    with open_ledger(database) as ledger:
        asyncio.run(ledger.accept(an_event()))
        asyncio.run(first(Stage(ledger)))
    with open_ledger(database) as ledger:
        stage = Stage(ledger)
        asyncio.run(second(stage))
    assert stage.probe.said == ["two es.nj.01!", "three es.nj.01"]
    with open_records(database) as records:
        record = records.run("RUN1")
    assert record.run.state is RunState.SUCCEEDED
    assert [step.path for step in record.steps] == [
        *("steps/0", "steps/0/steps/0", "steps/0/steps/1", "steps/0/steps/2", "steps/1")
    ]
    (call, *_) = record.steps
    assert (call.plan, call.request) == (
        "carry out inner",
        {"call": "inner", "inputs": {"host": "es.nj.01"}},
    )
    assert call.result == {"vars": {"host": "es.nj.01!", "last": "three es.nj.01"}}


def test_a_secret_is_not_handed_over(stage: Stage, database: Path) -> None:
    stage.redactor.learn("es.nj.01")

    async def story() -> None:
        await accepted(stage.ledger, an_event())
        async with working(a_worker(stage, *loaded(OUTER, INNER))):
            await stage.told.until(lambda told: told.ended("RUN1"))

    asyncio.run(story())
    with open_records(database) as records:
        (step,) = records.run("RUN1").steps
    assert (step.outcome, step.request) == (Outcome.FAILED, None)
    assert (step.error or "").startswith("a value holds a secret")


def test_a_paused_playbook_calls_nothing_until_it_is_resumed(stage: Stage) -> None:
    async def story() -> None:
        gate = Gate()
        stage.probe.answer("steps/0", gate)
        text = OUTER.replace("steps:\n", "steps:\n  - probe: before\n")
        worker = a_worker(stage, *loaded(text, INNER))
        await accepted(stage.ledger, an_event())
        async with working(worker):
            await stage.told.until(lambda told: bool(told.started))
            control = worker._controls["RUN1"]  # noqa: SLF001 - what a pause comes to
            control.hold("paused by ada")
            gate.let("RUN1")
            await stage.told.until(lambda told: told.states[-1] == ("RUN1", RunState.WAITING))
            assert [path for path, _ in stage.told.started] == ["steps/0"]
            control.hold(None)
            await stage.told.until(lambda told: told.ended("RUN1"))

    asyncio.run(story())
    assert stage.probe.said == ["before", "one", "two es.nj.01!", "three es.nj.01"]
