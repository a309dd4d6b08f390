"""An engine that was killed and comes back: what happened meanwhile runs once, and not again."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Literal

import pytest
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from engine.flashduty.simulated.account import SimulatedAccount
from engine.flashduty.simulated.delivery import delivering, press, push_alert
from engine.flashduty.simulated.history import WebhookHistory
from engine.flashduty.simulated.sample import ALERT_INTEGRATION_KEY, sample_account
from engine.flashduty.simulated.webhooks import Webhook
from engine.flashduty.simulator import create_simulator
from engine.store.records import open_records
from engine.wiring.clocks import now
from tests.e2e.real_engine import KEY, PATIENCE, TOKEN, EngineProcess, Place, Target
from tests.flashduty.receiving import receiving
from tests.flashduty.served import served

LISI: Final = 1999632289504
RESTART, ROLLBACK, BOTH_LOST = 71, 72, 73  # the ids of the buttons
BEHIND: Final = 120.0  # seconds by which Flashduty's events are old, and settled, when they happen
KINDS: Final = ("a_new", "i_new", "i_ack", "i_r_severity", "i_comm")
History = Literal["kept", "refused", "empty"]

CONFIG: Final = """\
listen: 127.0.0.1:{port}
flashduty:
  app_key: ${{E2E_KEY}}
  webhook_token: ${{E2E_TOKEN}}
  base_url: {url}
  actions: {{rollback-change: {rollback}, both-lost: both-lost}}
"""
CALL: Final = """\
name: {name}
trigger: {trigger}
steps:
  - http: {{method: POST, url: "{url}/{name}/{{{{ {about} }}}}"}}
"""
# Comes back as an event that the engine itself caused.
COMMENT: Final = "  - flashduty: {call: incident/comment, comment: Seen.}\n"
PLAYBOOKS: Final = {
    **{f"on-{kind}": f"{{events: [{kind}], reconcile: true}}" for kind in KINDS},
    "live-only": "{events: [i_comm]}",
    **{
        action: f"{{events: [i_custom], action: {action}, reconcile: true}}"
        for action in ("restart-host", "rollback-change", "both-lost")
    },
}


@dataclass
class Scene:
    """An account that delivers to an engine which may be there or not."""

    place: Place
    target: Target
    account: SimulatedAccount
    incidents: list[str] = field(default_factory=list)  # the first is from before the kill

    async def start(self) -> EngineProcess:
        return await asyncio.to_thread(self.place.start)

    async def alert(self) -> str:
        """What tells of an alert: a_new, and i_new of the incident it makes."""
        number = len(self.incidents)
        event = {
            "title_rule": f"CPU {number}",
            "event_status": "Critical",
            "alert_key": f"{number}",
        }
        await push_alert(self.account, {**event, "integration_key": ALERT_INTEGRATION_KEY})
        self.incidents.append(self.account.incidents()[-1]["incident_id"])
        return self.incidents[-1]

    async def happen(self) -> None:
        """Twenty events of five kinds, about four incidents and their alerts."""
        for _ in range(4):
            incident_id = await self.alert()
            with self.account.acting_as(LISI):
                self.account.acknowledge([incident_id])
                self.account.reset(incident_id, {"incident_severity": "Warning"})
                self.account.comment([incident_id], "On it.", mute_reply=False)

    async def press(self, incident_id: str, button: int) -> str:
        return await press(self.account, incident_id, button, person_id=LISI, limit=PATIENCE)

    async def quiet(self, engine: EngineProcess, runs: int) -> None:
        """So many runs of this engine have ended, and everything in the ledger is judged."""

        def ended(log: Counter[str]) -> bool:
            return log["run_succeeded"] + log["run_failed"] >= runs

        await asyncio.to_thread(engine.wait_until, ended)
        # The last run's comment is delivered by now: it was written before the run ended.
        await self.account.webhooks.outbox.join()
        with open_records(self.place.folder / "engine.db") as records:
            ids = {record.event.id for record in records.events(1000, None).items}

        def judged(_: Counter[str]) -> bool:
            log = (entry for one in self.place.engines for entry in one.log)
            return ids <= {entry.get("event_id") for entry in log}

        await asyncio.to_thread(engine.wait_until, judged)

    @property
    def ran(self) -> Counter[str]:
        """How often each playbook called its target for each incident or alert."""
        return Counter(path for _, path, _, _ in self.target.got)

    def expected(self, *playbooks: str, incidents: list[str]) -> Counter[str]:
        def subject(playbook: str, incident_id: str) -> str:
            if playbook != "on-a_new":
                return incident_id
            return str(self.account.alerts(incident_id)[0]["alert_id"])

        return Counter(f"/{one}/{subject(one, id_)}" for one in playbooks for id_ in incidents)


@asynccontextmanager
async def staged(place: Place, target: Target, history: History, port: int) -> AsyncIterator[Scene]:
    """The account is served and delivers; the engine's port is known and nobody listens there."""
    account = sample_account(lambda: now() - BEHIND)
    api: ASGIApp = create_simulator(account, app_key=KEY)
    async with (
        served(_refusing_history(api) if history == "refused" else api) as url,
        receiving() as proxy,  # answers 200 although the engine behind it is away
        delivering(account, limit=PATIENCE),
    ):
        engine, token = f"http://127.0.0.1:{port}/flashduty", {"X-Engine-Token": TOKEN}
        for webhook in (
            Webhook("incident", f"{engine}/incidents", headers=token),
            Webhook("alert", f"{engine}/alerts", headers=token, event_types=("a_new",)),
            Webhook("action", f"{engine}/actions/restart-host", "restart", RESTART, token),
            Webhook("action", f"{proxy.url}/flashduty/actions/rollback-change", "", ROLLBACK),
            Webhook("action", f"{engine}/actions/both-lost", "both-lost", BOTH_LOST, token),
        ):
            account.add_webhook(webhook)
        place.write("config.yaml", CONFIG.format(port=port, url=url, rollback=ROLLBACK))
        for name, trigger in PLAYBOOKS.items():
            about = "alert.alert_id" if name == "on-a_new" else "incident.incident_id"
            text = CALL.format(name=name, trigger=trigger, url=target.url, about=about)
            text += COMMENT if name == "on-i_ack" else ""
            place.write(f"playbooks/{name}.yaml", text)
        yield Scene(place, target, account)


def _refusing_history(api: ASGIApp) -> ASGIApp:
    """The Open API for an app key without the permission Integrations Read."""
    error = {"code": "AccessDenied", "message": "no permission: Integrations Read"}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/webhook/history/"):
            answer = JSONResponse({"request_id": "r", "error": error}, 403)
            await answer(scope, receive, send)
        else:
            await api(scope, receive, send)

    return app


@pytest.mark.parametrize("history", ["kept", "refused", "empty"])
def test_what_happened_while_the_engine_was_killed_runs_once_and_a_second_restart_runs_nothing(
    place: Place, target: Target, history: History, refusing_port: int
) -> None:
    async def story() -> None:
        async with staged(place, target, history, refusing_port) as scene:
            engine = await scene.start()
            before = await scene.alert()
            with scene.account.acting_as(LISI):
                scene.account.acknowledge([before])
                scene.account.comment([before], "On it.", mute_reply=False)
            # A press is told at once: before that, it would make these stale.
            await scene.account.webhooks.outbox.join()
            assert await scene.press(before, RESTART) == ""
            live = scene.expected(
                *("on-a_new", "on-i_new", "on-i_ack", "on-i_comm", "live-only", "restart-host"),
                incidents=[before],
            )
            await scene.quiet(engine, runs=live.total())
            assert scene.ran == live

            await asyncio.to_thread(engine.kill)
            await scene.happen()
            *_, last = missed = scene.incidents[1:]
            scene.account.comment([last], "Written with the engine's key.", mute_reply=False)
            refused = await scene.press(last, BOTH_LOST)
            answered = await scene.press(last, ROLLBACK)
            await scene.account.webhooks.outbox.join()
            assert ("dial tcp" in refused, answered) == (True, "")
            if history == "empty":
                scene.account.history = WebhookHistory(scene.account.clock)

            engine = await scene.start()
            reconciled = await asyncio.to_thread(engine.wait_for, "reconciled")
            kinds = [f"on-{kind}" for kind in KINDS if kind[0] == "i" or history == "kept"]
            recovered = scene.expected(*kinds, incidents=missed)
            recovered += scene.expected("rollback-change", incidents=[last])
            await scene.quiet(engine, runs=recovered.total())
            # Beside what ran: the comment by the engine's key, and the press as a webhook told it.
            assert reconciled["events"] == recovered.total() + (2 if history == "kept" else 1)
            assert scene.ran == live + recovered

            await asyncio.to_thread(engine.kill)
            engine = await scene.start()
            reconciled = await asyncio.to_thread(engine.wait_for, "reconciled")
            assert reconciled["events"] == 0
            await scene.quiet(engine, runs=0)
            assert scene.ran == live + recovered
            with open_records(place.folder / "engine.db") as records:
                states = Counter(
                    run.state.value for run in records.runs(1000, None, None, None).items
                )
            assert states == {"succeeded": scene.ran.total()}

    asyncio.run(story())
