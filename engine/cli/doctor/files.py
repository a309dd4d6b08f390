"""Who may read and change what the engine keeps and goes by."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from engine.cli.doctor.finding import Finding, of_problem
from engine.config.config import Config
from engine.config.writable import Account, others_can_write
from engine.store.private import loose_files


def look_at_files(config: Config) -> Iterator[Finding]:
    """Modes and owners, as they are for the account that has the database."""
    loose = loose_files(config.database)
    if loose:
        more = f" and {len(loose) - 1} more" if len(loose) > 1 else ""
        seen = f"{loose[0]}{more} can be read by others"
        yield Finding("private", "warn", seen, "chmod go= them; the engine does at its start")
    else:
        yield Finding("private", "ok", "what the engine keeps is its own user's alone")
    yield from _secrets(config)
    problems = others_can_write(config, Account.of_engine(config.database))
    yield from (of_problem("writable", problem) for problem in problems)
    if not problems:
        seen = "nobody but root and the engine's user can change what it goes by"
        yield Finding("writable", "ok", seen)


def _secrets(config: Config) -> Iterator[Finding]:
    """Files of secrets and keys that any user of the machine can read."""
    paths = [config.folder / one.file for one in config.secrets.values() if one.file is not None]
    if config.tls is not None:
        paths.append(config.tls.key)
    open_ = [str(path) for path in paths if _is_readable_by_all(path)]
    if open_:
        seen = f"{', '.join(open_)} can be read by any user"
        yield Finding("secret-files", "warn", seen, "chmod o= them, and chown them to the engine's")


def _is_readable_by_all(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
        # A secret that is mounted into a container has whatever mode the mount gives it.
        return bool(mode & stat.S_IROTH) and not os.statvfs(path).f_flag & os.ST_RDONLY
    except OSError:
        return False  # that it cannot be had is said of the secret
