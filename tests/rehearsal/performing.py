"""Carries out a playbook in a world that keeps what came of it, with a clock that is not waited for."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

import aiohttp

from engine.cli.demo.targets import create_targets
from engine.events.document import document_of
from engine.events.event import Event
from engine.flashduty.client import FlashdutyClient
from engine.flashduty.exchange import open_session
from engine.flashduty.simulated.account import SimulatedAccount
from engine.flashduty.simulated.sample import sample_account
from engine.flashduty.simulator import create_simulator
from engine.playbooks.playbook import Playbook
from engine.playbooks.step_type import Call, Outside, Plan, Report, StepType, Succeeded
from engine.processes.warden import Warden
from engine.runs.control import Control
from engine.runs.run import Run
from engine.steps import step_types
from engine.steps.http import HttpSettings
from engine.steps.shell import ShellSettings
from engine.store.sqlite import SqliteLedger
from engine.wiring.clocks import now
from tests.rehearsal.recording import Child, HttpRequest, World, a_world
from tests.runs.fakes import Clock, Staged, Waiting, a_run

KEY: Final = "simulated-app-key"
SECRETS: Final[Mapping[str, str]] = {
    "TOKEN": "t0p-$ecret'\"\\`value`",
    "OTHER": "0ther",
    "DEPLOY_TOKEN": "deploy-token",
    "STATUS_TOKEN": "status-token",
}


@dataclass
class Watched:
    """A step type, and what its steps returned: by path, that of the last attempt."""

    real: StepType[Any]
    returned: dict[str, Any]
    parameters: type[Any]
    timeout: float | None
    finds_out: bool
    outside: Outside[Any] | None
    results: ClassVar[Mapping[str, str] | None] = None

    def plan(self, parameters: Any, call: Call) -> Plan:
        return self.real.plan(parameters, call)

    def foretell(self, parameters: Any) -> Report | None:
        return self.real.foretell(parameters)

    def harmless_to_repeat(self, parameters: Any) -> bool:
        return self.real.harmless_to_repeat(parameters)

    async def perform(self, parameters: Any, call: Call) -> Report:
        report = await self.real.perform(parameters, call)
        if isinstance(report, Succeeded):
            self.returned[call.path] = report.result
        return report


def watched(real: StepType[Any], results: dict[str, Any]) -> StepType[Any]:
    return Watched(real, results, real.parameters, real.timeout, real.finds_out, real.outside)


@dataclass(frozen=True)
class Performed:
    """What became of a run, and what came of it."""

    run: Run
    http: list[HttpRequest]
    flashduty: list[tuple[str, Any]]
    children: list[Child]
    results: dict[str, Any]


@dataclass
class Stage:
    """One world with one account in it."""

    world: World
    account: SimulatedAccount
    types: Mapping[str, StepType[Any]]
    results: dict[str, Any]
    clock: Clock

    @property
    def config(self) -> dict[str, Any]:
        """The constants that the playbooks ask for."""
        targets = self.world.targets_url
        return {
            "url": self.world.url,
            "folder": str(self.world.folder),
            "inventory_url": f"{targets}/inventory",
            "restart_command": str(self.world.folder / "bin/record"),
            "restart_pause": "1s",
            "tracing_url": f"{targets}/tracing/api",
            "logging_url": f"{targets}/logging/api",
            "topology_url": f"{targets}/topology/api",
            "deploy_url": f"{targets}/deploy/api",
            "status_page_id": 5750613685214,
            "status_components": {"checkout": "01KC3GB9C6P3F7J0YZ2SEQT8MB"},
            "external_status_url": f"{targets}/status/api",
        }

    async def perform(self, ledger: SqliteLedger, playbook: Playbook, event: Event) -> Performed:
        stage = Staged(ledger, types=self.types, secrets=SECRETS, clock=self.clock)
        run = a_run("01HRUN", playbook, event, event.received)
        await stage.queue(playbook, event, run.id)

        def wait() -> None:
            self.clock.jump(61.0)  # longer than anything here is waited for

        ended = await stage.runner().carry_out(
            run,
            playbook,
            event,
            document_of(event, self.config),
            control=Control(asyncio.Event()),
            place=Waiting(wait),
        )
        keys, http = self.world.keys, self.world.take_http()
        once = [
            one
            for place, one in enumerate(http)
            if not (place and (one, keys[place]) == (http[place - 1], keys[place - 1]))
        ]
        calls, self.world.flashduty = self.world.flashduty, []
        return Performed(ended, once, calls, self.world.take_children(), self.results)


@asynccontextmanager
async def a_stage(folder: Path) -> AsyncIterator[Stage]:
    account = sample_account(now)
    results: dict[str, Any] = {}
    clock = Clock(now())
    simulator, targets = create_simulator(account, app_key=KEY), create_targets(clock)
    async with (
        a_world(folder, simulator, targets.app) as world,
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
        open_session() as flashduty,
        Warden("as-performed", print) as warden,
    ):
        real = step_types(
            session=lambda: session,
            flashduty=FlashdutyClient(lambda: flashduty, world.flashduty_url, KEY),
            shell=ShellSettings(world.environ, world.folder, 65536, warden),
            http=HttpSettings(65536),
        )
        types = {name: watched(one, results) for name, one in real.items()}
        yield Stage(world, account, types, results, clock)
