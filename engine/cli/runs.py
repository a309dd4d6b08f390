"""`engine runs`: what was done, out of the ledger, and what is asked of people."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import click
from rich.console import Console

from engine.cli.audit import sentence_of
from engine.cli.options import config_option, format_option, load_offline
from engine.cli.saying import DECISIONS, approve, cancel, reject, resume, retry
from engine.cli.screen import (
    MARKS,
    REQUEST_IN_SUMMARY,
    console,
    line,
    mark,
    print_json,
    styled,
    table,
    value_line,
)
from engine.cli.snippet import yaml_lines
from engine.cli.visible import clean
from engine.playbooks.units import format_duration, format_size
from engine.runs.audit import AuditEntry
from engine.runs.run import Asking, Outcome, Question, Run, RunState, StepRecord
from engine.runs.trace import run_as_json, timestamp, trace
from engine.store.output_folder import OutputFolder
from engine.store.records import RunRecord, open_records


@click.group()
def runs() -> None:
    """What was done: every run, every step, from the ledger. Works beside a running engine."""


for command in (cancel, approve, reject, resume, retry):
    runs.add_command(command)


@runs.command("list")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--before", metavar="CURSOR", help="Go on where a list ended: its `next`.")
@click.option("--state", type=click.Choice([state.value for state in RunState]))
@click.option("--playbook", metavar="NAME")
@click.option("--skipped", is_flag=True, help="Also those that their guard did not let start.")
@config_option
@format_option
def list_(
    limit: int,
    before: str | None,
    state: str | None,
    playbook: str | None,
    skipped: bool,  # noqa: FBT001 - click hands it over by name
    config_path: str | None,
    format_: str,
) -> int:
    """The newest runs; those that wait for a person say what for."""
    skipped = skipped or state == RunState.SKIPPED.value
    with open_records(load_offline(config_path).database) as records:
        page = records.runs(limit, before, state, playbook, skipped=skipped)
    if format_ == "json":
        print_json({"items": [run_as_json(run) for run in page.items], "next": page.next})
        return 0
    screen = console()
    if not page.items:
        screen.print("No runs.")
        return 0
    shown = table("", "run", "playbook", "state", "began", "took", "reason")
    for run in page.items:
        shown.add_row(
            mark(run.state.value),
            run.id,
            styled(run.playbook),
            run.state.value,
            (timestamp(run.started or run.created) or "")[:19].replace("T", " "),
            _took(run),
            styled(line(run.reason or "", 80)),
        )
    screen.print(shown)
    if page.next:
        screen.print(f"More: --before {page.next}")
    return 0


@runs.command()
@click.argument("run")
@config_option
@format_option
def show(run: str, config_path: str | None, format_: str) -> int:
    """The trace of RUN (an id, or its end): steps, outcomes, times, errors with their YAML."""
    database = load_offline(config_path).database
    with open_records(database) as records:
        record = records.run(run)
        audit = records.audit_of(record.run.id)
    if format_ == "json":
        shown = trace(record.run, record.variables, record.steps, record.cancelled)
        said = [entry.as_json() for entry in audit]
        print_json({**shown, "commit": record.playbook.commit, "audit": said})
    else:
        _show(console(), record, audit, OutputFolder.beside(database))
    return 0


def _show(
    screen: Console, record: RunRecord, audit: Sequence[AuditEntry], output: OutputFolder
) -> None:
    run = record.run
    screen.print(
        mark(run.state.value),
        styled(f"{run.playbook} {run.state.value}", "bold"),
        styled(f"run {run.id}", "dim"),
    )
    screen.print(styled(f"  event    {run.event_id}"))
    screen.print(styled(f"  began    {timestamp(run.started) or 'not yet'}   took {_took(run)}"))
    commit = "" if record.playbook.commit is None else f", git {record.playbook.commit}"
    screen.print(styled(f"  version  {run.version} of {record.playbook.file}{commit}"))
    if run.origin is not None:
        screen.print(styled(f"  repeats  {run.origin}"))
    if run.reason:
        screen.print(styled(f"  reason   {line(run.reason, 500)}"))
    if record.cancelled is not None and not run.state.settled:
        when = timestamp(record.cancelled.at)
        screen.print(styled(f"  ending   {line(record.cancelled.reason)} at {when}"))
    for entry in audit:
        screen.print(styled(f"  audit    {sentence_of(entry)}"))
    for name, value in record.variables.items():
        screen.print(styled(f"  vars.{name} = {line(value)}", "dim"))
    last = {step.path: step.attempt for step in record.steps}
    for step in record.steps:
        files = output.files_of(run.id, step.path, step.attempt)
        _show_step(screen, step, record if step.attempt == last[step.path] else None, files)
        if step.question is not None and step.outcome is None and not run.state.settled:
            _show_question(screen, run, step, step.question)
    for name, value in (run.answer or {}).items():
        screen.print(styled(f"  answered {name} = {value_line(value)}"))


def _show_step(
    screen: Console, step: StepRecord, record: RunRecord | None, files: Sequence[Path]
) -> None:
    """One attempt; with the YAML of a failed step where `record` is given.

    `files` are found by their names: of a step that was cut no result says where they are.
    """
    outcome = step.outcome.value if step.outcome else "going on"
    said = f", said {step.by}" if step.by else ""
    title = step.name or step.id or step.type
    tries = f", attempt {step.attempt}" if step.attempt > 1 else ""
    again = f", performed again {step.repeats}x after a restart" if step.repeats else ""
    took = ""
    if step.started is not None and step.ended is not None:
        took = format_duration(step.ended - step.started)
    screen.print(
        mark(outcome),
        styled(title, "bold"),
        styled(f"[{step.path}, {step.type}{tries}{again}] {outcome} {took}{said}", "dim"),
    )
    if step.plan:
        screen.print("    ", styled(line(step.plan)))
    for name, value in (step.request or {}).items():
        if name not in REQUEST_IN_SUMMARY:
            screen.print("      ", styled(f"{name}: {value_line(value)}", "dim"))
    for name, value in _worth_seeing(step):
        screen.print("     →", styled(f"{name}: {value_line(value)}", "dim"))
    _show_files(screen, files)
    if step.error:
        _, style = MARKS.get(outcome, ("", "dim"))
        first, *more = clean(step.error).split("\n")
        screen.print("    ", styled(first, style))
        for text in more:  # what came from outside looks like no line of ours
            screen.print("    ", styled(f"| {text}", style))
        if step.outcome in (Outcome.FAILED, Outcome.UNKNOWN) and record is not None:
            for text in yaml_lines(record.playbook, step.path):
                screen.print("    ", styled(text, "dim"))


def _show_files(screen: Console, files: Sequence[Path]) -> None:
    for file in files:
        with suppress(FileNotFoundError):  # it is just being pruned
            size = format_size(file.stat().st_size)
            screen.print("     →", styled(f"kept: {file} ({size})", "dim"))


def _show_question(screen: Console, run: Run, step: StepRecord, question: Question) -> None:
    """What a person is asked, and what to type."""
    screen.print("    ", styled(line(question.text, 1000), "bold"))
    if question.until is not None:
        silence = "it goes on" if question.otherwise else "it has failed"
        screen.print("    ", styled(f"until {timestamp(question.until)}; then {silence}", "dim"))
    for command in _commands(run, step, question.kind):
        screen.print("      ", styled(command, "cyan"))


def _commands(run: Run, step: StepRecord, kind: Asking) -> Iterator[str]:
    if kind is Asking.APPROVAL:
        for verb in ("approve", "reject"):
            yield f"engine runs {verb} {run.id} --step {step.path}"
    else:
        for decision in DECISIONS:
            yield f"engine runs resume {run.id} --step {decision} --at {step.path}"


def _worth_seeing(step: StepRecord) -> Iterator[tuple[str, object]]:
    """What came back, without what the outcome says already."""
    result = step.result if isinstance(step.result, dict) else {}
    for name in (
        "status",
        "body",
        "stdout",
        "stderr",
        "data",
        "waited",
        "cut",
        "not_kept",
        "found_in_timeline",
        "vars",
    ):
        if result.get(name) not in (None, "", {}, []):
            yield name, result[name]


def _took(run: Run) -> str:
    if run.started is None or run.ended is None:
        return ""
    return format_duration(run.ended - run.started)
