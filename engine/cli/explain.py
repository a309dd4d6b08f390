"""`engine explain`: why each playbook did or did not take an event."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from engine.cli.event_files import read_event
from engine.cli.options import config_option, format_option, load_offline
from engine.cli.playbook_files import read_beside, read_files
from engine.cli.screen import console, line, mark, print_json, styled
from engine.cli.tree import show_tree
from engine.cli.verdicts import verdicts_on
from engine.config.config import Config
from engine.events.event import Event
from engine.problem import EngineError, Problem, in_file_order, nearest
from engine.rehearsal.explained import Explained, explain_all, just_happened
from engine.runs.ledger import Judgement
from engine.runs.trace import timestamp
from engine.store.records import open_records
from engine.wiring.step_types import offline_loader


@dataclass(frozen=True, slots=True)
class _Asked:
    """An event, and what was judged of it when it came; None where it never came."""

    event: Event
    at: float  # Unix seconds, as if it were now
    then: Sequence[Judgement] | None = None


@click.command()
@click.argument("event", metavar="EVENT|FILE|-")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option("--playbook", "name", metavar="NAME", help="Ask this one alone.")
@click.option("--action", help="Of a FILE: the button, as the last part of the URL names it.")
@click.option("--type", "type_", help="Of a FILE: take the event for one of this type.")
@config_option
@format_option
def explain(
    event: str,
    paths: tuple[Path, ...],
    name: str | None,
    action: str | None,
    type_: str | None,
    config_path: str | None,
    format_: str,
) -> int:
    """Say of each playbook whether it takes an event, and why: its trigger, part by part.

    EVENT is the id of an event in the ledger, or the end of one: then what was judged when it came
    is shown too, where the playbooks of today say something else. FILE is a JSON body as Flashduty
    would send it, - is stdin. Each part of a condition is shown with its value, and a field that
    is not there with those that are. Exits with 1 if no playbook takes the event.

    \b
      engine explain press.json --action restart-host
      engine explain 7HK2QX --playbook restart-host
    """  # noqa: D301 - \b is click's mark for lines to be kept
    config = load_offline(config_path)
    asked = _find(event, config, action, type_)
    files, unreadable = read_files(paths or (config.playbooks,))
    loaded = offline_loader(config).load_all(files, lambda: read_beside(paths))
    problems = in_file_order([*unreadable, *loaded.problems])
    if problems and paths:
        raise EngineError(*problems)
    explained = _only(explain_all(loaded.playbooks, asked.event, config.vars, asked.at), name)
    then = {one.playbook: one for one in asked.then or () if name in (None, one.playbook)}
    if format_ == "json":
        said = _as_json(asked, explained, then)
        print_json({**said, "problems": [problem.as_json() for problem in problems]})
    else:
        screen = console()
        for problem in problems:
            screen.print(styled(problem, "red"))
        _show(screen, asked, explained, then)
    return 0 if any(one.verdict.yes for one in explained) else 1


def _find(named: str, config: Config, action: str | None, type_: str | None) -> _Asked:
    """The event in a file or, where there is no such file, in the ledger. Raises EngineError."""
    if named == "-" or Path(named).is_file():
        event = read_event(named, config, action, type_)
        return _Asked(event, just_happened(event))
    if not (named.isascii() and named.isalnum() and config.database.exists()):
        raise EngineError(
            Problem(
                "unreadable",
                f"there is no file {named}",
                None,
                "name a JSON file as Flashduty would send it, or the id of an event in the ledger",
            )
        )
    if action is not None or type_ is not None:
        raise EngineError(
            Problem(
                "not-of-a-file",
                f"{named} is no file, and what came has its action and its type",
                None,
                "leave --action and --type out, or name a file",
            )
        )
    with open_records(config.database) as records:
        record = records.event(named)
        then = [one.judgement for one in verdicts_on(record, records, config)]
    return _Asked(record.event, record.event.received, then)


def _only(explained: Sequence[Explained], name: str | None) -> Sequence[Explained]:
    found = [one for one in explained if name in (None, one.playbook.name)]
    if name is not None and not found:
        hint = nearest(name, [one.playbook.name for one in explained])
        raise EngineError(Problem("no-such-playbook", f"there is no playbook '{name}'", None, hint))
    return found


def _as_json(
    asked: _Asked, explained: Sequence[Explained], then: Mapping[str, Judgement]
) -> dict[str, Any]:
    """Stable keys: event {id, received, type, source, action}, items, next.

    An item has `playbook`, `file`, `version`, `answer`, `reason`, `tree` (see `Explanation`), and
    `then`: {version, answer, reason, differs}, or null where this playbook did not judge it when it
    came. `gone` are those that judged it then and are no more, with the same keys and `playbook`.
    `id` and `received` are null for what is not in the ledger.
    """
    event, kept = asked.event, asked.then is not None
    names = {one.playbook.name for one in explained}
    return {
        "event": {
            "id": event.id if kept else None,
            "received": timestamp(event.received) if kept else None,
            "type": event.type,
            "source": event.source,
            "action": event.action,
        },
        "items": [
            {
                "playbook": one.playbook.name,
                "file": one.playbook.file,
                "version": one.playbook.version,
                "answer": one.verdict.answer.value,
                "reason": one.verdict.reason,
                "tree": one.tree.as_json(),
                "then": _then_as_json(then.get(one.playbook.name), one),
            }
            for one in explained
        ],
        "gone": [
            {"playbook": name, **(_then_as_json(judgement, None) or {})}
            for name, judgement in then.items()
            if name not in names
        ],
        "next": None,
    }


def _then_as_json(judgement: Judgement | None, now: Explained | None) -> dict[str, Any] | None:
    if judgement is None:
        return None
    return {
        "version": judgement.version,
        "answer": judgement.verdict.answer.value,
        "reason": judgement.verdict.reason,
        "differs": now is None or judgement.verdict.answer is not now.verdict.answer,
    }


def _show(
    screen: Console, asked: _Asked, explained: Sequence[Explained], then: Mapping[str, Judgement]
) -> None:
    event = asked.event
    named = f"event {event.id}" if asked.then is not None else "the event"
    came = f"by action {event.action}" if event.action else f"from {event.source}"
    screen.print(styled(f"{named}: {line(event.type)} {line(came)}", "bold"))
    for one in explained:
        answer = one.verdict.answer.value
        screen.print(mark(answer), styled(one.playbook.name, "bold"), answer, end=" ")
        screen.print(styled(f"({one.playbook.file})", "dim"))
        if not one.tree.parts:
            screen.print(styled("    it takes any event", "dim"))
        show_tree(screen, one.tree, "    ", whole=True)
        if asked.then is not None:
            _show_then(screen, one, then.get(one.playbook.name))
    for name in then.keys() - {one.playbook.name for one in explained}:
        said = f"{name} is not there today; it said {_said(then[name])} when the event came"
        screen.print(mark("cannot tell"), styled(said, "yellow"))


def _show_then(screen: Console, now: Explained, then: Judgement | None) -> None:
    """What was judged when the event came, where that is not what is said today."""
    if then is None:
        said = "it did not judge the event when it came"
    elif then.verdict.answer is not now.verdict.answer:
        said = f"when the event came it said {_said(then)}"
        same = then.version == now.playbook.version
        said += "; the playbook is the same" if same else "; the playbook was changed since"
    else:
        return
    screen.print(styled(f"    then: {said}", "yellow"))


def _said(judgement: Judgement) -> str:
    reason = f" ({line(judgement.verdict.reason, 500)})" if judgement.verdict.reason else ""
    return judgement.verdict.answer.value + reason
