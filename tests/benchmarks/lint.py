"""How fast a thousand playbooks are linted, beside only reading them as YAML.

They are copies of one of the shipped playbooks: with names of their own, and then with every
template of their own as well, so that no text is met twice. Beside it stands PyYAML's fastest
loader over the same files, which neither keeps places nor checks anything, in the same run.
"""

import gc
import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import yaml

from engine.config.load import read_config
from engine.wiring.step_types import names_in, offline_linter, offline_loader
from tests.benchmarks.figure import Bar, Figure, require

ROOT: Final = Path(__file__).parents[2]
SHIPPED: Final = (ROOT / "playbooks/update-status-page.yaml").read_text(encoding="utf-8")
CONFIG: Final = (ROOT / "config.yaml").read_text(encoding="utf-8")


def copies(count: int, *, alike: bool) -> list[tuple[str, str]]:
    """(file, text) pairs. `alike`: they differ in their names alone."""
    files = []
    for number in range(count):
        text = SHIPPED.replace("update-status-page", f"update-status-page-{number}")
        if not alike:
            text = re.sub(r"\}\}", f"}}}}{{# {number} #}}", text)
        files.append((f"{number}.yaml", text))
    return files


def seconds(work: Callable[[], Any]) -> float:
    """Of one time; what it found is not looked at."""
    gc.collect()
    gc.disable()  # as the command does
    began = time.perf_counter()
    work()
    took = time.perf_counter() - began
    gc.enable()
    return took


def _read_plainly(files: list[tuple[str, str]]) -> None:
    for _, text in files:
        yaml.load(text, yaml.CSafeLoader)


def measure(*, quick: bool) -> Iterator[Figure]:
    """Each in parts of its own: nothing that was kept from before helps it."""
    config = read_config(CONFIG, ROOT / "config.yaml", {}, offline=True)
    count = 150 if quick else 1000
    for kind, alike in (("names of their own", True), ("all texts of their own", False)):
        files = copies(count, alike=alike)
        plain = seconds(partial(_read_plainly, files))
        loading = seconds(partial(offline_loader(config).load_all, files))
        linter = offline_linter(config, names_in(config))
        linting = seconds(partial(linter.lint, files))
        require(not linter.lint(files[:1]).problems, "the shipped playbook is not clean")
        against = f"PyYAML's fastest loader, {plain:.2f} s"
        yield Figure(
            *(f"{count:,} linted", linting, "s", kind), Bar(5), *(linting / plain, against)
        )
        yield Figure(*(f"{count:,} loaded", loading, "s", kind), None, *(loading / plain, against))
