"""Reads playbook files from the disk, for the loader."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from engine.cli.checkout import commit_of
from engine.problem import EngineError, Location, Problem
from engine.runs.reloading import Found

SUFFIXES: Final = (".yaml", ".yml")
TESTS: Final = (".test.yaml", ".test.yml")  # what stands beside a playbook, and is none


def read_files(paths: Iterable[Path]) -> tuple[list[tuple[str, str]], list[Problem]]:
    """(name, text) of every playbook file in files and folders, and problems of unreadable ones.

    Test files are no playbooks, also where `playbooks/*.yaml` names them.

    Raises EngineError for a path that is not there: it was named by hand.
    """
    files: list[tuple[str, str]] = []
    problems: list[Problem] = []
    found = dict.fromkeys(one for named in paths for one in _find(named))
    for path in (one for one in found if not one.name.endswith(TESTS)):
        name = shown_path(path)
        try:
            files.append((name, path.read_text(encoding="utf-8")))
        except OSError as error:
            problems.append(Problem("unreadable", str(error.strerror), Location(name)))
        except UnicodeDecodeError as error:
            said = f"this is no UTF-8 text (byte {error.start})"
            problems.append(Problem("not-utf-8", said, Location(name)))
    return files, problems


def look(path: Path, also: Callable[[], Sequence[Problem]] = tuple) -> Found:
    """All that lies there now, and what `also` finds wrong. Raises EngineError for no such path."""
    files, unreadable = read_files([path])
    commit = commit_of(path if path.is_dir() else path.parent)
    return Found(files, [*unreadable, *also()], commit)


def read_beside(paths: Iterable[Path]) -> list[tuple[str, str]]:
    """(name, text) of the playbook files in the folders of those that were named one by one."""
    named = [path for path in paths if not path.is_dir()]
    folders = dict.fromkeys(path.parent for path in named)
    known = {path.resolve() for path in named}
    near = [one for folder in folders for one in _find(folder) if one.resolve() not in known]
    return read_files(near)[0]


def find_tests(paths: Iterable[Path]) -> list[Path]:
    """The test files in folders, and those of the playbooks that are named one by one."""
    found: dict[Path, None] = {}
    for path in paths:
        for one in _find(path):
            stem = one.name.removesuffix(one.suffix)
            beside = [one.with_name(stem + suffix) for suffix in TESTS]
            near = [test for test in beside if not path.is_dir() and test.is_file()]
            found |= dict.fromkeys([one] if one.name.endswith(TESTS) else near)
    return [*found]


def _find(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from sorted(
            file
            for file in path.rglob("*")
            if file.suffix in SUFFIXES
            and file.is_file()
            and not any(part.startswith(".") for part in file.relative_to(path).parts)
        )
    elif path.exists():
        yield path
    else:
        raise EngineError(
            Problem(
                "no-such-path",
                f"there is no file or folder {path}",
                None,
                "name playbooks, or set `playbooks` in config.yaml",
            )
        )


def shown_path(path: Path) -> str:
    """Relative to where the person stands, if that is shorter."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
