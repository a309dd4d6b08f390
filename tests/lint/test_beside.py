"""Linting beside the event loop."""

import asyncio
import gc
import threading
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from engine.config.load import read_config
from engine.lint.beside import linting_beside, without_collecting
from engine.lint.linter import Linted, Linter
from engine.playbooks.load import Files
from engine.wiring.step_types import offline_step_types

FILES = [
    ("good.yaml", "name: good\ntrigger: {action: good}\nsteps: [{wait: 1s}]\n"),
    ("bad.yaml", "name: bad\ntrigger: {}\nsteps: []\n"),
]


class Watched(Linter):
    """Says where it was asked, and whether garbage was looked for meanwhile."""

    def __init__(self) -> None:
        config = read_config("", Path("config.yaml"), {}, offline=True)
        super().__init__(offline_step_types(config), None)
        self.seen: list[tuple[bool, bool]] = []

    @override
    def lint(self, files: Files, beside: Any = None) -> Linted:
        in_main = threading.current_thread() is threading.main_thread()
        self.seen.append((in_main, gc.isenabled()))
        return super().lint(files, beside)


def test_it_is_done_in_a_thread_without_looking_for_garbage() -> None:
    linter = Watched()

    loaded = asyncio.run(_loaded(linter))

    assert [playbook.name for playbook in loaded.playbooks] == ["good"]
    assert {problem.location and problem.location.file for problem in loaded.problems} == {
        "bad.yaml"
    }
    assert linter.seen == [(False, False)]
    assert gc.isenabled()


async def _loaded(linter: Linter) -> Any:
    return await linting_beside(linter)(FILES)


def test_garbage_is_looked_for_again_whatever_happens() -> None:
    with pytest.raises(ZeroDivisionError), without_collecting():
        _ = 1 / 0
    assert gc.isenabled()
