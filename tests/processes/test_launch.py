"""A command that has something to take on is started by way of the launcher, and only such a one.

The processes are real ones.
"""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from engine.processes.launch import Launch, launching
from engine.processes.preparation import Preparation, User

PRIVATE = Preparation(umask=0o077)


def run(launch: Launch) -> str:
    done = subprocess.run(
        launch.argv,
        executable=launch.executable,
        env=dict(launch.environ),
        pass_fds=launch.pass_fds,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout


def open_files() -> Sequence[str]:
    return sorted(path.name for path in Path("/proc/self/fd").iterdir())


def test_with_nothing_to_prepare_there_is_nothing_in_between() -> None:
    with launching(["env"], {"A": "b"}, executable="/usr/bin/env") as launch:
        assert launch == Launch(["env"], "/usr/bin/env", {"A": "b"})
        assert run(launch) == "A=b\n"
        assert launch.failure() is None


def test_it_becomes_the_command_with_its_own_environment() -> None:
    with launching(["env"], {"A": "b=c"}, executable="/usr/bin/env", preparation=PRIVATE) as launch:
        assert run(launch) == "A=b=c\n"
        assert launch.failure() is None


def test_what_python_needs_is_not_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/srv/python/lib")
    environ = {"LC_CTYPE": "C"}
    with launching(["/usr/bin/env"], environ, preparation=PRIVATE) as launch:
        assert launch.environ["LD_LIBRARY_PATH"] == "/srv/python/lib"
        assert run(launch) == "LC_CTYPE=C\n"


@pytest.mark.parametrize(
    ("argv", "error"),
    [(["no-such-command"], FileNotFoundError), (["/etc/passwd"], PermissionError)],
)
def test_why_it_is_no_command_is_known_when_it_has_ended(
    argv: list[str], error: type[OSError]
) -> None:
    with launching(argv, {"PATH": "/bin"}, preparation=PRIVATE) as launch:
        assert run(launch) == ""
        failure = launch.failure()
        assert isinstance(failure, error)
        assert failure.strerror


def test_that_its_rights_cannot_be_taken_on_is_known_too() -> None:
    nobodys = User(2**32 - 1, 0, ())  # the number that is no user
    with launching(["true"], {"PATH": "/bin"}, preparation=Preparation(user=nobodys)) as launch:
        assert run(launch) == ""
        assert launch.failure() is not None


def test_nothing_stays_open() -> None:
    before = open_files()
    with launching(["true"], {"PATH": "/bin"}, preparation=PRIVATE) as launch:
        assert len(open_files()) == len(before) + 2
        launch.begun()
        assert len(open_files()) == len(before) + 1
        launch.begun()
    assert open_files() == before
