"""The users of this machine, and whether the engine may run something as one of them."""

import os
import pwd

from engine.processes.preparation import User


def find_user(name: str) -> User | str | None:
    """The user; None where that is who runs the engine; a sentence where it cannot be."""
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return f"there is no user '{name}' on this machine"
    if entry.pw_uid == os.geteuid():
        return None
    if os.geteuid() != 0:
        return f"only root may run a step as '{name}', and the engine runs as '{_own_name()}'"
    return User(entry.pw_uid, entry.pw_gid, tuple(os.getgrouplist(name, entry.pw_gid)))


def _own_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
