"""Shows what playbooks would do about an event: the text of `engine dry-run`."""

from collections.abc import Sequence
from typing import Final

from rich.console import Console

from engine.cli.screen import REQUEST_IN_SUMMARY, line, mark, styled, value_line
from engine.cli.tree import show_tree
from engine.cli.visible import clean
from engine.playbooks.guard import NO_GUARD
from engine.playbooks.playbook import Section
from engine.playbooks.units import format_duration
from engine.rehearsal.dry_run import Rehearsal
from engine.rehearsal.explained import nearest_to
from engine.rehearsal.stage import RehearsedStep, shown
from engine.rehearsal.unknowns import steps_of
from engine.runs.lane import Decision, Hold, Restart, Skip
from engine.runs.run import RunState
from engine.runs.trace import timestamp

_EXACT: Final = 1_000_000  # characters: what goes out is not cut


def show_rehearsals(
    screen: Console, rehearsals: Sequence[Rehearsal], asked: frozenset[str], others: str
) -> None:
    """Those that match first, and how each would end. `others`: how other runs are known."""
    for rehearsal in sorted(rehearsals, key=lambda one: not one.verdict.yes):
        _show(screen, rehearsal, asked, others)
    screen.print(styled(_conclusion(rehearsals)))


def _show(screen: Console, rehearsal: Rehearsal, asked: frozenset[str], others: str) -> None:
    answer = rehearsal.verdict.answer.value
    screen.print(mark(answer), styled(rehearsal.playbook.name, "bold"), end=" ")
    if not rehearsal.verdict.yes:
        screen.print(styled(f"{answer}: {line(rehearsal.verdict.reason, 500)}", "dim"))
        show_tree(screen, rehearsal.explained.tree, "    ")
        return
    screen.print(styled(f"matches ({rehearsal.playbook.file})", "dim"))
    show_tree(screen, rehearsal.explained.tree, "    ")
    if rehearsal.playbook.guard != NO_GUARD:
        screen.print(styled(f"    guard: {_of_the_guard(rehearsal)}", "dim"))
    if rehearsal.playbook.guard != NO_GUARD or rehearsal.skipped is not None:
        style = "dim" if rehearsal.skipped is None else "yellow"
        screen.print(styled(f"    guard: {_decided(rehearsal.decision)} ({others})", style))
    for name, value in rehearsal.variables.items():
        screen.print(styled(f"    vars.{name} = {value_line(shown(value))}", "dim"))
    for section in Section:
        _show_section(screen, rehearsal, f"{section.value}/")
    for name, value in (rehearsal.answer or {}).items():
        unasked = "" if name in asked else " (not asked for: left out)"
        screen.print(styled(f"    answers {name} = {value_line(shown(value))}{unasked}"))
    if rehearsal.unknown:
        screen.print(styled(f"    {_of_the_unknown(rehearsal)}", "yellow"))


def _show_section(screen: Console, rehearsal: Rehearsal, section: str) -> None:
    for step in rehearsal.steps:
        if step.step.path.startswith(section):
            _show_step(screen, step)
    for one in rehearsal.unreached:
        if one.step.path.startswith(section):
            said = f"{one.step.title} [{one.step.path}, {one.step.type}] not reached: {one.reason}"
            screen.print(styled(f"   · {line(said, 500)}", "dim"))


def _show_step(screen: Console, step: RehearsedStep) -> None:
    screen.print("  ", mark(step.outcome), styled(step.step.title, "bold"), end=" ")
    screen.print(styled(f"[{step.step.path}, {step.step.type}]", "dim"))
    if step.plan is not None:
        summary = line(step.plan.summary)
        screen.print("      ", styled(summary))
        if step.command is not None:
            if step.command != step.plan.summary:
                screen.print(styled(f"        {clean(step.command)}", "cyan"), soft_wrap=True)
        else:
            for name, value in step.plan.details.items():
                if name not in REQUEST_IN_SUMMARY:
                    said = f"        {name}: {value_line(shown(value), _EXACT)}"
                    screen.print(styled(said, "dim"), soft_wrap=True)
    if step.reason:
        style = "red" if step.outcome == "failed" else "yellow"
        said = line(step.reason, 500) if step.outcome != "performed" else step.reason
        said = f"{step.outcome}: {said}" if step.outcome != "performed" else said
        screen.print("      ", styled(said, style))


def _of_the_guard(rehearsal: Rehearsal) -> str:
    """What the run acts on, and what the guard goes by."""
    guard = rehearsal.playbook.guard
    limits = [
        f"concurrency {guard.concurrency.value}" + (f", max {guard.max}" if guard.max else ""),
        f"cooldown {format_duration(guard.cooldown)}" if guard.cooldown else "",
        f"rate {guard.rate.runs} per {format_duration(guard.rate.seconds)}" if guard.rate else "",
        f"breaker {guard.breaker}" if guard.breaker else "",
    ]
    said = ", ".join(filter(None, limits))
    if guard.key is None:
        return said
    if not rehearsal.lane:
        return f"nobody knows what it acts on ({guard.key.text}); {said}"
    return f"it acts on {line(rehearsal.lane)} ({guard.key.text}); {said}"


def _decided(decision: Decision | None) -> str:
    match decision:
        case Skip(reason, until):
            again = "" if until is None else f", until {timestamp(until)}"
            return f"it would be skipped: {reason}{again}"
        case Hold(reason, until):
            again = "" if until is None else f", until {timestamp(until)}"
            return f"it would be queued: {reason}{again}"
        case Restart(_, reason):
            return f"it would start when those before it are cancelled: {reason}"
        case _:
            return "it would start"


def _of_the_unknown(rehearsal: Rehearsal) -> str:
    unknown = rehearsal.unknown
    one = len(unknown) == 1
    count = "1 value is" if one else f"{len(unknown)} values are"
    said = f"{count} not known before {'its' if one else 'their'} step ran"
    steps, them = steps_of(unknown), "it" if one else "them"
    return f"{said}; give `example:` to {', '.join(steps)} to make {them} known" if steps else said


def _conclusion(rehearsals: Sequence[Rehearsal]) -> str:
    started = [rehearsal for rehearsal in rehearsals if rehearsal.verdict.yes]
    if started:
        return "\n".join(_end(rehearsal) for rehearsal in started)
    said = "Nothing matches: no playbook would run."
    nearest = nearest_to([rehearsal.explained for rehearsal in rehearsals])
    if nearest is None:
        return said
    reason = line(nearest.verdict.reason, 500)
    return f"{said} The nearest is {nearest.playbook.name}: {reason}."


def _end(rehearsal: Rehearsal) -> str:
    name, end = rehearsal.playbook.name, "would succeed"
    if rehearsal.state is RunState.FAILED:
        end = f"would fail at {line(rehearsal.reason, 500)}"
    if rehearsal.skipped is None:
        return f"{name} {end}."
    said = f"{name} would be skipped: {line(rehearsal.skipped, 500)}."
    return said if rehearsal.state is RunState.SKIPPED else f"{said} Let in, it {end}."
