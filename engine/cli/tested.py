"""How people see what came of playbook tests: a line a case, and beside each other what differs."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Final

from rich.console import Console

from engine.cli.scenarios import Trial
from engine.cli.screen import mark, styled, value_line
from engine.cli.snippet import place_of
from engine.marked_yaml.read import read_yaml
from engine.problem import Location
from engine.rehearsal.coverage import Branch, Covered, percent
from engine.rehearsal.expecting import Difference
from engine.rehearsal.naming import StepNames
from engine.rehearsal.tried import Tried

_WIDEST: Final = 60  # characters of the left one of two columns


def show_trial(screen: Console, trial: Trial) -> None:
    """Each case, what is wrong with files, and a summary."""
    for one in trial.tried:
        screen.print(mark("performed" if one.holds else "failed"), styled(title(one)))
        for line in told(one):
            _print(screen, f"    {line}", "" if line.startswith(" ") else "red")
    for problem in trial.problems:
        _print(screen, str(problem), "red")
    screen.print(summary(trial))


def title(one: Tried) -> str:
    """What a case is called."""
    return f"{one.playbook}: {one.case.model.name}"


def told(one: Tried) -> Iterator[str]:
    """Why a case does not hold, line by line."""
    yield from map(str, one.problems)
    for difference in one.differences:
        yield f"{one.location(difference)}: {difference.what}"
        yield from (f"  {line}" for line in _beside(difference))


def summary(trial: Trial) -> str:
    """One line."""
    failed = sum(not one.holds for one in trial.tried)
    count = len(trial.tried)
    said = f"{_count(count, 'case')} in {_count(trial.files, 'file')}: "
    said += f"{count - failed} hold{'s' if count - failed == 1 else ''}, {failed} fail"
    said += "s" if failed == 1 else ""
    if trial.problems:
        said += f", and {_count(len(trial.problems), 'problem')} in files"
    return said if count else f"{said}; no case was tried"


def show_coverage(screen: Console, covered: Sequence[Covered], least: float | None) -> None:
    """Each playbook's share of ways that some case takes, and the ways that none takes."""
    where = places(covered)
    for one in covered:
        taken = len(one.branches) - len(one.missing)
        share = f"{one.percent:.1f} % ({taken} of {len(one.branches)})"
        screen.print(mark("failed" if one.missing else "performed"), end=" ")
        screen.print(styled(f"coverage of {one.playbook.name}: {share}"))
        names = StepNames.of(one.playbook)
        if one.missing == one.branches:
            _print(screen, f"    {one.playbook.file}:1:1: no case tries it")
            continue
        for branch in one.missing:
            place = where[one.playbook.name, branch.place]
            _print(screen, f"    {place}: {_named(branch, names)}: {branch.way.value}")
    whole = percent(covered)
    wanted = f", and {least:g} % are wanted" if least is not None and whole < least else ""
    screen.print(f"Coverage: {whole:.1f} %{wanted}")


def places(covered: Sequence[Covered]) -> Mapping[tuple[str, str], Location]:
    """Where the branches that no case takes stand, by playbook and place."""
    return {
        (one.playbook.name, branch.place): _place(one, branch)
        for one in covered
        for branch in one.missing
    }


def _place(covered: Covered, branch: Branch) -> Location:
    playbook = covered.playbook
    if branch.place == "trigger":
        return read_yaml(playbook.text, playbook.file).locate_key(("trigger", "when"))
    return place_of(playbook.kept, branch.place) or Location(playbook.file)


def _named(branch: Branch, names: StepNames) -> str:
    return "trigger" if branch.place == "trigger" else names.title(branch.place)


def _beside(difference: Difference) -> Iterator[str]:
    expected, got = difference.expected, difference.got
    if not isinstance(expected, list) or not isinstance(got, list):
        yield f"expected  {value_line(expected)}"
        yield f"got       {value_line(got)}"
        return
    left, right = [*map(value_line, expected)], [*map(value_line, got)]
    width = min(_WIDEST, max(map(len, ["expected", *left])))
    yield f"{'expected':{width}}    got"
    for same, one, other in _aligned(left, right):
        yield f"{one:{width}}  {' ' if same else '≠'} {other}".rstrip()


def _aligned(left: Sequence[str], right: Sequence[str]) -> Iterator[tuple[bool, str, str]]:
    """Lines of two columns: what is the same stands beside each other."""
    matcher = SequenceMatcher(None, left, right, autojunk=False)
    for tag, start, end, from_, to in matcher.get_opcodes():
        for one, other in zip_longest(left[start:end], right[from_:to], fillvalue=""):
            yield tag == "equal", one, other


def _print(screen: Console, text: str, style: str = "") -> None:
    """A place has to stay on the line of what is said of it."""
    screen.print(styled(text, style), soft_wrap=True)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
