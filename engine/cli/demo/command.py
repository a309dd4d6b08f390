"""`engine demo`: everything in one process on loopback, nothing to set up."""

import asyncio
import json
import shlex
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import click
from rich.console import Console
from starlette.types import ASGIApp

from engine.cli.demo.presses import Press, presses
from engine.cli.demo.stage import Stage
from engine.cli.demo.targets import create_targets
from engine.cli.playbook_files import look
from engine.cli.running import engine_of, port_of
from engine.cli.screen import console, styled
from engine.cli.serving import Stopping, bind, run_until_stopped, server, stopped_by_signals
from engine.cli.shipped import shipped_playbooks
from engine.config.load import load_config
from engine.flashduty.simulated.account import SimulatedAccount
from engine.flashduty.simulated.sample import sample_account
from engine.flashduty.simulator import create_simulator
from engine.problem import EngineError
from engine.runs.redaction import Redactor
from engine.runs.run import Run, RunState
from engine.wiring.clocks import now

HOST: Final = "127.0.0.1"
PORT: Final = 8787
PATIENCE: Final = 50.0  # seconds for one use case
_SECRETS: Final = {
    "FLASHDUTY_APP_KEY": "demo-app-key",
    "FLASHDUTY_WEBHOOK_TOKEN": "demo-token",
    "DEPLOY_TOKEN": "demo-deploy-token",
    "STATUS_TOKEN": "demo-status-token",
}


@click.command()
@click.option(
    "--once", is_flag=True, help="End after the four use cases: 0 if all succeeded, else 1."
)
def demo(*, once: bool) -> int:
    """See the engine at work: the four use cases, on simulated services on this machine.

    Starts the receiver, the worker, a simulated Flashduty and simulated targets in one process on
    loopback, presses four buttons, shows each run step by step and what the incident looks like
    afterwards, and stays up so that you can send more. Nothing outside this machine is contacted.
    """
    with tempfile.TemporaryDirectory(prefix="engine-demo-") as folder:
        return asyncio.run(_demo(Path(folder), once=once))


@dataclass(frozen=True, slots=True)
class _World:
    """What the engine of the demo acts on."""

    account: SimulatedAccount
    flashduty_url: str
    targets_url: str


async def _demo(folder: Path, *, once: bool) -> int:
    screen = console()
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(_world())
        listener = stack.enter_context(_listener())
        url = f"http://{HOST}:{port_of(listener)}"
        config = load_config(_write_config(folder, world, port_of(listener)), _SECRETS)
        pressed = presses(now())
        stage = Stage(screen, len(pressed))
        engine = await stack.enter_async_context(
            engine_of(
                config,
                lambda: look(shipped_playbooks()),
                environ=_SECRETS,
                redactor=Redactor(),
                tell=stage.tell,
                refused=lambda *_: None,
            )
        )
        stopping = stack.enter_context(stopped_by_signals(lambda _: None))
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(
                run_until_stopped(
                    server(engine.app), listener, engine.worker.crew, stopping, grace=2.0
                )
            )
            succeeded = await _press_all(screen, stage, world, url, pressed, stopping)
            interrupted = stopping.asked.is_set()
            if not once and not interrupted:
                _invite(screen, folder, url, pressed)
                await running
                return 130
            stopping.asked.set()
    if interrupted:
        return 130
    screen.print(styled(f"{succeeded} of {len(pressed)} use cases succeeded."))
    return 0 if succeeded == len(pressed) else 1


async def _press_all(
    screen: Console,
    stage: Stage,
    world: _World,
    url: str,
    pressed: tuple[Press, ...],
    stopping: Stopping,
) -> int:
    """Press each button, wait for its run, show the incident. How many succeeded."""
    screen.print(styled(f"The engine listens on {url}; Flashduty and all targets are simulated."))
    succeeded = 0
    async with aiohttp.ClientSession() as client:
        with stage:
            for number, press in enumerate(pressed, start=1):
                if stopping.asked.is_set():
                    break
                world.account.add_incident(press.payload["incident"])
                stage.say(f"\n{number}. {press.says}", "bold")
                began = now()
                async with client.post(
                    f"{url}/flashduty/actions/{press.action}",
                    json=press.payload,
                    headers={"X-Engine-Token": _SECRETS["FLASHDUTY_WEBHOOK_TOKEN"]},
                ) as answer:
                    took = round((now() - began) * 1000)
                    shown = f"  POST /flashduty/actions/{press.action} answered {answer.status}"
                    stage.say(f"{shown} in {took} ms", "dim")
                run = await _next_run(stage, stopping)
                if stopping.asked.is_set():
                    break
                if run is None:
                    stage.say(f"  no run ended within {PATIENCE:.0f} s", "red")
                    continue
                succeeded += run.state is RunState.SUCCEEDED
                _show_incident(stage, world.account, press)
    return succeeded


async def _next_run(stage: Stage, stopping: Stopping) -> Run | None:
    """The next run that ends; None when none does in time, or the demo is to stop."""
    ended = asyncio.ensure_future(stage.ended.get())
    asked = asyncio.ensure_future(stopping.asked.wait())
    done, pending = await asyncio.wait(
        {ended, asked}, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED
    )
    for one in pending:
        one.cancel()
    return ended.result() if ended in done else None


def _show_incident(stage: Stage, account: SimulatedAccount, press: Press) -> None:
    """What the simulated Flashduty has of the incident now."""
    incident = account.incident(press.incident_id)
    stage.say(f"  The incident afterwards: {incident['title']}")
    before = press.payload["incident"]
    for name, value in (incident.get("fields") or {}).items():
        if before["fields"].get(name) != value:
            stage.say(f"    field {name}: {value}")
    for name in ("root_cause", "impact", "resolution"):
        if incident.get(name) and incident[name] != before.get(name):
            stage.say(f"    {name}: {incident[name]}")
    for entry in account.feed(press.incident_id):
        if entry["type"] == "i_comm":
            first, *rest = entry["detail"]["comment"].splitlines()
            stage.say(
                "\n".join([f"    comment: {first}", *(f"             {text}" for text in rest)])
            )
    if press.action == "update-status-page":
        _show_status_pages(stage, account)


def _show_status_pages(stage: Stage, account: SimulatedAccount) -> None:
    for page in account.status_pages():
        for change in account.status_page_changes(page["page_id"]):
            stage.say(f"    status page: {change['title']}: {change['status']}")


def _invite(screen: Console, folder: Path, url: str, pressed: tuple[Press, ...]) -> None:
    example = folder / "press.json"
    example.write_text(json.dumps(pressed[1].payload, ensure_ascii=False, indent=2), "utf-8")
    engine = shlex.quote(str(Path(sys.argv[0]))) if sys.argv[0].endswith("engine") else "engine"
    config = folder / "config.yaml"
    token = _SECRETS["FLASHDUTY_WEBHOOK_TOKEN"]
    screen.print(
        styled(
            f"\nThe engine stays up. In another terminal:\n\n"
            f"  press the button again   {engine} send {example} --fresh --to {url}"
            f" --action {pressed[1].action} --token {token}\n"
            f"  see what was done        {engine} runs list --config {config}\n"
            f"  and why                  {engine} events list --config {config}\n\n"
            f"The playbooks are in {shipped_playbooks()}. Ctrl-C ends it."
        )
    )


@asynccontextmanager
async def _world() -> AsyncIterator[_World]:
    """The simulated Flashduty and the simulated targets, each on a port of its own."""
    account = sample_account(now)
    simulator = create_simulator(account, app_key=_SECRETS["FLASHDUTY_APP_KEY"])
    async with (
        _served(simulator) as flashduty_url,
        _served(create_targets(now).app) as targets_url,
    ):
        yield _World(account, flashduty_url, targets_url)


@asynccontextmanager
async def _served(app: ASGIApp) -> AsyncIterator[str]:
    web = server(app)
    with bind(HOST, 0) as listener:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(web.serve([listener]))
            try:
                yield f"http://{HOST}:{port_of(listener)}"
            finally:
                web.end()


def _listener() -> socket.socket:
    """The usual port if it is free, any other one if not."""
    try:
        return bind(HOST, PORT)
    except EngineError:
        return bind(HOST, 0)


def _write_config(folder: Path, world: _World, port: int) -> Path:
    """A real config file: `engine runs list --config` reads it while the demo is up."""
    command = folder / "restart-host"
    command.write_text(_restart_command(world.targets_url), "utf-8")
    command.chmod(0o700)
    variables: Mapping[str, Any] = {
        "inventory_url": f"{world.targets_url}/inventory",
        "restart_command": str(command),
        "restart_pause": "1s",
        "tracing_url": f"{world.targets_url}/tracing/api",
        "logging_url": f"{world.targets_url}/logging/api",
        "topology_url": f"{world.targets_url}/topology/api",
        "deploy_url": f"{world.targets_url}/deploy/api",
        "status_page_id": 5750613685214,
        "status_components": {"checkout": "01KC3GB9C6P3F7J0YZ2SEQT8MB"},
        "external_status_url": f"{world.targets_url}/status/api",
    }
    # JSON is YAML, and quotes whatever needs quoting.
    config = {
        "listen": f"{HOST}:{port}",
        "database": "engine.db",
        "playbooks": str(shipped_playbooks()),
        "flashduty": {
            "base_url": world.flashduty_url,
            "app_key": "${FLASHDUTY_APP_KEY}",
            "webhook_token": "${FLASHDUTY_WEBHOOK_TOKEN}",
        },
        "vars": variables,
        "secrets": {name: {"env": name} for name in ("DEPLOY_TOKEN", "STATUS_TOKEN")},
    }
    path = folder / "config.yaml"
    path.write_text(json.dumps(config, indent=2), "utf-8")
    return path


def _restart_command(targets_url: str) -> str:
    """A real command for the shell step: it asks the simulated inventory for a reboot."""
    program = (
        "import sys, urllib.request as r; "
        f"u = {targets_url!r} + '/inventory/hosts/' + sys.argv[1] + '/reboot'; "
        "q = r.Request(u, b'{}', {'Content-Type': 'application/json'}); "
        "print(r.urlopen(q).read().decode())"
    )
    return f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c {shlex.quote(program)} "$1"\n'
