"""What a process takes on before it becomes a command: umask, user, limits."""

import os
import resource
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple  # no dataclasses: the launcher has to start in a moment

_AFTER_WARNING: Final = 1  # seconds from XCPU to KILL


class User(NamedTuple):
    """A user of this machine, and all of the groups."""

    uid: int
    gid: int
    groups: Sequence[int]


class Limits(NamedTuple):
    """None: what the engine has. All but the last are of each process, not of all together."""

    cpu: int | None = None  # seconds
    memory: int | None = None  # bytes of its address space
    files: int | None = None  # open at once
    processes: int | None = None  # of the user


class Preparation(NamedTuple):
    """All of it. What is None stays as it is in the engine."""

    umask: int | None = None
    user: User | None = None
    limits: Limits = Limits()

    @property
    def text(self) -> str:
        """As one argument of the launcher; empty where there is nothing to prepare."""
        return ",".join(f"{name}={value}" for name, value in self._named())

    def _named(self) -> Iterator[tuple[str, str]]:
        if self.umask is not None:
            yield "umask", str(self.umask)
        if self.user is not None:
            yield "uid", str(self.user.uid)
            yield "gid", str(self.user.gid)
            yield "groups", ":".join(map(str, self.user.groups))
        for name, value in self.limits._asdict().items():
            if value is not None:
                yield name, str(value)


def read_preparation(text: str) -> Preparation:
    """The one that this text is of."""
    named = dict(part.split("=", 1) for part in text.split(",") if part)
    groups = tuple(int(group) for group in named.pop("groups", "").split(":") if group)
    numbers = {name: int(value) for name, value in named.items()}
    user = User(numbers["uid"], numbers["gid"], groups) if "uid" in numbers else None
    limits = Limits(*(numbers.get(name) for name in Limits._fields))
    return Preparation(numbers.get("umask"), user, limits)


def take_on(preparation: Preparation) -> None:
    """Of this process, and for good: a limit can be lowered and not raised again."""
    if preparation.umask is not None:
        os.umask(preparation.umask)
    if (user := preparation.user) is not None:
        os.setgroups(list(user.groups))
        os.setgid(user.gid)
        os.setuid(user.uid)  # last: from here on there is no right to the others
    limits = preparation.limits
    for kind, value, grace in (
        # The soft limit sends XCPU, by which it is known what happened; the hard one kills.
        (resource.RLIMIT_CPU, limits.cpu, _AFTER_WARNING),
        (resource.RLIMIT_AS, limits.memory, 0),
        (resource.RLIMIT_NOFILE, limits.files, 0),
        (resource.RLIMIT_NPROC, limits.processes, 0),
    ):
        if value is not None:
            _, most = resource.getrlimit(kind)
            unlimited = most == resource.RLIM_INFINITY
            hard = value + grace if unlimited else min(value + grace, most)
            resource.setrlimit(kind, (min(value, hard), hard))
