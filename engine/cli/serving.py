"""Runs the web application and the worker side by side, and stops them in the right order."""

import asyncio
import errno
import gc
import os
import signal
import socket
import ssl
from asyncio import FIRST_COMPLETED
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

import uvicorn
from starlette.types import ASGIApp
from typing_extensions import override

from engine.config.config import CONNECTIONS
from engine.problem import EngineError, Problem
from engine.runs.crew import Crew
from engine.runs.happening import Trouble
from engine.web.connection import Connection

GRACE: Final = 30.0  # seconds that steps in flight get to finish
CUT: Final = (
    "steps are still in flight, and are cut; the next start repeats them, or asks a person "
    "(`engine runs list`)"
)
BACKLOG: Final = 2048
TICK: Final = 1.0  # seconds
# So many objects are made, more than are gone again, before cycles are looked for among them; among
# younger ones each tenth time, and among all each fortieth time of that: after 8,000,000. A run
# that waits keeps 500.
SELDOM: Final = (20_000, 10, 40)

_CANNOT_LISTEN: Final[Mapping[int | None, str]] = {
    errno.EADDRINUSE: "another process listens there, perhaps an engine; stop it, or set another "
    "`listen` in config.yaml",
    errno.EACCES: "ports below 1024 are root's: set another `listen` in config.yaml, and have a "
    "reverse proxy listen there",
    errno.EADDRNOTAVAIL: "it is no address of this machine; set another `listen` in config.yaml",
}


class Server(uvicorn.Server):
    """Leaves signals to us: the worker has to hear of them too. An idle one sleeps."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ended = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None  # None: it does not serve yet

    @override
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    @override
    async def main_loop(self) -> None:
        """Ticks for the Date of answers; uvicorn's looks ten times as often whether to end."""
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK):
                    await self._ended.wait()

    def end(self) -> None:
        """Accept nothing more, and return from `serve`. Any thread may say so."""
        self.should_exit = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._ended.set)


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises EngineError when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio switches Nagle's algorithm off on what it accepts; without,
    # each answer waits 40 ms for the peer's acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise EngineError(
            Problem(
                "cannot-listen",
                f"{host}:{port}: {error.strerror or error}",
                None,
                _CANNOT_LISTEN.get(error.errno, "set another `listen` in config.yaml"),
            )
        ) from None
    listener.setblocking(False)  # noqa: FBT003 - the standard library has it so
    return listener


def server(
    app: ASGIApp, *, connections: int = CONNECTIONS, tls: ssl.SSLContext | None = None
) -> Server:
    """A uvicorn server that says nothing by itself."""
    config = uvicorn.Config(
        app,
        http=Connection,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        proxy_headers=False,  # whose word counts is `trusted_proxies`; web/head.py reads it
        date_header=True,
        limit_concurrency=connections,
        timeout_graceful_shutdown=5,
    )
    config.load()
    config.ssl = tls
    return Server(config)


async def run_until_stopped(
    web: Server,
    listener: socket.socket,
    crew: Crew,
    stopping: "Stopping",
    *,
    grace: float = GRACE,
) -> None:
    """Serve and work until `stopping`, or until one of both ends."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(serve_until_stopped(web, listener, stopping), name="receiver")
        tasks.create_task(work_until_stopped(crew, stopping, grace=grace), name="crew")


async def serve_until_stopped(web: Server, listener: socket.socket, stopping: "Stopping") -> None:
    """Serve until `stopping`; then accept nothing more, and answer who waits."""
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(web.serve([listener]), name="web")
        waiting = tasks.create_task(stopping.asked.wait(), name="stopping")
        await asyncio.wait({serving, waiting}, return_when=FIRST_COMPLETED)
        stopping.asked.set()
        web.end()


async def work_until_stopped(crew: Crew, stopping: "Stopping", *, grace: float = GRACE) -> None:
    """Work until `stopping`; then start nothing more, and give steps in flight their grace.

    What is cut after the grace has no outcome in the ledger, and is gone on with at the next start.
    """
    async with asyncio.TaskGroup() as tasks:
        working = tasks.create_task(crew.work(), name="worker")
        waiting = tasks.create_task(stopping.asked.wait(), name="stopping")
        await asyncio.wait({working, waiting}, return_when=FIRST_COMPLETED)
        stopping.asked.set()
        crew.stop()
        hurried = tasks.create_task(stopping.hurried.wait(), name="hurried")
        await asyncio.wait({working, hurried}, timeout=grace, return_when=FIRST_COMPLETED)
        hurried.cancel()
        if not working.done():
            crew.tell(Trouble("stopping", CUT))
        working.cancel()  # what a shell step started is ended with it


@dataclass(frozen=True, slots=True)
class Stopping:
    """What a person asked for: to stop, and then to be quick about it."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    hurried: asyncio.Event = field(default_factory=asyncio.Event)


@contextmanager
def woken_by_signal(wake: Callable[[], None]) -> Iterator[None]:
    """URG says that a person wrote something into the ledger; see `wake` of the store."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGURG, wake)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGURG)


@contextmanager
def reloaded_by_signal(ask: Callable[[], None]) -> Iterator[None]:
    """HUP says that the playbooks are to be loaded again."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, ask)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """What is there now is there to stay, and most of what is made later is gone by itself.

    The collector would look through all of it for cycles that are not there, each time a few
    requests have been read, and everybody would wait for it: a second, while 10,000 runs wait.
    """
    before = gc.get_threshold()
    gc.collect()
    spare_collector()
    gc.set_threshold(*SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def spare_collector() -> None:
    """What is there now is there to stay: it is not to be looked through again."""
    gc.freeze()


@contextmanager
def stopped_by_signals(tell: Callable[[int], None]) -> Iterator[Stopping]:
    """TERM and INT ask to stop, a second one cuts the steps in flight, a third one everything."""
    loop = asyncio.get_running_loop()
    stopping = Stopping()

    def stop(number: int) -> None:
        if stopping.hurried.is_set():
            os._exit(128 + number)
        if stopping.asked.is_set():
            stopping.hurried.set()
        else:
            tell(number)
            stopping.asked.set()

    numbers = (signal.SIGTERM, signal.SIGINT)
    for number in numbers:
        loop.add_signal_handler(number, stop, number)
    try:
        yield stopping
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
