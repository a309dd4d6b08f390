"""`engine runs cancel|approve|reject|resume|retry` and `engine events replay`."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from engine.runs.change import RunBegin, RunCancel, RunMove, StepAsk, StepSettle, StepStart
from engine.runs.fact import Asked, Began, Cancelled, Settled
from engine.runs.run import Asking, Outcome, Question, Run, RunState, StepRecord
from engine.store.sqlite import SqliteLedger, open_ledger
from tests.cli.conftest import Type
from tests.runs.fakes import NOW, a_playbook, a_run, an_event, letting, verdicts

PLAYBOOK = a_playbook("steps: [{id: a, probe: a}, {id: b, probe: b}]", "restart-host")
LATER = "no engine is running now: one does it when it starts"


class Scene:
    """A ledger on which no engine works."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "config.yaml"
        self.config.write_text("listen: 127.0.0.1:0\n")
        self.database = folder / "engine.db"

    def going(self, kind: Asking | None = None, **question: Any) -> None:
        with open_ledger(self.database) as ledger:
            asyncio.run(self._going(ledger, kind, question))

    async def _going(self, ledger: SqliteLedger, kind: Asking | None, question: Any) -> None:
        event = an_event()
        await ledger.accept(event)
        await ledger.keep_playbook(PLAYBOOK)
        run = a_run("RUN00001", PLAYBOOK, event)
        await ledger.keep_match(event, verdicts([PLAYBOOK]), NOW, letting([run]))
        run = run.move(RunState.RUNNING, at=NOW)
        await ledger.keep([RunBegin(run, Began(NOW))])
        record = StepRecord(path="steps/0", attempt=1, type="probe", id="a", started=NOW)
        await ledger.keep([StepStart(run.id, record)])
        if kind is not None:
            asked = Question(kind, "Shall we?", NOW, **question)
            await ledger.keep([StepAsk(run.id, Asked("steps/0", 1, asked))])
            await ledger.keep([RunMove(run.move(RunState.WAITING, at=NOW, reason="a: Shall we?"))])

    def keep(self, run: Run) -> None:
        with open_ledger(self.database) as ledger:
            asyncio.run(ledger.keep([RunMove(run)]))

    @property
    def run(self) -> Run:
        with open_ledger(self.database) as ledger:
            return asyncio.run(ledger.run("RUN00001"))

    @property
    def said(self) -> list[tuple[str, str, str | None]]:
        with open_ledger(self.database) as ledger:
            return [(o.verb.value, o.by, o.path) for o in asyncio.run(ledger.orders(0))]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_who_says_it_is_who_is_logged_in_behind_sudo_too(
    scene: Scene, type_: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.going()
    monkeypatch.setenv("LOGNAME", "root")
    monkeypatch.setenv("SUDO_USER", "ada")
    outcome = type_("runs", "cancel", "0001", "--config", scene.config)
    assert (outcome.code, outcome.out) == (
        0,
        f"Run RUN00001 is cancelled: what is under way is ended, `finally` carried out; {LATER}.\n",
    )
    assert scene.said == [("cancel", "ada", None)]


@pytest.mark.parametrize("by", [(), ("--by", " ")])
def test_a_person_without_a_name_is_asked_for_one(
    scene: Scene, type_: Type, monkeypatch: pytest.MonkeyPatch, by: tuple[str, ...]
) -> None:
    def nobody() -> str:
        raise KeyError("uid not found")

    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.setattr("getpass.getuser", nobody)
    scene.going()
    outcome = type_("runs", "cancel", "RUN00001", *by, "--config", scene.config)
    assert (outcome.code, outcome.err) == (
        2,
        "no-name: nobody can tell who says so (name --by)\n",
    )
    assert scene.said == []


@pytest.mark.parametrize(
    ("command", "kind", "verb", "what"),
    [
        ("approve", Asking.APPROVAL, "approve", "is approved, and the run goes on"),
        ("reject --step a", Asking.APPROVAL, "reject", "is rejected, and has failed"),
        ("resume --step retry", Asking.ATTENTION, "retry", "is performed again"),
        ("resume --step skip --at a", Asking.ATTENTION, "skip", "is skipped, and the run goes on behind it"),
        ("resume --step fail --at steps/0", Asking.ATTENTION, "fail", "has failed"),
    ],
)  # fmt: skip
def test_a_question_is_answered_once(
    scene: Scene, type_: Type, command: str, kind: Asking, verb: str, what: str
) -> None:
    scene.going(kind)
    line = ("runs", *command.split(), "0001", "--by", "ada", "--config", scene.config)
    assert type_(*line).out == f"Run RUN00001: a (steps/0) {what}; {LATER}.\n"
    assert scene.said == [(verb, "ada", "steps/0")]
    again = type_(*line)
    assert (again.code, again.err.split(": ")[0]) == (2, "said-before")
    assert len(scene.said) == 1


def test_what_was_said_is_json_for_programs(scene: Scene, type_: Type) -> None:
    scene.going(Asking.APPROVAL)
    line = ("runs", "approve", "0001", "--by", "ada", "--format", "json", "--config", scene.config)
    assert json.loads(type_(*line).out) == {
        "run": "RUN00001",
        "step": "steps/0",
        "verb": "approve",
        "by": "ada",
        "engine": False,
    }


def test_there_is_no_other_choice_for_a_step(scene: Scene, type_: Type) -> None:
    scene.going(Asking.ATTENTION)
    outcome = type_("runs", "resume", "0001", "--step", "again", "--config", scene.config)
    assert outcome.code == 2
    assert "'again' is not one of 'retry', 'skip', 'fail'" in outcome.err


# What is shown


def shown(scene: Scene, type_: Type) -> list[str]:
    text = type_("runs", "show", "0001", "--config", scene.config).out
    return [line.rstrip() for line in text.splitlines()]


def test_a_run_that_waits_for_an_approval_shows_how_to_answer(scene: Scene, type_: Type) -> None:
    scene.going(Asking.APPROVAL, until=NOW + 60)
    lines = shown(scene, type_)
    assert lines[lines.index("     Shall we?") + 1 :] == [
        "     until 2026-11-18T11:07:40.000Z; then it has failed",
        "       engine runs approve RUN00001 --step steps/0",
        "       engine runs reject RUN00001 --step steps/0",
    ]
    assert "a: Shall we?" in type_("runs", "list", "--config", scene.config).out
    line = ("runs", "show", "0001", "--format", "json", "--config", scene.config)
    (step,) = json.loads(type_(*line).out)["steps"]
    assert step["question"] == {
        "kind": "approval",
        "text": "Shall we?",
        "at": "2026-11-18T11:06:40.000Z",
        "until": "2026-11-18T11:07:40.000Z",
        "otherwise": False,
    }


def test_a_run_that_needs_attention_shows_the_three_choices(scene: Scene, type_: Type) -> None:
    scene.going(Asking.ATTENTION)
    lines = shown(scene, type_)
    assert lines[lines.index("     Shall we?") + 1 :] == [
        f"       engine runs resume RUN00001 --step {one} --at steps/0"
        for one in ("retry", "skip", "fail")
    ]


def test_who_settled_a_step_is_shown_and_nothing_more_is_asked(scene: Scene, type_: Type) -> None:
    scene.going(Asking.APPROVAL)
    with open_ledger(scene.database) as ledger:
        record = StepRecord(path="steps/0", attempt=1, type="probe", id="a")
        fact = Settled("steps/0", 1, NOW + 5, Outcome.SUCCEEDED, by="ada")
        asyncio.run(ledger.keep([StepSettle("RUN00001", record, fact)]))
    lines = shown(scene, type_)
    assert lines[-1] == "✓ a [steps/0, probe] succeeded 5s, said ada"


def test_a_run_that_is_about_to_end_says_who_ended_it(scene: Scene, type_: Type) -> None:
    scene.going()
    with open_ledger(scene.database) as ledger:
        asyncio.run(ledger.keep([RunCancel("RUN00001", Cancelled(NOW, "cancelled by ada"))]))
    assert "  ending   cancelled by ada at 2026-11-18T11:06:40.000Z" in shown(scene, type_)
    scene.keep(scene.run.move(RunState.CANCELLED, at=NOW + 1, reason="cancelled by ada"))
    assert not any(line.startswith("  ending") for line in shown(scene, type_))
    assert "  reason   cancelled by ada" in shown(scene, type_)


def test_skipped_runs_are_listed_on_request(scene: Scene, type_: Type) -> None:
    scene.going()
    with open_ledger(scene.database) as ledger:
        event = an_event("EVENT2")
        run = a_run("RUN00002", PLAYBOOK, event).move(RunState.SKIPPED, at=NOW, reason="cooldown")
        asyncio.run(ledger.accept(event))
        asyncio.run(ledger.keep_match(event, verdicts([PLAYBOOK]), NOW, letting([run])))

    def listed(*options: str) -> list[str]:
        line = ("runs", "list", *options, "--format", "json", "--config", scene.config)
        return [run["id"] for run in json.loads(type_(*line).out)["items"]]

    assert listed() == ["RUN00001"]
    assert listed("--skipped") == ["RUN00002", "RUN00001"]
    assert listed("--state", "skipped") == ["RUN00002"]


# Once more


def test_a_failed_run_is_repeated_from_the_step_that_was_not_done(
    worked: Path, type_: Type
) -> None:
    config = worked / "config.yaml"
    [run] = json.loads(type_("runs", "list", "--format", "json", "--config", config).out)["items"]

    outcome = type_("runs", "retry", run["id"], "--by", "ada", "--config", config)

    again = outcome.out.split()[1]
    assert outcome.out == (
        f"Run {again} is queued for the same event, and goes on from steps/2; {LATER}.\n"
    )
    line = ("runs", "show", again, "--format", "json", "--config", config)
    kept = json.loads(type_(*line).out)
    assert (kept["origin"], kept["event"], kept["version"], kept["state"]) == (
        run["id"],
        run["event"],
        run["version"],
        "queued",
    )
    assert kept["vars"] == {"host": "es.nj.01"}
    assert [(step["path"], step["outcome"]) for step in kept["steps"]] == [
        ("steps/0", "succeeded"),
        ("steps/1", "skipped"),
    ]
    assert f"  repeats  {run['id']}" in type_("runs", "show", again, "--config", config).out
    refused = type_("runs", "retry", run["id"], "--config", config)
    assert (refused.code, refused.err.split(": ")[0]) == (2, "not-again")


def test_a_run_is_repeated_from_a_step_that_is_named(worked: Path, type_: Type) -> None:
    config = worked / "config.yaml"
    [run] = json.loads(type_("runs", "list", "--format", "json", "--config", config).out)["items"]
    wrong = type_("runs", "retry", run["id"], "--from", "thrid", "--config", config)
    assert wrong.err == (
        "no-such-step: playbook look has no step 'thrid' on top of `steps` "
        "(did you mean 'third'?)\n"
    )
    line = ("runs", "retry", run["id"], "--from", "first", "--format", "json", "--config", config)
    assert json.loads(type_(*line).out)["start"] == "steps/0"


def test_an_event_is_had_once_more(worked: Path, type_: Type) -> None:
    config = worked / "config.yaml"
    [event] = json.loads(type_("events", "list", "--format", "json", "--config", config).out)[
        "items"
    ]
    assert event["origin"] is None

    outcome = type_("events", "replay", event["id"][-6:], "--config", config)

    made = outcome.out.split()[1]
    assert outcome.out == (
        f"Event {made} says the same as {event['id']}, and the playbooks judge it anew; {LATER}.\n"
    )
    assert f"  replays  {event['id']}" in type_("events", "show", made, "--config", config).out
    line = ("events", "show", made, "--format", "json", "--config", config)
    shown = json.loads(type_(*line).out)
    assert (shown["origin"], shown["key"]) == (event["id"], f"replay:{event['id']}:{made}")
