"""`--mock FILE` and `--follow failure STEP`: what a dry-run is to suppose."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from engine.marked_yaml.read import read_yaml
from engine.playbooks.playbook import Playbook
from engine.playbooks.step_type import StepType
from engine.problem import EngineError, Location, Problem, in_file_order, nearest
from engine.rehearsal.mock_reading import MockReader, does_nothing
from engine.rehearsal.mocks import Fails, Mock, Mocks
from engine.rehearsal.naming import StepNames

F = TypeVar("F", bound=Callable[..., Any])


def mock_options(command: F) -> F:
    """`--mock` and `--follow`."""
    follow = click.option(
        "--follow",
        type=(click.Choice(["failure"]), str),
        metavar="failure STEP",
        help="Suppose that STEP fails, and show what comes next.",
    )
    mock = click.option(
        "--mock",
        "mock_file",
        metavar="FILE",
        help="YAML that says what comes back, by step: `lookup: {body: {owner: team-a}}`.",
    )
    return mock(follow(command))


def read_mocks(
    playbooks: Sequence[Playbook],
    step_types: Mapping[str, StepType[Any]],
    mock_file: str | None,
    follow: tuple[str, str] | None,
) -> dict[str, Mocks]:
    """What is supposed of each playbook, by name. Raises EngineError with every problem."""
    mocks = {one.name: Mocks(StepNames.of(one)) for one in playbooks}
    if mock_file is not None:
        mocks = _from_file(mock_file, playbooks, step_types)
    if follow is not None:
        mocks = _failing(mocks, follow[1])
    return mocks


def _from_file(
    file: str, playbooks: Sequence[Playbook], step_types: Mapping[str, StepType[Any]]
) -> dict[str, Mocks]:
    try:
        text = Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        said = f"it cannot be read: {why}"
        raise EngineError(Problem("unreadable", said, Location(file))) from None
    marked = read_yaml(text, file)
    if not isinstance(marked.value, dict):
        said = "mocks are a mapping, from the names of steps to what comes back"
        raise EngineError(Problem("not-mocks", said, Location(file)))
    problems: list[Problem] = []
    mocks: dict[str, Mocks] = {}
    known: set[str] = set()
    for playbook in playbooks:
        reader = MockReader(marked, playbook, step_types)
        own = {name: value for name, value in marked.value.items() if reader.names.path(name)}
        mocks[playbook.name] = reader.read(own, ())
        problems += reader.problems
        known |= own.keys()
    every = [name for one in mocks.values() if one.names for name in one.names.known]
    for name in marked.value.keys() - known:
        where = marked.locate_key((name,))
        said = f"no step is called '{name}'"
        problems.append(Problem("no-such-step", said, where, nearest(name, every)))
    if problems:
        raise EngineError(*in_file_order(dict.fromkeys(problems)))
    return mocks


def _failing(mocks: Mapping[str, Mocks], step: str) -> dict[str, Mocks]:
    """The same, with a step that fails whatever else is said of it."""
    failed = (Mock(Fails("it fails, as --follow says", retryable=False)),)
    found: dict[str, Mocks] = {}
    for playbook, one in mocks.items():
        path = None if one.names is None else one.names.path(step)
        if one.names is None or path is None:
            continue
        named = one.names.at(path)
        if named is not None and (said := does_nothing(named.step)) is not None:
            raise EngineError(Problem("nothing-to-follow", said, None, "name a step that is in it"))
        others = {at: mock for at, mock in one.attempts.items() if one.names.declared(at) != path}
        found[playbook] = Mocks(one.names, {**others, path: failed})
    if not found:
        every = [name for one in mocks.values() if one.names for name in one.names.known]
        said = f"no step is called '{step}'"
        raise EngineError(Problem("no-such-step", said, None, nearest(step, every)))
    return {**mocks, **found}
