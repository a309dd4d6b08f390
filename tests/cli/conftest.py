"""A place where an engine has worked, and a way to type commands there."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.cli.main import run
from engine.config.load import load_config
from engine.events.event import Event
from engine.events.source import Request
from engine.runs.happening import Happening, RunMoved
from engine.runs.redaction import Redactor
from engine.runs.reloading import Found
from engine.store.sqlite import open_ledger
from engine.wiring.clocks import new_id, now
from engine.wiring.engine import wired
from engine.wiring.sources import sources

PLAYBOOK = """\
name: look
description: Looks at the host.
trigger:
  action: look
  when: severity == 'Critical'
vars: {host: "{{ labels.resource }}"}
steps:
  - id: first
    name: Say the host
    shell: [echo, "{{ vars.host }}"]
  - id: second
    when: labels.no_such_label
    wait: 1s
  - id: third
    shell:
      script: |
        echo broken >&2
        exit 3
    retry: {attempts: 2, delay: 1ms}
"""
OTHER = """\
name: other
trigger: {action: other}
steps:
  - wait: 1ms
"""


@dataclass(frozen=True)
class Outcome:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


Type = Callable[..., Outcome]


@pytest.fixture
def type_(capsys: pytest.CaptureFixture[str]) -> Type:
    """Type a command line."""

    def typed(*arguments: object) -> Outcome:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return typed


@pytest.fixture
def press() -> Path:
    return Path(__file__).parents[1] / "fixtures/custom-action.vendor-page.json"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a config and two playbooks; no engine has run there."""
    folder = tmp_path / "place"
    (folder / "playbooks").mkdir(parents=True)
    (folder / "config.yaml").write_text("listen: 127.0.0.1:0\n")
    (folder / "playbooks/look.yaml").write_text(PLAYBOOK)
    (folder / "playbooks/other.yaml").write_text(OTHER)
    return folder


@pytest.fixture
def worked(place: Path, press: Path) -> Path:
    """The same place, where the button `look` was pressed once and the run is over."""
    asyncio.run(work(place, press.read_bytes()))
    return place


async def work(place: Path, body: bytes) -> None:
    """Press the button `look` there, and wait for the end of a run."""
    config = load_config(place / "config.yaml", {})
    files = [(path.name, path.read_text()) for path in sorted(config.playbooks.iterdir())]
    over = asyncio.Event()

    def tell(happening: Happening) -> None:
        if isinstance(happening, RunMoved) and happening.run.state.settled:
            over.set()

    event = sources(config)["/flashduty/actions/{action}"].read(
        Request("look", {}, {}, None), body, id_=new_id(), received=now()
    )
    assert isinstance(event, Event)
    with open_ledger(config.database, tell) as ledger:
        await ledger.accept(event)
        async with (
            wired(
                config, ledger, lambda: Found(files), environ={}, redactor=Redactor(), tell=tell
            ) as parts,
            asyncio.TaskGroup() as tasks,
        ):
            tasks.create_task(parts.crew.work())
            await over.wait()
            parts.crew.stop()
