"""A real engine whose disk fails it: it refuses what it cannot keep, says why, and recovers.

Every fault here is a real one. What was acknowledged is in the ledger, what was refused is not, and
whatever step was on its way when it happened took effect once.
"""

import contextlib
import http.client
import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from engine.store.queries import read_migrations
from tests.e2e.real_engine import PATIENCE, TOKEN, EngineProcess, Place

BODY = (Path(__file__).parents[1] / "fixtures/custom-action.vendor-page.json").read_bytes()
CONFIG = """\
listen: 127.0.0.1:0
database: disk/engine.db
flashduty:
  app_key: ${E2E_KEY}
  webhook_token: ${E2E_TOKEN}
  base_url: ${E2E_FLASHDUTY}
  reconcile: off
"""
# The first step says that it has begun and waits until it may end: a fault can come in between.
PLAYBOOK = """\
name: go
trigger: {action: go}
steps:
  - shell:
      script: 'echo "$RUN" >> began; while [ -e hold ]; do sleep 0.02; done; echo "$RUN" >> ended'
      env: {RUN: "{{ run.id }}"}
  - wait: 100ms
  - shell: {script: 'echo "$RUN" >> after', env: {RUN: "{{ run.id }}"}}
"""


@dataclass
class Faulty:
    """An engine on a disk that a test spoils, and what was acknowledged and refused there."""

    place: Place
    engine: EngineProcess
    acknowledged: list[str] = field(default_factory=list)
    refused: int = 0

    @property
    def database(self) -> Path:
        return self.place.folder / "disk/engine.db"

    def press(self) -> str | None:
        """Another press; answers why it was refused."""
        status, answer = self.engine.press("go", another_press(self.count))
        if status == 200:
            self.acknowledged.append(answer["event"])
            return None
        assert status == 503, answer
        assert answer["error"]["code"] == "not-committed"
        self.refused += 1
        return str(answer["error"]["message"]).removeprefix("the event could not be kept: ")

    @property
    def count(self) -> int:
        return len(self.acknowledged) + self.refused

    def red(self) -> str:
        """Why it is not ready; it has to be alive all the same."""
        status, answer = self.engine.request("GET", "/readyz")
        assert (status, answer["status"]) == (503, "not ready")
        assert self.engine.request("GET", "/healthz")[0] == 200
        return str(answer["reason"]).removeprefix("nothing can be committed: ")

    def wait_until_ready(self) -> None:
        wait_until(lambda: self.engine.request("GET", "/readyz")[0] == 200)

    def hold(self) -> None:
        """The first step of what comes now goes on until `release`."""
        self.place.write("hold", "")
        before = self.lines("began")
        assert self.press() is None
        wait_until(lambda: len(self.lines("began")) > len(before))

    def release(self) -> None:
        (self.place.folder / "hold").unlink()

    def lines(self, name: str) -> list[str]:
        path = self.place.folder / name
        return path.read_text().split() if path.exists() else []

    def all_is_well(self) -> None:
        """It works again, and kept all that it acknowledged, and nothing that it refused."""
        assert self.press() is None
        for _ in self.acknowledged:
            self.engine.wait_for("run_succeeded")
        kept = self.place.json("events", "list", "--limit", "100")["items"]
        assert sorted(event["id"] for event in kept) == sorted(self.acknowledged)
        runs = self.place.json("runs", "list", "--limit", "100")["items"]
        assert sorted(run["event"] for run in runs) == sorted(self.acknowledged)
        ids = sorted(run["id"] for run in runs)
        for name in ("began", "ended", "after"):
            assert sorted(self.lines(name)) == ids, f"{name}: every effect once"
        assert self.place.json("db", "check")["sound"] is True


def another_press(number: int) -> bytes:
    body = json.loads(BODY)
    body["incident"]["event_id"] = f"{number:032x}"
    return json.dumps(body).encode()


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)


def fill(path: Path) -> None:
    """Write to a file until there is no room left."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(b"x" * 4096):
            pass


def mounted(*arguments: str) -> None:
    """Mount something, or skip the test where that may not be done."""
    if shutil.which("mount") is None:
        pytest.skip("there is no `mount` here")
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"nothing may be mounted here: {done.stderr.strip()}")


@pytest.fixture
def place(tmp_path: Path, flashduty: str) -> Iterator[Place]:
    made = Place(tmp_path / "place", flashduty)
    (made.folder / "disk").mkdir(parents=True)
    made.write("config.yaml", CONFIG)
    made.write("playbooks/go.yaml", PLAYBOOK)
    yield made
    for engine in made.engines:
        engine.close()


@pytest.fixture
def small_disk(place: Place) -> Iterator[Path]:
    """The database's folder is a file system of its own, of one mebibyte."""
    folder = place.folder / "disk"
    mounted("-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder))
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def faulty(place: Place) -> Faulty:
    return Faulty(place, place.start())


# While it works


def test_a_full_disk(small_disk: Path, place: Place) -> None:
    faulty = Faulty(place, place.start())
    faulty.hold()
    filler = small_disk / "filler"
    fill(filler)

    assert faulty.press() == "database or disk is full"
    assert faulty.red() == "database or disk is full"
    faulty.release()  # the outcome of the step that went on cannot be kept now
    wait_until(lambda: faulty.lines("ended") != [])
    faulty.engine.wait_for("trouble", where="ledger", message="database or disk is full")
    assert faulty.press() == "database or disk is full"

    filler.unlink()
    faulty.wait_until_ready()
    faulty.all_is_well()


def test_a_disk_that_fails_and_then_may_only_be_read(place: Place, faulty: Faulty) -> None:
    folder = str(place.folder / "disk")
    faulty.hold()
    pid, unlimited = faulty.engine.process.pid, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (1024, resource.RLIM_INFINITY))
    assert faulty.press() == "disk I/O error"
    assert "disk I/O error" in faulty.red()

    mounted("--bind", folder, folder)
    try:
        mounted("-o", "remount,bind,ro", folder)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited)
        assert faulty.red() == "attempt to write a readonly database"
        assert faulty.press() == "attempt to write a readonly database"
        faulty.release()
        wait_until(lambda: faulty.lines("ended") != [])
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
    faulty.wait_until_ready()
    faulty.all_is_well()


def test_a_database_that_another_process_locks(faulty: Faulty) -> None:
    faulty.hold()
    with closing(sqlite3.connect(faulty.database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert faulty.press() == "database is locked"  # after it waited for five seconds
        faulty.release()
        wait_until(lambda: faulty.lines("ended") != [])
        other.execute("ROLLBACK")
    faulty.wait_until_ready()
    faulty.all_is_well()


def test_damage_that_is_mended(faulty: Faulty) -> None:
    faulty.hold()
    with closing(sqlite3.connect(faulty.database, isolation_level=None)) as other:
        other.execute("INSERT INTO memory VALUES ('what the engine has in memory', 'is old now')")
        assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    before = faulty.database.read_bytes()
    with faulty.database.open("r+b") as raw:
        raw.seek(4096)
        raw.write(b"\xa5" * (len(before) - 4096))

    for _ in range(2):
        assert "database disk image is malformed" in str(faulty.press())
        assert "database disk image is malformed" in faulty.red()
    faulty.release()
    wait_until(lambda: faulty.lines("ended") != [])

    with faulty.database.open("r+b") as raw:
        raw.write(before)
    faulty.wait_until_ready()
    faulty.all_is_well()


def test_a_folder_that_is_moved_away_and_back(place: Place, faulty: Faulty) -> None:
    faulty.hold()
    gone = (
        f"{faulty.database} cannot be found any more (No such file or directory); "
        "put it back, or restart the engine"
    )
    elsewhere = (place.folder / "disk").rename(place.folder / "elsewhere")
    assert faulty.press() == gone
    assert faulty.red() == gone
    faulty.release()
    wait_until(lambda: faulty.lines("ended") != [])
    faulty.engine.wait_for("trouble", where="ledger", message=gone)

    elsewhere.rename(place.folder / "disk")
    faulty.wait_until_ready()
    faulty.all_is_well()


def test_a_file_that_is_deleted(place: Place, faulty: Faulty) -> None:
    faulty.hold()
    os.link(faulty.database, place.folder / "another name")
    faulty.database.unlink()
    assert "cannot be found any more" in str(faulty.press())
    assert "cannot be found any more" in faulty.red()
    assert not faulty.database.exists(), "no other one was begun in its place"
    faulty.release()
    wait_until(lambda: faulty.lines("ended") != [])

    (place.folder / "another name").rename(faulty.database)
    faulty.wait_until_ready()
    faulty.all_is_well()


def test_a_log_that_is_deleted_costs_nothing(faulty: Faulty) -> None:
    faulty.hold()
    for end in ("-wal", "-shm"):
        faulty.database.with_name(f"engine.db{end}").unlink()
    assert faulty.press() is None
    faulty.release()
    faulty.all_is_well()


def test_an_engine_that_is_stopped_in_the_middle_and_goes_on(faulty: Faulty) -> None:
    faulty.hold()
    faulty.engine.process.send_signal(signal.SIGSTOP)
    headers = {"Content-Type": "application/json", "X-Engine-Token": TOKEN}
    senders = []
    for number in range(100, 120):
        sender = http.client.HTTPConnection("127.0.0.1", faulty.engine.port, timeout=PATIENCE)
        sender.request("POST", "/flashduty/actions/go?a=a", another_press(number), headers)
        senders.append(sender)
    senders.pop(0).close()  # it has waited for long enough
    faulty.release()
    wait_until(lambda: faulty.lines("ended") != [])

    faulty.engine.process.send_signal(signal.SIGCONT)

    for sender in senders:
        answer = sender.getresponse()
        assert answer.status == 200
        faulty.acknowledged.append(json.loads(answer.read())["event"])
        sender.close()
    status, answered = faulty.engine.press("go", another_press(100))  # Flashduty tries it again
    assert status == 200
    faulty.acknowledged.append(answered["event"])
    faulty.all_is_well()
    first = faulty.place.json("runs", "list", "--limit", "100")["items"][-1]
    steps = faulty.place.json("runs", "show", first["id"])["steps"]
    assert [(step["attempt"], step["repeats"]) for step in steps] == [(1, 0)] * 3


# At the start


def refusal(place: Place) -> str:
    """What `serve` says that does not start."""
    done = place.process("serve")
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr.strip()


def test_a_folder_that_is_not_there(place: Place) -> None:
    lock = place.folder / "disk/engine.db.opening.lock"
    lock.parent.rmdir()
    assert refusal(place) == (
        f"database-unusable: {lock}: No such file or directory "
        "(make the folder, or set another `database` in config.yaml)"
    )


def test_a_disk_that_may_only_be_read(place: Place, small_disk: Path) -> None:
    mounted("-o", "remount,ro", str(small_disk))
    lock = small_disk / "engine.db.opening.lock"
    assert refusal(place) == (
        f"database-unusable: {lock}: Read-only file system (its disk is mounted to be read alone)"
    )
    mounted("-o", "remount,rw", str(small_disk))
    Faulty(place, place.start()).all_is_well()


def test_a_file_that_is_damaged(place: Place) -> None:
    database = place.folder / "disk/engine.db"
    Faulty(place, place.start()).all_is_well()
    assert place.engines[0].terminate() == 0
    before = database.read_bytes()
    database.write_bytes(before[:4096] + b"\xa5" * (len(before) - 4096))
    assert refusal(place) == (
        f"database-unusable: {database}: database disk image is malformed "
        "(`engine db check` says where; stop the engine and put a backup in its place)"
    )


def test_a_schema_of_a_newer_engine(place: Place) -> None:
    database = place.folder / "disk/engine.db"
    with closing(sqlite3.connect(database)) as newer:
        newer.execute("PRAGMA user_version = 99")
    database.chmod(0o600)
    known = len(read_migrations())
    assert refusal(place) == (
        f"database-too-new: {database} has schema 99, and this engine knows up to {known} "
        "(start the engine that wrote it, or a newer one)"
    )
