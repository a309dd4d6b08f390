"""Lints beside the event loop of a running engine, which has events to answer meanwhile."""

import asyncio
import gc
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from engine.lint.linter import Linter
from engine.playbooks.load import Files, Loaded


def linting_beside(linter: Linter) -> Callable[[Files], Awaitable[Loaded]]:
    """Loads with everything that lint has to say, in a thread, with nothing that the loop uses."""

    def lint(files: Files) -> Loaded:
        with without_collecting():
            linted = linter.lint(files)
        return Loaded(linted.playbooks, linted.problems)

    return lambda files: asyncio.to_thread(lint, files)


@contextmanager
def without_collecting() -> Iterator[None]:
    """Look for no garbage meanwhile.

    Nearly all that is made of a thousand files stays. Looking through it takes a quarter of the
    time, and every thread stands still for each look.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
