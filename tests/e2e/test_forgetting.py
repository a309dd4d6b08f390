"""A real engine forgets what is over, and takes back what it has to know."""

import sqlite3
from collections.abc import Callable
from contextlib import closing

from tests.e2e.real_engine import Place

DAY = 86400.0


def test_a_start_forgets_what_is_over_and_old_and_goes_on_with_what_is_not(
    place: Place, vendor_example: bytes, another_press: Callable[[int], bytes]
) -> None:
    place.write(
        "playbooks/quick.yaml", "name: quick\ntrigger: {action: quick}\nsteps: [{set: {a: 1}}]\n"
    )
    place.write(
        "playbooks/slow.yaml", "name: slow\ntrigger: {action: slow}\nsteps: [{wait: 30d}]\n"
    )
    config = (place.folder / "config.yaml").read_text()
    place.write("config.yaml", config + "retention: {age: 2d}\n")
    engine = place.start()
    engine.press("slow", vendor_example)
    engine.wait_for("run_waiting")
    for number in range(3):
        engine.press("quick", another_press(number))
        engine.wait_for("run_succeeded")
    assert engine.terminate() == 0
    with closing(sqlite3.connect(place.folder / "engine.db", isolation_level=None)) as db:
        db.execute("UPDATE events SET received = received - ?", (3 * DAY,))
        db.execute("UPDATE runs SET ended = ended - ?", (3 * DAY,))
        db.execute("UPDATE runs SET ended = ended + ? WHERE seq = 4", (2 * DAY,))

    again = place.start()

    pruned = again.wait_for("pruned")
    assert (pruned["events"], pruned["runs"], pruned["steps"]) == (2, 2, 2)
    runs = place.json("runs", "list")["items"]
    assert [(run["playbook"], run["state"]) for run in runs] == [
        ("quick", "succeeded"),
        ("slow", "waiting"),
    ]
    assert again.press("quick", another_press(2))[1]["duplicate"] is True
    assert place.json("db", "check")["sound"] is True
