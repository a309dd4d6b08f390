"""Each operation of the catalogue, called by a step: Flashduty gets what its specification says.

Loader, runner, ledger, client and sockets are real, and the account is the simulated one. What it
got is judged by `jsonschema` with the vendor's own schemas: neither the catalogue nor the rules by
which the engine checks a call have a say in that.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import pytest
from starlette.requests import Request as StarletteRequest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.flashduty.client import FlashdutyClient
from engine.flashduty.exchange import open_session
from engine.flashduty.operations import OPERATIONS
from engine.flashduty.simulated.account import SimulatedAccount
from engine.flashduty.simulated.history import Attempt
from engine.flashduty.simulated.organization import (
    CHANNEL,
    ESCALATION_RULE,
    MESSENGER,
    POST_MORTEM,
    SCHEDULE,
    TEAM,
    TEMPLATE,
)
from engine.flashduty.simulated.perform import perform
from engine.flashduty.simulated.sample import ALERT_INTEGRATION_KEY, sample_account
from engine.flashduty.simulated.webhooks import Webhook
from engine.flashduty.simulator import create_simulator
from engine.playbooks.load import Loader
from engine.runs.run import Outcome, RunState, StepRecord
from engine.steps.flashduty import Flashduty
from engine.store.records import open_records
from engine.store.sqlite import SqliteLedger, open_ledger
from tests.flashduty.calls import CALLS, Written
from tests.flashduty.official import Request, complaints_about
from tests.flashduty.operations.specifications import FOLDER
from tests.flashduty.served import served
from tests.flashduty.servers import Account, serving
from tests.runs.fakes import NOW, Staged, an_event

KEY: Final = "canary0123456789"
INCIDENT: Final = "6551f3888713372ad1054d57"
OTHER: Final = "6551f3888713372ad1054d58"
PAST: Final = "6551f3888713372ad1054d50"
PAGE: Final = 5750613685214
COMPONENT: Final = "01KC3GB4T2XQ8D1M7R5VWN0HKA"
LABELS: Final = {"resource": "es.nj.01", "service": "engine", "team": "sre"}

needs_facts = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the vendor's specifications are not beside the repository"
)


@dataclass
class Recorder:
    """Writes down what a server is asked, and lets it answer."""

    app: ASGIApp
    requests: list[Request] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = StarletteRequest(scope, receive)
        body = await request.body()
        self.requests.append(
            Request(
                request.method,
                request.url.path,
                dict(request.query_params),
                request.headers.get("content-type", ""),
                json.loads(body) if body else None,
            )
        )
        read: Message = {"type": "http.request", "body": body, "more_body": False}

        async def again() -> Message:
            return read

        await self.app(scope, again, send)


@dataclass(frozen=True)
class Called:
    """What became of a call."""

    run: RunState
    step: StepRecord
    requests: list[Request]


async def account_of(button: str) -> tuple[SimulatedAccount, dict[str, Any]]:
    """An account with something of everything, and what is where in it: a playbook's `vars`.

    There are three incidents of one channel, each with an alert: this one, whose webhook has been
    told of a comment, another one with a war room, and a past one. A fourth is made by an alert
    that was pushed. A status page has an event of two updates.
    """
    account = sample_account(lambda: NOW)
    for number, incident_id in enumerate((INCIDENT, OTHER, PAST)):
        alert = {"alert_id": f"{number:024x}", "alert_key": f"key-{number}", "title": "es.nj.01"}
        times = {"start_time": NOW - 60, "created_at": NOW - 60}
        account.add_incident(
            {
                "incident_id": incident_id,
                "num": incident_id[-6:].upper(),
                "title": "es.nj.01",
                "incident_severity": "Critical",
                "channel_id": CHANNEL,
                "alerts": [{**alert, "alert_severity": "Critical", **times}],
                **times,
            }
        )

    async def done(path: str, **given: Any) -> Any:
        return await perform(account, path, given)

    await done("/incident/resolve", incident_ids=[PAST])
    pushed = {"title_rule": "CPU", "event_status": "Critical", "alert_key": "cpu"}
    push, key = "/event/push/alert/standard", ALERT_INTEGRATION_KEY
    await perform(account, push, pushed, integration_key=key)
    (cpu,) = [one for one in account.cases.all_alerts() if one.info()["alert_key"] == "cpu"]
    room = await done("/incident/war-room/create", incident_id=OTHER, integration_id=MESSENGER)
    down = {"component_changes": [{"component_id": COMPONENT, "status": "degraded"}]}
    looking = {"status": "investigating", "description": "We are looking into it."}
    event = {"page_id": PAGE, "type": "incident", "title": "Slow", "updates": [down], **looking}
    change = (await done("/status-page/change/create", **event))["change_id"]
    update = await done("/status-page/change/timeline/create", **event | {"change_id": change})
    webhook = account.add_webhook(Webhook("incident", "http://127.0.0.1/", event_types=["i_comm"]))
    await done("/incident/comment", incident_ids=[INCIDENT], comment="Hello.")
    account.history.add(account.webhooks.outbox.get_nowait(), Attempt(1, 200, 12))
    me = account.person(account.own_member_id)
    account.audit.record("/incident/comment", {}, "request-1", me)
    window = {"start_time": int(NOW - 60) * 1000, "end_time": int(NOW) * 1000}
    (delivery,) = (await done("/webhook/history/list", limit=1, **window))["items"]
    return account, {
        "now": int(NOW),
        "incident": INCIDENT,
        "other": OTHER,
        "alert": cpu.info()["alert_id"],
        "other_alert": f"{1:024x}",
        "channel": CHANNEL,
        "team": TEAM,
        "person": 1999632289504,
        "creator": 1552048792504,
        "rule": ESCALATION_RULE,
        "schedule": SCHEDULE,
        "template": TEMPLATE,
        "post_mortem": POST_MORTEM,
        "field": account.fields()[0]["field_id"],
        "messenger": MESSENGER,
        "chat": room["chat_id"],
        "page": PAGE,
        "component": COMPONENT,
        "change": change,
        "update": update["update_id"],
        "webhook": webhook.integration_id,
        "delivery": delivery["event_id"],
        "button": account.add_webhook(Webhook("action", button)).integration_id,
        "alert_key": ALERT_INTEGRATION_KEY,
        "change_key": "sample-change-integration",
    }


async def carried_out(path: str, written: Written, ledger: SqliteLedger) -> list[Request]:
    """Everything that is asked of the account while a playbook makes this call."""
    async with serving(Account({})) as button, open_session() as session:
        account, known = await account_of(button)
        for before, given in written.after.items():
            await perform(account, before, given)
        step = f"{{call: {', '.join(filter(None, (path.strip('/'), written.parameters)))}}}"
        text = (
            f"name: one-call\ntrigger: {{}}\nvars: {json.dumps(known)}\n"
            f"steps:\n  - flashduty: {step}\n"
        )
        recorder = Recorder(create_simulator(account, app_key=KEY))
        async with served(recorder) as base_url:
            client = FlashdutyClient(lambda: session, base_url, KEY)
            stage = Staged(ledger, types={"flashduty": Flashduty(client)})
            playbook = Loader(stage.step_types).load(text, "one-call.yaml")
            event = an_event(labels=LABELS)
            run = await stage.queue(playbook, event)
            await stage.carry_out(run, playbook, event)
        return recorder.requests


def called(folder: Path, path: str, written: Written) -> Called:
    with open_ledger(folder / "one-call.db") as ledger:
        requests = asyncio.run(carried_out(path, written, ledger))
    with open_records(folder / "one-call.db") as records:
        record = records.run("RUN1")
    (step,) = record.steps
    return Called(record.run.state, step, requests)


@pytest.mark.parametrize("path", CALLS)
def test_a_step_sends_one_request_as_the_vendor_specifies_it(path: str, tmp_path: Path) -> None:
    written = CALLS[path]
    found = called(tmp_path, path, written)
    if written.refused is None:
        assert (found.step.error, found.run) == (None, RunState.SUCCEEDED)
        assert found.step.outcome is Outcome.SUCCEEDED
        assert (listed(found.step.result["data"]) == []) is (written.nothing is not None)
    else:
        assert found.run is RunState.FAILED
        assert str(found.step.error).startswith(written.refused)
    assert [one.path for one in found.requests] == [path]
    if not FOLDER.is_dir():
        pytest.skip("sent once; the vendor's specifications are not beside the repository")
    (request,) = found.requests
    assert complaints_about(request) == list(written.but)
    assert all(written.but.values())
    # Every name counts: no schema is so wide that it would let another one pass.
    assert [one for one in misspelt(request) if not complaints_about(one)] == []


def listed(data: Any) -> Any:
    """The list in an answer, where there is one: `docs` in the audit log, bare in an old one."""
    return data.get("items", data.get("docs")) if isinstance(data, dict) else data


def misspelt(request: Request) -> Iterator[Request]:
    """The request, each time with another of its parameters by a wrong name."""

    def renamed(given: Mapping[str, Any], name: str) -> dict[str, Any]:
        return {f"{one}s" if one == name else one: value for one, value in given.items()}

    for name in request.query:
        yield replace(request, query=renamed(request.query, name))
    for name in request.body or ():
        yield replace(request, body=renamed(request.body, name))


def test_every_operation_of_the_catalogue_is_called() -> None:
    assert CALLS.keys() == OPERATIONS.keys()


@needs_facts
@pytest.mark.parametrize(
    ("path", "parameters", "complaint"),
    [
        (
            "/incident/comment",
            "comment: Hello, mute_replies: true",
            "body: Additional properties are not allowed ('mute_replies' was unexpected)",
        ),
        (
            "/incident/snooze",
            "minutes: '30'",
            "body.minutes: '30' is not of type 'integer'",
        ),
        (
            "/status-page/change/info",
            'page_id: "{{ vars.page }}", change: "{{ vars.change }}"',
            "query: 'change_id' is a required property",
        ),
    ],
)
def test_what_our_own_checks_would_let_through_is_found(
    path: str, parameters: str, complaint: str, tmp_path: Path
) -> None:
    # `unchecked` stands for a catalogue that is wrong.
    (request,) = called(tmp_path, path, Written(f"unchecked: true, {parameters}")).requests
    assert complaint in complaints_about(request)
