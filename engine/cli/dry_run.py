"""`engine dry-run`: what the playbooks would do about an event, with nothing done."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

from engine.cli.event_files import read_event
from engine.cli.mock_options import mock_options, read_mocks
from engine.cli.options import config_option, format_option, load_offline
from engine.cli.playbook_files import read_beside, read_files
from engine.cli.rehearsed import show_rehearsals
from engine.cli.screen import console, print_json, styled
from engine.config.config import Config
from engine.problem import EngineError, in_file_order
from engine.rehearsal.dry_run import rehearse_all
from engine.rehearsal.offering import Offer, as_if_idle
from engine.store.records import open_records
from engine.wiring.clocks import now
from engine.wiring.step_types import offline_loader, offline_step_types


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option(
    "--event",
    "event_file",
    required=True,
    metavar="FILE",
    help="The JSON body Flashduty would send; - for stdin.",
)
@click.option(
    "--action",
    help="The button: the last part of /flashduty/actions/{action}, or /flashduty/labels/{action}.",
)
@click.option("--type", "type_", help="Take the event for one of this type.")
@mock_options
@config_option
@format_option
def dry_run(
    paths: tuple[Path, ...],
    event_file: str,
    action: str | None,
    type_: str | None,
    mock_file: str | None,
    follow: tuple[str, str] | None,
    config_path: str | None,
    format_: str,
) -> int:
    """Show what the playbooks would do about an event: who matches, each step as it would go out.

    Nothing is performed and no secret is read: $NAME stands for each. A request is shown as a line
    of curl that does the same. A step returns its `example:`; what depends on a result that nobody
    knows yet is shown by its name, such as ‹steps.lookup.body.owner›. What a guard makes of it is
    looked up in the ledger, if there is one. Exits with 0 only if some playbook would run to its
    end.

    \b
      engine dry-run --event press.json --action restart-host
      engine dry-run playbooks/restart-host.yaml --event - < press.json
      engine dry-run --event press.json --action restart-host --follow failure restart
    """  # noqa: D301 - \b is click's mark for lines to be kept
    config = load_offline(config_path)
    event = read_event(event_file, config, action, type_)
    files, unreadable = read_files(paths or (config.playbooks,))
    loaded = offline_loader(config).load_all(files, lambda: read_beside(paths))
    problems = in_file_order([*unreadable, *loaded.problems])
    if problems and paths:
        raise EngineError(*problems)
    types = offline_step_types(config)
    mocks = read_mocks(loaded.playbooks, types, mock_file, follow)
    with _ledger(config) as (offer, unread):
        rehearsals = rehearse_all(
            loaded.playbooks,
            event,
            config=config.vars,
            secrets=frozenset(config.secrets),
            step_types=types,
            offer=offer,
            mocks=mocks,
        )
    if format_ == "json":
        print_json(
            {
                "items": [rehearsal.as_json() for rehearsal in rehearsals],
                "next": None,
                "ledger": {"path": str(config.database), "unread": unread},
                "problems": [problem.as_json() for problem in problems],
            }
        )
    else:
        screen = console()
        for problem in problems:
            screen.print(styled(problem, "red"))
        others = "as if there were no other runs" if unread else f"by {config.database.name}"
        show_rehearsals(screen, rehearsals, event.asked, others)
    return 0 if any(rehearsal.succeeds for rehearsal in rehearsals) else 1


@contextmanager
def _ledger(config: Config) -> Iterator[tuple[Offer, str | None]]:
    """What answers for the guards, and why it is not the ledger."""
    with ExitStack() as stack:
        try:
            records = stack.enter_context(open_records(config.database))
        except EngineError as error:
            yield as_if_idle, error.problems[0].message
            return
        yield lambda playbook, lane: records.decision(playbook, lane, now()), None
