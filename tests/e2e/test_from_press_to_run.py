"""The main job on real parts: a press reaches the receiver, is committed, and becomes a run."""

import json
import sqlite3
import threading
from collections.abc import Callable
from typing import Any

from tests.e2e.real_engine import PATIENCE, TOKEN, Place, Target

PLAYBOOK = """\
name: three-effects
trigger:
  action: restart-host
  when: severity == 'Critical' && labels.service == 'engine'
vars: {{host: "{{{{ labels.resource }}}}"}}
steps:
  - id: file
    shell: [touch, "{folder}/{{{{ vars.host }}}}"]
  - id: call
    http: {{method: POST, url: "{url}/hosts/{{{{ vars.host }}}}", json: {{by: "{{{{ person.person_name }}}}"}}}}
  - set: {{done: "{{{{ steps.call.body.ok }}}}"}}
"""


def stage(place: Place, target: Target) -> None:
    place.write("playbooks/three.yaml", PLAYBOOK.format(folder=place.folder, url=target.url))


def test_the_vendors_example_becomes_a_finished_run_with_real_effects(
    place: Place, target: Target, vendor_example: bytes
) -> None:
    stage(place, target)
    engine = place.start()

    # As the vendor's page prints it: a query string, a custom header, event_id inside incident.
    status, answer = engine.request(
        "POST",
        "/flashduty/actions/restart-host?a=a",
        vendor_example,
        {"Content-Type": "application/json", "X-Engine-Token": TOKEN, "X-Customize": "c"},
    )

    assert status == 200
    assert answer == {"event": answer["event"], "duplicate": False}
    engine.wait_for("run_succeeded", playbook="three-effects")
    assert (place.folder / "es.nj.01").exists()
    [(method, path, headers, body)] = target.got
    assert (method, path, json.loads(body)) == ("POST", "/hosts/es.nj.01", {"by": "zhangsan"})
    [run] = place.json("runs", "list")["items"]
    assert run["event"] == answer["event"]
    trace = place.json("runs", "show", run["id"])
    assert [(s["path"], s["outcome"], s["attempt"]) for s in trace["steps"]] == [
        ("steps/0", "succeeded", 1),
        ("steps/1", "succeeded", 1),
        ("steps/2", "succeeded", 1),
    ]
    assert headers["Idempotency-Key"] == f"{run['id']}:steps/1"
    event = place.json("events", "show", answer["event"])
    assert event["verdicts"][0]["answer"] == "yes"
    assert event["payload"] == json.loads(vendor_example)


def test_the_same_event_in_either_shape_and_after_a_restart_runs_once(
    place: Place, target: Target, vendor_example: bytes, field_table_example: bytes
) -> None:
    stage(place, target)
    engine = place.start()

    _, first = engine.press("restart-host", vendor_example)
    engine.wait_for("run_succeeded")
    assert engine.press("restart-host", vendor_example) == (200, {**first, "duplicate": True})
    assert engine.press("restart-host", field_table_example) == (200, {**first, "duplicate": True})
    assert engine.terminate() == 0
    again = place.start()
    assert again.press("restart-host", vendor_example) == (200, {**first, "duplicate": True})

    # Another button is another event: its run is the sign that nothing was queued before it.
    _, other = again.press("another-button", vendor_example)
    again.wait_for("event_judged", event_id=other["event"])
    assert len(place.json("runs", "list")["items"]) == 1
    assert len(target.got) == 1


def test_twenty_deliveries_of_one_event_at_the_same_moment_start_one_run(
    place: Place, target: Target, vendor_example: bytes
) -> None:
    stage(place, target)
    engine = place.start()
    barrier = threading.Barrier(20)
    answers: list[tuple[int, Any]] = []

    def deliver() -> None:
        barrier.wait()
        answers.append(engine.press("restart-host", vendor_example))

    threads = [threading.Thread(target=deliver) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [status for status, _ in answers] == [200] * 20
    assert sorted(answer["duplicate"] for _, answer in answers) == [False] + [True] * 19
    assert len({answer["event"] for _, answer in answers}) == 1
    engine.wait_for("run_succeeded")
    assert len(place.json("runs", "list")["items"]) == 1


def test_a_kill_in_the_middle_loses_nothing_and_repeats_only_the_step_it_cut(
    place: Place, target: Target, another_press: Callable[[int], bytes]
) -> None:
    place.write(
        "playbooks/three.yaml",
        f"""\
name: three
trigger: {{action: go}}
steps:
  - shell: {{script: 'echo "$ID" >> first', env: {{ID: "{{{{ run.id }}}}"}}}}
    on_interrupt: retry
  - {{http: {{method: POST, url: "{target.url}/second"}}, on_interrupt: retry}}
  - shell: {{script: 'echo "$ID" >> third', env: {{ID: "{{{{ run.id }}}}"}}}}
""",
    )
    engine = place.start()
    target.released.clear()
    status, answer = engine.press("go", another_press(1))
    assert status == 200
    target.wait_for_request()  # the second step is in flight
    assert engine.press("go", another_press(2))[0] == 200  # acknowledged just before the end
    engine.kill()
    target.released.set()

    again = place.start()
    again.wait_for("run_succeeded")
    again.wait_for("run_succeeded")

    runs = place.json("runs", "list")["items"]
    assert [run["state"] for run in runs] == ["succeeded", "succeeded"]
    ids = {run["id"] for run in runs}
    cut = next(run["id"] for run in runs if run["event"] == answer["event"])
    firsts = (place.folder / "first").read_text().split()
    thirds = (place.folder / "third").read_text().split()
    assert firsts.count(cut) == 1  # its outcome was settled before the kill
    assert sorted(thirds) == sorted(ids)  # nothing had started it before
    keys = [headers["Idempotency-Key"] for _, _, headers, _ in target.got]
    assert keys.count(f"{cut}:steps/1") == 2  # in flight at the kill: performed again, same key
    steps = place.json("runs", "show", cut)["steps"]
    assert [(step["path"], step["repeats"]) for step in steps] == [
        ("steps/0", 0),
        ("steps/1", 1),
        ("steps/2", 0),
    ]


def test_term_lets_the_step_in_flight_finish_and_the_rest_goes_on_at_the_next_start(
    place: Place, target: Target, vendor_example: bytes
) -> None:
    place.write(
        "playbooks/two.yaml",
        f"""\
name: two
trigger: {{action: go}}
steps:
  - http: {{method: POST, url: "{target.url}/one"}}
  - http: {{method: POST, url: "{target.url}/two"}}
""",
    )
    engine = place.start()
    target.released.clear()
    engine.press("go", vendor_example)
    target.wait_for_request()
    engine.process.terminate()
    engine.wait_for("stopping")
    target.released.set()

    assert engine.process.wait(PATIENCE) == 0
    [run] = place.json("runs", "list")["items"]
    assert run["state"] == "running"
    again = place.start()
    again.wait_for("run_succeeded")
    assert [path for _, path, _, _ in target.got] == ["/one", "/two"]


def test_a_second_engine_on_the_same_database_is_refused_with_a_sentence(place: Place) -> None:
    place.write("playbooks/none.yaml", "name: none\ntrigger: {}\nsteps: [{wait: 1s}]\n")
    first = place.start()

    second = place.process("serve")

    assert second.returncode == 2
    database = place.folder / "engine.db"
    assert second.stderr == (
        f"database-in-use: another engine (process {first.process.pid}) works on {database} "
        "(stop it first, or give this one a `database` of its own)\n"
    )


def test_a_bad_playbook_is_left_out_and_shown_and_the_good_ones_run(
    place: Place, target: Target, vendor_example: bytes
) -> None:
    stage(place, target)
    bad = place.write("playbooks/deep/er/bad.yml", "name: bad\ntriger: {}\nsteps: [{wait: 1s}]\n")
    engine = place.start()

    status, ready = engine.request("GET", "/readyz")

    assert (status, ready["status"]) == (200, "ready")
    assert [
        (problem["file"], problem["line"], problem["column"], problem["code"])
        for problem in ready["problems"]
    ] == [(str(bad), 1, 1, "missing-key"), (str(bad), 2, 1, "unknown-key")]
    engine.press("restart-host", vendor_example)
    engine.wait_for("run_succeeded", playbook="three-effects")


def test_a_refused_delivery_and_a_secret_that_is_not_there_are_said_where_one_looks(
    place: Place, vendor_example: bytes
) -> None:
    place.write(
        "config.yaml",
        (place.folder / "config.yaml").read_text() + "secrets: {S: {env: NOT_SET_ANYWHERE}}\n",
    )
    place.write("playbooks/none.yaml", "name: none\ntrigger: {}\nsteps: [{wait: 1s}]\n")
    engine = place.start()

    _, ready = engine.request("GET", "/readyz")
    assert [(problem["code"], problem["message"]) for problem in ready["problems"]] == [
        ("no-secret", "secret S: the variable NOT_SET_ANYWHERE is not set")
    ]
    headers = {"Content-Type": "application/json", "X-Engine-Token": "wrong"}
    assert engine.request("POST", "/flashduty/actions/go", vendor_example, headers)[0] == 401
    entry = engine.wait_for("delivery_refused")
    assert (entry["status"], entry["code"], entry["button"], entry["peer"]) == (
        401,
        "unauthorized",
        "go",
        "127.0.0.1",
    )


def test_neither_key_nor_token_nor_secret_is_written_anywhere(
    place: Place, target: Target, vendor_example: bytes
) -> None:
    place.write(
        "config.yaml",
        (place.folder / "config.yaml").read_text() + "secrets: {S: {env: E2E_KEY}}\n",
    )
    place.write(
        "playbooks/leaky.yaml",
        f"""\
name: leaky
trigger: {{action: go}}
steps:
  - http: {{url: "{target.url}/{{{{ secrets.S }}}}", headers: {{X: "{{{{ secrets.S }}}}"}}}}
  - shell: {{script: 'echo "$S"; echo "$S" | base64 >&2', env: {{S: "{{{{ secrets.S }}}}"}}}}
  - {{flashduty: {{call: incident/comment, comment: "{{{{ secrets.S }}}}"}}, continue_on_error: true}}
""",
    )
    engine = place.start()
    engine.press("go", vendor_example)
    engine.wait_for("run_succeeded")
    assert engine.terminate() == 0

    assert any("e2e-key-5d21" in path for _, path, _, _ in target.got)  # it did go out
    written = {
        path: path.read_bytes() for path in place.folder.iterdir() if path.name.startswith("engine")
    }
    assert written
    seen = "".join(json.dumps(entry) for entry in engine.log).encode() + b"".join(written.values())
    for canary in (b"e2e-key-5d21", TOKEN.encode(), b"ZTJlLWtleS01ZDIx"):
        assert canary not in seen


def test_an_engine_that_was_killed_leaves_a_database_that_is_whole(
    place: Place, target: Target, another_press: Callable[[int], bytes]
) -> None:
    stage(place, target)
    engine = place.start()
    events = {engine.press("restart-host", another_press(n))[1]["event"] for n in range(50)}
    engine.kill()

    with sqlite3.connect(place.folder / "engine.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        kept = {row[0] for row in database.execute("SELECT id FROM events")}
    database.close()
    assert kept == events
