"""From where a command is typed: what the system knows of it, for the audit trail."""

import os
import pwd
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from engine.cli.screen import line

_LOGIN: Final = Path("/proc/self/loginuid")  # of Linux: it outlives sudo and su, and nobody sets it
_NOBODY_LOGGED_IN: Final = 2**32 - 1
_LONGEST: Final = 100  # characters of what the environment says


def whence(environ: Mapping[str, str]) -> dict[str, Any]:
    """What is known of these; see AuditEntry.

    `user` is the account and `login` the one that logged in, by the system's word; `sudo` and `ssh`
    are the environment's, which whoever types could have set.
    """
    known = {
        "user": _account(os.getuid()),
        "login": _login(),
        "sudo": environ.get("SUDO_USER"),
        "tty": next(_terminals(), None),
        "ssh": environ.get("SSH_CONNECTION", "").partition(" ")[0],  # the client's address
        "host": socket.gethostname(),
    }
    said = {name: line(value, _LONGEST) for name, value in known.items() if value}
    return {**said, "pid": os.getpid()}


def _account(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # an account without a name
        return str(uid)


def _login() -> str | None:
    with suppress(OSError, ValueError):
        uid = int(_LOGIN.read_text(encoding="ascii"))
        return None if uid == _NOBODY_LOGGED_IN else _account(uid)
    return None


def _terminals(ttyname: Callable[[int], str] = os.ttyname) -> Iterator[str]:
    for handle in (0, 1, 2):
        with suppress(OSError):
            yield ttyname(handle).removeprefix("/dev/")
