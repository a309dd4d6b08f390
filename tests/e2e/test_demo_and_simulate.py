"""The demo as a newcomer sees it, and the simulated API as a process of its own."""

import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.e2e.real_engine import PATIENCE, TOKEN, Place


@contextmanager
def reading(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], "queue.Queue[str]"]]:
    """A command of the engine, and the lines it prints."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "engine", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, "TERM": "dumb"},
    )
    lines: queue.Queue[str] = queue.Queue()
    stdout = process.stdout
    assert stdout is not None

    def read() -> None:
        for line in stdout:
            lines.put(line.rstrip())

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield process, lines
    finally:
        process.kill()
        process.wait()
        thread.join()
        stdout.close()


def until(lines: "queue.Queue[str]", pattern: str) -> str:
    while True:
        line = lines.get(timeout=PATIENCE)
        if re.search(pattern, line):
            return line


def test_the_demo_shows_all_four_use_cases_and_exits_with_0() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "engine", "demo", "--once"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=4 * PATIENCE,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    out = [line.strip() for line in done.stdout.splitlines()]
    assert out[-1] == "4 of 4 use cases succeeded."
    assert len([line for line in out if line.startswith("succeeded in ")]) == 4
    for expected in (
        "comment: es.nj.01 was restarted and is up again.",
        "field owner: team-engine",
        "field trace_url: https://tracing.example.com/trace/4bf92f3577b34da6a3ce929d0e0e4736",
        "root_cause: Deploy checkout 2026.11.23-2 to prod (deploy-4812)",
        "comment: Rolled checkout back from 2026.11.23-2 to 2026.11.22-5 (deploy-4812), asked for by zhangsan.",
        "status page: Problems with checkout: investigating",
    ):
        assert expected in out
    assert not [line for line in out if line.startswith("✗")]


def test_the_demo_stays_up_and_the_command_it_prints_presses_the_button_again() -> None:
    with reading("demo") as (process, lines):
        until(lines, "The engine stays up")
        command = until(lines, "press the button again").split("again", 1)[1].split()
        look = until(lines, "see what was done").split("done", 1)[1].split()
        until(lines, "Ctrl-C ends it")

        sent = engine(*command[1:])
        assert sent.returncode == 0, sent.stderr
        assert '"duplicate":false' in sent.stdout
        until(lines, "succeeded in")
        listed = json.loads(engine(*look[1:], "--format", "json").stdout)

        assert [run["state"] for run in listed["items"]] == ["succeeded"] * 5
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130


def test_ctrl_c_in_the_middle_ends_the_demo_at_once() -> None:
    with reading("demo") as (process, lines):
        until(lines, "POST /flashduty/actions/restart-host answered 200")
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130


def test_simulate_can_hold_the_incident_one_wants_to_try(place: Place) -> None:
    press = str(Path(__file__).parents[1] / "fixtures/custom-action.vendor-page.json")
    with reading("simulate", "--port", "0", "--incident", press) as (_, lines):
        assert until(lines, "incidents:") == "incidents: 6551f3888713372ad1054d57"
    bad = place.write("bad.json", "{}")
    refused = engine("simulate", "--port", "0", "--incident", str(bad))
    assert (refused.returncode, refused.stderr) == (
        2,
        f"{bad}:1:1: no-incident: there is no incident in this file\n",
    )


def test_simulate_answers_as_the_open_api_does() -> None:
    with reading("simulate", "--port", "0") as (process, lines):
        url = until(lines, "listens on").rsplit(" ", 1)[1]
        request = urllib.request.Request(
            f"{url}/member/info?app_key=simulated-app-key",
            data=b"{}",
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            assert json.load(answer)["data"]["member_name"] == "Automation engine"
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130


def posted(url: str, body: object) -> Any:
    """What a POST of JSON is answered, as `data`."""
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, data=json.dumps(body).encode(), headers=headers)
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.load(answer)["data"]


def test_simulate_delivers_to_an_engine_and_can_be_played(place: Place) -> None:
    press = str(Path(__file__).parents[1] / "fixtures/custom-action.vendor-page.json")
    incident_id = "6551f3888713372ad1054d57"
    place.write(
        "playbooks/look.yaml", "name: look\ntrigger: {action: look}\nsteps: [{wait: 1ms}]\n"
    )
    receiver = place.start()
    url = f"http://127.0.0.1:{receiver.port}/flashduty"
    options = ("--button", f"look={url}/actions/look", "--webhook", f"incident={url}/incidents")
    token = f"X-Engine-Token: {TOKEN}"
    simulate = ("simulate", "--port", "0", "--incident", press, "--header", token, *options)
    with reading(*simulate) as (_, lines):
        until(lines, f"events of incidents go to {url}/incidents")
        until(lines, rf"button look \(\d+\) goes to {url}/actions/look")
        api = until(lines, "listens on").rsplit(" ", 1)[1]

        pressed = posted(f"{api}/simulator/press", {"incident_id": incident_id, "button": "look"})
        assert pressed == {"message": ""}
        told = until(lines, "i_custom of ")
        assert told.startswith(f"i_custom of {incident_id} to {url}/incidents: 200 in ")
        posted(f"{api}/simulator/as/1999632289504/incident/ack", {"incident_ids": [incident_id]})
        assert ": 200 in " in until(lines, "i_ack of ")
    receiver.wait_for("run_succeeded", playbook="look")


def test_simulate_explains_an_option_that_makes_no_sense() -> None:
    refused = engine("simulate", "--webhook", "incidents=http://127.0.0.1:8787/")
    assert refused.returncode == 2
    assert refused.stderr == (
        "bad-option: --webhook incidents=http://127.0.0.1:8787/: there is no kind 'incidents', "
        "but incident, alert, labels (did you mean 'incident'?)\n"
    )


def engine(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "engine", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )
