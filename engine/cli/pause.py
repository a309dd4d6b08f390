"""`engine pause` and `engine resume`: the kill switch, for one playbook or for all."""

import click

from engine.cli.options import config_option, format_option, load_offline
from engine.cli.playbook_files import read_files
from engine.cli.screen import console, print_json, styled, table
from engine.cli.telling import by_option, for_people, person, sentence, tell
from engine.cli.visible import clean
from engine.config.config import Config
from engine.problem import EngineError, Problem, nearest
from engine.runs.control import EVERYTHING, Pause
from engine.runs.trace import timestamp
from engine.store.people import People
from engine.wiring.clocks import now


@click.command()
@click.argument("playbook", default=EVERYTHING)
@click.option("--reason", metavar="TEXT", help="Why, for everybody who wonders.")
@click.option("--list", "list_", is_flag=True, help="Only show what is paused.")
@by_option
@config_option
@format_option
def pause(
    playbook: str,
    reason: str | None,
    list_: bool,  # noqa: FBT001 - click hands it over by name
    by: str | None,
    config_path: str | None,
    format_: str,
) -> int:
    """Begin nothing more of PLAYBOOK, or of any, until `engine resume`.

    Steps under way are let finish. Runs wait before their next step, queued ones in the queue; new
    ones are skipped. It holds across a restart. Events are accepted and judged as ever.
    """
    config = load_offline(config_path)
    with for_people(config) as people:
        if list_:
            _show(list(people.pauses().values()), format_)
            return 0
        name, by, at = _known(playbook, people, config), person(by), now()
        found = people.pause(name, by=by, at=at, reason=reason and clean(reason.strip()))
    if (found.by, found.at) != (by, at) and format_ == "text":
        click.echo(
            sentence(f"{_what(name)} is paused already: {found.said}, at {timestamp(found.at)}")
        )
        return 0
    said = f"{_what(name)} is paused: no step begins until `{_undo(name)}`"
    tell(config, format_, said, **_as_json(found))
    return 0


@click.command()
@click.argument("playbook", default=EVERYTHING)
@by_option
@config_option
@format_option
def resume(playbook: str, by: str | None, config_path: str | None, format_: str) -> int:
    """Take `engine pause` back, for PLAYBOOK or for all; and close the breaker.

    Failed runs up to now do not count any more. What was paused by its own name, stays so when all
    is resumed.
    """
    config = load_offline(config_path)
    with for_people(config) as people:
        name = _known(playbook, people, config)
        before = people.resume(name, by=person(by), at=now())
        left = [_what(other) for other in people.pauses() if EVERYTHING in (name, other)]
    said = f"{_what(name)} goes on"
    if before is None:
        said = f"{_what(name)} was not paused; failures up to now do not count for its breaker"
    if left:
        said += f", but {', '.join(left)} is still paused"
    tell(config, format_, said, playbook=name or None, was_paused=before is not None, still=left)
    return 0


def _known(name: str, people: People, config: Config) -> str:
    """The name, if a playbook has it; to stop one that ran before needs no file of it."""
    known = people.playbooks()
    if name == EVERYTHING or name in known:
        return name
    # Here alone, and only when it is needed: all step types take longer to import than the rest.
    from engine.wiring.step_types import offline_loader  # noqa: PLC0415

    files, _ = read_files([config.playbooks])
    loaded = offline_loader(config).load_all(files).playbooks
    names = sorted({*known, *(playbook.name for playbook in loaded)})
    if name in names:
        return name
    said = f"there is no playbook '{name}'"
    raise EngineError(Problem("no-such-playbook", said, None, nearest(name, names)))


def _show(pauses: list[Pause], format_: str) -> None:
    if format_ == "json":
        print_json({"items": [_as_json(one) for one in pauses], "next": None})
        return
    screen = console()
    if not pauses:
        screen.print("Nothing is paused.")
        return
    shown = table("paused", "since", "by", "reason")
    for one in pauses:
        since = (timestamp(one.at) or "")[:19].replace("T", " ")
        shown.add_row(*(styled(text) for text in (_name(one), since, one.by, one.reason or "")))
    screen.print(shown)


def _as_json(pause: Pause) -> dict[str, str | None]:
    """Stable keys: playbook (null for all), since, by, reason."""
    return {
        "playbook": pause.playbook or None,
        "since": timestamp(pause.at),
        "by": pause.by,
        "reason": pause.reason,
    }


def _name(pause: Pause) -> str:
    return pause.playbook or "everything"


def _what(name: str) -> str:
    return f"playbook {name}" if name else "everything"


def _undo(name: str) -> str:
    return f"engine resume {name}".strip()
