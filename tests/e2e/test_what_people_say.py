"""People say things to a real engine from another process, and it does them at once."""

import os
from collections.abc import Callable

from tests.e2e.real_engine import Place, Target


def the_run(place: Place) -> dict[str, object]:
    [run] = place.json("runs", "list")["items"]
    shown: dict[str, object] = place.json("runs", "show", run["id"])
    return shown


def test_what_is_approved_from_another_process_goes_on_at_once(
    place: Place, vendor_example: bytes
) -> None:
    place.write(
        "playbooks/careful.yaml",
        """\
name: careful
trigger: {action: go}
steps:
  - id: agree
    approve: {ask: "Restart {{ labels.resource }}?", within: 1h}
  - set: {by: "{{ steps.agree.by }}"}
""",
    )
    engine = place.start()
    engine.press("go", vendor_example)
    engine.wait_for("run_waiting")
    run = the_run(place)["id"]
    shown = place.command("runs", "show", str(run)).stdout
    assert "Restart es.nj.01?" in shown
    assert f"engine runs approve {run} --step steps/0" in shown

    said = place.command("runs", "approve", str(run), "--by", "ann")

    assert said.stdout == (
        f"Run {run}: agree (steps/0) is approved, and the run goes on; "
        "the engine that is running does it at once.\n"
    )
    engine.wait_for("run_succeeded")  # it polls nothing: only the signal can have woken it
    assert "succeeded" in place.command("runs", "show", str(run)).stdout
    assert ", said ann" in place.command("runs", "show", str(run)).stdout
    again = place.command("runs", "approve", str(run))
    assert (again.returncode, again.stderr.split(" at ")[0]) == (
        2,
        f"run-is-over: run {run} is over: it succeeded",
    )


def test_a_shell_step_that_a_kill_cut_waits_for_a_person_who_can_skip_it(
    place: Place, vendor_example: bytes
) -> None:
    marker = place.folder / "begun"
    os.mkfifo(marker)
    place.write(
        "playbooks/dangerous.yaml",
        f"""\
name: dangerous
trigger: {{action: go}}
steps:
  - id: reboot
    shell: {{script: 'echo begun > "$MARKER"; sleep 300', env: {{MARKER: "{marker}"}}}}
  - set: {{done: true}}
""",
    )
    engine = place.start()
    engine.press("go", vendor_example)
    assert marker.read_text() == "begun\n"
    engine.kill()

    again = place.start()

    again.wait_for("run_waiting")
    run = the_run(place)
    assert str(run["reason"]).startswith("reboot: attention: reboot (steps/0): it was under way")
    shown = place.command("runs", "show", str(run["id"])).stdout
    for decision in ("retry", "skip", "fail"):
        assert f"engine runs resume {run['id']} --step {decision} --at steps/0" in shown
    assert place.command("runs", "approve", str(run["id"])).stderr.startswith("no-question: ")
    said = place.command("runs", "resume", str(run["id"]), "--step", "skip", "--by", "bob")
    assert said.returncode == 0, said.stderr
    again.wait_for("run_succeeded")
    steps = the_run(place)["steps"]
    assert isinstance(steps, list)
    assert [(step["outcome"], step["by"]) for step in steps] == [
        ("skipped", "bob"),
        ("succeeded", None),
    ]


def test_a_pause_survives_a_restart_and_holds_a_run_before_its_next_step(
    place: Place, target: Target, another_press: Callable[[int], bytes]
) -> None:
    place.write(
        "playbooks/two.yaml",
        f"""\
name: two
trigger: {{action: go}}
steps:
  - http: {{url: "{target.url}/one"}}
  - http: {{url: "{target.url}/two"}}
""",
    )
    engine = place.start()
    target.released.clear()
    engine.press("go", another_press(1))
    assert target.wait_for_request() == "/one"
    said = place.command("pause", "two", "--reason", "change freeze", "--by", "ann")
    assert said.stdout == (
        "Playbook two is paused: no step begins until `engine resume two`; "
        "the engine that is running does it at once.\n"
    )
    engine.press("go", another_press(2))
    engine.wait_for("run_skipped")  # now it has heard of it
    target.released.set()
    engine.wait_for("run_waiting")
    assert the_run(place)["reason"] == "paused by ann: change freeze"
    assert engine.terminate() == 0

    again = place.start()
    again.press("go", another_press(3))
    again.wait_for("run_skipped")

    assert [path for _, path, _, _ in target.got] == ["/one"]
    assert the_run(place)["reason"] == "paused by ann: change freeze"
    assert len(place.json("runs", "list", "--skipped")["items"]) == 3
    assert place.json("pause", "--list")["items"][0]["reason"] == "change freeze"
    assert place.command("resume", "two").returncode == 0
    again.wait_for("run_succeeded")
    assert [path for _, path, _, _ in target.got] == ["/one", "/two"]


def test_a_cancel_ends_the_shell_step_that_runs_and_carries_out_finally(
    place: Place, vendor_example: bytes
) -> None:
    marker, last = place.folder / "begun", place.folder / "last"
    os.mkfifo(marker)
    place.write(
        "playbooks/long.yaml",
        f"""\
name: long
trigger: {{action: go}}
steps:
  - shell: {{script: 'echo $$ > "$MARKER"; exec sleep 300', env: {{MARKER: "{marker}"}}}}
  - set: {{done: true}}
on_failure:
  - shell: [touch, "{place.folder}/failed"]
finally:
  - shell: [touch, "{last}"]
""",
    )
    engine = place.start()
    engine.press("go", vendor_example)
    pid = int(marker.read_text())
    run = the_run(place)["id"]

    assert place.command("runs", "cancel", str(run)[-8:], "--by", "ann").returncode == 0

    entry = engine.wait_for("run_cancelled")
    assert entry["run"] == run
    assert not _lives(pid)
    assert last.exists()
    assert not (place.folder / "failed").exists()
    shown = the_run(place)
    assert (shown["state"], shown["reason"]) == ("cancelled", "cancelled by ann")


def test_what_is_said_while_no_engine_runs_is_done_when_one_starts(
    place: Place, vendor_example: bytes
) -> None:
    place.write("playbooks/slow.yaml", "name: slow\ntrigger: {action: go}\nsteps: [{wait: 1h}]\n")
    engine = place.start()
    engine.press("go", vendor_example)
    engine.wait_for("run_waiting")
    assert engine.terminate() == 0
    run = str(the_run(place)["id"])

    said = place.command("runs", "cancel", run)

    assert said.stdout == (
        f"Run {run} is cancelled: what is under way is ended, `finally` carried out; "
        "no engine is running now: one does it when it starts.\n"
    )
    twice = place.command("runs", "cancel", run)
    assert (twice.returncode, twice.stderr.split(":")[0]) == (2, "said-before")
    place.start().wait_for("run_cancelled")


def test_a_failed_run_is_gone_on_with_and_an_event_had_once_more(
    place: Place, vendor_example: bytes
) -> None:
    place.write(
        "playbooks/breaks.yaml",
        f"""\
name: breaks
trigger: {{action: go}}
steps:
  - shell: {{script: 'echo once >> "$F"', env: {{F: "{place.folder}/first"}}}}
  - id: needs
    shell: [test, -e, "{place.folder}/mended"]
""",
    )
    engine = place.start()
    engine.press("go", vendor_example)
    engine.wait_for("run_failed")
    first = str(the_run(place)["id"])
    place.write("mended", "")

    retried = place.json("runs", "retry", first, "--by", "ann")

    engine.wait_for("run_succeeded", run=retried["run"])
    assert (place.folder / "first").read_text() == "once\n"
    shown = place.json("runs", "show", retried["run"])
    assert (shown["origin"], len(shown["steps"])) == (first, 2)
    event = place.json("events", "list")["items"][0]
    replayed = place.json("events", "replay", event["id"])
    engine.wait_for("run_succeeded")
    assert (place.folder / "first").read_text() == "once\nonce\n"
    assert f"replays  {event['id']}" in place.command("events", "show", replayed["event"]).stdout


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
