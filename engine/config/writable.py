"""Who else could change what the engine goes by: whoever can, can have it do anything.

A file is as safe as every folder above it and every link on the way: all of them are looked at.
"""

import grp
import os
import pwd
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from engine.config.config import Config
from engine.problem import Location, Problem

CODE: Final = "others-can-write"
_SHOWN: Final = 3  # of those that have the same wrong with them
_MOST_LINKS: Final = 40  # one after the other, as the system itself follows them
_ROOT: Final = 0


@dataclass(frozen=True, slots=True)
class Account:
    """The engine's own user and group. Beside them root, and no one else, is trusted."""

    uid: int
    gid: int

    @classmethod
    def own(cls) -> "Account":
        """Of this process."""
        return cls(os.geteuid(), os.getegid())

    @classmethod
    def of_engine(cls, database: Path) -> "Account":
        """For a command: whoever has the database is who `engine serve` runs as."""
        try:
            found = database.stat()
        except OSError:
            return cls.own()
        with suppress(KeyError):
            return cls(found.st_uid, pwd.getpwuid(found.st_uid).pw_gid)
        return cls(found.st_uid, found.st_gid)


def others_can_write(config: Config, account: Account) -> list[Problem]:
    """Errors where config.yaml says `strict`, else warnings.

    A group that may write has to be the engine's own or root's: that of a user's own group, where
    a umask of 002 is the rule, is the engine's.
    """
    looking = _Looking(account)
    for path in _files(config):
        looking.look(path)
    for folder in _folders(config):
        looking.look(folder, new_files_count=True)
    return list(looking.problems(strict=config.strict))


def _files(config: Config) -> Iterator[Path]:
    yield config.file
    for source in config.secrets.values():
        if source.file is not None:
            yield config.folder / source.file
    if config.tls is not None:
        yield from (config.tls.cert, config.tls.key)
        if config.tls.client_ca is not None:
            yield config.tls.client_ca
    if config.playbooks.is_file():
        yield config.playbooks
    for folder, _, names in _walk(config.playbooks):
        yield from (Path(folder, name) for name in names if name.endswith((".yaml", ".yml")))


def _folders(config: Config) -> Iterator[Path]:
    """Where a file of another could be taken for one of the engine's."""
    yield config.database.resolve().parent
    yield from (Path(folder) for folder, *_ in _walk(config.playbooks))


def _walk(path: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    for folder, folders, names in os.walk(path):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield folder, folders, names


@dataclass(slots=True)
class _Looking:
    account: Account
    # What is wrong with a path, in the order in which it was found; each path is looked at once.
    wrong: dict[tuple[str, str], list[Path]] = field(default_factory=dict)
    seen: set[Path] = field(default_factory=set)

    def look(self, path: Path, *, new_files_count: bool = False) -> None:
        """At a path and all that leads to it. What is not there is nobody's to change."""
        with suppress(OSError, RuntimeError):  # the latter for links in a circle, before 3.13
            self._follow(path.absolute(), _MOST_LINKS)
            if new_files_count:
                self._judge(path.resolve(), path.stat(), shared=False)

    def _follow(self, path: Path, links: int) -> None:
        """Each step from the root; where one is a link, all that leads to its target too."""
        here = Path(path.anchor)
        for part in path.parts[1:]:
            here = here.parent if part == ".." else here / part
            if here in self.seen:
                if here.is_symlink():
                    here = here.resolve()
                continue
            self.seen.add(here)
            found = here.lstat()
            if not stat.S_ISLNK(found.st_mode):
                self._judge(here, found)
            elif links:
                if here.parent.stat().st_mode & stat.S_IWOTH:  # whose it is can turn it
                    self._judge_owner(here, found)
                self._follow(here.parent / here.readlink(), links - 1)
                here = here.resolve()

    def _judge(self, path: Path, found: os.stat_result, *, shared: bool = True) -> None:
        """In a folder like /tmp, `shared`, nobody can move or replace what is another's."""
        mode = stat.S_IMODE(found.st_mode)
        self._judge_owner(path, found)
        if shared and stat.S_ISDIR(found.st_mode) and mode & stat.S_ISVTX:
            return
        if mode & stat.S_IWOTH:
            self._note(path, "any user can change it", "chmod o-w")
        elif mode & stat.S_IWGRP and found.st_gid not in (_ROOT, self.account.gid):
            said = f"every member of the group {_group(found.st_gid)} can change it"
            self._note(path, said, "chmod g-w")

    def _judge_owner(self, path: Path, found: os.stat_result) -> None:
        if found.st_uid not in (_ROOT, self.account.uid):
            who = _user(self.account.uid)
            said = f"it belongs to {_user(found.st_uid)}, and the engine runs as {who}"
            self._note(path, said, "chown it to root")

    def _note(self, path: Path, said: str, mend: str) -> None:
        with suppress(OSError):
            if os.statvfs(path).f_flag & os.ST_RDONLY:
                return  # such as a ConfigMap, whose folders are open to everybody and read-only
        paths = self.wrong.setdefault((said, mend), [])
        if path not in paths:
            paths.append(path)

    def problems(self, *, strict: bool) -> Iterator[Problem]:
        for (said, mend), (first, *others) in self.wrong.items():
            message = said
            if others:
                shown = ", ".join(str(path) for path in others[:_SHOWN])
                more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
                message += f"; the same of {shown}{more}"
            refused = "; `strict` of config.yaml takes nothing that others can change"
            yield Problem(
                CODE,
                message,
                Location(str(first)),
                mend + (refused if strict else ""),
                "error" if strict else "warning",
            )


def _user(uid: int) -> str:
    with suppress(KeyError):
        return pwd.getpwuid(uid).pw_name
    return f"user {uid}"


def _group(gid: int) -> str:
    with suppress(KeyError):
        return grp.getgrgid(gid).gr_name
    return str(gid)


def errors_of(problems: Iterable[Problem]) -> list[Problem]:
    """Those that are to keep the engine from starting."""
    return [problem for problem in problems if problem.level == "error"]
