"""Reads playbook files from the disk, for the loader."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from engine.cli.checkout import commit_of
from engine.problem import EngineError, Location, Problem
from engine.runs.reloading import Found

SUFFIXES = (".yaml", ".yml")


def read_files(paths: Iterable[Path]) -> tuple[list[tuple[str, str]], list[Problem]]:
    """(name, text) of every playbook file in files and folders, and problems of unreadable ones.

    Raises EngineError for a path that is not there: it was named by hand.
    """
    files: list[tuple[str, str]] = []
    problems: list[Problem] = []
    for path in dict.fromkeys(found for named in paths for found in _find(named)):
        name = _shown(path)
        try:
            files.append((name, path.read_text(encoding="utf-8")))
        except OSError as error:
            problems.append(Problem("unreadable", str(error.strerror), Location(name)))
        except UnicodeDecodeError as error:
            said = f"this is no UTF-8 text (byte {error.start})"
            problems.append(Problem("not-utf-8", said, Location(name)))
    return files, problems


def look(path: Path) -> Found:
    """All that lies there now. Raises EngineError for a path that is not there."""
    files, unreadable = read_files([path])
    return Found(files, unreadable, commit_of(path if path.is_dir() else path.parent))


def read_beside(paths: Iterable[Path]) -> list[tuple[str, str]]:
    """(name, text) of the playbook files in the folders of those that were named one by one."""
    named = [path for path in paths if not path.is_dir()]
    folders = dict.fromkeys(path.parent for path in named)
    known = {path.resolve() for path in named}
    near = [one for folder in folders for one in _find(folder) if one.resolve() not in known]
    return read_files(near)[0]


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


def _shown(path: Path) -> str:
    """Relative to where the person stands, if that is shorter."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
