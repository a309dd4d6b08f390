"""`engine simulate`: a simulated Flashduty Open API, to try playbooks against."""

import asyncio

import click

from engine.cli.event_files import read_incident
from engine.cli.running import port_of
from engine.cli.serving import bind, server
from engine.flashduty.simulated.account import SimulatedAccount
from engine.flashduty.simulated.sample import sample_account
from engine.flashduty.simulator import create_simulator
from engine.wiring import now


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8788, show_default=True)
@click.option("--app-key", default="simulated-app-key", show_default=True)
@click.option(
    "--incident",
    "incidents",
    multiple=True,
    metavar="FILE",
    help="An event whose incident the account is to have; may be given more than once.",
)
def simulate(host: str, port: int, app_key: str, incidents: tuple[str, ...]) -> int:
    """Serve a simulated Flashduty Open API: incidents, comments, fields, changes, status pages.

    It is strict where the real one is, keeps what it is told in memory, and has an account with
    members, custom fields, deploy changes and a status page in it. Point the engine at it:

    \b
      engine simulate --incident press.json

    \b
      flashduty:
        base_url: http://127.0.0.1:8788
        app_key: simulated-app-key
    """  # noqa: D301 - \b is click's mark for lines to be kept
    account = sample_account(now)
    for file in incidents:
        account.add_incident(read_incident(file))
    asyncio.run(_simulate(account, host, port, app_key))
    return 0


async def _simulate(account: SimulatedAccount, host: str, port: int, app_key: str) -> None:
    with bind(host, port) as listener:
        app = create_simulator(account, app_key=app_key)
        for name, found in (
            ("incidents", [one["incident_id"] for one in account.incidents()]),
            ("custom fields", [one["field_name"] for one in account.fields()]),
            ("status pages", [one["page_id"] for one in account.status_pages()]),
        ):
            click.echo(f"{name}: {', '.join(map(str, found)) or 'none'}")
        click.echo(f"The simulated Flashduty Open API listens on http://{host}:{port_of(listener)}")
        await server(app).serve([listener])
