"""`engine`: finds the command, and turns whatever comes of it into words and an exit code.

0 fine, 1 problems found or nothing would run, 2 wrong use or config, 3 our fault, 130 Ctrl-C.
Commands are imported when they are called: `engine --help` loads none of them.
"""

import gc
import importlib
import io
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import click
from typing_extensions import override

from engine.cli.fault import FaultError
from engine.cli.visible import clean
from engine.problem import EngineError

# name: (module, attribute, what the list of commands says of it)
COMMANDS: Final = {
    "demo": (
        "engine.cli.demo.command",
        "demo",
        "See it work: four use cases on simulated services",
    ),
    "serve": ("engine.cli.serve", "serve", "Receive events and carry out playbooks"),
    "work": ("engine.cli.work", "work", "Carry out playbooks for a `serve --no-worker`"),
    "doctor": (
        "engine.cli.doctor.command",
        "doctor",
        "Check the deployment, and say what to do",
    ),
    "lint": ("engine.cli.lint", "lint", "Find every problem of the playbooks"),
    "dry-run": ("engine.cli.dry_run", "dry_run", "What the playbooks would do about an event"),
    "explain": ("engine.cli.explain", "explain", "Why each playbook did or did not take an event"),
    "test": ("engine.cli.test", "test", "Try playbooks by the cases beside them"),
    "samples": ("engine.cli.samples", "samples", "An event of each kind to try them with"),
    "send": ("engine.cli.send", "send", "Send an event to the engine as Flashduty would"),
    "events": ("engine.cli.events", "events", "What arrived, and what was decided about it"),
    "runs": ("engine.cli.runs", "runs", "What was done: every run, every step"),
    "pause": ("engine.cli.pause", "pause", "Begin nothing more: of one playbook, or of all"),
    "resume": ("engine.cli.pause", "resume", "Go on with what was paused"),
    "audit": ("engine.cli.audit", "audit", "Who paused, approved, retried: when, and from where"),
    "db": ("engine.cli.db", "db", "Check the ledger's file, back it up, make it smaller"),
    "new": ("engine.cli.new.command", "new", "Write a playbook to begin from, with its test"),
    "schema": ("engine.cli.schema", "schema", "JSON Schema of a playbook, for editors"),
    "simulate": (
        "engine.cli.simulate",
        "simulate",
        "A simulated Flashduty Open API to try against",
    ),
}

_HELP: Final = """Automation for Flashduty: from a button press to a finished, recorded run.

New here? `engine demo` shows it all at work on this machine, with nothing to set up.
"""


class _Commands(click.Group):
    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        # Of what is imported nothing is garbage; it would be looked through time and again.
        gc.disable()
        try:
            command: click.Command = getattr(importlib.import_module(module), attribute)
        finally:
            gc.enable()
        return command

    @override
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, said) for name, (_, _, said) in COMMANDS.items()])


@click.group(cls=_Commands, help=_HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="engine", message="engine %(version)s")
def engine() -> None:
    pass


def main(arguments: list[str] | None = None) -> None:
    """The console script."""
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Run one command line; the exit code is the answer."""
    try:
        code: Any = engine.main(arguments, prog_name="engine", standalone_mode=False)
    except click.ClickException as error:
        said = io.StringIO()
        error.show(said)
        click.echo(clean(said.getvalue().expandtabs()), nl=False, err=True)
        return 2
    except EngineError as error:
        for problem in error.problems:
            click.echo(clean(problem), err=True)
        return 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return 130
    except BrokenPipeError:
        # Whoever read our output has had enough of it; that is no fault of anyone.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 - the one place that turns any fault into words
        return _fault(error)
    return code if isinstance(code, int) else 0


def _fault(error: Exception) -> int:
    fault = error if isinstance(error, FaultError) else FaultError.of(error)
    handle, name = tempfile.mkstemp(prefix="engine-fault-", suffix=".log")
    with Path(name).open("w", encoding="utf-8", errors="backslashreplace") as log:
        os.close(handle)
        log.write(f"engine {' '.join(sys.argv[1:])}\nPython {sys.version}\n\n{fault.trace}")
    click.echo(clean(f"engine failed, and it is not your fault: {fault.said}"), err=True)
    click.echo(f"The log is in {name}; please report it.", err=True)
    return 3
