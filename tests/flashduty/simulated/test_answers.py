"""What the simulated Open API answers is what the vendor's specification says it answers."""

import asyncio
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest

from engine.flashduty.simulated.account import SimulatedAccount
from engine.flashduty.simulated.delivery import delivering
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

NOW = 1_795_000_000
ID = "6551f3888713372ad1054d57"
ALERT = "6551f37f8713372ad1054d54"
PAGE, COMPONENT = 5750613685214, "01KC3GB4T2XQ8D1M7R5VWN0HKA"
LISI = 1999632289504
WINDOW = {"start_time": NOW - 86400, "end_time": NOW + 60}
SPECIFICATION: Final = Path(__file__).parents[4] / "shared" / "flashduty" / "openapi.en.json"
PRESS: Final = Path(__file__).parents[2] / "fixtures" / "custom-action.vendor-page.json"

pytestmark = pytest.mark.skipif(
    not SPECIFICATION.is_file(), reason="the vendor's specification is not beside the repository"
)

# What happens before anything is asked; each is a call whose answer is looked at too.
LIFE: Final[tuple[tuple[str, Mapping[str, Any]], ...]] = (
    ("/incident/ack", {"incident_ids": [ID]}),
    ("/incident/assign", {"incident_id": ID, "assigned_to": {"person_ids": [LISI]}}),
    ("/incident/responder/add", {"incident_id": ID, "person_ids": [1552048792504]}),
    ("/incident/comment", {"incident_ids": [ID], "comment": "Looking."}),
    ("/incident/reset", {"incident_id": ID, "title": "A title", "incident_severity": "Info"}),
    ("/incident/field/reset", {"incident_id": ID, "field_name": "owner", "field_value": "me"}),
    ("/incident/snooze", {"incident_ids": [ID], "minutes": 5}),
    ("/incident/wake", {"incident_ids": [ID]}),
    ("/incident/unack", {"incident_ids": [ID]}),
    ("/incident/create", {"incident_severity": "Info", "title": "By hand"}),
    ("/incident/resolve", {"incident_ids": [ID]}),
    ("/incident/reopen", {"incident_ids": [ID]}),
    ("/incident/war-room/create", {"incident_id": ID, "integration_id": MESSENGER}),
    (
        "/status-page/change/create",
        {
            "page_id": PAGE,
            "type": "incident",
            "title": "Slow",
            "description": "Looking.",
            "status": "investigating",
            "updates": [{"component_changes": [{"component_id": COMPONENT, "status": "degraded"}]}],
        },
    ),
)
ASKED: Final[tuple[tuple[str, Mapping[str, Any]], ...]] = (
    ("/incident/info", {"incident_id": ID}),
    ("/incident/list", {**WINDOW, "start_time": NOW - 31 * 86400 + 60}),
    ("/incident/list-by-ids", {"incident_ids": [ID]}),
    ("/incident/feed", {"incident_id": ID, "limit": 100}),
    ("/incident/alert/list", {"incident_id": ID, "include_events": True}),
    ("/incident/past/list", {"incident_id": ID}),
    ("/incident/war-room/list", {"incident_id": ID}),
    ("/incident/post-mortem/list", {}),
    ("/incident/post-mortem/info", {"post_mortem_id": POST_MORTEM}),
    ("/alert/info", {"alert_id": ALERT}),
    ("/alert/list", WINDOW),
    ("/alert/list-by-ids", {"alert_ids": [ALERT]}),
    ("/alert/event/list", {"alert_id": ALERT}),
    ("/alert/feed", {"alert_id": ALERT}),
    ("/alert-event/list", WINDOW),
    ("/member/info", {}),
    ("/member/list", {}),
    ("/person/infos", {"person_ids": [LISI]}),
    ("/team/list", {}),
    ("/team/info", {"team_id": TEAM}),
    ("/team/infos", {"team_ids": [TEAM]}),
    ("/schedule/list", {}),
    ("/schedule/info", {"schedule_id": SCHEDULE, "start": NOW, "end": NOW + 86400}),
    ("/schedule/infos", {"schedule_ids": [SCHEDULE]}),
    ("/schedule/self", {}),
    ("/channel/list", {}),
    ("/channel/info", {"channel_id": CHANNEL}),
    ("/channel/infos", {"channel_ids": [CHANNEL]}),
    ("/channel/escalate/rule/list", {"channel_id": CHANNEL}),
    ("/channel/escalate/rule/info", {"channel_id": CHANNEL, "rule_id": ESCALATION_RULE}),
    ("/template/list", {}),
    ("/template/info", {"template_id": TEMPLATE}),
    ("/audit/search", WINDOW),
    ("/audit/operation/list", {}),
    ("/status-page/change/list", {"page_id": PAGE, "type": "incident", "status": "investigating"}),
    ("/status-page/subscriber/list", {"page_id": PAGE}),
    (
        "/webhook/history/list",
        {"start_time": (NOW - 60) * 1000, "end_time": (NOW + 60) * 1000, "limit": 100},
    ),
)


@cache
def answers() -> dict[str, Any]:
    """Give what each call answers, in an account in which something has happened."""

    async def story() -> dict[str, Any]:
        account = sample_account(lambda: NOW)
        account.add_incident(json.loads(PRESS.read_bytes())["incident"])
        account.add_webhook(Webhook("incident", "http://127.0.0.1:1/", integration_id=77))
        found = {}
        async with delivering(account):
            await _push(account)
            for path, parameters in LIFE:
                found[path] = await perform(account, path, parameters)
            await account.webhooks.outbox.join()
        for path, parameters in ASKED:
            found[path] = await perform(account, path, parameters)
        record = found["/webhook/history/list"]["items"][0]
        one = {"event_id": record["event_id"], "integration_id": 77}
        found["/webhook/history/detail"] = await perform(account, "/webhook/history/detail", one)
        return found

    return asyncio.run(story())


async def _push(account: SimulatedAccount) -> None:
    event = {"title_rule": "CPU", "event_status": "Critical", "alert_key": "cpu"}
    key = ALERT_INTEGRATION_KEY
    await perform(account, "/event/push/alert/standard", event, integration_key=key)


@cache
def specification() -> Any:
    return json.loads(SPECIFICATION.read_bytes())


@pytest.mark.parametrize(
    "path", [*(path for path, _ in (*LIFE, *ASKED)), "/webhook/history/detail"]
)
def test_an_answer_is_as_specified(path: str) -> None:
    (operation,) = specification()["paths"][path].values()
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    validator = jsonschema.Draft202012Validator(
        {**schema, "components": specification()["components"]}
    )
    wrong = [
        f"{error.json_path}: {error.message}"
        for error in validator.iter_errors({"request_id": "01", "data": answers()[path]})
        # "images: null where the schema says array" (trap 25), and the details of a timeline are
        # one of many objects that a schema without required names cannot tell apart.
        if not error.json_path.endswith((".images", ".detail"))
    ]
    assert wrong == []
