"""`engine schema`: the JSON Schema of a playbook, for editors."""

import json
from pathlib import Path
from typing import Any, Final

import click

from engine.config.load import read_config
from engine.playbooks.json_schema import playbook_schema
from engine.problem import EngineError, Problem
from engine.wiring.step_types import offline_step_types

NAME: Final = "playbook.schema.json"  # the file that playbooks name in their first line
WIDTH: Final = 100


@click.command()
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write it there, in the place of what is there.  [default: print it]",
)
def schema(output: Path | None) -> int:
    """Print the JSON Schema of a playbook: for an editor that completes keys and marks mistakes.

    An editor with the YAML language server (such as VS Code with its YAML extension) reads it where
    a playbook begins with

    \b
      # yaml-language-server: $schema=playbook.schema.json

    The file is searched beside the playbook: nothing is fetched. After an update of the engine:

    \b
      engine schema --output playbooks/playbook.schema.json
    """  # noqa: D301 - \b is click's mark for lines to be kept
    if output is None:
        click.echo(schema_text(), nl=False)
        return 0
    try:
        output.write_text(schema_text(), encoding="utf-8")
    except OSError as error:
        said = f"{output}: {error.strerror}"
        raise EngineError(Problem("unwritable", said, None, "name another --output")) from None
    click.echo(f"Wrote {output}.")
    return 0


def schema_text() -> str:
    """The schema as a file. No config is needed: it is the same for all."""
    nobody = read_config("", Path("config.yaml"), {}, offline=True)
    return f"{_laid_out(playbook_schema(offline_step_types(nobody)), '')}\n"


def _laid_out(value: Any, indent: str) -> str:
    """JSON with everything on one line that fits there: a tenth of the lines."""
    short = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(short) <= WIDTH or not isinstance(value, dict | list):
        return short
    inner = f"{indent}  "
    if isinstance(value, dict):
        items = [f"{json.dumps(key)}: {_laid_out(one, inner)}" for key, one in value.items()]
        return "{\n" + ",\n".join(f"{inner}{item}" for item in items) + f"\n{indent}}}"
    items = [_laid_out(one, inner) for one in value]
    return "[\n" + ",\n".join(f"{inner}{item}" for item in items) + f"\n{indent}]"
