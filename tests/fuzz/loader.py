"""Throws texts at the readers of playbooks, of config.yaml and of test files, and at lint.

    python -m tests.fuzz.loader [--count 100000] [--seed 1]

Made of the shipped playbooks, their tests and the lint cases, by mutation; or of nothing but keys
and values. What comes is a playbook, or problems, each with a place that is in the file and a
sentence of one line.
"""

import random
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from engine.config.load import read_config
from engine.playbooks.schema import GuardModel, PlaybookModel, TriggerModel
from engine.playbooks.step_schema import CommonModel
from engine.problem import EngineError, Problem
from engine.rehearsal.scenario_file import read_scenarios
from engine.wiring.step_types import names_in, offline_linter, offline_loader
from tests.fuzz.fuzzing import STRANGE, mutated, run

ROOT: Final = Path(__file__).parents[2]
LARGEST: Final = 3000  # characters of a seed: small ones make more inputs a second
VALUES: Final = (
    *("{{ labels.host }}", "{{ secrets.A }}", "{{", "}}", "{% if a %}", "labels.a == 'b'", "@", "10m", "500ms", "1KiB"),
    *("x", "-", "- ", ": ", "? ", "[a, b]", "{a: b}", "&a ", "*a", "!!str ", "!x ", "<<: *a", "|\n", ">-\n", "'", '"'),
    *("${HOME}", "${X:-y}", "---\n", "...\n", "%YAML 1.1\n", "# lint: allow unknown-field (x)\n", "\n", "  "),
    *("[shell, http]", "[[", "{}", "[]", "GET", "single", "retry", "ask", "custom-action", "Critical", "steps/0"),
)  # fmt: skip
KEYS: Final = (
    *(name for model in (PlaybookModel, TriggerModel, GuardModel, CommonModel) for name in model.model_fields),
    *("shell", "http", "flashduty", "wait", "set", "stop", "approve", "playbook", "parallel", "argv", "script", "env"),
    *("url", "method", "headers", "json", "expect", "cases", "event", "mocks", "listen", "vars", "secrets", "limits"),
)  # fmt: skip


def _read(pattern: str) -> list[str]:
    texts = [path.read_text(encoding="utf-8") for path in sorted(ROOT.glob(pattern))]
    return [text for text in texts if len(text) <= LARGEST]


class LoaderFuzzer:
    """Tries each text as what its first line says it is."""

    def __init__(self) -> None:
        tests = _read("playbooks/*.test.yaml")
        playbooks = [text for text in _read("playbooks/*.yaml") if text not in tests]
        self._seeds = {
            "playbook": [*playbooks, *_read("tests/lint/cases/*.yaml")],
            "config": [
                part for part in (ROOT / "config.yaml").read_text("utf-8").split("\n\n") if part
            ],
            "scenario": [text[:LARGEST] for text in tests] or ["cases: []"],
        }
        self._all = [text for texts in self._seeds.values() for text in texts]
        self._words = (*KEYS, *(f"{key}: " for key in KEYS), *VALUES)
        config = read_config("", Path("config.yaml"), {}, offline=True)
        self._loader = offline_loader(config)
        self._linter = offline_linter(config, names_in(config))

    def make(self, chance: random.Random) -> str:
        kind = chance.choices(("playbook", "config", "scenario"), (8, 1, 1))[0]
        if chance.random() < 0.2:
            text = "".join(_lines(chance, 0))
        else:
            seeds = self._seeds[kind]
            text = mutated(chance, chance.choice(seeds), self._words, self._all)
        return f"# {kind}\n{text}"

    def attempt(self, text: str) -> str:
        kind = text.split("\n", 1)[0][2:]
        try:
            match kind:
                case "playbook":
                    self._lint(text)
                    self._loader.load(text, "fuzz.yaml")
                case "config":
                    for offline in (True, False):
                        read_config(text, Path("fuzz.yaml"), {"HOME": "x"}, offline=offline)
                case _:
                    read_scenarios(text, "fuzz.yaml")
        except EngineError as error:
            _check(error.problems, text)
            return f"{kind} refused"
        return f"{kind} read"

    def _lint(self, text: str) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # JMESPath's, of literals as they were written once
            _check(self._linter.lint([("fuzz.yaml", text), ("again.yaml", text)]).problems, text)


def _check(problems: Sequence[Problem], text: str) -> None:
    assert all(isinstance(problem, Problem) for problem in problems)
    lines = len(text.splitlines()) + 1
    for problem in problems:
        said = str(problem)
        assert len(said.splitlines()) == 1, said
        assert problem.message, said
        assert problem.location is None or 1 <= problem.location.line <= lines, said


def _lines(chance: random.Random, depth: int) -> list[str]:
    """Keys and values that YAML takes, mostly."""
    made = []
    for _ in range(chance.randint(1, 5)):
        start = "  " * depth + ("- " if chance.random() < 0.3 else "")
        key, value = chance.choice(KEYS), chance.choice((*VALUES, *STRANGE))
        if depth < 3 and chance.random() < 0.4:
            made += [f"{start}{key}:\n", *_lines(chance, depth + 1)]
        else:
            made.append(
                f"{start}{key}: {value}\n" if chance.random() < 0.9 else f"{start}{value}\n"
            )
    return made


if __name__ == "__main__":
    run(LoaderFuzzer())
