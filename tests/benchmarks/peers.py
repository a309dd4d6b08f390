"""The same events through other engines, as far as they are installed: python -m tests.benchmarks.peers

adnanh/webhook is a Debian package, `webhook`. ansible-rulebook comes from PyPI and needs Java 17; give
its path as ANSIBLE_RULEBOOK where it is in an environment of its own. Neither keeps what it has
answered 200 for; what the engine acknowledges is on the disk.

Each gets events that none of ten rules is about, and then events of which each has one effect: a
command that adds a line to a file, or with ansible-rulebook, which starts no commands by itself, a line
in its own log.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tests.benchmarks import load
from tests.benchmarks.acknowledge import PLAYBOOKS
from tests.benchmarks.every import result_of
from tests.benchmarks.figure import Figure, quantile
from tests.benchmarks.machine import the_machine
from tests.benchmarks.served import Served, free_port, lay_out, serving, started, wait_until
from tests.benchmarks.table import Result, print_table
from tests.e2e.real_engine import TOKEN

CONNECTIONS: Final = 16
DONE: Final = "was-done"
ACT: Final = f"""\
trigger: {{action: act}}
steps: [shell: {{script: 'echo {DONE} >> "$FILE"', env: {{FILE: "{{{{ config.target }}}}"}}}}]
"""
RULEBOOK: Final = """\
- name: peers
  hosts: all
  sources: [{{eda.builtin.webhook: {{host: 127.0.0.1, port: {port}}}}}]
  rules:
{others}
    - {{name: act, condition: event.meta.endpoint == "act", action: {{debug: {{msg: {done}}}}}}}
"""
OTHER: Final = (
    "    - {{name: other {0}, condition: event.payload.incident.labels.check == 'c{0}', "
    "action: {{debug: {{msg: other}}}}}}"
)


@dataclass(frozen=True)
class Peer:
    """One of those that are compared. `effects` is the file that each effect adds a line to."""

    name: str
    keeps: str
    missing: Callable[[], str | None]  # what has to be installed first
    serve: Callable[[Path], AbstractContextManager[Served]]
    nothing: str  # the path of events that no rule is about
    act: str  # of those that have an effect
    effects: str


def _engine(folder: Path) -> AbstractContextManager[Served]:
    lay_out(folder, {**PLAYBOOKS, "act": ACT}, target=str(folder / "effects"))
    return serving(folder)


def _webhook(folder: Path) -> AbstractContextManager[Served]:
    def match(source: str, name: str, value: str) -> Mapping[str, object]:
        parameter = {"source": source, "name": name}
        return {"match": {"type": "value", "value": value, "parameter": parameter}}

    token = match("header", "X-Engine-Token", TOKEN)
    others = [match("payload", "incident.labels.check", f"c{number}") for number in range(10)]
    script = folder / "act.sh"
    script.write_text(f"#!/bin/sh\necho {DONE} >> {folder}/effects\n", encoding="utf-8")
    script.chmod(0o700)
    command = {"execute-command": str(script)}
    hooks = [
        {"id": "nothing", **command, "trigger-rule": {"and": [token, {"or": others}]}},
        {"id": "act", **command, "trigger-rule": token},
    ]
    (folder / "hooks.json").write_text(json.dumps(hooks), encoding="utf-8")
    port = free_port()
    return started(
        ["webhook", "-hooks", f"{folder}/hooks.json", "-ip", "127.0.0.1", "-port", str(port)],
        port,
        folder,
    )


def _rulebook(folder: Path) -> AbstractContextManager[Served]:
    port = free_port()
    others = "\n".join(OTHER.format(number) for number in range(10))
    text = RULEBOOK.format(port=port, others=others, done=DONE)
    (folder / "rulebook.yml").write_text(text, encoding="utf-8")
    (folder / "inventory").write_text("localhost ansible_connection=local\n", encoding="utf-8")
    files = ["--rulebook", f"{folder}/rulebook.yml", "--inventory", f"{folder}/inventory"]
    path = _rulebook_path() or ""
    environ = {"PATH": f"{Path(path).parent}:{os.environ['PATH']}"}  # it looks for ansible there
    return started([path, *files], port, folder, environ)


def _rulebook_path() -> str | None:
    return os.environ.get("ANSIBLE_RULEBOOK") or shutil.which("ansible-rulebook")


def _needs_webhook() -> str | None:
    return None if shutil.which("webhook") else "no `webhook` is installed: apt install webhook"


def _needs_rulebook() -> str | None:
    if _rulebook_path() is None:
        return "no `ansible-rulebook` is installed: pip install ansible-rulebook ansible-core"
    return (
        None if shutil.which("java") else "no Java is installed: apt install default-jre-headless"
    )


_FLASHDUTY: Final = "/flashduty/actions"
PEERS: Final = (
    Peer("engine", "on the disk", lambda: None, _engine, f"{_FLASHDUTY}/nothing",
         f"{_FLASHDUTY}/act", "effects"),
    Peer("webhook", "nothing kept", _needs_webhook, _webhook, "/hooks/nothing", "/hooks/act",
         "effects"),
    Peer("ansible-rulebook", "in memory", _needs_rulebook, _rulebook, "/nothing", "/act", "log"),
)  # fmt: skip


def measure(peer: Peer, *, quick: bool) -> Iterator[Figure]:
    """What one of them does."""
    seconds, count = (2.0, 300) if quick else (6.0, 2000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with peer.serve(folder) as served:
            load.load(served.port, peer.nothing, connections=CONNECTIONS, seconds=1)
            _quiet(served)
            cpu = served.cpu()
            taken = load.load(
                *(served.port, peer.nothing),
                connections=CONNECTIONS, seconds=seconds, first=10**7,
            )  # fmt: skip
            _quiet(served)
            each = (served.cpu() - cpu) / len(taken.times) * 1e6
            began = time.monotonic()
            load.load(*(served.port, peer.act), connections=CONNECTIONS, count=count, first=10**8)
            effects = folder / peer.effects
            wait_until(lambda: _lines(effects) >= count, f"{count} effects", served)
            done = count / (time.monotonic() - began)
    yield Figure(*("answers", taken.per_second, "/s"), f"200 for an event, {peer.keeps}")
    yield Figure(
        *("p99 of an answer", quantile(taken.times, 0.99) * 1000, "ms"),
        f"at {CONNECTIONS} connections that send as fast as they are answered",
    )
    yield Figure(*("CPU time for one", each, "us", "parsed, checked, held against ten rules"))
    yield Figure(*("effects", done, "/s", f"from the first event to the last of {count} effects"))


def _quiet(served: Served) -> None:
    """Until it has nothing left to do: what it answers first and judges later counts."""

    def quiet() -> bool:
        before = served.cpu()
        time.sleep(0.5)
        return served.cpu() - before < 0.05

    wait_until(quiet, "moments in which it rests", served)


def _lines(file: Path) -> int:
    return file.read_text(errors="replace").count(DONE) if file.exists() else 0


def _beside(one: Result, engine: Result) -> Result:
    """With what each figure is of the engine's."""
    if one is engine:
        return one
    pairs = zip(one.figures, engine.figures, strict=False)
    figures = [
        replace(figure, ratio=figure.value / ours.value, against="the engine")
        for figure, ours in pairs
    ]
    return replace(one, figures=figures)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.peers", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    results: list[Result] = []
    for peer in PEERS:
        missing = peer.missing()
        if missing is not None:
            results.append(Result(peer.name, 0, [], missing))
            continue
        print(f"{peer.name} ...", file=sys.stderr)

        def measured(_: str, quick: bool, peer: Peer = peer) -> list[Figure]:
            return list(measure(peer, quick=quick))

        results.append(result_of(peer.name, options.quick, measured))
    print_table([_beside(one, results[0]) for one in results], the_machine())
    return 0


if __name__ == "__main__":
    sys.exit(main())
