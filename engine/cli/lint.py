"""`engine lint`: every problem of the playbooks, in file order."""

from pathlib import Path

import click

from engine.cli.options import config_option, load_offline
from engine.cli.playbook_files import read_beside, read_files
from engine.lint.report import FORMATS
from engine.problem import in_file_order
from engine.wiring import offline_loader


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option(
    "--format",
    "format_",
    type=click.Choice(list(FORMATS)),
    default="text",
    help="github: annotations for a pull request.  [default: text]",
)
@config_option
def lint(paths: tuple[Path, ...], format_: str, config_path: str | None) -> int:
    """Find every problem of playbooks, as file:line:col: code: message.

    PATH is a file or a folder; without one, the folder that config.yaml names. Needs no secrets and
    no network. Exits with 1 when it found something.

    \b
      engine lint
      engine lint playbooks/restart-host.yaml
      engine lint --format github     # in a pull request's check
    """  # noqa: D301 - \b is click's mark for lines to be kept
    config = load_offline(config_path)
    files, unreadable = read_files(paths or (config.playbooks,))
    loaded = offline_loader(config).load_all(files, lambda: read_beside(paths))
    problems = in_file_order([*unreadable, *loaded.problems])
    click.echo(FORMATS[format_](problems, len(files) + len(unreadable)))
    return 1 if problems else 0
