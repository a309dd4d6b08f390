"""Tells an engine that something was said, and the person what comes of it."""

import getpass
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import click

from engine.cli.screen import print_json
from engine.cli.visible import clean
from engine.cli.whence import whence
from engine.config.config import Config
from engine.problem import EngineError, Problem
from engine.store.locks import wake
from engine.store.people import People, open_for_people

F = TypeVar("F", bound=Callable[..., Any])


def by_option(command: F) -> F:
    """`--by`."""
    return click.option(
        "--by", metavar="NAME", help="Who says so, for the record.  [default: who is logged in]"
    )(command)


def person(by: str | None) -> str:
    """Who says it; behind sudo it is not root. Raises EngineError when nobody can tell."""
    try:
        name = by if by is not None else os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):  # an account without a name
        name = ""
    if not name.strip():
        raise EngineError(Problem("no-name", "nobody can tell who says so", None, "name --by"))
    return clean(name.strip())


def for_people(config: Config) -> AbstractContextManager[People]:
    """The ledger, for a word of whoever types. Raises EngineError."""
    return open_for_people(config.database, whence(os.environ))


def tell(config: Config, format_: str, said: str, **data: Any) -> None:
    """Wake the engine for what was committed, and say it; `engine` is whether one was there."""
    working = wake(config.database)
    if format_ == "json":
        print_json({**data, "engine": working})
        return
    when = "the engine that is running does it at once"
    if not working:
        when = "no engine is running now: one does it when it starts"
    click.echo(sentence(f"{said}; {when}"))


def sentence(said: str) -> str:
    """With what a sentence begins and ends with."""
    return clean(f"{said[:1].upper()}{said[1:]}.")
