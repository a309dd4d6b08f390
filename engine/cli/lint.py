"""`engine lint`: every problem of the playbooks, in file order."""

import os
from collections.abc import Sequence
from pathlib import Path

import click

from engine.cli.options import config_option, load_offline
from engine.cli.playbook_files import read_beside, read_files
from engine.cli.visible import clean, clean_json
from engine.config.config import Config
from engine.config.load import find_config
from engine.config.writable import Account, others_can_write
from engine.lint.beside import without_collecting
from engine.lint.check import Settings
from engine.lint.pages import page_of
from engine.lint.report import FORMATS
from engine.problem import Problem, in_file_order
from engine.wiring.step_types import names_in, offline_linter


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option(
    "--format",
    "format_",
    type=click.Choice(list(FORMATS)),
    default="text",
    help="github: annotations for a pull request.  [default: text]",
)
@click.option("--strict", is_flag=True, help="Exit with 1 for warnings, too.")
@click.option("--explain", "code", metavar="CODE", help="Say what a code means, and what to do.")
@config_option
def lint(
    paths: tuple[Path, ...],
    format_: str,
    code: str | None,
    config_path: str | None,
    *,
    strict: bool,
) -> int:
    """Find every problem of playbooks, as file:line:col: code: message.

    PATH is a file or a folder; without one, the folder that config.yaml names. Needs no secrets and
    no network. An error keeps a playbook from doing what it says; a warning may; a note is worth
    knowing. Exits with 1 when there are errors.

    What is meant as it stands is allowed on its line, or on the one above, with the reason:
    # lint: allow retry-repeats (the platform knows the Idempotency-Key)

    \b
      engine lint
      engine lint playbooks/restart-host.yaml
      engine lint --strict --format github     # in a pull request's check
      engine lint --explain unknown-field
    """  # noqa: D301 - \b is click's mark for lines to be kept
    if code is not None:
        click.echo(page_of(code))
        return 0
    config = load_offline(config_path)
    files, unreadable = read_files(paths or (config.playbooks,))
    linter = offline_linter(config, _settings(config, config_path))
    with without_collecting():
        linted = linter.lint(files, lambda: read_beside(paths))
    problems = in_file_order([*unreadable, *linted.problems, *_changeable(config, paths)])
    said = FORMATS[format_](problems, len(files) + len(unreadable))
    click.echo(clean_json(said) if format_ == "json" else clean(said))
    return 1 if any(_counts(problem, strict=strict) for problem in problems) else 0


def _settings(config: Config, config_path: str | None) -> Settings | None:
    """What is known of constants and secrets; nothing without a config.yaml."""
    if not find_config(config_path, os.environ).exists():
        return None
    return names_in(config)


def _changeable(config: Config, paths: Sequence[Path]) -> Sequence[Problem]:
    """Of what an engine goes by here; in any other checkout, modes and owners say nothing."""
    if paths or not config.database.exists():
        return ()
    return others_can_write(config, Account.of_engine(config.database))


def _counts(problem: Problem, *, strict: bool) -> bool:
    return problem.level == "error" or (strict and problem.level == "warning")
