"""Playbooks as the loader reads them, and what a test file would say about them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.config.load import read_config
from engine.marked_yaml.read import read_yaml
from engine.playbooks.playbook import Playbook
from engine.problem import EngineError, Problem
from engine.rehearsal.dry_run import Rehearsal, rehearse
from engine.rehearsal.mock_reading import MockReader
from engine.rehearsal.mocks import Mocks
from engine.wiring.step_types import offline_loader, offline_step_types
from tests.runs.fakes import an_event

CONFIG = read_config("", Path("config.yaml"), {}, offline=True)
TYPES = offline_step_types(CONFIG)
CALLED = """\
name: drain
inputs: { host: { type: string, default: web-1 } }
steps:
  - { id: lookup, http: "http://h/{{ inputs.host }}" }
  - { name: Wait a little, wait: 5s }
"""


def a_playbook(text: str) -> Playbook:
    """From everything below name and trigger; it may call `drain`."""
    files = [("p.yaml", f"name: p\ntrigger: {{}}\n{text}"), ("drain.yaml", CALLED)]
    loaded = offline_loader(CONFIG).load_all(files)
    if loaded.problems:
        raise EngineError(*loaded.problems)
    return loaded.playbooks[0]


def read(playbook: Playbook, mocks: str) -> tuple[Mocks, list[Problem]]:
    """The mocks in a YAML text."""
    marked = read_yaml(mocks, "mocks.yaml")
    reader = MockReader(marked, playbook, TYPES)
    return reader.read(marked.value, ()), reader.problems


def rehearsed(text: str, mocks: str = "{}", config: Mapping[str, Any] | None = None) -> Rehearsal:
    """What comes of a playbook when this comes back."""
    playbook = a_playbook(text)
    said, problems = read(playbook, mocks)
    assert problems == []
    return rehearse(
        playbook,
        an_event(),
        config=config or {},
        secrets=frozenset(),
        step_types=TYPES,
        mocks=said,
    )
