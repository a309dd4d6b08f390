"""Lints playbook files: with the loader that `serve` uses, and then with every check."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.lint.allow import allows_in, without_allowed
from engine.lint.check import Around, Settings
from engine.lint.checks import CHECKS
from engine.lint.reading import SubjectReader
from engine.lint.subject import Subject
from engine.marked_yaml.mark import MarkedYaml
from engine.marked_yaml.read import read_yaml
from engine.playbooks.load import Files, Loader
from engine.playbooks.playbook import Playbook
from engine.playbooks.step_type import StepType
from engine.problem import Problem, in_file_order
from engine.rules.index import indexable


@dataclass(frozen=True, slots=True)
class Linted:
    """The playbooks that load, and everything that was found, in file order."""

    playbooks: tuple[Playbook, ...]
    problems: tuple[Problem, ...]


class Linter:
    """Knows the step types, and of config.yaml what matters; None where there is none."""

    def __init__(self, step_types: Mapping[str, StepType[Any]], settings: Settings | None) -> None:
        self._step_types = step_types
        self._settings = settings

    def lint(self, files: Files, beside: Callable[[], Files] | None = None) -> Linted:
        """Check (name, text) pairs. What does not load is checked as far as it can be read.

        `beside`: as of the loader.
        """
        subjects: dict[str, Subject] = {}

        def read_once(text: str, file: str) -> MarkedYaml:
            """Each file is read for both, so that what it holds is parsed for both."""
            if file not in subjects:
                subjects[file] = reader.read(read_yaml(text, file))
            return subjects[file].marked

        loader = Loader(self._step_types, read_once)
        reader = SubjectReader(self._step_types, loader.templates, loader.conditions)
        texts = dict(files)
        loaded = loader.load_all(texts.items(), beside)
        starting = loaded.playbooks
        around = Around(
            self._settings,
            _by_action(subjects[one.file] for one in starting),
            [subjects[one.file] for one in starting if not indexable(one.trigger)],
        )
        problems = [*loaded.problems]
        for file, text in texts.items():
            if file in subjects:  # what is no YAML is not among them
                problems.extend(_checked(subjects[file], text, around))
        return Linted(loaded.playbooks, in_file_order(problems))


def _checked(subject: Subject, text: str, around: Around) -> Iterator[Problem]:
    found = [
        Problem(check.code, one.message, one.where, one.hint, check.level)
        for check in CHECKS.values()
        for one in check.find(subject, around)
    ]
    allows = tuple(allows_in(text, subject.marked.file))
    yield from without_allowed(found, allows, subject.marked, CHECKS) if allows else found


def _by_action(subjects: Iterable[Subject]) -> Mapping[str, Sequence[Subject]]:
    found: dict[str, list[Subject]] = defaultdict(list)
    for subject in subjects:
        action = subject.part("trigger").get("action")
        if isinstance(action, str):
            found[action].append(subject)
    return found
