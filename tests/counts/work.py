"""The work whose instructions are counted, each kind ready to be done again and again."""

import asyncio
import itertools
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, AsyncExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from typing_extensions import override
from uvicorn.server import ServerState

from engine.cli.options import load
from engine.cli.playbook_files import look
from engine.cli.running import engine_of
from engine.cli.serving import server
from engine.config.load import read_config
from engine.events.document import document_of
from engine.playbooks.load import Loader
from engine.runs.happening import Happening, RunMoved, tell_nobody
from engine.runs.redaction import Redactor
from engine.runs.rendering import rendered
from engine.runs.run import RunState
from engine.store.sqlite import open_ledger
from engine.wiring.step_types import names_in, offline_linter, offline_step_types
from tests.benchmarks.acknowledge import PATH, PLAYBOOKS
from tests.benchmarks.lint import CONFIG, ROOT, copies
from tests.benchmarks.load import BODY, PLACE, event_id
from tests.benchmarks.match import EVENT, judging_of, playbooks
from tests.benchmarks.runs import PLAYBOOK
from tests.benchmarks.served import lay_out
from tests.counts.reference import reference
from tests.e2e.real_engine import TOKEN
from tests.runs.fakes import Stage, a_playbook, an_event
from tests.runs.test_worker import a_worker

TOGETHER: Final = 20  # deliveries, and runs: they share what can be shared
MANY: Final = 10_000  # playbooks
STEP: Final = """\
name: drain
trigger: {}
steps:
  - http:
      method: POST
      url: "{{ config.lb_url }}/drain"
      headers: {Authorization: "Bearer {{ secrets.LB_TOKEN }}"}
      json: {host: "{{ labels.resource }}", why: "{{ title }} is {{ severity | lower }}"}
"""

Do = Callable[[int], object]  # does the work so many times, and looks whether it was done


@dataclass(frozen=True)
class Work:
    """How a kind of work is made ready, and how often it is done.

    `before` is what is not counted: the interpreter adapts to what it meets again and again, and what
    is made once is made then. Once it is, more of it changes nothing.
    """

    ready: Callable[[], AbstractContextManager[Do]]
    times: int
    before: int


@contextmanager
def _reference() -> Iterator[Do]:
    yield reference


class Wire(asyncio.Transport):
    """The engine's end of a connection, without a network behind it."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 50000)})
        self.answered = asyncio.Event()

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert bytes(data).startswith(b"HTTP/1.1 200"), bytes(data)
        assert bytes(data).endswith(b'"duplicate":false}'), bytes(data)
        self.answered.set()

    @override
    def is_closing(self) -> bool:
        return False

    @override
    def pause_reading(self) -> None:
        pass

    @override
    def resume_reading(self) -> None:
        pass


@contextmanager
def _delivery() -> Iterator[Do]:
    """A whole engine: from the bytes of a press to those of its 200, committed; not judged yet."""
    before, after = BODY.read_bytes().split(PLACE)
    length = len(before) + len(PLACE) + len(after)
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"X-Engine-Token: {TOKEN}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()
    numbers = itertools.count(1)
    connections: list[tuple[Wire, asyncio.Protocol]] = []

    async def begin(folder: Path) -> AsyncExitStack:
        stack = AsyncExitStack()
        config = load(str(folder / "config.yaml"))
        made = engine_of(
            config,
            lambda: look(config.playbooks),
            environ={},
            redactor=Redactor(),
            tell=tell_nobody,
            refused=print,
        )
        web = server((await stack.enter_async_context(made)).app).config
        web.timeout_keep_alive = 3600  # no timer is to run out while others are counted
        protocol: Any = web.http_protocol_class
        state = ServerState()
        for _ in range(TOGETHER):
            wire, connection = Wire(), protocol(web, state, {})
            connection.connection_made(wire)
            connections.append((wire, connection))
        return stack

    async def deliver(times: int) -> None:
        for _ in range(times // TOGETHER):
            for wire, connection in connections:
                wire.answered.clear()
                connection.data_received(head + before + event_id(next(numbers)).encode() + after)
            for wire, _ in connections:
                await wire.answered.wait()

    with tempfile.TemporaryDirectory() as name, asyncio.Runner() as runner:
        lay_out(Path(name), PLAYBOOKS)
        stack = runner.run(begin(Path(name)))
        yield lambda times: runner.run(deliver(times))
        runner.run(stack.aclose())


@contextmanager
def _judging() -> Iterator[Do]:
    """From an event to its verdicts and its runs."""
    judging = judging_of(playbooks(MANY))

    def judge(times: int) -> None:
        for _ in range(times):
            judged = judging.judge(EVENT)
            assert len(judged.runs) == 2

    yield judge


@contextmanager
def _run() -> Iterator[Do]:
    """Three steps without I/O, from the event in the ledger to the end of the run in it."""
    numbers = itertools.count(1)
    made = an_event()
    over = asyncio.Semaphore(0)

    def hear(happening: Happening) -> None:
        if isinstance(happening, RunMoved) and happening.run.state is RunState.SUCCEEDED:
            over.release()

    with (
        tempfile.TemporaryDirectory() as name,
        open_ledger(Path(name) / "engine.db") as ledger,
        asyncio.Runner() as runner,
    ):
        stage = Stage(ledger)
        stage.told.listeners.append(hear)
        worker = a_worker(stage, a_playbook(PLAYBOOK), at_once=50, starts=10**9)

        async def begin() -> "asyncio.Future[None]":
            return asyncio.ensure_future(worker.work())

        async def carry(times: int) -> None:
            for _ in range(times // TOGETHER):
                taken = itertools.islice(numbers, TOGETHER)
                await asyncio.gather(
                    *(
                        ledger.accept(replace(made, id=f"E{number}", key=f"K{number}"))
                        for number in taken
                    )
                )
                worker.wake()
                for _ in range(TOGETHER):
                    await over.acquire()
                stage.told.happenings.clear()

        async def end() -> None:
            worker.stop()
            await working

        working = runner.run(begin())
        yield lambda times: runner.run(carry(times))
        runner.run(end())


@contextmanager
def _rendering() -> Iterator[Do]:
    """A step's parameters: from their templates and a document to the checked model."""
    types = offline_step_types(read_config(CONFIG, ROOT / "config.yaml", {}, offline=True))
    (step,) = Loader(types).load(STEP, "drain.yaml").steps
    document = {
        **document_of(replace(EVENT, own=False), {"lb_url": "https://lb.example.com"}),
        "secrets": {"LB_TOKEN": "of-the-load-balancer"},
    }

    def render(times: int) -> None:
        for _ in range(times):
            assert rendered(step, types[step.type], document).url == "https://lb.example.com/drain"

    yield render


@contextmanager
def _linting() -> Iterator[Do]:
    """One shipped playbook, each time with texts that were never met before."""
    config = read_config(CONFIG, ROOT / "config.yaml", {}, offline=True)
    linter = offline_linter(config, names_in(config))
    files = iter(copies(100, alike=False))

    def lint(times: int) -> None:
        for file in itertools.islice(files, times):
            linted = linter.lint([file])
            assert (len(linted.playbooks), linted.problems) == (1, ())

    yield lint


WORK: Final[Mapping[str, Work]] = {
    "reference": Work(_reference, times=300, before=100),
    "delivery": Work(_delivery, times=100, before=60),
    "judging": Work(_judging, times=50, before=20),
    "run": Work(_run, times=100, before=60),
    "rendering": Work(_rendering, times=100, before=50),
    "linting": Work(_linting, times=4, before=4),
}
