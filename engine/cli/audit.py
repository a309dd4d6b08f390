"""`engine audit`: what people had the engine do, out of the ledger."""

from collections.abc import Iterator, Mapping
from typing import Any

import click

from engine.cli.options import config_option, format_option, load_offline
from engine.cli.screen import console, line, print_json, styled, table
from engine.runs.audit import Act, AuditEntry
from engine.runs.control import EVERYTHING
from engine.runs.trace import timestamp
from engine.store.records import open_records


@click.command()
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--before", metavar="CURSOR", help="Go on where a list ended: its `next`.")
@click.option("--playbook", metavar="NAME", help="Only what was done to it, and to its runs.")
@click.option("--by", metavar="NAME", help="Only what this person did.")
@config_option
@format_option
def audit(
    limit: int,
    before: str | None,
    playbook: str | None,
    by: str | None,
    config_path: str | None,
    format_: str,
) -> int:
    """Who paused, resumed, cancelled, approved, retried, replayed or pruned: when, and from where.

    An act is written down in the transaction that does it, and is never forgotten or changed.
    `engine runs show RUN` has what was done to that run.
    """
    with open_records(load_offline(config_path).database) as records:
        page = records.audit(limit, before, playbook, by)
    if format_ == "json":
        print_json({"items": [entry.as_json() for entry in page.items], "next": page.next})
        return 0
    screen = console()
    if not page.items:
        screen.print("Nobody did anything.")
        return 0
    shown = table("when", "who", "did", "to", "from")
    for entry in page.items:
        when = (timestamp(entry.at) or "")[:19].replace("T", " ")
        cells = (when, line(entry.by, 40), entry.act.value, _what(entry), from_where(entry.whence))
        shown.add_row(*(styled(text) for text in cells))
    screen.print(shown)
    if page.next:
        screen.print(f"More: --before {page.next}")
    return 0


def sentence_of(entry: AuditEntry) -> str:
    """One line that says when, who, what and from where."""
    what = ", ".join([entry.act.value, *_about(entry)])
    return f"{timestamp(entry.at)} {line(entry.by, 60)}: {what} ({from_where(entry.whence)})"


def from_where(whence: Mapping[str, Any]) -> str:
    """`root on db-1, logged in as ada from 10.0.0.9, pts/3, process 4711`."""
    return line(", ".join(_places(whence)) or "nobody knows", 300)


def _places(whence: Mapping[str, Any]) -> Iterator[str]:
    if "event" in whence:
        yield f"button {whence.get('action')}, event {whence['event']}"
        person = whence.get("email") or whence.get("person")
        if person:
            yield str(person)
        return
    if "user" in whence:
        yield f"{whence['user']} on {whence.get('host')}"
    logged_in = whence.get("login") or whence.get("sudo")
    address = f" from {whence['ssh']}" if "ssh" in whence else ""
    if address or logged_in not in (None, whence.get("user")):
        yield f"logged in as {logged_in or whence.get('user')}{address}"
    if "tty" in whence:
        yield str(whence["tty"])
    if "pid" in whence:
        yield f"process {whence['pid']}"


def _what(entry: AuditEntry) -> str:
    if entry.act is Act.PRUNE:
        what = "the ledger"
    elif entry.event_id is not None:
        what = f"event {entry.event_id}"
    elif entry.run_id is not None:
        what = f"run {entry.run_id} of {entry.playbook}"
    else:
        what = "everything" if entry.playbook == EVERYTHING else f"playbook {entry.playbook}"
    return ", ".join([what, *_about(entry)])


def _about(entry: AuditEntry) -> Iterator[str]:
    """What else there is to say of it."""
    if entry.path is not None:
        yield entry.path
    if entry.made is not None:
        yield f"made {'event' if entry.act is Act.REPLAY else 'run'} {entry.made}"
    for name, value in entry.detail.items():
        yield f"{name}: {line(value, 100)}"
