"""Kills a real engine again and again while events come in, and compares what it promised with what
happened: `python -m tests.chaos.kills --kills 1000`; with `--split` a receiver and a worker.

Everything is a process of its own and killed with -9: the engine, and its shell steps with it. The
simulated Flashduty and the target stay up and keep what reached them.
"""

import argparse
import itertools
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from typing_extensions import override

from engine.store.database import reading
from engine.store.records import EventRecord, Records, RunRecord
from tests.e2e.real_engine import KEY, PATIENCE, EngineProcess, Place
from tests.ports import held_port
from tests.processes.children import wait_until

EXAMPLE: Final = Path(__file__).parents[1] / "fixtures/custom-action.vendor-page.json"
EVERY: Final = 0.05  # seconds between two events
LIVES: Final = (0.05, 0.8)  # seconds that an engine lives after it said that it listens
MORE: Final = 10  # events at the end: on a slow machine the engines lived for few
SETTLED: Final = ("succeeded", "failed", "cancelled", "skipped")

CONFIG: Final = """\
listen: 127.0.0.1:{port}
flashduty: {{app_key: "${{E2E_KEY}}", base_url: "{flashduty}", reconcile: off, per_second: 1000, per_minute: 100000}}
vars: {{target: "{target}"}}
limits: {{starts: 100000}}
"""
# A request that may be repeated, a command that may not, and a comment that is looked up.
EFFECTS: Final = """\
name: effects
trigger: {action: effects}
steps:
  - {http: {method: POST, url: "{{ config.target }}/repeat", json: {mark: "{{ incident.event_id }}"}}, on_interrupt: retry}
  - shell: {script: 'echo "$MARK" >> commands; sleep 0.05', env: {MARK: "{{ incident.event_id }}"}}
  - flashduty: {call: incident/comment, comment: "{{ incident.event_id }}", mute_reply: true}
"""
# A lane of its own for each of five hosts: one at a time, in order; by another playbook's steps.
QUEUED: Final = """\
name: queued
trigger: {action: effects}
guard: {key: "incident.event_id | split(@, '-') | [0]", concurrency: queue, queue_max: 100000}
steps:
  - playbook: {call: tell, inputs: {mark: "{{ incident.event_id }}"}}
"""
TELL: Final = """\
name: tell
inputs: {mark: {type: string}}
steps:
  - {http: {method: POST, url: "{{ config.target }}/queued", json: {mark: "{{ inputs.mark }}"}}, on_interrupt: retry}
"""


@dataclass
class Effects:
    """What reached the target: (path, idempotency key, mark), in order."""

    got: list[tuple[str, str, str]] = field(default_factory=list)

    @contextmanager
    def served(self) -> Iterator[str]:
        got = self.got

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                got.append((self.path, self.headers["Idempotency-Key"], body["mark"]))
                time.sleep(0.03)  # so that kills come in between
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            @override
            def log_message(self, format: str, *args: object) -> None:
                """Nobody reads it."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


@dataclass
class Sender:
    """Presses the button at a steady rate; a mark that was answered 200 was acknowledged."""

    port: int
    acknowledged: list[str] = field(default_factory=list)
    refused: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def send(self) -> None:
        body = json.loads(EXAMPLE.read_text())
        number = 0
        while not self.over.wait(EVERY):
            number += 1
            mark = f"host{number % 5}-{uuid.uuid4()}"
            body["incident"]["event_id"] = mark
            request = urllib.request.Request(
                f"http://127.0.0.1:{self.port}/flashduty/actions/effects",
                json.dumps(body).encode(),
                {"Content-Type": "application/json"},
            )
            try:
                with urllib.request.urlopen(request, timeout=2):
                    self.acknowledged.append(mark)
            except OSError:
                self.refused += 1  # nobody listened, or died before it answered

    def wait_for(self, more: int) -> None:
        """Until so many more were acknowledged."""
        enough = len(self.acknowledged) + more
        wait_until(lambda: len(self.acknowledged) >= enough)

    @contextmanager
    def sending(self) -> Iterator[None]:
        thread = threading.Thread(target=self.send)
        thread.start()
        try:
            yield
        finally:
            self.over.set()
            thread.join()


@dataclass
class Findings:
    """What was promised and not kept; nothing, if all is well."""

    figures: dict[str, int]
    broken: list[str] = field(default_factory=list)

    def none_of(self, what: str, marks: set[str]) -> None:
        if marks:
            self.broken.append(f"{len(marks)} {what}: {', '.join(sorted(marks)[:5])}")


def run(folder: Path, kills: int, seed: int, *, split: bool = False) -> Findings:
    """Kill an engine in this folder so many times, let it end its work, and look."""
    chance = random.Random(seed)  # noqa: S311
    effects = Effects()
    with (
        held_port() as port,
        held_port() as account,
        effects.served() as target,
        simulated(folder, account) as flashduty,
    ):
        place = Place(folder)
        place.write("config.yaml", CONFIG.format(port=port, flashduty=flashduty, target=target))
        place.write("playbooks/effects.yaml", EFFECTS)
        place.write("playbooks/queued.yaml", QUEUED)
        place.write("playbooks/tell.yaml", TELL)
        sender = Sender(port)
        with sender.sending():
            engines = (killed_by_halves if split else killed)(place, kills, chance)
            sender.wait_for(MORE)
        try:
            events, runs = until_quiet(folder / "engine.db")
        finally:
            for engine in engines:
                engine.terminate()
                engine.close()
        return compared(folder, sender, effects, events, runs, comments(flashduty))


def killed(place: Place, kills: int, chance: random.Random) -> list[EngineProcess]:
    """Start and kill so many engines; the one that is left."""
    for _ in range(kills):
        engine = place.start()
        time.sleep(chance.uniform(*LIVES))
        engine.kill()
        engine.close()
    return [place.start()]


def killed_by_halves(place: Place, kills: int, chance: random.Random) -> list[EngineProcess]:
    """The same of a receiver and a worker, one of both each time; the two that are left."""
    starts = (place.start_receiver, place.start_worker)
    halves = [start() for start in starts]
    for _ in range(kills):
        time.sleep(chance.uniform(*LIVES))
        which = chance.randrange(len(halves))
        halves[which].kill()
        halves[which].close()
        halves[which] = starts[which]()
    return halves


def until_quiet(database: Path) -> tuple[list[EventRecord], list[RunRecord]]:
    """Every event, and every run, once each has ended or waits for a person."""
    last, deadline = -1, time.monotonic() + PATIENCE
    while True:
        with reading(database) as db:
            db.execute("BEGIN")  # all of it as it was at one moment
            records = Records(db)
            events = list(records.events(1_000_000, None).items)
            ids = [run.id for run in records.runs(1_000_000, None, None, None).items]
            runs = [records.run(id_) for id_ in ids]
        unmatched = sum(not one.runs for one in events)
        going = [one for one in runs if one.run.state.value not in (*SETTLED, "waiting")]
        if not going and not unmatched:
            return events, runs
        if len(going) + unmatched != last:  # it goes on
            last, deadline = len(going) + unmatched, time.monotonic() + PATIENCE
        assert time.monotonic() < deadline, f"{len(going)} runs and {unmatched} events stay"
        time.sleep(0.2)


def compared(
    folder: Path,
    sender: Sender,
    effects: Effects,
    events: list[EventRecord],
    runs: list[RunRecord],
    written: Counter[str],
) -> Findings:
    """The set differences."""
    marks = {one.event.id: str(one.event.payload["incident"]["event_id"]) for one in events}
    by_playbook = {
        name: [one for one in runs if one.run.playbook == name] for name in ("effects", "queued")
    }
    attention = {
        marks[one.run.event_id]
        for one in by_playbook["effects"]
        if one.run.state.value == "waiting"
    }
    commands = Counter((folder / "commands").read_text().split())
    repeated = Counter(mark for path, _, mark in effects.got if path == "/repeat")
    keys = {(path, key): mark for path, key, mark in effects.got}
    found = Findings(
        {
            "acknowledged": len(sender.acknowledged),
            "refused": sender.refused,
            "events": len(events),
            "runs": len(runs),
            "waiting for a person": len(attention),
            "commands": sum(commands.values()),
            "comments": sum(written.values()),
            "requests": len(effects.got),
            "requests repeated": len(effects.got) - len(keys),
            "steps repeated": sum(step.repeats for one in runs for step in one.steps),
        }
    )
    acknowledged, kept = set(sender.acknowledged), set(marks.values())
    found.none_of("acknowledged events are lost", acknowledged - kept)
    for name, of_it in by_playbook.items():
        count = Counter(marks[one.run.event_id] for one in of_it)
        found.none_of(f"events have no run of {name}", kept - set(count))
        found.none_of(f"events have two runs of {name}", {m for m, n in count.items() if n > 1})
    found.none_of("commands ran twice", {mark for mark, n in commands.items() if n > 1})
    found.none_of("comments were written twice", {mark for mark, n in written.items() if n > 1})
    done = {marks[one.run.event_id] for one in by_playbook["effects"]} - attention
    found.none_of("commands are missing, and nobody is asked", done - set(commands))
    found.none_of("comments are missing, and nobody is asked", done - set(written))
    found.none_of("requests are missing", kept - set(repeated))
    found.none_of("runs failed", {one.run.id for one in runs if one.run.state.value == "failed"})
    queued = [mark for path, _, mark in effects.got if path == "/queued"]
    found.none_of("queued requests are missing", kept - set(queued))
    order = {marks[one.event.id]: place for place, one in enumerate(reversed(events))}
    for host in range(5):
        # One that nobody waited for any more may have been kept since.
        lane = [mark for mark in dict.fromkeys(queued) if mark.startswith(f"host{host}-")]
        lane = [mark for mark in lane if mark in order]
        wrong = {b for a, b in itertools.pairwise(lane) if order[a] > order[b]}
        found.none_of(f"requests came out of order in the lane of host{host}", wrong)
    return found


@contextmanager
def simulated(folder: Path, port: int) -> Iterator[str]:
    """A Flashduty with the example's incident."""
    arguments = ["simulate", "--port", str(port), "--app-key", KEY, "--no-rate-limit"]
    process = subprocess.Popen(
        [sys.executable, "-m", "engine", *arguments, "--incident", str(EXAMPLE)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                with urllib.request.urlopen(f"{url}/simulator", timeout=2):
                    break
            except OSError:
                assert time.monotonic() < deadline, "the simulator does not answer"
                time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(PATIENCE)


def comments(flashduty: str) -> Counter[str]:
    """The comments in the timeline of the one incident, however often each is there."""
    incident = json.loads(EXAMPLE.read_text())["incident"]["incident_id"]
    found: Counter[str] = Counter()
    page = 1
    while True:
        body = {"incident_id": incident, "types": ["i_comm"], "p": page, "limit": 100, "asc": True}
        answer = called(f"{flashduty}/incident/feed?app_key={KEY}", body)
        found.update(item["detail"]["comment"] for item in answer["data"]["items"] or [])
        if not answer["data"]["has_next_page"]:
            return found
        page += 1


def called(url: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.loads(answer.read())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))  # noqa: S311
    parser.add_argument("--split", action="store_true", help="a receiver and a worker")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = run(Path(folder), arguments.kills, arguments.seed, split=arguments.split)
    print(f"{arguments.kills} kills, seed {arguments.seed}")
    for name, figure in found.figures.items():
        print(f"{figure:8} {name}")
    for sentence in found.broken or ["all that was promised was kept"]:
        print(sentence)
    return 1 if found.broken else 0


if __name__ == "__main__":
    sys.exit(main())
