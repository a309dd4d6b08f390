"""What steps start is gone when the engine is, however it ended, and nobody else's is touched."""

import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from tests.e2e.real_engine import PATIENCE, EngineProcess, Place
from tests.processes.children import child, is_gone, is_running, wait_until

# A tree: the command, one in the background, one in a session of its own, one that ignores TERM,
# and one with a clean environment. Each writes its pid once it is set up. Then it is quick.
TREE = """\
name: tree
trigger: {action: go}
steps:
  - id: tree
    shell:
      script: |
        if [ -e pids ]; then exit 0; fi
        sleep 1000 &
        echo $! >> pids.new
        setsid sh -c 'echo $$ >> pids.new; exec sleep 1000' &
        setsid sh -c 'trap "" TERM; echo $$ >> pids.new; while :; do sleep 1; done' &
        env -i sh -c 'echo $$ >> pids.new; exec sleep 1000' &
        echo $$ >> pids.new
        while [ $(wc -l < pids.new) -lt 5 ]; do sleep 0.05; done
        mv pids.new pids
        wait
    on_interrupt: retry
"""

DAEMON = """\
name: daemon
trigger: {action: go}
steps:
  - id: daemon
    shell:
      script: |
        mkfifo ready
        setsid sh -c 'echo $$ > ready; exec "$PYTHON" -c "import signal; signal.pause()"' &
        read number < ready
        echo $number
      env: {PYTHON: PYTHON_HERE}
"""


def start_tree(place: Place, engine: EngineProcess, press: bytes) -> list[int]:
    place.write("playbooks/tree.yaml", TREE)
    engine.press("go", press)
    pids = place.folder / "pids"
    wait_until(pids.exists)
    numbers = [int(word) for word in pids.read_text().split()]
    assert len(numbers) == 5
    assert all(is_running(number) for number in numbers)
    return numbers


def warden_of(engine: EngineProcess) -> int:
    """The child of the engine that says so in its arguments."""
    pid = engine.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children")
    found: list[int] = []

    def look() -> bool:
        found[:] = [
            int(number)
            for number in children.read_text().split()
            if b"\0engine-warden\0" in Path(f"/proc/{number}/cmdline").read_bytes()
        ]
        return bool(found)

    wait_until(look)
    return found[0]


@pytest.fixture
def engine(place: Place) -> EngineProcess:
    place.write("playbooks/tree.yaml", TREE)
    return place.start()


def test_a_killed_engine_leaves_nothing_running_and_no_stranger_is_touched(
    place: Place, engine: EngineProcess, vendor_example: bytes, tmp_path: Path
) -> None:
    other = Place(tmp_path / "other", place.flashduty)
    other.folder.mkdir()
    other.write("config.yaml", (place.folder / "config.yaml").read_text())
    other.write("playbooks/tree.yaml", TREE)
    neighbour = other.start()
    try:
        theirs = start_tree(other, neighbour, vendor_example)
        ours = start_tree(place, engine, vendor_example)
        warden = warden_of(engine)
        with child() as stranger:
            engine.kill()
            assert all(is_gone(number) for number in ours)
            assert is_gone(warden), "it goes last"
            assert stranger.poll() is None
        assert all(is_running(number) for number in theirs)
    finally:
        neighbour.close()
    assert all(is_gone(number) for number in theirs)


def test_a_killed_engine_lets_go_of_its_port_its_database_and_its_log_at_once(
    place: Place, engine: EngineProcess, vendor_example: bytes
) -> None:
    pids = start_tree(place, engine, vendor_example)
    warden = warden_of(engine)
    os.kill(warden, signal.SIGSTOP)  # however long it has to do
    try:
        engine.kill()
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", engine.port))
            listener.listen()
        with pytest.raises(AssertionError, match="the engine ended before anything"):
            engine.wait_for("anything")  # its standard error is at its end
        place.start()  # the database is free
    finally:
        os.kill(warden, signal.SIGCONT)
    assert all(is_gone(number) for number in pids)


def test_what_outlived_engine_and_warden_is_ended_and_told_before_runs_go_on(
    place: Place, engine: EngineProcess, vendor_example: bytes
) -> None:
    pids = start_tree(place, engine, vendor_example)
    warden = warden_of(engine)
    os.kill(warden, signal.SIGKILL)
    engine.kill()
    assert is_gone(warden)
    assert all(is_running(number) for number in pids)

    again = place.start()
    again.wait_for("run_succeeded")

    [run] = place.json("runs", "list")["items"]
    told = [entry for entry in again.log if entry["action"] == "left_over"]
    assert all(entry["ended"] for entry in told)
    assert {entry["pid"] for entry in told} >= set(pids)
    assert {(entry["run"], entry["step"], entry["attempt"]) for entry in told} == {
        (run["id"], "steps/0", 1)
    }
    assert {"sleep", "sh", "/bin/sh"} >= {entry["command"] for entry in told}
    actions = [entry["action"] for entry in again.log]
    assert actions.index("step_started") > actions.index("left_over")
    assert not any(is_running(number) for number in pids)


def test_an_engine_that_is_stopped_for_good_takes_everything_with_it(
    place: Place, engine: EngineProcess, vendor_example: bytes
) -> None:
    pids = start_tree(place, engine, vendor_example)
    warden = warden_of(engine)
    engine.process.terminate()
    engine.wait_for("stopping")
    engine.process.terminate()
    assert engine.process.wait(PATIENCE) == 0
    assert not any(is_running(number) for number in pids)
    assert is_gone(warden)


def test_a_signal_to_the_engines_whole_group_does_not_reach_its_warden(
    place: Place, engine: EngineProcess, vendor_example: bytes
) -> None:
    pids = start_tree(place, engine, vendor_example)
    warden = warden_of(engine)
    assert os.getpgid(warden) == os.getsid(warden) == warden
    os.kill(warden, signal.SIGTERM)
    os.kill(warden, signal.SIGINT)
    engine.kill()
    assert all(is_gone(number) for number in pids)
    assert is_gone(warden)


def test_a_daemon_does_not_outlive_its_step_and_the_trace_says_so(
    place: Place, vendor_example: bytes
) -> None:
    place.write("playbooks/daemon.yaml", DAEMON.replace("PYTHON_HERE", sys.executable))
    engine = place.start()
    engine.press("go", vendor_example)
    engine.wait_for("run_succeeded")
    [run] = place.json("runs", "list")["items"]
    [step] = place.json("runs", "show", run["id"])["steps"]
    number = int(step["result"]["stdout"])
    assert is_gone(number)
    assert len(step["result"]["ended"]) == 1
    assert step["result"]["ended"][0].endswith(f" (pid {number})")
