"""A fault of ours on its way to the one place that tells of it, with nothing secret in it."""

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Self

import click

from engine.problem import EngineError


class FaultError(Exception):
    """Something broke. `said` is a sentence, `trace` all that there is to report."""

    def __init__(self, said: str, trace: str) -> None:
        super().__init__(said)
        self.said = said
        self.trace = trace

    @classmethod
    def of(cls, error: Exception, masked: Callable[[str], str] = str) -> Self:
        """As Python tells of it."""
        said = f"{type(error).__name__}: {error}"
        return cls(masked(said), masked("".join(traceback.format_exception(error))))


@contextmanager
def masking_faults(masked: Callable[[str], str]) -> Iterator[None]:
    """What goes wrong inside is told by words that were masked: it may quote anything."""
    try:
        yield
    except EngineError as error:
        safe = [
            replace(one, message=masked(one.message), hint=one.hint and masked(one.hint))
            for one in error.problems
        ]
        raise EngineError(*safe) from None
    except (click.ClickException, click.Abort, BrokenPipeError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told masked
        raise FaultError.of(error, masked) from None
