"""The operations that call out or tell of it, as the engine's client sees them over HTTP."""

import asyncio
from typing import Any

import aiohttp
import pytest

from engine.flashduty.simulated.delivery import delivering
from engine.flashduty.simulated.organization import CHANNEL
from engine.flashduty.simulated.sample import ALERT_INTEGRATION_KEY, sample_account
from engine.flashduty.simulated.webhooks import Webhook
from engine.flashduty.simulator import create_simulator
from tests.flashduty.receiving import Receiver, receiving
from tests.flashduty.served import served
from tests.processes.children import PATIENCE

NOW = 1_795_000_000
ID = "6551f3888713372ad1054d57"
WINDOW = {"start_time": (NOW - 60) * 1000, "end_time": (NOW + 60) * 1000, "limit": 10}


def calls(
    *asked: tuple[str, dict[str, Any]], answers: tuple[Any, ...] = ()
) -> tuple[list[Any], Receiver]:
    """Give the data of calls one after the other, each after what it caused is delivered.

    A value that is a function gets the data of the call before.
    """

    async def story() -> tuple[list[Any], Receiver]:
        account = sample_account(lambda: NOW)
        account.add_incident({"incident_id": ID, "channel_id": CHANNEL, "title": "nj"})
        found: list[Any] = []
        async with (
            receiving(*answers) as receiver,
            served(create_simulator(account, app_key="k")) as url,
            aiohttp.ClientSession() as session,
            delivering(account, limit=PATIENCE),
        ):
            account.add_webhook(Webhook("action", f"{receiver.url}/action", "Restart", 77))
            account.add_webhook(Webhook("incident", f"{receiver.url}/incident", "hook", 78))
            for path, body in asked:
                sent = {
                    name: one(found[-1]) if callable(one) else one for name, one in body.items()
                }
                key = "integration_key" if path.startswith("/event/") else "app_key"
                value = ALERT_INTEGRATION_KEY if key == "integration_key" else "k"
                async with session.post(f"{url}{path}?{key}={value}", json=sent) as answer:
                    found.append((await answer.json())["data"])
                    assert answer.status == 200
                await account.webhooks.outbox.join()
        return found, receiver

    return asyncio.run(story())


def test_an_action_can_be_done_by_a_call() -> None:
    (data,), receiver = calls(
        ("/incident/custom-action/do", {"incident_id": ID, "integration_id": 77})
    )
    assert data == {}
    assert receiver.events == [("/action", "i_custom"), ("/incident", "i_custom")]


def test_an_action_that_failed_is_http_200_with_a_message() -> None:
    do = ("/incident/custom-action/do", {"incident_id": ID, "integration_id": 77})
    (data,), receiver = calls(do, answers=(503,))
    assert data == {"message": "HTTP status 503"}
    assert receiver.events == [("/action", "i_custom")]


def test_a_pushed_alert_answers_its_key_and_its_incident_is_told() -> None:
    event = {"title_rule": "CPU", "event_status": "Critical", "alert_key": "cpu"}
    (data,), receiver = calls(("/event/push/alert/standard", event))
    assert data == {"alert_key": "cpu"}
    assert receiver.events == [("/incident", "i_new")]


@pytest.mark.parametrize(("answer", "status"), [(200, "success"), (500, "failed")])
def test_the_history_has_what_was_delivered_to_webhooks_and_not_presses(
    answer: int, status: str
) -> None:
    found, receiver = calls(
        ("/incident/ack", {"incident_ids": [ID]}),
        ("/incident/custom-action/do", {"incident_id": ID, "integration_id": 77}),
        ("/webhook/history/list", {**WINDOW, "asc": True}),
        (
            "/webhook/history/detail",
            {"event_id": lambda data: data["items"][0]["event_id"], "integration_id": 78},
        ),
        answers=(answer,),
    )
    listed, detail = found[2], found[3]
    assert [one["event_type"] for one in listed["items"]] == ["i_ack", "i_custom"]
    assert [one["status"] for one in listed["items"]] == [status, "success"]
    assert receiver.events == [
        ("/incident", "i_ack"),
        ("/action", "i_custom"),
        ("/incident", "i_custom"),
    ]
    assert detail == {**listed["items"][0], "ref_title": "nj", "channel_name": "lim_test"}
