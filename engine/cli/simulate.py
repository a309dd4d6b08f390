"""`engine simulate`: a simulated Flashduty Open API, to try playbooks against."""

import asyncio

import click

from engine.cli.running import port_of
from engine.cli.serving import bind, server
from engine.flashduty.simulated.sample import sample_account
from engine.flashduty.simulator import create_simulator
from engine.wiring import now


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8788, show_default=True)
@click.option("--app-key", default="simulated-app-key", show_default=True)
def simulate(host: str, port: int, app_key: str) -> int:
    """Serve a simulated Flashduty Open API: incidents, comments, fields, changes, status pages.

    It is strict where the real one is, keeps what it is told in memory, and has an account with
    members, custom fields, deploy changes and a status page in it. Point the engine at it:

    \b
      flashduty:
        base_url: http://127.0.0.1:8788
        app_key: simulated-app-key
    """  # noqa: D301 - \b is click's mark for lines to be kept
    asyncio.run(_simulate(host, port, app_key))
    return 0


async def _simulate(host: str, port: int, app_key: str) -> None:
    with bind(host, port) as listener:
        app = create_simulator(sample_account(now), app_key=app_key)
        click.echo(f"The simulated Flashduty Open API listens on http://{host}:{port_of(listener)}")
        await server(app).serve([listener])
