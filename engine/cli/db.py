"""`engine db`: look after the ledger's file. Works beside a running engine."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from engine.cli.options import config_option, format_option, load_offline
from engine.cli.screen import console, mark, print_json, styled, table
from engine.cli.telling import by_option, person
from engine.cli.visible import clean
from engine.cli.whence import whence
from engine.config.config import RetentionConfig
from engine.playbooks.units import format_size
from engine.problem import EngineError, Problem
from engine.runs.audit import Act, AuditEntry
from engine.runs.happening import Happening, Pruned, Trouble
from engine.runs.ledger import LedgerError
from engine.runs.retention import Retention
from engine.runs.trace import timestamp
from engine.store.backup import back_up
from engine.store.database import reading
from engine.store.locks import sole_use
from engine.store.output_folder import OutputFolder
from engine.store.pruning import foresee, rebuild
from engine.store.soundness import check_soundness
from engine.store.sqlite import SqliteLedger, open_beside
from engine.store.statistics import Statistics, read_statistics
from engine.wiring.clocks import now


@click.group()
def db() -> None:
    """Look after the ledger's file: check it, back it up, make it smaller."""


@db.command()
@config_option
@format_option
def check(config_path: str | None, format_: str) -> int:
    """Whether the ledger is whole. Reads all of it; exit code 1 when it is not."""
    path = load_offline(config_path).database
    with reading(path) as connection:
        problems = list(check_soundness(connection))
    if format_ == "json":
        shown = [{"code": one.code, "message": one.message, "hint": one.hint} for one in problems]
        print_json({"database": str(path), "sound": not problems, "problems": shown})
        return 1 if problems else 0
    for problem in problems:
        click.echo(clean(problem))
    if not problems:
        console().print(mark("succeeded"), styled(f"{path} is whole"))
    return 1 if problems else 0


@db.command()
@click.argument("file", type=click.Path(path_type=Path))
@config_option
@format_option
def backup(file: Path, config_path: str | None, format_: str) -> int:
    """Copy the ledger to FILE, as it is at this moment: the database alone, no kept output.

    To go back to it: stop the engine, delete the database and what stands beside it with its name
    and -wal or -shm, copy FILE in its place, start the engine.
    """
    path = load_offline(config_path).database
    size = back_up(path, file)
    if format_ == "json":
        print_json({"database": str(path), "backup": str(file), "size": size})
    else:
        said = f"{path} is backed up: {file}, {format_size(size)}"
        console().print(mark("succeeded"), styled(said))
    return 0


@db.command()
@config_option
@format_option
def stats(config_path: str | None, format_: str) -> int:
    """How much the ledger holds, and how large it is."""
    path = load_offline(config_path).database
    with reading(path) as connection:
        found = read_statistics(connection, path)
    if format_ == "json":
        print_json({"database": str(path), **_as_json(found)})
        return 0
    shown = table("", "")
    for name, value in _rows(found):
        shown.add_row(styled(name, "dim"), styled(value))
    screen = console()
    screen.print(styled(str(path), "bold"))
    screen.print(shown)
    return 0


@db.command()
@click.option("--age", metavar="DURATION", help="Forget what is older, such as 7d; or off.")
@click.option("--size", metavar="SIZE", help="Forget the oldest until this fits; or off.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@by_option
@config_option
@format_option
def prune(
    age: str | None,
    size: str | None,
    by: str | None,
    config_path: str | None,
    format_: str,
    *,
    dry_run: bool,
) -> int:
    """Forget the oldest events that are over, with their runs, steps and kept output.

    A running engine does this every hour by `retention` in config.yaml, which is also the default
    here. What is not over, or younger than a day, always stays.
    """
    config = load_offline(config_path)
    path = config.database
    limits = _limits(config.retention, age, size)
    with reading(path) as connection:
        before = path.stat().st_size
        foreseen = None
        if dry_run:
            folder = OutputFolder.beside(path)
            foreseen = foresee(connection, folder, now(), limits.age, limits.size)
    if foreseen is not None:
        return _show_pruned(path, foreseen, format_, before, None)
    asked = AuditEntry(
        at=now(),
        act=Act.PRUNE,
        by=person(by),
        whence=whence(os.environ),
        detail={"age": _or_off(limits.age), "size": _or_off(limits.size)},
    )
    with ExitStack() as stack:
        alone = _is_ours(path, stack)
        with open_beside(path) as ledger:
            pruned, troubles = asyncio.run(_prune(ledger, limits, asked, alone=alone))
        if alone:
            troubles += _rebuilt(path)
    _show_pruned(path, pruned, format_, before, path.stat().st_size)
    for trouble in troubles:
        click.echo(clean(trouble), err=True)
    return 0


def _limits(config: RetentionConfig, age: str | None, size: str | None) -> RetentionConfig:
    given = {"age": age, "size": size}
    try:
        read = RetentionConfig.model_validate(
            {name: value for name, value in given.items() if value is not None}
        )
    except ValidationError as error:
        raise EngineError(
            *(
                Problem(str(one["type"]), f"--{one['loc'][0]}: {one['msg']}")
                for one in error.errors(include_url=False)
            )
        ) from None
    return config.model_copy(update={name: getattr(read, name) for name in read.model_fields_set})


def _or_off(limit: float | None) -> float | str:
    """Seconds or bytes."""
    return "off" if limit is None else limit


def _rebuilt(path: Path) -> list[str]:
    """Have a file of an older engine give its space back; answers why it could not be."""
    try:
        rebuild(path)
    except EngineError as error:
        return [str(problem) for problem in error.problems]
    return []


def _is_ours(path: Path, stack: ExitStack) -> bool:
    """Whether no engine works on it; then none begins to before `stack` is left."""
    try:
        stack.enter_context(sole_use(path))
    except EngineError as error:
        if error.problems[0].code != "database-in-use":
            raise
        return False
    return True


async def _prune(
    ledger: SqliteLedger, limits: RetentionConfig, asked: AuditEntry, *, alone: bool
) -> tuple[Pruned, list[str]]:
    troubles: list[str] = []

    def tell(happening: Happening) -> None:
        if isinstance(happening, Trouble):
            troubles.append(happening.message)

    retention = Retention(
        ledger.pruning,
        age=limits.age,
        size=limits.size,
        clock=now,
        sleep=asyncio.sleep,
        tell=tell,
        # What a running engine has loaded is not known here; one that starts keeps it again.
        loaded=() if alone else None,
    )
    try:
        await ledger.pruning.asked(asked)
        return await retention.prune(), troubles
    except LedgerError as error:
        hint = "what went before that is gone for good; try it again later"
        raise EngineError(Problem("not-pruned", str(error), None, hint)) from None


def _show_pruned(path: Path, pruned: Pruned, format_: str, before: int, after: int | None) -> int:
    """`after`: the size of the file; None where nothing went."""
    if format_ == "json":
        names = ("events", "runs", "steps", "playbooks", "output")
        counts = {name: getattr(pruned, name) for name in names}
        size = {"before": before, "after": after}
        print_json({"database": str(path), "dry_run": after is None, **counts, "file": size})
        return 0
    went = f"{pruned.events} events, {pruned.runs} runs, {pruned.steps} steps"
    if pruned.output:
        went += f", {format_size(pruned.output)} of output"
    if after is None:
        said = f"would forget {went}; {path} is {format_size(before)}"
    else:
        said = f"forgot {went}; {path} went from {format_size(before)} to {format_size(after)}"
    console().print(mark("succeeded"), styled(said))
    return 0


def _as_json(found: Statistics) -> dict[str, Any]:
    """Stable keys; sizes are bytes."""
    return {
        "schema": found.schema,
        "size": {
            "file": found.file,
            "used": found.usage.used,
            "free": found.usage.free,
            "log": found.usage.log,
            "output": found.usage.output,
            "gives_back": found.gives_back,
        },
        "events": {
            "total": found.events,
            "unjudged": found.unjudged,
            "oldest": timestamp(found.oldest),
            "newest": timestamp(found.newest),
        },
        "runs": {"total": sum(found.runs.values()), "states": dict(found.runs)},
        "steps": {"total": found.steps, "open": found.open_steps},
        "playbooks": {"total": found.playbooks, "versions": found.versions},
    }


def _rows(found: Statistics) -> Iterator[tuple[str, str]]:
    yield "file", f"{format_size(found.file)}, of which {format_size(found.usage.free)} is free"
    yield "log", f"{format_size(found.usage.log)} (write-ahead)"
    if found.usage.output:
        yield "output", f"{format_size(found.usage.output)} of steps, in files beside it"
    yield "schema", str(found.schema)
    unjudged = f", {found.unjudged} not judged yet" if found.unjudged else ""
    yield "events", f"{found.events}{unjudged}"
    if found.oldest is not None:
        yield "", f"from {timestamp(found.oldest)} to {timestamp(found.newest)}"
    yield "runs", str(sum(found.runs.values()))
    for state, count in found.runs.items():
        yield "", f"{count} {state}"
    going_on = f", {found.open_steps} going on" if found.open_steps else ""
    yield "steps", f"{found.steps}{going_on}"
    yield "playbooks", f"{found.playbooks} in {found.versions} versions"
