"""A real engine that is asked to stop: once politely, twice with what it started, thrice at once."""

import signal
import time

from tests.e2e.real_engine import Place
from tests.processes.children import is_running, wait_until

SOON = 25.0  # seconds in which a hurried engine has to be gone; one that is not takes 30

# The first time it hangs, with a child that has ignored its parent's end; then it is quick.
SLEEPS = """\
name: sleeps
trigger: {action: go}
steps:
  - shell: {script: 'echo before >> effects'}
  - shell:
      script: |
        if [ -e pids ]; then echo again >> effects; exit 0; fi
        sleep 60 &
        echo $$ $! > pids.new
        mv pids.new pids
        wait
    on_interrupt: retry
finally:
  - shell: {script: 'echo last >> effects'}
"""


def test_a_second_term_cuts_the_step_in_flight_and_the_next_start_performs_it_again(
    place: Place, vendor_example: bytes
) -> None:
    place.write("playbooks/sleeps.yaml", SLEEPS)
    engine = place.start()
    engine.press("go", vendor_example)
    pids_file = place.folder / "pids"
    wait_until(pids_file.exists)
    pids = [int(word) for word in pids_file.read_text().split()]
    assert all(is_running(pid) for pid in pids)

    engine.process.terminate()
    engine.wait_for("stopping")
    time.sleep(0.3)
    assert engine.process.poll() is None, "the step in flight has its grace"
    assert all(is_running(pid) for pid in pids)
    engine.process.terminate()

    assert engine.process.wait(SOON) == 0
    engine.wait_for("trouble", where="stopping")
    wait_until(lambda: not any(is_running(pid) for pid in pids))
    [run] = place.json("runs", "list")["items"]
    assert run["state"] == "running"
    steps = place.json("runs", "show", run["id"])["steps"]
    assert [(step["path"], step["outcome"]) for step in steps] == [
        ("steps/0", "succeeded"),
        ("steps/1", None),
    ]

    again = place.start()
    again.wait_for("run_succeeded")
    assert (place.folder / "effects").read_text().split() == ["before", "again", "last"]
    steps = place.json("runs", "show", run["id"])["steps"]
    assert [(step["path"], step["attempt"], step["repeats"]) for step in steps] == [
        ("steps/0", 1, 0),
        ("steps/1", 1, 1),
        ("finally/0", 1, 0),
    ]


def test_a_third_term_ends_the_engine_at_once(place: Place, vendor_example: bytes) -> None:
    stubborn = (
        "trap : TERM; "
        "sh -c 'trap \"touch heard\" TERM; echo $$ $PPID > pids; while :; do sleep 1; done'"
    )
    place.write(
        "playbooks/stubborn.yaml",
        f"name: stubborn\ntrigger: {{action: go}}\nsteps:\n  - shell:\n      script: |\n        {stubborn}\n",
    )
    engine = place.start()
    engine.press("go", vendor_example)
    pids_file = place.folder / "pids"
    wait_until(lambda: pids_file.exists() and len(pids_file.read_text().split()) == 2)
    pids = [int(word) for word in pids_file.read_text().split()]

    engine.process.terminate()
    engine.wait_for("stopping")
    engine.process.terminate()
    wait_until((place.folder / "heard").exists)  # two of the same signal at one moment are one
    assert engine.process.poll() is None, "the command is stubborn, and has its patience"
    engine.process.terminate()
    assert engine.process.wait(SOON) == 128 + signal.SIGTERM
    wait_until(lambda: not any(is_running(pid) for pid in pids))
