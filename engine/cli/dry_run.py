"""`engine dry-run`: what the playbooks would do about an event, with nothing done."""

from pathlib import Path

import click
from rich.console import Console

from engine.cli.event_files import read_event
from engine.cli.mock_options import mock_options, read_mocks
from engine.cli.options import config_option, format_option, load_offline
from engine.cli.playbook_files import read_beside, read_files
from engine.cli.screen import (
    REQUEST_IN_SUMMARY,
    console,
    line,
    mark,
    print_json,
    styled,
    value_line,
)
from engine.playbooks.guard import NO_GUARD
from engine.playbooks.units import format_duration
from engine.problem import EngineError, in_file_order
from engine.rehearsal.dry_run import Rehearsal, rehearse_all
from engine.rehearsal.stage import RehearsedStep, shown
from engine.runs.run import RunState
from engine.wiring import offline_loader, offline_step_types


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

    Nothing is performed and no secret is read: $NAME stands for each. A step returns its
    `example:`; what depends on a result that nobody knows yet is shown by its name, such as
    ‹steps.lookup.body.owner›. Exits with 0 only if some playbook would run to its end.

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
    rehearsals = rehearse_all(
        loaded.playbooks,
        event,
        config=config.vars,
        secrets=frozenset(config.secrets),
        step_types=types,
        mocks=read_mocks(loaded.playbooks, types, mock_file, follow),
    )
    if format_ == "json":
        print_json(
            {
                "items": [rehearsal.as_json() for rehearsal in rehearsals],
                "next": None,
                "problems": [problem.as_json() for problem in problems],
            }
        )
    else:
        screen = console()
        for problem in problems:
            screen.print(styled(problem, "red"))
        for rehearsal in sorted(rehearsals, key=lambda one: not one.verdict.yes):
            _show(screen, rehearsal, event.asked)
        screen.print(_conclusion(rehearsals))
    return 0 if any(rehearsal.succeeds for rehearsal in rehearsals) else 1


def _show(screen: Console, rehearsal: Rehearsal, asked: frozenset[str]) -> None:
    answer = rehearsal.verdict.answer.value
    screen.print(mark(answer), styled(rehearsal.playbook.name, "bold"), end=" ")
    if not rehearsal.verdict.yes:
        screen.print(styled(f"{answer}: {rehearsal.verdict.reason}", "dim"))
        return
    screen.print(styled(f"matches ({rehearsal.playbook.file})", "dim"))
    if rehearsal.playbook.guard != NO_GUARD:
        screen.print(styled(f"    guard: {_of_the_guard(rehearsal)}", "dim"))
    for name, value in rehearsal.variables.items():
        screen.print(styled(f"    vars.{name} = {value_line(shown(value))}", "dim"))
    for step in rehearsal.steps:
        _show_step(screen, step)
    for name, value in (rehearsal.answer or {}).items():
        unasked = "" if name in asked else " (not asked for: left out)"
        screen.print(styled(f"    answers {name} = {value_line(shown(value))}{unasked}"))


def _of_the_guard(rehearsal: Rehearsal) -> str:
    """What the run acts on, and what may keep it from starting: that depends on other runs."""
    guard = rehearsal.playbook.guard
    limits = [
        f"concurrency {guard.concurrency.value}" + (f", max {guard.max}" if guard.max else ""),
        f"cooldown {format_duration(guard.cooldown)}" if guard.cooldown else "",
        f"rate {guard.rate.runs} per {format_duration(guard.rate.seconds)}" if guard.rate else "",
        f"breaker {guard.breaker}" if guard.breaker else "",
    ]
    said = f"other runs may hold it up, and are not known here ({', '.join(filter(None, limits))})"
    if guard.key is None:
        return said
    if not rehearsal.lane:
        return f"it would be skipped, since nobody knows what it acts on ({guard.key.text})"
    return f"it acts on {line(rehearsal.lane)} ({guard.key.text}); {said}"


def _show_step(screen: Console, step: RehearsedStep) -> None:
    screen.print("  ", mark(step.outcome), styled(step.step.title, "bold"), end=" ")
    screen.print(styled(f"[{step.step.path}, {step.step.type}]", "dim"))
    if step.plan is not None:
        screen.print("      ", styled(line(step.plan.summary)))
        for name, value in step.plan.details.items():
            if name not in REQUEST_IN_SUMMARY:
                screen.print(styled(f"        {name}: {value_line(shown(value))}", "dim"))
    if step.reason:
        style = "red" if step.outcome == "failed" else "yellow"
        screen.print(
            "      ",
            styled(
                f"{step.outcome}: {line(step.reason, 500)}"
                if step.outcome != "performed"
                else step.reason,
                style,
            ),
        )


def _conclusion(rehearsals: list[Rehearsal]) -> str:
    started = [rehearsal for rehearsal in rehearsals if rehearsal.verdict.yes]
    if not started:
        return "Nothing matches: no playbook would run."
    said = []
    for rehearsal in started:
        if rehearsal.succeeds:
            said.append(f"{rehearsal.playbook.name} would succeed.")
        elif rehearsal.state is RunState.SKIPPED:
            said.append(f"{rehearsal.playbook.name} would be skipped: {rehearsal.reason}.")
        else:
            said.append(f"{rehearsal.playbook.name} would fail at {line(rehearsal.reason, 500)}.")
    return "\n".join(said)
