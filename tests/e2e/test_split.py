"""Receiver and worker as two processes over one ledger: each comes and goes without the other."""

import asyncio
import json
import signal
import urllib.request
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.store.locks import Role, holder
from engine.store.sqlite import open_beside
from tests.e2e.real_engine import TOKEN, EngineProcess, Place, Target
from tests.runs.fakes import an_event

CALL = """\
name: call
trigger: {{action: go}}
steps:
  - http: {{method: POST, url: "{url}/{{{{ incident.event_id }}}}"}}
"""
EVENTS = 20


def calling(place: Place, target: Target) -> None:
    place.write("playbooks/call.yaml", CALL.format(url=target.url))


def done(engine: EngineProcess, runs: int) -> None:
    engine.wait_until(lambda log: log["run_succeeded"] >= runs)


@pytest.mark.parametrize("first", ["receiver", "worker"])
def test_in_either_order_what_one_receives_the_other_carries_out(
    place: Place, target: Target, vendor_example: bytes, first: str
) -> None:
    calling(place, target)
    if first == "receiver":
        receiver = place.start_receiver()
        assert receiver.press("go", vendor_example)[0] == 200
        worker = place.start_worker()
    else:
        worker = place.start_worker()
        receiver = place.start_receiver()
        assert receiver.press("go", vendor_example)[0] == 200
    done(worker, 1)

    assert receiver.press("go", vendor_example)[1]["duplicate"] is True
    listening = next(one for one in receiver.log if one["action"] == "listening")
    there = "missing" if first == "receiver" else "running"
    assert (listening["role"], listening["worker"]) == ("receiver", there)
    assert next(one for one in worker.log if one["action"] == "working")["role"] == "worker"
    [run] = place.json("runs", "list")["items"]
    assert run["state"] == "succeeded"
    assert len(target.got) == 1
    assert "playbooks" not in receiver.request("GET", "/readyz")[1]
    assert (receiver.terminate(), worker.terminate()) == (0, 0)


def test_an_idle_worker_is_woken_by_each_event(
    place: Place, target: Target, another_press: Callable[[int], bytes]
) -> None:
    """It polls nothing: only the receiver can have woken it."""
    calling(place, target)
    worker, receiver = place.start_worker(), place.start_receiver()
    for number in range(EVENTS):
        assert receiver.press("go", another_press(number))[0] == 200
        done(worker, number + 1)


def test_of_many_at_once_none_is_left_behind(
    place: Place, target: Target, another_press: Callable[[int], bytes]
) -> None:
    calling(place, target)
    receiver, worker = place.start_receiver(), place.start_worker()
    bodies = [another_press(number) for number in range(10 * EVENTS)]
    with ThreadPoolExecutor(16) as senders:
        answers = list(senders.map(lambda body: receiver.press("go", body), bodies))
    assert [status for status, _ in answers] == [200] * len(bodies)
    done(worker, len(bodies))
    assert max(Counter(path for _, path, _, _ in target.got).values()) == 1


def test_a_killed_worker_goes_on_where_it_was_and_the_receiver_hardly_notices(
    place: Place, target: Target, another_press: Callable[[int], bytes]
) -> None:
    calling(place, target)
    receiver, worker = place.start_receiver(), place.start_worker()
    target.released.clear()
    assert receiver.press("go", another_press(0))[0] == 200
    target.wait_for_request()
    assert receiver.request("GET", "/readyz")[1] == {"status": "ready", "worker": "running"}
    worker.kill()

    for number in range(1, EVENTS):
        assert receiver.press("go", another_press(number))[0] == 200
    told = receiver.wait_for("trouble")
    assert (told["where"], "`engine work`" in told["message"]) == ("worker", True)
    ready = (200, {"status": "ready", "worker": "missing"})
    assert receiver.request("GET", "/readyz") == ready, "what is sent is kept all the same"
    shown = metrics(receiver)
    assert "engine_worker_running 0.0" in shown
    assert f"engine_events_unjudged {EVENTS - 1}.0" in shown
    assert 'engine_runs_unfinished{state="running"} 1.0' in shown

    target.released.set()
    again = place.start_worker()
    # A POST that was cut may have had its effect: a person is asked, and it is not repeated.
    again.wait_until(
        lambda log: log["run_succeeded"] >= EVENTS - 1 and log["attention_needed"] == 1
    )
    assert "engine_worker_running 1.0" in metrics(receiver)
    assert set(Counter(path for _, path, _, _ in target.got).values()) == {1}
    assert len(target.got) == EVENTS
    assert len([one for one in receiver.log if one["action"] == "trouble"]) == 1


def metrics(receiver: EngineProcess) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{receiver.port}/metrics") as answer:
        text: str = answer.read().decode()
    return text


def test_a_killed_receiver_takes_nothing_with_it(
    place: Place, target: Target, another_press: Callable[[int], bytes]
) -> None:
    calling(place, target)
    worker, receiver = place.start_worker(), place.start_receiver()
    target.released.clear()
    for number in range(EVENTS):
        assert receiver.press("go", another_press(number))[0] == 200
    receiver.kill()
    target.released.set()
    done(worker, EVENTS)

    again = place.start_receiver()
    status, answer = again.press("go", another_press(0))
    assert (status, answer["duplicate"]) == (200, True)
    assert again.press("go", another_press(EVENTS))[0] == 200
    done(worker, EVENTS + 1)
    assert max(Counter(path for _, path, _, _ in target.got).values()) == 1


def test_what_a_receiver_committed_and_could_not_say_is_found_when_the_next_one_starts(
    place: Place, vendor_example: bytes
) -> None:
    place.write("playbooks/any.yaml", "name: any\ntrigger: {}\nsteps: [{wait: 1ms}]\n")
    worker, receiver = place.start_worker(), place.start_receiver()
    receiver.press("go", vendor_example)
    done(worker, 1)  # it sleeps from now on
    receiver.kill()
    with open_beside(place.folder / "engine.db") as ledger:
        asyncio.run(ledger.accept(an_event("E1")))
    place.start_receiver()
    worker.wait_for("event_judged", event_id="E1")
    done(worker, 2)


def refused(place: Place, *command: str) -> str:
    ended = place.process(*command)
    assert ended.returncode == 2
    return ended.stderr


def test_each_role_is_had_once_and_serve_has_both(place: Place) -> None:
    place.write("playbooks/none.yaml", "name: none\ntrigger: {}\nsteps: [{wait: 1s}]\n")
    database = place.folder / "engine.db"
    hint = "(stop it first, or give this one a `database` of its own)\n"

    worker = place.start_worker()
    works = f"another engine (process {worker.process.pid}) works on {database} {hint}"
    for command in (["work"], ["serve"]):
        assert refused(place, *command) == f"database-in-use: {works}"
    receiver = place.start_receiver()
    receives = f"another engine (process {receiver.process.pid}) receives for {database} {hint}"
    assert refused(place, "serve", "--no-worker") == f"database-in-use: {receives}"
    assert worker.terminate() == 0
    assert refused(place, "serve") == f"database-in-use: {receives}"
    assert receiver.terminate() == 0

    whole = place.start()
    for command in (["work"], ["serve", "--no-worker"], ["serve"]):
        said = refused(place, *command)
        assert said.startswith(f"database-in-use: another engine (process {whole.process.pid}) ")
    assert {holder(database, role) for role in Role} == {whole.process.pid}


def test_what_people_say_reaches_the_worker(place: Place, vendor_example: bytes) -> None:
    place.write(
        "playbooks/careful.yaml",
        "name: careful\ntrigger: {action: go}\nsteps: [{approve: {ask: Really?, within: 1h}}]\n",
    )
    receiver, worker = place.start_receiver(), place.start_worker()
    receiver.press("go", vendor_example)
    run = worker.wait_for("run_waiting")["run"]
    said = place.command("runs", "cancel", run, "--by", "ann").stdout
    assert said.endswith("the engine that is running does it at once.\n")
    worker.wait_for("run_cancelled", run=run)

    assert place.command("pause", "--by", "ann").returncode == 0
    event = place.json("events", "list")["items"][0]["id"]
    assert place.command("events", "replay", event, "--by", "ann").returncode == 0
    assert worker.wait_for("run_skipped")["reason"] == "paused by ann"
    assert place.command("resume", "--by", "ann").returncode == 0
    assert place.command("events", "replay", event, "--by", "ann").returncode == 0
    worker.wait_for("run_waiting")


def test_calls_for_labels_are_refused_and_logged(place: Place) -> None:
    receiver = place.start_receiver()
    body = (Path(__file__).parents[1] / "fixtures/label-mapping.vendor-page.json").read_bytes()
    sent = {"Content-Type": "application/json", "X-Engine-Token": TOKEN}
    answer = receiver.request("POST", "/flashduty/labels/add-labels", body, sent)
    message = (
        "calls for labels are answered by `engine serve` with its worker; this one only receives"
    )
    assert answer == (503, {"error": {"code": "no-worker", "message": message}})
    entry = receiver.wait_for("delivery_refused")
    assert (entry["source"], entry["status"]) == ("label-mapping", 503)
    sent["X-Engine-Token"] = "another"
    assert receiver.request("POST", "/flashduty/labels/add-labels", body, sent)[0] == 401


def test_hup_is_for_the_worker_and_harms_no_receiver(place: Place, vendor_example: bytes) -> None:
    path = place.write("playbooks/a.yaml", "name: a\ntrigger: {action: go}\nsteps: [{wait: 1ms}]\n")
    receiver, worker = place.start_receiver(), place.start_worker()
    path.write_text("name: b\ntrigger: {action: go}\nsteps: [{wait: 1ms}]\n")
    worker.process.send_signal(signal.SIGHUP)
    assert worker.wait_for("reloaded")["playbooks"] == ["b"]
    receiver.process.send_signal(signal.SIGHUP)
    receiver.wait_for("nothing_to_load")
    receiver.press("go", vendor_example)
    worker.wait_for("run_succeeded", playbook="b")


def test_ctrl_c_ends_either_with_130(place: Place) -> None:
    place.write("playbooks/none.yaml", "name: none\ntrigger: {}\nsteps: [{wait: 1s}]\n")
    for engine in (place.start_receiver(), place.start_worker()):
        engine.process.send_signal(signal.SIGINT)
        engine.wait_for("stopped")
        assert engine.process.wait() == 130


def test_both_at_once_make_one_ledger(place: Place, target: Target, vendor_example: bytes) -> None:
    calling(place, target)
    with ThreadPoolExecutor() as starting:
        both = [starting.submit(start) for start in (place.start_receiver, place.start_worker)]
        receiver, worker = (one.result() for one in both)
    receiver.press("go", vendor_example)
    done(worker, 1)
    assert json.loads(place.command("db", "check", "--format", "json").stdout)["sound"] is True


def test_doctor_looks_at_both(place: Place) -> None:
    def said() -> dict[str, str]:
        shown = json.loads(place.command("doctor", "--offline", "--format", "json").stdout)
        return {
            one["check"]: one["level"]
            for one in shown["items"]
            if one["check"] in ("worker", "receiver", "engine")
        }

    place.write("playbooks/none.yaml", "name: none\ntrigger: {}\nsteps: [{wait: 1s}]\n")
    receiver = place.start_receiver()
    assert said() == {"worker": "fail", "receiver": "ok"}
    place.start_worker()
    assert said() == {"worker": "ok", "receiver": "ok"}
    receiver.kill()
    assert said() == {"worker": "ok", "receiver": "fail"}
