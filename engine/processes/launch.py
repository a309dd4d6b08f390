"""How a command is started: by itself, or by way of the launcher where something is to prepare."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from engine.processes.preparation import Preparation

_ROOT: Final = str(Path(__file__).parents[2])
# Isolated, without site-packages, and with UTF-8 whatever the command's locale is.
_PYTHON: Final = ("-I", "-S", "-X", "utf8", "-c")
_PROGRAM: Final = (
    "import sys; sys.path.append(sys.argv[1]); from engine.processes.launcher import main; main()"
)
_MOST: Final = 16  # bytes of an error's number


NOTHING: Final = Preparation()


@dataclass(frozen=True, slots=True)
class Launch:
    """What to execute. The `pass_fds` are closed in the command, as all others are."""

    argv: Sequence[str]
    executable: str | None
    environ: Mapping[str, str]
    pass_fds: Sequence[int] = ()
    _report: int | None = None
    _open: list[int] = field(default_factory=list)

    def begun(self) -> None:
        """It is started: what is only for the child is closed here."""
        while self._open:
            os.close(self._open.pop())

    def failure(self) -> OSError | None:
        """Once it has ended: why it never became the command."""
        try:
            number = b"" if self._report is None else os.read(self._report, _MOST)
        except BlockingIOError:  # what a fork left behind holds the other end
            return None
        return OSError(int(number), os.strerror(int(number))) if number else None


@contextmanager
def launching(
    argv: Sequence[str],
    environ: Mapping[str, str],
    *,
    executable: str | None = None,
    preparation: Preparation = NOTHING,
) -> Iterator[Launch]:
    """To be left when the command has ended. `executable`: the file, where argv[0] is a name.

    Nothing is between the engine and the command where there is nothing to prepare; else it takes
    some 10 ms longer to begin.
    """
    if preparation == NOTHING:
        yield Launch(argv, executable, environ)
        return
    names = "=".join(environ)
    needed = {"LC_ALL": "C.UTF-8"}  # or Python sets LC_CTYPE
    if "LD_LIBRARY_PATH" in os.environ:  # some Pythons do not start without
        needed["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
    ours, theirs = os.pipe()
    os.set_blocking(ours, False)
    given = [_ROOT, str(theirs), preparation.text, names, executable or argv[0], *argv]
    program = [sys.executable, *_PYTHON, _PROGRAM, *given]
    launch = Launch(program, None, {**needed, **environ}, (theirs,), ours, [theirs])
    try:
        yield launch
    finally:
        os.close(ours)
        launch.begun()
