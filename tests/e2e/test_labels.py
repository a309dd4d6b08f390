"""Calls for labels over real sockets, answered by a real engine."""

import http.client
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.real_engine import PATIENCE, TOKEN, EngineProcess, Place, Target
from tests.processes.children import wait_until

SAMPLE = json.loads(
    (Path(__file__).parents[1] / "fixtures/label-mapping.vendor-page.json").read_bytes()
)
LABELS = """\
name: add-labels
trigger: {{answer: labels, action: add-labels, when: labels.service}}
steps:
  - id: look
    http: "{url}/services/{{{{ labels.service }}}}"
answer:
  owner_team: team-of-{{{{ labels.service }}}}
  known: "{{{{ steps.look.body.ok }}}}"
"""


def a_call(number: int = 1) -> bytes:
    event = {**SAMPLE["event"], "alert_key": f"alert-{number}"}
    return json.dumps({**SAMPLE, "event": event}).encode()


def ask(engine: EngineProcess, body: bytes, action: str = "add-labels") -> tuple[int, Any]:
    headers = {"Content-Type": "application/json", "X-Engine-Token": TOKEN}
    return engine.request("POST", f"/flashduty/labels/{action}", body, headers)


Start = Callable[[str], EngineProcess]


@pytest.fixture
def staged(place: Place, target: Target) -> Place:
    place.write("playbooks/add-labels.yaml", LABELS.format(url=target.url))
    return place


@pytest.fixture
def start(staged: Place, vendor_example: bytes) -> Start:
    """An engine with this budget for calls, once it works: it has judged a press by then."""
    text = (staged.folder / "config.yaml").read_text()

    def started(budget: str) -> EngineProcess:
        staged.write("config.yaml", f"{text}limits: {{answer: {budget}}}\n")
        engine = staged.start()
        body = json.loads(vendor_example)
        body["incident"]["event_id"] = f"start {len(staged.engines)}"
        _, answer = engine.press("nothing", json.dumps(body).encode())
        engine.wait_for("event_judged", event_id=answer["event"])
        return engine

    return started


def test_a_call_is_answered_from_a_run_that_is_in_the_ledger(
    staged: Place, target: Target, start: Start
) -> None:
    engine = start("50s")

    assert ask(engine, a_call()) == (200, {"result_labels": {"owner_team": "team-of-service-A"}})

    assert [path for _, path, _, _ in target.got] == ["/services/service-A"]
    [run] = staged.json("runs", "list")["items"]
    assert (run["playbook"], run["state"]) == ("add-labels", "succeeded")
    assert run["answer"] == {"owner_team": "team-of-service-A", "known": "true"}
    event = staged.json("events", "show", run["event"])
    assert (event["source"], event["title"]) == ("label-mapping", SAMPLE["event"]["title"])
    shown = staged.command("runs", "show", run["id"]).stdout
    assert "answered owner_team = team-of-service-A" in shown
    # The same call again is answered from the ledger.
    assert ask(engine, a_call())[0] == 200
    assert len(target.got) == 1
    status, answer = ask(engine, a_call(), "other-action")
    assert (status, answer["error"]["code"]) == (404, "no-match")


def test_a_call_that_takes_too_long_is_a_404_and_its_run_ends_in_the_ledger(
    staged: Place, target: Target, start: Start
) -> None:
    engine = start("200ms")
    target.released.clear()

    began = time.monotonic()
    status, answer = ask(engine, a_call())

    assert (status, answer["error"]["code"]) == (404, "too-late")
    assert time.monotonic() - began >= 0.2
    target.released.set()  # until now it hung: the answer did not wait for it
    ended = engine.wait_for("run_succeeded", playbook="add-labels")
    assert staged.json("runs", "show", ended["run"])["answer"]["owner_team"] == "team-of-service-A"
    wait_until(lambda: ask(engine, a_call())[0] == 200)  # it may take longer than 200 ms, too
    assert len(target.got) == 1


def test_after_a_kill_the_run_goes_on_once_and_the_repeated_call_gets_its_answer(
    staged: Place, target: Target, start: Start
) -> None:
    engine = start("50s")
    target.released.clear()

    def cut_off() -> None:
        with pytest.raises((OSError, http.client.HTTPException)):
            ask(engine, a_call())

    asking = threading.Thread(target=cut_off)
    asking.start()
    target.wait_for_request()
    engine.kill()
    asking.join(PATIENCE)
    again = start("50s")
    target.wait_for_request()
    target.released.set()

    assert ask(again, a_call()) == (200, {"result_labels": {"owner_team": "team-of-service-A"}})
    [run] = staged.json("runs", "list")["items"]
    [step] = staged.json("runs", "show", run["id"])["steps"]
    assert (run["state"], step["repeats"]) == ("succeeded", 1)


def test_fifty_slow_calls_keep_no_press_waiting(
    staged: Place, target: Target, start: Start, another_press: Callable[[int], bytes]
) -> None:
    staged.write("playbooks/p.yaml", "name: p\ntrigger: {action: p}\nsteps: [{set: {a: 1}}]\n")
    engine = start("50s")
    target.released.clear()
    answers: list[int] = []
    asking = [
        threading.Thread(target=lambda n=number: answers.append(ask(engine, a_call(n))[0]))
        for number in range(50)
    ]
    for thread in asking:
        thread.start()
    for _ in asking:
        target.wait_for_request()

    for number in range(20):
        assert engine.press("p", another_press(number))[0] == 200
        engine.wait_for("run_succeeded", playbook="p")

    assert answers == []  # all of them still wait
    target.released.set()
    for thread in asking:
        thread.join(PATIENCE)
    assert answers == [200] * 50
