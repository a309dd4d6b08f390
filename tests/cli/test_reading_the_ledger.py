"""`engine runs` and `engine events`: what people and programs read of the ledger."""

import asyncio
import json
import re
from pathlib import Path

from engine.playbooks.step_type import Succeeded, Uncertain
from engine.store.sqlite import open_ledger
from tests.cli.conftest import Type, work
from tests.runs.fakes import Stage, a_playbook, an_event


def test_runs_list_shows_the_newest_runs(worked: Path, type_: Type) -> None:
    outcome = type_("runs", "list", "--config", worked / "config.yaml")

    assert outcome.code == 0
    assert re.search(
        r"✗ +\w{26} +look +failed +20\d\d-\S+ \S+ +\S+ +third: exit 3: broken", outcome.out
    )


def test_runs_list_as_json_has_stable_keys_and_pages(worked: Path, type_: Type) -> None:
    listed = json.loads(
        type_("runs", "list", "--config", worked / "config.yaml", "--format", "json").out
    )

    assert listed["next"] is None
    [run] = listed["items"]
    assert set(run) == {
        "id", "playbook", "version", "state", "reason", "event", "created", "started", "ended",
        "answer", "origin",
    }  # fmt: skip
    assert (run["playbook"], run["state"], run["reason"]) == (
        "look",
        "failed",
        "third: exit 3: broken",
    )


def test_runs_list_can_be_narrowed(worked: Path, type_: Type) -> None:
    config = worked / "config.yaml"

    assert type_("runs", "list", "--config", config, "--state", "succeeded").out == "No runs.\n"
    assert type_("runs", "list", "--config", config, "--playbook", "other").out == "No runs.\n"
    assert "look" in type_("runs", "list", "--config", config, "--playbook", "look").out


def test_runs_show_prints_the_trace_with_the_yaml_of_what_failed(worked: Path, type_: Type) -> None:
    config = worked / "config.yaml"
    [run] = json.loads(type_("runs", "list", "--config", config, "--format", "json").out)["items"]

    outcome = type_("runs", "show", run["id"][-6:].lower(), "--config", config)

    assert outcome.code == 0
    text = re.sub(r"\b\d+(\.\d+)?m?s\b", "TIME", outcome.out)
    text = re.sub(r"20\d\d-\S+Z", "MOMENT", text).replace(run["id"], "RUN")
    assert (
        [line.rstrip() for line in text.splitlines()]
        == f"""\
✗ look failed run RUN
  event    {run["event"]}
  began    MOMENT   took TIME
  version  {run["version"]} of look.yaml
  reason   third: exit 3: broken
  vars.host = es.nj.01
✓ Say the host [steps/0, shell] succeeded TIME
     echo es.nj.01
     → stdout: es.nj.01
- second [steps/1, wait] skipped
     labels.no_such_label is null
✗ third [steps/2, shell] failed TIME
     sh: echo broken >&2 ...
       script: echo broken >&2 exit 3
     → stderr: broken
     exit 3: broken
✗ third [steps/2, shell, attempt 2] failed TIME
     sh: echo broken >&2 ...
       script: echo broken >&2 exit 3
     → stderr: broken
     exit 3: broken
     look.yaml:14:5
        14 |   - id: third
        15 |     shell:
        16 |       script: |
        17 |         echo broken >&2
        18 |         exit 3
        19 |     retry: {{attempts: 2, delay: TIME}}""".splitlines()
    )


def test_runs_show_says_where_the_output_of_each_attempt_is_kept(
    place: Path, press: Path, type_: Type
) -> None:
    config = place / "config.yaml"
    config.write_text(config.read_text() + "shell: {keep_output: 1MiB}\n")
    asyncio.run(work(place, press.read_bytes()))
    [run] = json.loads(type_("runs", "list", "--config", config, "--format", "json").out)["items"]
    folder = place / "engine.db.output" / run["id"]
    # As a step leaves it that was cut, and performed again after a crash.
    (folder / "steps.0.attempt1.again1.stderr").write_text("x" * 2048)

    text = type_("runs", "show", run["id"], "--config", config).out
    lines = [line.strip() for line in text.splitlines()]
    assert [line for line in lines if "kept" in line] == [
        f"→ kept: {folder}/steps.0.attempt1.stdout (9B)",
        f"→ kept: {folder}/steps.0.attempt1.again1.stderr (2KiB)",
        f"→ kept: {folder}/steps.2.attempt1.stderr (7B)",
        f"→ kept: {folder}/steps.2.attempt2.stderr (7B)",
    ]
    assert (folder / "steps.0.attempt1.stdout").read_text() == "es.nj.01\n"
    shown = json.loads(type_("runs", "show", run["id"], "--config", config, "--format", "json").out)
    assert shown["steps"][0]["result"]["files"] == {"stdout": f"{folder}/steps.0.attempt1.stdout"}


def test_runs_show_as_json_is_the_whole_trace(worked: Path, type_: Type) -> None:
    config = worked / "config.yaml"
    [run] = json.loads(type_("runs", "list", "--config", config, "--format", "json").out)["items"]

    shown = json.loads(type_("runs", "show", run["id"], "--config", config, "--format", "json").out)

    assert shown == {
        **run,
        "commit": None,
        "cancelled": None,
        "vars": {"host": "es.nj.01"},
        "steps": shown["steps"],
        "audit": [],
    }
    first = shown["steps"][0]
    assert set(first) == {
        "path", "id", "name", "type", "outcome", "attempt", "started", "ended", "plan",
        "request", "result",
        "error", "repeats", "question", "by",
    }  # fmt: skip
    assert first["result"]["stdout"] == "es.nj.01\n"
    assert first["request"] == {"argv": ["echo", "es.nj.01"]}
    assert [(step["path"], step["outcome"], step["attempt"]) for step in shown["steps"]] == [
        ("steps/0", "succeeded", 1),
        ("steps/1", "skipped", 1),
        ("steps/2", "failed", 1),
        ("steps/2", "failed", 2),
    ]


def test_events_list_and_show_say_what_was_decided(worked: Path, type_: Type) -> None:
    config = worked / "config.yaml"

    listed = type_("events", "list", "--config", config)
    [event] = json.loads(type_("events", "list", "--config", config, "--format", "json").out)[
        "items"
    ]
    shown = type_("events", "show", event["id"], "--config", config)

    assert "i_custom" in listed.out
    assert "look failed" in listed.out
    assert [(verdict["playbook"], verdict["answer"]) for verdict in event["verdicts"]] == [
        ("look", "yes"),
    ], "the event could not concern the other one, which only `show` says"
    assert "✓ look yes\n" in shown.out
    assert "- other no: the event came by action look, not other\n" in shown.out
    assert f"run {event['runs'][0]['id']} look failed" in shown.out


def test_events_show_as_json_has_the_payload(worked: Path, press: Path, type_: Type) -> None:
    config = worked / "config.yaml"
    [event] = json.loads(type_("events", "list", "--config", config, "--format", "json").out)[
        "items"
    ]

    shown = json.loads(
        type_("events", "show", event["id"], "--config", config, "--format", "json").out
    )

    assert shown["payload"] == json.loads(press.read_bytes())
    assert shown["incident"] == "6551f3888713372ad1054d57"


def test_what_is_not_there_is_said_with_what_to_do(worked: Path, type_: Type) -> None:
    config = worked / "config.yaml"

    assert type_("runs", "show", "zzzz", "--config", config).err == (
        "no-such-run: there is no run 'zzzz' (`engine runs list` shows them; the end of an id is enough)\n"
    )
    assert type_("events", "show", "%%%%", "--config", config).code == 2
    assert type_("runs", "list", "--before", "x", "--config", config).err == (
        "bad-cursor: 'x' is no cursor (use the `next` of a list)\n"
    )


def test_without_a_database_the_sentence_says_who_makes_it(place: Path, type_: Type) -> None:
    outcome = type_("runs", "list", "--config", place / "config.yaml")

    assert outcome.code == 2
    assert outcome.err == (
        f"no-database: there is no database {place}/engine.db yet "
        "(`engine serve` makes it; or name another config with --config)\n"
    )


def test_runs_show_says_of_what_nobody_knows_that_it_is_unknown(
    tmp_path: Path, type_: Type
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("database: kept.db")
    text = "steps:\n  - probe: Found\n  - id: tell\n    probe: Restarted\n"
    playbook = a_playbook(text, "p", "p.yaml")
    event = an_event()
    with open_ledger(tmp_path / "kept.db") as ledger:
        stage = Stage(ledger)
        stage.probe.answer("steps/0", Succeeded({"data": None, "found_in_timeline": True}))
        stage.probe.answer("steps/1", Uncertain("BrokenExchange: look at the timeline"))

        async def story() -> None:
            await stage.carry_out(await stage.queue(playbook, event), playbook, event)

        asyncio.run(story())

    shown = type_("runs", "show", "RUN1", "--config", config).out

    reason = "tell: its outcome is unknown: BrokenExchange: look at the timeline"
    assert f"  reason   {reason}\n" in shown
    lines = [line.rstrip() for line in shown.splitlines()]
    where = next(number for number, line in enumerate(lines) if line.startswith("? tell"))
    assert "     → found_in_timeline: true" in lines[:where]
    assert re.fullmatch(r"\? tell \[steps/1, probe\] unknown \d+m?s", lines[where])
    said = lines.index("     BrokenExchange: look at the timeline")
    assert where < said
    assert lines[said + 1] == "     p.yaml:5:5", "with its YAML, as a failed step"
    listed = type_("runs", "show", "RUN1", "--config", config, "--format", "json").out
    assert [step["outcome"] for step in json.loads(listed)["steps"]] == ["succeeded", "unknown"]
