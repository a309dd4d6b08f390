"""Webhooks are delivered as Flashduty does: in order, within 2 seconds, with one retry at most."""

import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from engine.flashduty.simulated.account import SimulatedAccount
from engine.flashduty.simulated.delivery import LIMIT, delivering, press, push_alert
from engine.flashduty.simulated.organization import CHANNEL
from engine.flashduty.simulated.refusal import RefusalError
from engine.flashduty.simulated.sample import ALERT_INTEGRATION_KEY, sample_account
from engine.flashduty.simulated.webhooks import Kind, Webhook
from tests import jumping_time
from tests.flashduty.receiving import Receiver, receiving

NOW = 1_795_000_000
ID = "6551f3888713372ad1054d57"
OTHER = "6551f3888713372ad1054d58"
ME = 3790925372131
ZHANGSAN = 1234648032504
NO_HURRY = 30.0  # seconds, instead of the 2 of the vendor, where no answer is too slow
SLOW = {"slow", "slow body"}


def new_account() -> SimulatedAccount:
    account = sample_account(lambda: NOW)
    for incident_id in (ID, OTHER):
        account.add_incident(
            {
                "incident_id": incident_id,
                "alerts": [{"alert_id": f"a{incident_id[1:]}", "title": "nj"}],
                "channel_id": CHANNEL,
                "incident_severity": "Critical",
                "title": "nj",
            }
        )
    return account


def story(
    happen: Callable[[SimulatedAccount, Receiver], Awaitable[Any]],
    *answers: Any,
    kinds: tuple[Kind, ...] = ("incident",),
) -> tuple[SimulatedAccount, Receiver]:
    """Let something happen in an account that delivers to a receiver, until all is delivered."""

    async def told() -> tuple[SimulatedAccount, Receiver]:
        account = new_account()
        async with receiving(*answers) as receiver:
            for kind in kinds:
                account.add_webhook(
                    Webhook(kind, f"{receiver.url}/{kind}?a=a", headers={"X-Custom-Token": "s3"})
                )
            async with delivering(account, limit=limit_for(answers)):
                await happen(account, receiver)
                await account.webhooks.outbox.join()
        return account, receiver

    return jumping_time.run(told())


def limit_for(answers: Sequence[Any]) -> float:
    return LIMIT if SLOW & set(map(str, answers)) else NO_HURRY


async def comment(account: SimulatedAccount, _receiver: Receiver) -> None:
    account.comment([ID], "Hello.", mute_reply=True)


def recorded(account: SimulatedAccount) -> list[dict[str, Any]]:
    window = {"start_time": (NOW - 60) * 1000, "end_time": (NOW + 60) * 1000, "limit": 100}
    items: list[dict[str, Any]] = account.history.page({**window, "asc": True})["items"]
    return items


def attempts(account: SimulatedAccount) -> list[tuple[int, str, int, str]]:
    names = ("attempt", "status", "status_code", "error_message")
    return [tuple(one[name] for name in names) for one in recorded(account)]


# How an attempt ends ------------------------------------------------------------------------


def test_the_limit_is_the_vendors() -> None:
    assert LIMIT == 2.0


def test_a_delivery_is_a_post_of_json_with_the_custom_headers() -> None:
    account, receiver = story(comment)
    (delivered,) = receiver.delivered
    assert delivered.path == "/incident"
    assert delivered.headers["content-type"] == "application/json"
    assert delivered.headers["x-custom-token"] == "s3"
    assert attempts(account) == [(1, "success", 200, "")]


@pytest.mark.parametrize("status", [201, 202, 204, 301, 400, 401, 404, 429, 500, 503])
def test_only_200_is_success_and_no_status_is_retried(status: int) -> None:
    account, receiver = story(comment, status)
    assert len(receiver.delivered) == 1
    assert attempts(account) == [(1, "failed", status, f"HTTP status {status}")]


def test_an_answer_that_is_too_slow_is_not_retried() -> None:
    account, receiver = story(comment, "slow")
    assert len(receiver.delivered) == 1
    late = "context deadline exceeded (awaiting headers)"
    assert attempts(account) == [(1, "failed", 0, late)]


def test_a_broken_connection_is_retried_once_with_the_same_event_id() -> None:
    account, receiver = story(comment, "cut")
    first, second = receiver.delivered
    assert first.body == second.body
    assert attempts(account) == [(1, "failed", 0, "EOF"), (2, "success", 200, "")]
    ids = {one["event_id"] for one in recorded(account)}
    assert len(ids) == 2
    assert first.body["event_id"] not in ids


def test_there_is_no_second_retry() -> None:
    account, receiver = story(comment, "cut", "cut")
    assert len(receiver.delivered) == 2
    assert attempts(account) == [(1, "failed", 0, "EOF"), (2, "failed", 0, "EOF")]


def test_an_answer_that_began_and_did_not_end_is_retried() -> None:
    account, receiver = story(comment, "slow body")
    assert len(receiver.delivered) == 2
    late = "context deadline exceeded while reading body"
    assert [one[3] for one in attempts(account)] == [late, ""]


def test_a_refused_connection_is_not_retried(refusing_port: int) -> None:
    async def to_nobody() -> SimulatedAccount:
        account = new_account()
        account.add_webhook(Webhook("incident", f"http://127.0.0.1:{refusing_port}/"))
        async with delivering(account):
            account.comment([ID], "Hello.", mute_reply=True)
            await account.webhooks.outbox.join()
        return account

    ((number, status, code, error),) = attempts(jumping_time.run(to_nobody()))
    assert (number, status, code) == (1, "failed", 0)
    assert error.startswith("dial tcp: ")


def test_a_connection_that_is_not_made_in_time_is_retried_once() -> None:
    async def to_a_full_queue() -> SimulatedAccount:
        account = new_account()
        # A listener that accepts nobody: once its queue is full, connecting hangs.
        with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
            address = listener.getsockname()
            waiting = [socket.socket() for _ in range(4)]
            for one in waiting:
                one.settimeout(0)
                one.connect_ex(address)
            account.add_webhook(Webhook("incident", f"http://127.0.0.1:{address[1]}/"))
            async with delivering(account):
                account.comment([ID], "Hello.", mute_reply=True)
                await account.webhooks.outbox.join()
            for one in waiting:
                one.close()
        return account

    late = "dial tcp: i/o timeout"
    assert attempts(jumping_time.run(to_a_full_queue())) == [
        (1, "failed", 0, late),
        (2, "failed", 0, late),
    ]


def test_a_tls_error_is_not_retried() -> None:
    async def over_tls(account: SimulatedAccount, receiver: Receiver) -> None:
        account.add_webhook(Webhook("incident", receiver.url.replace("http:", "https:")))
        account.comment([ID], "Hello.", mute_reply=True)

    account, _ = story(over_tls, kinds=())
    ((number, status, code, _),) = attempts(account)
    assert (number, status, code) == (1, "failed", 0)


def test_an_address_that_is_none_is_a_failed_delivery_and_others_go_on() -> None:
    async def to_nowhere(account: SimulatedAccount, receiver: Receiver) -> None:
        account.add_webhook(Webhook("incident", "http:///nowhere"))
        account.add_webhook(Webhook("incident", f"{receiver.url}/incident"))
        account.comment([ID], "Hello.", mute_reply=True)

    account, receiver = story(to_nowhere, kinds=())
    assert sorted(one[:3] for one in attempts(account)) == [
        (1, "failed", 0),
        (1, "success", 200),
    ]
    assert receiver.events == [("/incident", "i_comm")]


def test_whoever_wants_to_hears_of_every_attempt() -> None:
    heard: list[tuple[str, int, int]] = []

    async def told() -> None:
        account = new_account()
        async with (
            receiving("cut") as receiver,
            delivering(
                account,
                limit=NO_HURRY,
                tell=lambda what, how: heard.append((what.ref_id, how.number, how.status)),
            ),
        ):
            account.add_webhook(Webhook("incident", receiver.url))
            account.comment([ID], "Hello.", mute_reply=True)
            await account.webhooks.outbox.join()

    jumping_time.run(told())
    assert heard == [(ID, 1, 0), (ID, 2, 200)]


# Order --------------------------------------------------------------------------------------


def test_events_of_one_incident_wait_for_each_other_and_for_nobody_else() -> None:
    async def happen(account: SimulatedAccount, _receiver: Receiver) -> None:
        account.acknowledge([ID])
        account.comment([ID], "Hello.", mute_reply=True)
        account.comment([OTHER], "Hello.", mute_reply=True)

    _, receiver = story(happen, "slow")
    assert receiver.delivered[0].body["event_type"] == "i_ack"
    assert [one.body["incident"]["incident_id"] for one in receiver.delivered] == [ID, OTHER, ID]


def test_an_api_call_does_not_wait_for_its_webhooks() -> None:
    async def happen(account: SimulatedAccount, receiver: Receiver) -> None:
        account.comment([ID], "Hello.", mute_reply=True)
        assert receiver.delivered == []

    assert len(story(happen)[1].delivered) == 1


# Buttons ------------------------------------------------------------------------------------


def pressed(
    *answers: Any, event_types: tuple[str, ...] = ()
) -> tuple[str, SimulatedAccount, Receiver]:
    said = []

    async def happen(account: SimulatedAccount, receiver: Receiver) -> None:
        account.add_webhook(
            Webhook("incident", f"{receiver.url}/incident", event_types=event_types)
        )
        button = account.add_webhook(Webhook("action", f"{receiver.url}/action", "Restart"))
        limit = limit_for(answers)
        said.append(
            await press(account, ID, button.integration_id, person_id=ZHANGSAN, limit=limit)
        )

    account, receiver = story(happen, *answers, kinds=())
    return said[0], account, receiver


def test_a_press_is_delivered_and_then_told_to_the_incident_webhook_too() -> None:
    message, account, receiver = pressed()
    assert message == ""
    assert receiver.events == [("/action", "i_custom"), ("/incident", "i_custom")]
    action, incident = (one.body for one in receiver.delivered)
    assert (
        action["person"]
        == incident["person"]
        == {
            "person_id": ZHANGSAN,
            "person_name": "zhangsan",
            "email": "zhangsan@toutie.com",
        }
    )
    assert [alert["title"] for alert in action["incident"]["alerts"]] == ["nj"]
    assert "alerts" not in incident["incident"]
    assert len(action["incident"]["event_id"]) == 32
    assert "event_id" not in action
    (entry,) = [one for one in account.feed(ID) if one["type"] == "i_custom"]
    assert entry["creator_id"] == ZHANGSAN
    assert entry["detail"]["integration_name"] == "Restart"
    assert [one["webhook_type"] for one in recorded(account)] == ["incident"]


@pytest.mark.parametrize(
    ("answer", "message"),
    [(500, "HTTP status 500"), ("slow", "context deadline exceeded (awaiting headers)")],
)
def test_a_press_that_failed_says_so_and_is_not_in_the_timeline(answer: Any, message: str) -> None:
    said, account, receiver = pressed(answer)
    assert said == message
    assert receiver.events == [("/action", "i_custom")]
    assert [one["type"] for one in account.feed(ID)] == ["i_new"]


def test_a_button_is_for_its_channels_and_must_be_there() -> None:
    account = new_account()
    button = account.add_webhook(Webhook("action", "http://127.0.0.1:1/", channel_ids=(7,)))
    hook = account.add_webhook(Webhook("incident", "http://127.0.0.1:1/"))
    with pytest.raises(RefusalError, match="is not associated with channel"):
        account.press(ID, button.integration_id)
    with pytest.raises(RefusalError, match="is not found"):
        account.press(ID, hook.integration_id)


def test_where_the_event_id_of_a_press_is_can_be_chosen() -> None:
    async def happen(account: SimulatedAccount, receiver: Receiver) -> None:
        button = account.add_webhook(Webhook("action", receiver.url, event_id_in="top"))
        await press(account, ID, button.integration_id, limit=NO_HURRY)

    _, receiver = story(happen, kinds=())
    (body,) = [one.body for one in receiver.delivered]
    assert len(body["event_id"]) == 32
    assert "event_id" not in body["incident"]
    assert body["person"]["person_id"] == ME


# Labels -------------------------------------------------------------------------------------


def mapped(*answers: Any) -> tuple[dict[str, str], Receiver]:
    """Give the labels of an alert that is pushed while somebody is asked for more."""

    async def happen(account: SimulatedAccount, receiver: Receiver) -> None:
        keys = ("owner", "tier")
        account.add_webhook(Webhook("labels", receiver.url, result_label_keys=keys))
        call: dict[str, Any] = {
            "title_rule": "CPU",
            "event_status": "Critical",
            "labels": {"service": "engine"},
        }
        call["integration_key"] = ALERT_INTEGRATION_KEY
        await push_alert(account, call, limit=limit_for(answers))

    account, receiver = story(happen, *answers, kinds=())
    (alert,) = [one.info() for one in account.cases.all_alerts() if one.info()["title"] == "CPU"]
    return alert["labels"], receiver


def test_an_alert_that_comes_in_gets_the_labels_that_were_asked_for() -> None:
    labels, receiver = mapped({"result_labels": {"owner": "team-a", "other": "no", "tier": 1}})
    assert labels == {"service": "engine", "owner": "team-a"}
    (asked,) = [one.body for one in receiver.delivered]
    assert asked["result_label_keys"] == ["owner", "tier"]
    assert asked["event"]["labels"] == {"service": "engine"}
    assert asked["event"]["event_time"] == NOW


@pytest.mark.parametrize("answer", [404, 500, "slow", "cut", [], {"result_labels": ["owner"]}])
def test_without_an_answer_it_comes_in_as_it_is_and_nobody_is_asked_twice(answer: Any) -> None:
    labels, receiver = mapped(answer)
    assert labels == {"service": "engine"}
    assert len(receiver.delivered) == 1
