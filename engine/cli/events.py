"""`engine events`: what arrived, and what the playbooks said of it, out of the ledger."""

from typing import Any

import click

from engine.cli.options import config_option, format_option, load_offline
from engine.cli.screen import console, line, mark, print_json, styled, table
from engine.cli.telling import by_option, for_people, person, tell
from engine.cli.tree import show_tree
from engine.cli.verdicts import verdicts_on
from engine.events.document import document_of
from engine.events.event import Event
from engine.runs.ledger import Judgement
from engine.runs.trace import run_as_json, timestamp
from engine.store.records import EventRecord, open_records
from engine.wiring import new_id, now


@click.group()
def events() -> None:
    """What arrived, and what was decided about it. Works beside a running engine."""


@events.command("list")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--before", metavar="CURSOR", help="Go on where a list ended: its `next`.")
@config_option
@format_option
def list_(limit: int, before: str | None, config_path: str | None, format_: str) -> int:
    """The newest events."""
    with open_records(load_offline(config_path).database) as records:
        page = records.events(limit, before)
    if format_ == "json":
        print_json({"items": [_as_json(record) for record in page.items], "next": page.next})
        return 0
    screen = console()
    if not page.items:
        screen.print("No events.")
        return 0
    shown = table("event", "received", "type", "action", "title", "runs")
    for record in page.items:
        event = record.event
        shown.add_row(
            event.id,
            (timestamp(event.received) or "")[:19].replace("T", " "),
            styled(line(event.type, 30)),
            styled(line(event.action or "", 40)),
            styled(line(_title(event), 60)),
            styled(", ".join(f"{run.playbook} {run.state.value}" for run in record.runs)),
        )
    screen.print(shown)
    if page.next:
        screen.print(f"More: --before {page.next}")
    return 0


@events.command()
@click.argument("event")
@config_option
@format_option
def show(event: str, config_path: str | None, format_: str) -> int:
    """EVENT (an id, or the end of one): every playbook's verdict on it, and the runs it started.

    A condition is shown part by part, by the text that the playbook had then. `engine explain`
    says what the playbooks of today make of the event.
    """
    config = load_offline(config_path)
    with open_records(config.database) as records:
        record = records.event(event)
        verdicts = verdicts_on(record, records, config)
    if format_ == "json":
        with_trees = [
            {**_verdict_as_json(one.judgement), "tree": one.tree and one.tree.as_json()}
            for one in verdicts
        ]
        said = {**_as_json(record), "verdicts": with_trees}
        print_json({**said, "payload": record.event.payload})
        return 0
    screen = console()
    shown = record.event
    screen.print(styled(f"event {shown.id}", "bold"))
    for name, value in (
        ("type", shown.type),
        ("from", f"{shown.source} {shown.action or ''}"),
        ("received", timestamp(shown.received)),
        ("incident", shown.incident_id),
        ("title", _title(shown)),
        ("key", shown.key),
        *([("replays", shown.origin)] if shown.origin is not None else []),
    ):
        screen.print(styled(f"  {name:9}{line(value)}"))
    for one in verdicts:
        verdict = one.judgement.verdict
        answer = verdict.answer.value
        reason = f": {line(verdict.reason, 500)}" if verdict.reason else ""
        screen.print(
            mark(answer), styled(one.judgement.playbook, "bold"), styled(answer + reason, "dim")
        )
        if one.tree is not None:
            show_tree(screen, one.tree, "    ")
    if record.judged is None:
        screen.print("No playbook has judged it yet.")
    for run in record.runs:
        screen.print(
            mark(run.state.value), styled(f"run {run.id} {run.playbook} {run.state.value}")
        )
    return 0


@events.command()
@click.argument("event")
@by_option
@config_option
@format_option
def replay(event: str, by: str | None, config_path: str | None, format_: str) -> int:
    """Have EVENT once more: a new event of the same content, which every playbook judges anew.

    It names the other one as its origin. What playbooks did about that one, they may do again.
    """
    config, by = load_offline(config_path), person(by)
    with for_people(config) as people:
        made = people.replay(event, id_=new_id(), by=by, at=now())
    said = f"Event {made.id} says the same as {made.origin}, and the playbooks judge it anew"
    tell(config, format_, said, event=made.id, origin=made.origin, by=by)
    return 0


def _as_json(record: EventRecord) -> dict[str, Any]:
    """Stable keys; `origin` is the event that this one repeats, or null.

    `verdicts` are those of the playbooks that were asked. `show` has all, also of those that the
    event could not concern, and with each its `tree`, see `Explanation`; null where the playbook's
    text is gone.
    """
    event = record.event
    return {
        "id": event.id,
        "type": event.type,
        "source": event.source,
        "action": event.action,
        "key": event.key,
        "time": timestamp(event.time / 1000) if event.time is not None else None,
        "received": timestamp(event.received),
        "incident": event.incident_id,
        "title": _title(event),
        "origin": event.origin,
        "verdicts": [_verdict_as_json(judgement) for judgement in record.judgements],
        "runs": [run_as_json(run) for run in record.runs],
    }


def _verdict_as_json(judgement: Judgement) -> dict[str, Any]:
    return {
        "playbook": judgement.playbook,
        "version": judgement.version,
        "answer": judgement.verdict.answer.value,
        "reason": judgement.verdict.reason,
    }


def _title(event: Event) -> str:
    return str(document_of(event, {})["title"] or "")
