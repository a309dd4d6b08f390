"""Playbooks that change under a running engine: taken whole, between two events, or not at all."""

import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.cli.watching import QUIET
from tests.e2e.real_engine import EngineProcess, Place, Target

PLAYBOOK = """\
name: {name}
trigger: {{action: {name}}}
guard: {{concurrency: queue}}
steps:
  - http: {url}/{name}/{version}/first
  - http: {url}/{name}/{version}/second
"""
BROKEN = "name: go\ntrigger: {action: go}\nsteps: [{http: 'http://x', retyr: {attempts: 2}}]\n"

Press = Callable[[int], bytes]


def put(place: Place, target: Target, version: str, name: str = "go") -> Path:
    """Save a version of a playbook as editors do: a file beside it takes its place."""
    text = PLAYBOOK.format(name=name, version=version, url=target.url)
    place.write(f"playbooks/.{name}.new", text)
    return (place.folder / f"playbooks/.{name}.new").rename(place.folder / f"playbooks/{name}.yaml")


def ready(engine: EngineProcess) -> Any:
    status, answer = engine.request("GET", "/readyz")
    assert (status, answer["status"]) == (200, "ready")
    return answer


def metrics(engine: EngineProcess) -> list[str]:
    with urllib.request.urlopen(f"http://127.0.0.1:{engine.port}/metrics") as answer:
        return [str(line) for line in answer.read().decode().splitlines()]


def actions(engine: EngineProcess, action: str) -> int:
    return sum(entry["action"] == action for entry in engine.log)


def hup(engine: EngineProcess) -> dict[str, Any]:
    engine.process.send_signal(signal.SIGHUP)
    return engine.wait_for("reloaded", asked=True)


def test_the_next_event_goes_by_the_changed_file_and_runs_that_are_there_by_the_old_one(
    place: Place, target: Target, another_press: Press
) -> None:
    put(place, target, "old")
    target.released.clear()
    engine = place.start()
    engine.press("go", another_press(1))
    assert target.wait_for_request() == "/go/old/first"
    engine.press("go", another_press(2))  # it waits for its turn
    engine.wait_for("event_judged")
    engine.wait_for("event_judged")

    put(place, target, "new")
    reloaded = engine.wait_for("reloaded")
    assert (reloaded["changed"], reloaded["new"], reloaded["gone"]) == (["go"], [], [])
    engine.press("go", another_press(3))
    target.released.set()
    engine.wait_until(lambda counts: counts["run_succeeded"] == 3)

    assert [path for _, path, _, _ in target.got] == [
        *("/go/old/first", "/go/old/second"),
        *("/go/old/first", "/go/old/second"),
        *("/go/new/first", "/go/new/second"),
    ]
    newest, second, first = place.json("runs", "list")["items"]
    assert newest["version"] != second["version"] == first["version"]


def test_a_run_goes_on_with_the_old_text_after_a_kill_although_its_playbook_is_gone(
    place: Place, target: Target, another_press: Press
) -> None:
    put(place, target, "old")
    put(place, target, "old", "other")
    engine = place.start()
    place.command("pause", "go", "--reason", "not now")
    target.released.clear()
    engine.press("other", another_press(1))
    assert target.wait_for_request() == "/other/old/first"
    engine.press("other", another_press(2))
    engine.wait_for("event_judged")
    engine.wait_for("event_judged")

    (place.folder / "playbooks/other.yaml").unlink()
    assert engine.wait_for("reloaded")["gone"] == ["other"]
    (place.folder / "playbooks/go.yaml").rename(place.folder / "playbooks/gone.yaml")
    engine.kill()
    target.released.set()
    again = place.start()
    again.wait_until(lambda counts: counts["run_succeeded"] == 2)

    assert target.got[-1][1] == "/other/old/second"
    again.press("other", another_press(3))
    assert again.wait_for("event_judged")["started"] == []
    again.press("go", another_press(4))
    assert again.wait_for("run_skipped")["reason"].endswith("not now")  # its pause stays


def test_a_change_with_a_problem_is_refused_as_a_whole_and_readyz_says_so_until_it_is_mended(
    place: Place, target: Target, another_press: Press
) -> None:
    put(place, target, "old")
    engine = place.start()
    before = ready(engine)
    assert (before["problems"], before["playbooks"]["refused"]) == ([], None)

    place.write("playbooks/broken.yaml", BROKEN.replace("name: go", "name: broken"))
    put(place, target, "new")
    engine.wait_for("reload_refused")
    answer = ready(engine)
    assert [(one["code"], one["line"]) for one in answer["problems"]] == [("unknown-key", 3)]
    assert answer["playbooks"]["version"] == before["playbooks"]["version"]
    assert answer["playbooks"]["refused"]["reason"].startswith("what lies there now has problems")
    assert "engine_playbook_problems 1.0" in metrics(engine)
    assert 'engine_reloads_total{outcome="refused"} 1.0' in metrics(engine)
    [said] = [entry["problem"] for entry in engine.log if entry["action"] == "problem"]
    assert "unknown-key: there is no key 'retyr' in a step (did you mean 'retry'?)" in said
    engine.press("go", another_press(1))
    engine.wait_for("run_succeeded")

    (place.folder / "playbooks/broken.yaml").unlink()
    engine.wait_for("reloaded")
    answer = ready(engine)
    assert (answer["problems"], answer["playbooks"]["refused"]) == ([], None)
    assert answer["playbooks"]["version"] != before["playbooks"]["version"]
    assert "engine_playbook_problems 0.0" in metrics(engine)
    assert 'engine_reloads_total{outcome="taken"} 1.0' in metrics(engine)
    engine.press("go", another_press(2))
    engine.wait_for("run_succeeded")

    assert [path for _, path, _, _ in target.got] == [
        *("/go/old/first", "/go/old/second"),
        *("/go/new/first", "/go/new/second"),
    ]


def test_what_loads_and_can_never_be_true_is_refused_by_a_running_engine(
    place: Place, target: Target
) -> None:
    put(place, target, "old")
    engine = place.start()
    typo = "name: go\ntrigger: {when: severity == 'critical'}\nsteps: [{wait: 1s}]\n"
    place.write("playbooks/go.yaml", typo)
    engine.wait_for("reload_refused")
    assert [one["code"] for one in ready(engine)["problems"]] == ["unknown-word"]


def test_many_files_that_change_together_are_one_change(place: Place, target: Target) -> None:
    for number in range(50):
        put(place, target, "old", f"p{number}")
    engine = place.start()

    began = time.monotonic()
    for number in range(50):
        path = put(place, target, "new", f"p{number}")
        path.rename(path.with_name(f"q{number}.yaml"))
    pauses = (time.monotonic() - began) * 1000 // QUIET  # none, as a rule
    changed = 0
    while changed < 50:
        reloaded = engine.wait_for("reloaded")
        assert len(reloaded["playbooks"]) == 50
        changed += len(reloaded["changed"])
    assert 1 <= actions(engine, "reloaded") <= 1 + pauses
    assert hup(engine)["changed"] == []
    assert actions(engine, "reload_refused") <= pauses  # it looked in the middle


def test_hup_loads_what_no_file_event_told_of(
    place: Place, target: Target, another_press: Press
) -> None:
    real = put(place, target, "old").rename(place.folder / "elsewhere.yaml")
    (place.folder / "playbooks/go.yaml").symlink_to(real)
    engine = place.start()
    before = ready(engine)["playbooks"]["version"]

    real.write_text(PLAYBOOK.format(name="go", version="new", url=target.url), encoding="utf-8")

    assert hup(engine)["version"] != before
    engine.press("go", another_press(1))
    assert target.wait_for_request() == "/go/new/first"


def test_a_link_that_is_turned_to_another_folder_is_found_out(place: Place, target: Target) -> None:
    put(place, target, "old")
    folder = place.folder / "playbooks"
    folder.rename(place.folder / "release-1")
    put(place, target, "new")
    folder.rename(place.folder / "release-2")
    folder.symlink_to("release-1")
    engine = place.start()

    turned = place.folder / "link.new"
    turned.symlink_to("release-2")
    turned.rename(folder)
    assert engine.wait_for("reloaded")["changed"] == ["go"]
    (place.folder / "release-2/go.yaml").unlink()  # this folder is the one that is watched now
    engine.wait_for("reload_refused")
    assert [one["code"] for one in ready(engine)["problems"]] == ["no-playbooks"]


def test_a_folder_that_is_gone_leaves_everything_as_it_was(
    place: Place, target: Target, another_press: Press
) -> None:
    put(place, target, "old")
    engine = place.start()

    (place.folder / "playbooks").rename(place.folder / "elsewhere")
    engine.wait_for("reload_refused")
    assert [one["code"] for one in ready(engine)["problems"]] == ["no-such-path"]
    engine.press("go", another_press(1))
    engine.wait_for("run_succeeded")

    (place.folder / "elsewhere").rename(place.folder / "playbooks")
    engine.wait_for("reloaded")
    assert ready(engine)["problems"] == []


def test_a_run_says_which_commit_its_playbook_comes_from(
    place: Place, target: Target, another_press: Press
) -> None:
    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-c", "user.name=e2e", "-c", "user.email=e2e@invalid", *arguments],
            cwd=place.folder,
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull},
        ).stdout.strip()

    put(place, target, "old")
    git("init", "--quiet")
    git("add", "playbooks")
    git("commit", "--quiet", "--message", "First")
    first = git("rev-parse", "--short=12", "HEAD")
    engine = place.start()
    engine.press("go", another_press(1))
    engine.wait_for("run_succeeded")

    put(place, target, "new")
    assert engine.wait_for("reloaded")["commit"] == f"{first}-dirty"
    engine.press("go", another_press(2))
    engine.wait_for("run_succeeded")
    assert ready(engine)["playbooks"]["commit"] == f"{first}-dirty"

    newest, oldest = place.json("runs", "list")["items"]
    assert place.json("runs", "show", oldest["id"])["commit"] == first
    assert place.json("runs", "show", newest["id"])["commit"] == f"{first}-dirty"
    shown = place.command("runs", "show", oldest["id"]).stdout
    assert f"version  {oldest['version']} of " in shown
    assert f"go.yaml, git {first}\n" in shown


def test_the_log_of_a_reload_can_be_read_by_programs(place: Place, target: Target) -> None:
    put(place, target, "old")
    engine = place.start()
    version = ready(engine)["playbooks"]["version"]

    entry = hup(engine)

    assert {key: entry[key] for key in entry if key != "timestamp"} == {
        "action": "reloaded",
        "event": "playbooks reloaded",
        "level": "info",
        "playbooks": ["go"],
        "new": [],
        "changed": [],
        "gone": [],
        "version": version,
        "commit": None,
        "asked": True,
    }
    assert json.dumps(entry)
