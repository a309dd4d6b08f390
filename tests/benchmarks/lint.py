"""How fast a thousand playbooks are linted, beside only reading them as YAML.

    python -m tests.benchmarks.lint [--json]

They are copies of one of the shipped playbooks: with names of their own, and then with every
template of their own as well, so that no text is met twice. Beside it stands PyYAML's fastest
loader over the same files, which neither keeps places nor checks anything, in the same run.
"""

import argparse
import gc
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import yaml

from engine.config.load import read_config
from engine.lint.check import Settings
from engine.wiring.step_types import offline_linter, offline_loader

ROOT: Final = Path(__file__).parents[2]
COUNT: Final = 1000
SHIPPED: Final = (ROOT / "playbooks/update-status-page.yaml").read_text(encoding="utf-8")
CONFIG: Final = (ROOT / "config.yaml").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Figure:
    """One measurement, in seconds; and how many times that is what plain YAML takes."""

    name: str
    seconds: float
    of_plain: float


def copies(*, alike: bool) -> list[tuple[str, str]]:
    """(file, text) pairs. `alike`: they differ in their names alone."""
    files = []
    for number in range(COUNT):
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


def measure() -> list[Figure]:
    """Each in parts of its own: nothing that was kept from before helps it."""
    config = read_config(CONFIG, ROOT / "config.yaml", {}, offline=True)
    settings = Settings(frozenset(config.vars), frozenset(config.secrets))
    figures = []
    for kind, alike in (("names of their own", True), ("all texts of their own", False)):
        files = copies(alike=alike)
        plain = seconds(partial(_read_plainly, files))
        loading = seconds(partial(offline_loader(config).load_all, files))
        linter = offline_linter(config, settings)
        linting = seconds(partial(linter.lint, files))
        assert not linter.lint(files[:1]).problems, "the shipped playbook is clean"
        for name, took in (("plain YAML", plain), ("loader", loading), ("lint", linting)):
            figures.append(Figure(f"{name}, {kind}", took, took / plain))
    return figures


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = measure()
    if options.json:
        print(json.dumps([vars(figure) for figure in figures], indent=2))
        return
    print(f"{COUNT} playbooks{'':31}{'seconds':>9}{'of plain':>10}")
    for figure in figures:
        print(f"{figure.name:45}{figure.seconds:>9.2f}{figure.of_plain:>10.1f}")


if __name__ == "__main__":
    main()
