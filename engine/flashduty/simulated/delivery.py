"""Sends what a simulated account has to deliver, as Flashduty does (reference 1.7).

POST with the custom headers, 2 seconds, only 200 is success. One retry at most, and only after
`i/o timeout` (no connection in time), `eof` (the connection broke) and a deadline that passed
while the answer was being read; not after an answer that was too slow to begin ("awaiting
headers"), a refused connection, a TLS error or any status. Each attempt has a connection of its
own: whether the vendor keeps connections is not documented.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import aiohttp
import orjson

from engine.flashduty.simulated.account import SimulatedAccount
from engine.flashduty.simulated.history import Attempt
from engine.flashduty.simulated.ingest import ingest, is_news, read_event
from engine.flashduty.simulated.payloads import label_request
from engine.flashduty.simulated.webhooks import Delivery, Webhook

LIMIT: Final = 2.0  # seconds
Tell = Callable[[Delivery, Attempt], None]

_ATTEMPTS: Final = 2
_LONGEST_ANSWER: Final = 64 * 1024  # kept for the history
_NO_CONNECTION: Final = "dial tcp: i/o timeout"
_BROKEN: Final = "EOF"
_HALF_READ: Final = "context deadline exceeded while reading body"
_TOO_SLOW: Final = "context deadline exceeded (awaiting headers)"
_RETRIED: Final = (_NO_CONNECTION, _BROKEN, _HALF_READ)


@asynccontextmanager
async def delivering(
    account: SimulatedAccount, *, limit: float = LIMIT, tell: Tell | None = None
) -> AsyncIterator[None]:
    """Send within the block what the account's webhooks have to deliver, as it happens.

    The events of one incident (or alert) go to one webhook in their order, each after the one
    before is through with its retry; others do not wait for them.
    `await account.webhooks.outbox.join()` waits until all that happened so far is through.
    `tell` hears of each attempt, as the account's history does.
    """

    def attempted(delivery: Delivery, attempt: Attempt) -> None:
        account.history.add(delivery, attempt)
        if tell:
            tell(delivery, attempt)

    sending = asyncio.ensure_future(_send_all(account.webhooks.outbox, limit, attempted))
    try:
        yield
    finally:
        sending.cancel()
        with suppress(asyncio.CancelledError):
            await sending


async def press(
    account: SimulatedAccount,
    incident_id: str,
    integration_id: int,
    *,
    person_id: int | None = None,
    limit: float = LIMIT,
) -> str:
    """Press a custom action, as the key's own member or another; give "" or why the call failed.

    Only a press that succeeded is in the timeline, and from there in the incident webhook.
    """
    who = account.own_member_id if person_id is None else person_id
    # Not around what is awaited: other calls go on meanwhile, and are not this person's.
    with account.acting_as(who):
        delivery = account.press(incident_id, integration_id)
    *_, last = [attempt async for attempt in attempts(delivery, limit)]
    if not last.succeeded:
        return last.error
    webhook = delivery.webhook
    detail = {"integration_id": webhook.integration_id, "integration_name": webhook.name}
    account.cases.incident(incident_id).record("i_custom", detail, who)
    return ""


async def push_alert(
    account: SimulatedAccount, call: Mapping[str, Any], *, limit: float = LIMIT
) -> dict[str, Any]:
    """Take an alert event in, after asking the label-mapping APIs; give the answer's data."""
    event = read_event(account, call)
    if is_news(account, event):
        mapped: dict[str, str] = {}
        for webhook in account.webhooks.of_kind("labels"):
            if webhook.is_for(event["channel_id"]):
                mapped |= await _ask_labels(webhook, event, limit)
        name = account.integration(call["integration_key"])["integration_name"]
        ingest(account, event, mapped, name)
    return {"alert_key": event["alert_key"]}


async def attempts(delivery: Delivery, limit: float) -> AsyncIterator[Attempt]:
    """Attempt a delivery, once more if that is one of the errors that are retried."""
    for number in range(1, _ATTEMPTS + 1):
        attempt = await _attempt(delivery.webhook, delivery.body, number, limit)
        yield attempt
        if attempt.error not in _RETRIED:
            return


async def _send_all(outbox: asyncio.Queue[Delivery], limit: float, tell: Tell) -> None:
    last: dict[tuple[int, str], asyncio.Task[None]] = {}

    async def send(delivery: Delivery, before: asyncio.Task[None] | None) -> None:
        try:
            if before:
                await asyncio.wait({before})
            async for attempt in attempts(delivery, limit):
                tell(delivery, attempt)
        finally:
            outbox.task_done()

    async with asyncio.TaskGroup() as tasks:
        while True:
            delivery = await outbox.get()
            lane = (delivery.webhook.integration_id, delivery.ref_id)
            last = {key: task for key, task in last.items() if not task.done()}
            last[lane] = tasks.create_task(send(delivery, last.get(lane)))


async def _ask_labels(webhook: Webhook, event: dict[str, Any], limit: float) -> dict[str, str]:
    """Give the labels that were asked for and found: 404, an error or a late answer is none."""
    body = orjson.dumps(label_request(webhook.result_label_keys, event))
    attempt = await _attempt(webhook, body, 1, limit)
    if not attempt.succeeded:
        return {}
    try:
        labels = orjson.loads(attempt.body)["result_labels"]
        asked = [name for name in webhook.result_label_keys if isinstance(labels.get(name), str)]
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return {}
    return {name: labels[name] for name in asked}


async def _attempt(webhook: Webhook, body: bytes, number: int, limit: float) -> Attempt:
    phase = _Phase()
    began = time.monotonic()

    def attempt(status: int, error: str, **more: Any) -> Attempt:
        return Attempt(number, status, int((time.monotonic() - began) * 1000), error, **more)

    connector = aiohttp.TCPConnector(force_close=True)
    headers = {"User-Agent": "flashduty-simulator", **webhook.headers}
    headers["Content-Type"] = "application/json"
    try:
        async with (
            asyncio.timeout(limit),
            aiohttp.ClientSession(connector=connector, trace_configs=[phase.tracing()]) as session,
            session.post(webhook.url, data=body, headers=headers, allow_redirects=False) as answer,
        ):
            phase.error = _HALF_READ
            text = (await answer.read())[:_LONGEST_ANSWER].decode(errors="replace")
            shown = {str(name): value for name, value in answer.headers.items()}
            error = "" if answer.status == 200 else f"HTTP status {answer.status}"  # noqa: PLR2004
            return attempt(answer.status, error, headers=shown, body=text)
    except TimeoutError:
        return attempt(0, phase.error)
    except aiohttp.ClientConnectorError as error:
        return attempt(0, f"dial tcp: {error.strerror or error.os_error}")
    except (aiohttp.ServerDisconnectedError, aiohttp.ClientPayloadError, aiohttp.ClientOSError):
        return attempt(0, _BROKEN)
    except (aiohttp.ClientError, ValueError) as error:
        return attempt(0, f"{type(error).__name__}: {error}")


class _Phase:
    """How far a request has got, as the error it ends with when its time is up."""

    def __init__(self) -> None:
        self.error = _NO_CONNECTION

    def tracing(self) -> aiohttp.TraceConfig:
        trace = aiohttp.TraceConfig()

        async def connected(*_: Any) -> None:
            self.error = _TOO_SLOW

        trace.on_connection_create_end.append(connected)
        return trace
