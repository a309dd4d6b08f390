"""`engine new`: a playbook to begin from, with its test and the schema for the editor."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from engine.cli.new.start import STARTS, Start
from engine.cli.options import config_option, load_offline
from engine.cli.playbook_files import TESTS, read_files, shown_path
from engine.cli.schema import NAME as SCHEMA
from engine.cli.schema import schema_text
from engine.config.config import Config
from engine.playbooks.schema import NAME
from engine.problem import EngineError, Problem
from engine.wiring.step_types import offline_loader


@click.command()
@click.argument("name")
@click.option(
    "--from",
    "start",
    type=click.Choice(list(STARTS)),
    default="blank",
    show_default=True,
    help="What to begin with.",
)
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Where to write it.  [default: the playbooks of config.yaml]",
)
@config_option
def new(name: str, start: str, into: Path | None, config_path: str | None) -> int:
    """Write a playbook NAME to begin from, with its test, and say what comes next.

    Nothing that is there is changed. The files are yours: cut what you do not need.

    \b
      engine new restart-web --from restart-host
      engine new drain-node --into /tmp/try
    """  # noqa: D301 - \b is click's mark for lines to be kept
    config = load_offline(config_path)
    folder = config.playbooks if into is None else into
    if not re.fullmatch(NAME, name):
        hint = "a name has letters, digits, dots, dashes and underscores only"
        raise EngineError(Problem("bad-name", f"'{name}' cannot be a name", None, hint))
    playbook, test = folder / f"{name}.yaml", folder / f"{name}{TESTS[0]}"
    _refuse_what_is_there(config, name, folder, [playbook, test])
    beginning = STARTS[start]
    text = beginning.playbook(name)
    written = {playbook: text, test: beginning.test(name), folder / SCHEMA: schema_text()}
    for path in _write(written):
        click.echo(f"Wrote {shown_path(path)}")
    missing = sorted(_needs(text) - _has(config))
    if missing:
        click.echo(f"\nIt needs what config.yaml does not have yet: {', '.join(missing)}.")
    click.echo("\nNext:")
    for command in _next(beginning, name, shown_path(playbook), config_path):
        click.echo(f"  {command}")
    return 0


def _refuse_what_is_there(config: Config, name: str, folder: Path, paths: list[Path]) -> None:
    for path in paths:
        if path.exists():
            said = f"{shown_path(path)} is there already"
            raise EngineError(Problem("exists", said, None, "choose another name or --into"))
    if not folder.is_dir():
        return
    for playbook in offline_loader(config).load_all(read_files([folder])[0]).playbooks:
        if playbook.name == name:
            said = f"the name '{name}' is taken by {playbook.file}"
            raise EngineError(Problem("duplicate-name", said, None, "choose another name"))


def _write(files: dict[Path, str | None]) -> Iterator[Path]:
    """Those that were written: never one that is there. Raises EngineError."""
    for path, text in files.items():
        if text is None:
            continue
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            continue  # the schema may be there: `engine schema --output` makes it anew
        except OSError as error:
            said = f"{path}: {error.strerror}"
            raise EngineError(Problem("unwritable", said, None, "name another --into")) from None
        yield path


_NEEDED: Final = re.compile(r"\b(config|secrets)\.(?!yaml\b)(\w+)")


def _needs(text: str) -> set[str]:
    """What its templates and conditions name: vars.x and secrets.Y."""
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    return {
        f"{'vars' if place == 'config' else place}.{name}" for place, name in _NEEDED.findall(code)
    }


def _has(config: Config) -> set[str]:
    return {
        *(f"vars.{name}" for name in config.vars),
        *(f"secrets.{name}" for name in config.secrets),
    }


def _next(start: Start, name: str, file: str, config_path: str | None) -> Iterator[str]:
    """Commands to paste."""
    by = "" if config_path is None else f" --config {shlex.quote(config_path)}"
    path = shlex.quote(file)
    yield f"engine lint {path}{by}"
    show = f"engine samples show {start.sample}"
    yield f"{show} | engine dry-run {path} --event - --action {shlex.quote(name)}{by}"
    yield f"engine test {path}{by}"
