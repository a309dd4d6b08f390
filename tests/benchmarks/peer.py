"""The engines that are compared: how each is laid out, started, and asked for the same.

All have ten rules that none of the events is about, and one effect: a line with the event's id. The
engine and adnanh/webhook start a command for it that adds the line to a file; ansible-rulebook starts no
commands by itself, and writes the line into its own log. It is asked for no token either, as it knows
another header for that than the others.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.benchmarks.acknowledge import PLAYBOOKS
from tests.benchmarks.machine import commit
from tests.benchmarks.served import Served, free_port, lay_out, serving, started
from tests.e2e.real_engine import TOKEN

DONE: Final = "was-done"
_EFFECT: Final = re.compile(rf"{DONE} ([0-9a-f]{{32}})")
# Adding a line twice is harmless: a person need not be asked about one that was cut.
ACT: Final = f"""\
trigger: {{action: act}}
steps:
  - shell:
      script: 'echo "{DONE} $ID" >> "$FILE"'
      env: {{FILE: "{{{{ config.target }}}}", ID: "{{{{ incident.event_id }}}}"}}
    on_interrupt: retry
"""
RULEBOOK: Final = """\
- name: peers
  hosts: all
  sources: [{{eda.builtin.webhook: {{host: 127.0.0.1, port: {port}}}}}]
  rules:
{others}
    - name: act
      condition: event.meta.endpoint == "act"
      action: {{debug: {{msg: "{done} {{{{ event.payload.incident.event_id }}}}"}}}}
"""
OTHER: Final = (
    "    - {{name: other {0}, condition: event.payload.incident.labels.check == 'c{0}', "
    "action: {{debug: {{msg: other}}}}}}"
)


@dataclass(frozen=True)
class Peer:
    """One of those that are compared."""

    name: str
    keeps: str
    missing: Callable[[], str | None]  # what has to be installed first
    version: Callable[[], str]
    serve: Callable[[Path], AbstractContextManager[Served]]
    nothing: str  # the path of events that no rule is about
    act: str  # of those that have an effect
    effects: str  # the file that each effect adds a line to

    def done(self, folder: Path) -> list[str]:
        """The ids of the events whose effects are there, as often as they are."""
        file = folder / self.effects
        return _EFFECT.findall(file.read_text(errors="replace")) if file.exists() else []


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
    script.write_text(f'#!/bin/sh\necho "{DONE} $1" >> {folder}/effects\n', encoding="utf-8")
    script.chmod(0o700)
    given = [{"source": "payload", "name": "incident.event_id"}]
    command = {"execute-command": str(script), "pass-arguments-to-command": given}
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


def _first_line(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[0]


_FLASHDUTY: Final = "/flashduty/actions"
PEERS: Final = (
    Peer("engine", "on the disk, and judged soon after", lambda: None, commit, _engine,
         f"{_FLASHDUTY}/nothing", f"{_FLASHDUTY}/act", "effects"),
    Peer("webhook", "judged, and kept nowhere", _needs_webhook, lambda: _first_line("webhook", "-version"),
         _webhook, "/hooks/nothing", "/hooks/act", "effects"),
    Peer("ansible-rulebook", "in memory, and judged soon after", _needs_rulebook,
         lambda: _first_line(_rulebook_path() or "", "--version"),
         _rulebook, "/nothing", "/act", "log"),
)  # fmt: skip
