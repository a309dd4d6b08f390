"""`engine test`: playbooks, tried by the cases that stand beside them."""

from pathlib import Path

import click

from engine.cli.junit import junit
from engine.cli.options import config_option, format_option, load_offline
from engine.cli.playbook_files import find_tests
from engine.cli.scenarios import Trying
from engine.cli.screen import console, print_json
from engine.cli.tested import places, show_coverage, show_trial
from engine.problem import EngineError, Problem
from engine.rehearsal.coverage import cover, percent
from engine.rehearsal.tried import coverage_as_json


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option(
    "-k", "part", default="", metavar="TEXT", help="Only cases with TEXT in `playbook: name`."
)
@click.option(
    "--coverage", is_flag=True, help="Say which ways through the playbooks no case takes."
)
@click.option(
    "--min-coverage",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help="Fail where fewer of them are taken.",
)
@click.option(
    "--junit",
    "junit_file",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    metavar="FILE",
    help="Write what came of it as JUnit XML, too.",
)
@config_option
@format_option
def test(
    paths: tuple[Path, ...],
    part: str,
    coverage: bool,  # noqa: FBT001 - an option of the command
    min_coverage: float | None,
    junit_file: Path | None,
    config_path: str | None,
    format_: str,
) -> int:
    """Try playbooks by the cases in the *.test.yaml files beside them.

    PATH is a folder, a playbook or a test file; without one, the folder that config.yaml names.
    Nothing is performed: a case says what comes back to each step. Needs no secrets and no network.
    Exits with 0 only if every case holds.

    \b
      engine test
      engine test playbooks/restart-host.yaml -k protected
      engine test --min-coverage 100 --junit tests.xml
    """  # noqa: D301 - \b is click's mark for lines to be kept
    config = load_offline(config_path)
    named = paths or (config.playbooks,)
    files = find_tests(named)
    if not files:
        said = f"there is no test file in {', '.join(map(str, named))}"
        hint = "`restart-host.test.yaml` beside `restart-host.yaml` has the cases of that playbook"
        raise EngineError(Problem("no-tests", said, None, hint))
    trying = Trying(config, lambda playbook, name: part.lower() in f"{playbook}: {name}".lower())
    trial = trying.all(files, named)
    covered = cover(
        trial.playbooks, [one.played for one in trial.tried if one.played], trying.step_types
    )
    too_little = min_coverage is not None and percent(covered) < min_coverage
    if junit_file is not None:
        _write(junit_file, junit(trial))
    if format_ == "json":
        print_json(
            {
                "items": [one.as_json() for one in trial.tried],
                "next": None,
                "problems": [problem.as_json() for problem in trial.problems],
                "coverage": coverage_as_json(covered, places(covered)),
            }
        )
    else:
        screen = console()
        show_trial(screen, trial)
        if coverage or too_little:
            show_coverage(screen, covered, min_coverage)
    holds = all(one.holds for one in trial.tried)
    return 0 if holds and trial.tried and not trial.problems and not too_little else 1


def _write(file: Path, text: bytes) -> None:
    try:
        file.write_bytes(text)
    except OSError as error:
        raise EngineError(Problem("unwritable", f"{file}: {error.strerror}")) from None
