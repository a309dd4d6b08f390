"""What every test has: no way to the default database, and nothing of the person's environment."""

import os
import shutil
import signal
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from engine.store.sqlite import SqliteLedger, open_ledger
from tests.e2e.account import answering
from tests.ports import held_port

MEMORY = Path("/dev/shm")  # noqa: S108 - each run makes a folder of its own in it
SLOW = ("chaos", "e2e", "new", "demo")  # folders of tests that start engines
ENOUGH = 1 << 30  # bytes; a container often has less


def pytest_configure() -> None:
    """Thousands of tests commit to a file of their own: on a slow disk they only wait for it."""
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ENOUGH:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
    # A job in the background ignores Ctrl-C and Ctrl-\, one of `nohup` that the terminal is gone;
    # so would every process that a test starts.
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            interrupts = number == signal.SIGINT
            signal.signal(number, signal.default_int_handler if interrupts else signal.SIG_DFL)
    # How long an example takes says something of the machine, and nothing of the code; and a change
    # is not to fail by an example that nobody had before. `--hypothesis-profile=new` has new ones.
    untimed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.register_profile("new", untimed)
    settings.register_profile("same", untimed, derandomize=True, database=None)
    settings.load_profile("same")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those that wait for processes first, and an equal share of them for each worker.

    Left in their order, one worker gets most of them, and the others have nothing to do at last.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    slow = [item for item in items if item.path.parent.name in SLOW]
    quick = iter([item for item in items if item.path.parent.name not in SLOW])
    size = -(-len(items) // workers)
    shares = [slow[number::workers] for number in range(workers)]
    items[:] = [
        item for share in shares for item in (*share, *islice(quick, max(0, size - len(share))))
    ]


@pytest.fixture(autouse=True)
def _stand_in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that relies on ./config.yaml or ./engine.db has to make them itself."""
    empty = tmp_path / "cwd"
    empty.mkdir()
    monkeypatch.chdir(empty)
    for name in ("ENGINE_CONFIG", "ENGINE_TOKEN", "FLASHDUTY_APP_KEY", "FLASHDUTY_WEBHOOK_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def flashduty() -> Iterator[str]:
    """The URL of one that says who the engine is.

    Without an answer the first start waits five seconds for it, before it judges its first event.
    """
    with answering() as url:
        yield url


@pytest.fixture
def refusing_port() -> Iterator[int]:
    """Of 127.0.0.1: nobody listens there, for as long as the test lasts."""
    with held_port() as port:
        yield port


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "engine.db"


@pytest.fixture
def ledger(database: Path) -> Iterator[SqliteLedger]:
    """The real one, in a file of its own."""
    with open_ledger(database) as opened:
        yield opened
