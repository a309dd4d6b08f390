"""`engine samples`: an event of each kind, as Flashduty would send it."""

import click

from engine.cli.options import format_option
from engine.cli.screen import console, print_json, table
from engine.samples.sample import SAMPLES, sample


@click.group()
def samples() -> None:
    """Sample events to rehearse playbooks with, and to send.

    \b
      engine samples show custom-action > press.json
      engine dry-run --event press.json --action restart-host
    """  # noqa: D301 - \b is click's mark for lines to be kept


@samples.command("list")
@format_option
def list_(format_: str) -> int:
    """Name the samples. `engine test` knows them by the same names."""
    if format_ == "json":
        items = [
            {"name": one.name, "source": one.source, "endpoint": one.endpoint, "says": one.says}
            for one in SAMPLES
        ]
        print_json({"items": items, "next": None})
        return 0
    shown = table("SAMPLE", "ENDPOINT", "WHAT IT SAYS")
    for one in SAMPLES:
        shown.add_row(one.name, one.endpoint, one.says)
    console().print(shown)
    return 0


@samples.command()
@click.argument("name")
def show(name: str) -> int:
    """Print the JSON of the sample NAME."""
    click.echo(sample(name).body.decode(), nl=False)
    return 0
