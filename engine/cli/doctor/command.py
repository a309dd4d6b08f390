"""`engine doctor`: how the deployment is, line by line, and what to do."""

import asyncio
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from engine.cli.doctor.certificates import look_at_tls
from engine.cli.doctor.files import look_at_files
from engine.cli.doctor.finding import LEVELS, Finding, of_problem, surviving
from engine.cli.doctor.flashduty import look_at_flashduty
from engine.cli.doctor.ledger import look_at_ledger
from engine.cli.doctor.playbooks import look_at_playbooks, look_at_secrets
from engine.cli.doctor.receiving import look_at_receiving
from engine.cli.doctor.running import look_at_running
from engine.cli.options import config_option, format_option
from engine.cli.screen import console, line, mark, print_json, styled
from engine.config.config import Config
from engine.config.load import find_config, load_config
from engine.config.secrets import learn_own_secrets
from engine.problem import EngineError, Problem
from engine.runs.redaction import Redactor
from engine.store.locks import Role, holder
from engine.wiring.clocks import now

_WIDTH = 13  # of the longest name of a check


@click.command()
@click.option("--offline", is_flag=True, help="Ask nothing of Flashduty.")
@config_option
@format_option
def doctor(config_path: str | None, format_: str, *, offline: bool) -> int:
    """Check the deployment: each line says what was seen, and what to do about it.

    Looks at config.yaml, who may send, files and their modes, certificates, the ledger, playbooks,
    secrets, Flashduty and the app_key, and the engine that runs. Changes nothing, works beside a
    running engine, and shows no secret. Run it as the engine's user; where an engine runs, its
    environment is gone by.

    Exit code: 0 when nothing fails, 1 when something does, 2 when the config cannot be used.
    """
    path = find_config(config_path, os.environ)
    config, environ, problems = _config(path)
    redactor = Redactor()
    found = list(_look(config, environ, problems, redactor, path, offline=offline))
    found = [_masked(finding, redactor) for finding in found]
    if format_ == "json":
        print_json({"items": [finding.as_json() for finding in found], "next": None})
    else:
        _show(found)
    if problems:
        return 2
    return 1 if any(finding.level == "fail" for finding in found) else 0


def _config(path: Path) -> tuple[Config | None, Mapping[str, str], Sequence[Finding]]:
    """As far as it can be had: without the variables that are not set, or None; and why so."""
    try:
        offline = load_config(path, os.environ, offline=True)
    except EngineError as error:
        return None, os.environ, [of_problem("config", problem) for problem in error.problems]
    database = offline.database
    process = holder(database, Role.WORKER) or holder(database, Role.RECEIVER)
    environ = _environ_of(process) or os.environ
    try:
        return load_config(path, environ), environ, []
    except EngineError as error:
        return offline, environ, [_unset(problem) for problem in error.problems]


def _unset(problem: Problem) -> Finding:
    """Most often it is set for the service, and not where this is typed."""
    finding = of_problem("config", problem)
    if problem.code != "unset-variable":
        return finding
    todo = f"{finding.todo}; or give this command the environment that the engine is started with"
    return replace(finding, todo=todo)


def _environ_of(process: int | None) -> Mapping[str, str] | None:
    """What an engine was started with; None where nobody may know it."""
    with suppress(OSError):
        pairs = Path(f"/proc/{process}/environ").read_bytes().decode(errors="replace").split("\0")
        return dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    return None


def _look(
    config: Config | None,
    environ: Mapping[str, str],
    problems: Sequence[Finding],
    redactor: Redactor,
    path: Path,
    *,
    offline: bool,
) -> Iterator[Finding]:
    yield from problems
    if config is None:
        return
    whole = not problems
    worker, receiver = (holder(config.database, role) for role in (Role.WORKER, Role.RECEIVER))
    if whole:
        whose = (
            f", with the environment of process {worker or receiver}"
            if environ is not os.environ
            else ""
        )
        yield Finding("config", "ok", f"{path} can be used{whose}")
        learn_own_secrets(config, redactor)
        # First of all: what is shown of the rest passes the redactor.
        secrets = list(surviving("secrets", partial(look_at_secrets, config, environ, redactor)))
        yield from surviving("listen", partial(look_at_receiving, config))
        yield from secrets
    yield from surviving("tls", partial(look_at_tls, config, now()))
    yield from surviving("private", partial(look_at_files, config))
    yield from surviving("database", partial(look_at_ledger, config))
    yield from surviving("playbooks", partial(look_at_playbooks, config))
    if whole and not offline:
        yield from surviving("flashduty", lambda: asyncio.run(look_at_flashduty(config, now)))
    yield from surviving("engine", partial(look_at_running, config, worker, receiver))


def _masked(finding: Finding, redactor: Redactor) -> Finding:
    todo = None if finding.todo is None else redactor.text(finding.todo)
    return replace(finding, seen=redactor.text(finding.seen), todo=todo)


def _show(found: Sequence[Finding]) -> None:
    screen = console()
    for finding in found:
        name = styled(f"{finding.check:{_WIDTH}}", "bold")
        screen.print(mark(finding.level), name, styled(line(finding.seen, 500)))
        if finding.todo is not None:
            screen.print(" " * (_WIDTH + 2), styled(f"→ {line(finding.todo, 500)}", "cyan"))
    counts = Counter(finding.level for finding in found)
    said = ", ".join(f"{counts[level]} {level}" for level in LEVELS if counts[level])
    screen.print(styled(f"{len(found)} checks: {said}"))
