"""`engine simulate`: a simulated Flashduty, to try playbooks against."""

import asyncio
from collections.abc import Iterator

import click

from engine.cli.event_files import read_incident
from engine.cli.running import port_of
from engine.cli.serving import bind, server
from engine.cli.visible import clean
from engine.cli.webhook_options import add_webhooks
from engine.flashduty.simulated.account import SimulatedAccount
from engine.flashduty.simulated.delivery import delivering
from engine.flashduty.simulated.history import Attempt
from engine.flashduty.simulated.limits import RateLimits
from engine.flashduty.simulated.sample import ALERT_INTEGRATION_KEY, sample_account
from engine.flashduty.simulated.webhooks import Delivery
from engine.flashduty.simulator import create_simulator
from engine.wiring.clocks import now


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
@click.option(
    "--webhook",
    "webhooks",
    multiple=True,
    metavar="KIND=URL",
    help="Where events go: KIND is incident or alert; or labels, which is asked for labels while "
    "an alert comes in. May be given more than once.",
)
@click.option(
    "--button",
    "buttons",
    multiple=True,
    metavar="NAME=URL",
    help="A custom action, and where its press goes; may be given more than once.",
)
@click.option(
    "--header",
    "headers",
    multiple=True,
    metavar="'NAME: VALUE'",
    help="Sent with all of them, as in 'X-Engine-Token: s3cret'; may be given more than once.",
)
@click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="KEY",
    help="A label that --webhook labels=URL asks for; may be given more than once.",
)
@click.option(
    "--rate-limit/--no-rate-limit",
    default=True,
    show_default=True,
    help="Refuse more calls than Flashduty allows: 50 a second, 1,000 a minute.",
)
def simulate(
    *,
    host: str,
    port: int,
    app_key: str,
    incidents: tuple[str, ...],
    rate_limit: bool,
    **calling_out: tuple[str, ...],  # webhooks, buttons, headers, labels
) -> int:
    """Serve a simulated Flashduty: its Open API, and the webhooks it sends.

    It is strict where the real one is, keeps what it is told in memory, and has an account with
    members, custom fields, deploy changes, a schedule and a status page in it. Point the engine at
    it, and it at the engine:

    \b
      engine simulate --incident press.json \\
        --webhook incident=http://127.0.0.1:8787/flashduty/incidents \\
        --button restart-host=http://127.0.0.1:8787/flashduty/actions/restart-host

    \b
      flashduty:
        base_url: http://127.0.0.1:8788
        app_key: simulated-app-key

    Play the account while it runs, with JSON (curl --json) and without a key:

    \b
      POST   /simulator/press                  {"incident_id": "...", "button": "restart-host"}
      POST   /simulator/as/PERSON_ID/incident/ack   any operation, done by that person:
                                               {"incident_ids": ["..."]}
      POST   /simulator/faults                 what is to go wrong: {"kind": "cut-after",
                                               "path": "/incident/comment", "probability": 0.1}
      DELETE /simulator/faults                 nothing goes wrong any more
      GET    /simulator                        incidents, webhooks, people, faults

    The kinds of faults are delay (with "seconds"), error ("status": 500 or 503), too-frequent
    ("retry_after"), cut-before and cut-after; "times" says how often. An alert comes in as it does
    at Flashduty:

    \b
      POST /event/push/alert/standard?integration_key=sample-alert-integration
           {"title_rule": "CPU", "event_status": "Critical", "alert_key": "cpu-1"}
    """  # noqa: D301 - \b is click's mark for lines to be kept
    account = sample_account(now)
    add_webhooks(account, **calling_out)
    for file in incidents:
        account.add_incident(read_incident(file))
    limits = RateLimits(now) if rate_limit else None
    asyncio.run(_simulate(account, host, port, app_key, limits))
    return 0


async def _simulate(
    account: SimulatedAccount, host: str, port: int, app_key: str, limits: RateLimits | None
) -> None:
    with bind(host, port) as listener:
        app = create_simulator(account, app_key=app_key, limits=limits, controls=True)
        url = f"http://{host}:{port_of(listener)}"
        for line in _what_there_is(account, url):
            click.echo(line)
        click.echo(f"The simulated Flashduty Open API listens on {url}")
        async with delivering(account, tell=_say):
            await server(app).serve([listener])


def _what_there_is(account: SimulatedAccount, url: str) -> Iterator[str]:
    for name, found in (
        ("incidents", [one["incident_id"] for one in account.incidents()]),
        ("custom fields", [one["field_name"] for one in account.fields()]),
        ("status pages", [one["page_id"] for one in account.status_pages()]),
        ("people", [f"{one['member_id']} {one['member_name']}" for one in account.members()]),
    ):
        yield f"{name}: {', '.join(map(str, found)) or 'none'}"
    yield f"push alerts: {url}/event/push/alert/standard?integration_key={ALERT_INTEGRATION_KEY}"
    for webhook in account.webhooks.all():
        if webhook.kind == "action":
            yield f"button {webhook.name} ({webhook.integration_id}) goes to {webhook.url}"
        elif webhook.kind == "labels":
            keys = ", ".join(webhook.result_label_keys)
            yield f"labels of alerts ({keys}) are asked of {webhook.url}"
        else:
            yield f"events of {webhook.kind}s go to {webhook.url}"
    if not account.webhooks.all():
        yield "nothing is delivered anywhere: add --webhook incident=URL or --button NAME=URL"


def _say(delivery: Delivery, attempt: Attempt) -> None:
    said = attempt.error or "200"
    click.echo(
        clean(
            f"{delivery.event_type} of {delivery.ref_id} to {delivery.webhook.url}: {said} "
            f"in {attempt.milliseconds} ms" + (", the retry" if attempt.number > 1 else "")
        )
    )
