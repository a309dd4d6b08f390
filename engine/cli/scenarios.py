"""Reads test files, the playbooks they are for and the events they name, and tries their cases."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from engine.cli.event_files import endpoint_of, event_in
from engine.cli.playbook_files import SUFFIXES, TESTS, read_beside, read_files, shown_path
from engine.config.config import Config
from engine.events.event import Event
from engine.playbooks.playbook import Playbook
from engine.playbooks.step_type import StepType
from engine.problem import EngineError, Location, Problem, in_file_order
from engine.rehearsal.expecting import paths_that_are_none
from engine.rehearsal.scenario import changed_body, prepared
from engine.rehearsal.scenario_file import Case, ScenarioFile, read_scenarios
from engine.rehearsal.tried import Tried, tried
from engine.samples.sample import SAMPLES, sample
from engine.wiring.step_types import offline_loader, offline_step_types

Wanted = Callable[[str, str], bool]  # the playbook's name and the case's


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of all test files. `playbooks` are those of which coverage is asked."""

    tried: tuple[Tried, ...]
    problems: tuple[Problem, ...]  # of files
    playbooks: tuple[Playbook, ...]
    files: int


@dataclass
class Trying:
    """Tries the cases of test files, one file after another."""

    config: Config
    wanted: Wanted
    problems: list[Problem] = field(default_factory=list)
    step_types: Mapping[str, StepType[Any]] = field(init=False)
    known: Sequence[Mapping[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        self.step_types = offline_step_types(self.config)
        self.known = [orjson.loads(one.body) for one in SAMPLES]

    def all(self, files: Sequence[Path], paths: Sequence[Path]) -> Trial:
        """Try the files that were found under the paths."""
        read = [(file, self._read(file)) for file in files]
        named = {
            file: self._playbook_file(file, scenarios) for file, scenarios in read if scenarios
        }
        playbooks = self._load([*named.values()], paths)
        found = [
            one
            for file, scenarios in read
            if scenarios is not None
            for one in self._try(file, scenarios, playbooks.get(_real(named[file])))
        ]
        problems = in_file_order(self.problems)
        return Trial(tuple(found), problems, tuple(playbooks.values()), len(files))

    def _read(self, file: Path) -> ScenarioFile | None:
        try:
            return read_scenarios(file.read_text(encoding="utf-8"), shown_path(file))
        except EngineError as error:
            self.problems.extend(error.problems)
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
            said = f"it cannot be read: {why}"
            self.problems.append(Problem("unreadable", said, Location(shown_path(file))))
        return None

    def _playbook_file(self, file: Path, scenarios: ScenarioFile | None) -> Path | None:
        """The playbook that a test file is for; None, with a problem, where there is none."""
        if scenarios is None:
            return None
        named = scenarios.model.playbook
        stem = next(file.name.removesuffix(one) for one in TESTS if file.name.endswith(one))
        names = [stem + suffix for suffix in SUFFIXES] if named is None else [named]
        found = next((file.parent / one for one in names if (file.parent / one).is_file()), None)
        if found is None:
            said = f"there is no playbook {' or '.join(names)} beside it"
            where = scenarios.marked.locate(("playbook",))
            hint = "`playbook:` names its file, from where this one stands"
            self.problems.append(Problem("no-playbook", said, where, hint))
        return found

    def _load(self, named: Sequence[Path | None], paths: Sequence[Path]) -> dict[Path, Playbook]:
        """The playbooks of the test files, and of all folders that were asked for."""
        wanted = [path for path in paths if path.is_dir()]
        wanted += [path for path in named if path is not None]
        files, unreadable = read_files(wanted)
        loaded = offline_loader(self.config).load_all(files, lambda: read_beside(wanted))
        self.problems += [*unreadable, *loaded.problems]
        return {_real(Path(one.file)): one for one in loaded.playbooks}

    def _try(
        self, file: Path, scenarios: ScenarioFile, playbook: Playbook | None
    ) -> Iterator[Tried]:
        if playbook is None:
            return  # which has its problem
        for case in scenarios.cases:
            if not self.wanted(playbook.name, case.model.name):
                continue
            try:
                event = self._event(case, file.parent, playbook)
            except EngineError as error:
                yield Tried(case, playbook.name, problems=error.problems)
                continue
            scenario, problems = prepared(case, playbook, event, self.config.vars, self.step_types)
            problems += paths_that_are_none(case)
            if problems:
                yield Tried(case, playbook.name, problems=in_file_order(problems))
            else:
                yield tried(scenario, frozenset(self.config.secrets), self.step_types)

    def _event(self, case: Case, folder: Path, playbook: Playbook) -> Event:
        """The event of a case. Raises EngineError."""
        body, endpoint = _body(case, folder)
        changed, problems = changed_body(case, body, self.known)
        if problems:
            raise EngineError(*in_file_order(problems))
        action = case.model.action or playbook.trigger.action
        text = orjson.dumps(changed)
        if endpoint is None:
            endpoint = endpoint_of(text, case.model.action)
        if "{action}" not in endpoint:
            action = None
        where = case.marked.locate(case.place(("event",)))
        return event_in(text, endpoint, action, self.config, where)


def _body(case: Case, folder: Path) -> tuple[dict[str, Any], str | None]:
    """The body a case names, and where it comes in if that is known. Raises EngineError."""
    given, where = case.model.event, case.marked.locate(case.place(("event",)))
    if given is None:
        hint = "such as `event: custom-action`; `engine samples list` has others"
        raise EngineError(Problem("no-event", "a case needs an event", case.location, hint))
    if isinstance(given, str):
        try:
            found = sample(given)
        except EngineError as error:
            (problem,) = error.problems
            raise EngineError(Problem(problem.code, problem.message, where, problem.hint)) from None
        return orjson.loads(found.body), found.endpoint
    if given.keys() != {"file"}:
        return given, None
    try:
        body = json.loads((folder / str(given["file"])).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        said = f"{given['file']} cannot be read: {why}"
        hint = "an event is a JSON file as Flashduty would send it"
        raise EngineError(Problem("unreadable", said, where, hint)) from None
    if not isinstance(body, dict):
        raise EngineError(Problem("not-flashduty", f"{given['file']} is no JSON object", where))
    return body, None


def _real(path: Path | None) -> Path:
    return Path() if path is None else path.resolve()
