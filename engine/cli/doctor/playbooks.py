"""The playbooks that an engine would go by, and the secrets that they may ask for."""

from collections.abc import Iterator, Mapping, Sequence

from engine.cli.doctor.finding import Finding
from engine.cli.playbook_files import read_files
from engine.config.config import Config
from engine.config.secrets import Secrets
from engine.lint.beside import without_collecting
from engine.problem import Problem
from engine.runs.redaction import Redactor
from engine.wiring import names_in, offline_linter


def look_at_playbooks(config: Config) -> Iterator[Finding]:
    """What `engine lint` finds, in short. Raises EngineError where there are none to be found."""
    files, unreadable = read_files([config.playbooks])
    with without_collecting():
        linted = offline_linter(config, names_in(config)).lint(files, lambda: ())
    problems = [*unreadable, *linted.problems]
    errors, warnings = (_of_level(problems, level) for level in ("error", "warning"))
    if errors:
        seen = f"{len(errors)} errors keep playbooks from being taken, the first: {errors[0]}"
        yield Finding("playbooks", "fail", seen, "`engine lint` shows all of them")
    elif warnings:
        seen = f"{len(warnings)} warnings, the first: {warnings[0]}"
        yield Finding("playbooks", "warn", seen, "`engine lint` shows all of them")
    elif not files:
        seen = f"there is no playbook in {config.playbooks}: no event will start anything"
        yield Finding("playbooks", "warn", seen, "`engine new NAME` writes one to begin from")
    else:
        yield Finding("playbooks", "ok", f"{len(files)} files in {config.playbooks}, no problems")


def look_at_secrets(
    config: Config, environ: Mapping[str, str], redactor: Redactor
) -> Iterator[Finding]:
    """Whether each can be had; the redactor learns those that can."""
    missing = Secrets(config.secrets, environ, config.folder, redactor).learn()
    for problem in missing:
        todo = f"put it where the engine is started; {problem.hint}"
        yield Finding("secrets", "fail", problem.message, todo)
    if not missing:
        count = len(config.secrets)
        yield Finding("secrets", "ok", f"all {count} can be had" if count else "there are none")


def _of_level(problems: Sequence[Problem], level: str) -> list[Problem]:
    return [problem for problem in problems if problem.level == level]
