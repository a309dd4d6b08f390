"""A flashduty step calls the operation it names, about the incident of the event."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from engine.flashduty.client import FlashdutyClient, Patience
from engine.flashduty.exchange import open_session
from engine.flashduty.operations import OPERATIONS
from engine.playbooks.deferred import Unknown
from engine.playbooks.step_type import Call, Failed, Report, Succeeded
from engine.steps.flashduty import Flashduty, FlashdutyParameters

INCIDENT = "6551f3888713372ad1054d57"
OTHER = "000000000000000000000001"
CALL = Call("run-1", "steps/0", 1, INCIDENT)
NOBODY = Call("run-1", "steps/0", 1, None)
CANARY = "canary0123456789abcdef"


class Account:
    """Keeps the last call, and always answers the same."""

    def __init__(self, envelope: object, status: int = 200) -> None:
        self.envelope = envelope
        self.status = status
        self.method = ""
        self.path = ""
        self.query: dict[str, str] = {}
        self.body: Any = None

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        self.method, self.path, self.query = request.method, request.path, dict(request.query)
        body = await request.read()
        self.body = json.loads(body) if body else None
        return web.json_response(self.envelope, status=self.status)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        runner = web.ServerRunner(web.Server(self))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


async def ask(base_url: str, call: Call, given: dict[str, Any]) -> Report:
    async with open_session() as session:
        client = FlashdutyClient(lambda: session, base_url, CANARY, patience=Patience(retries=0))
        return await Flashduty(client).perform(FlashdutyParameters.model_validate(given), call)


def perform(account: Account, path: str, event: Call = CALL, **given: Any) -> Report:
    async def story() -> Report:
        async with account.serving() as base_url:
            return await ask(base_url, event, {"call": path, **given})

    return asyncio.run(story())


def sent(path: str, event: Call = CALL, **given: Any) -> Any:
    """Give the body as it arrives."""
    account = Account({"data": {}})
    assert isinstance(perform(account, path, event, **given), Succeeded)
    return account.body


def error_of(report: Report) -> str:
    assert isinstance(report, Failed), report
    assert CANARY not in repr(report)
    return report.error


def offline() -> Flashduty:
    def no_session() -> aiohttp.ClientSession:
        raise AssertionError("a plan asks nobody")

    return Flashduty(FlashdutyClient(no_session, "http://nowhere.invalid", None))


def parameters(path: object, **given: Any) -> FlashdutyParameters:
    return FlashdutyParameters.model_validate({"call": path, **given})


@pytest.mark.parametrize("path", ["incident/comment", "/incident/comment"])
def test_the_incident_of_the_event_is_filled_in(path: str) -> None:
    account = Account({"request_id": "r1", "data": None})
    report = perform(account, path, comment="Restarted")
    assert report == Succeeded({"data": None, "request_id": "r1"})
    assert (account.method, account.path) == ("POST", "/incident/comment")
    assert account.query == {"app_key": CANARY}
    assert account.body == {"incident_ids": [INCIDENT], "comment": "Restarted"}


@pytest.mark.parametrize("path", OPERATIONS)
def test_each_operation_gets_the_incident_where_it_takes_one(path: str) -> None:
    filled = {
        "incident_id": {"incident_id": INCIDENT},
        "incident_ids": {"incident_ids": [INCIDENT]},
        None: {},
    }[OPERATIONS[path].incident]
    planned = offline().plan(parameters(path), CALL)
    assert planned.details == {"call": path, "body": filled}


@pytest.mark.parametrize(
    "named",
    [
        {"incident_ids": [OTHER]},
        {"incident_id": OTHER},
        {"incident_ids": []},
        {"incident_ids": None},
    ],
)
def test_an_incident_that_is_named_wins(named: dict[str, Any]) -> None:
    assert sent("incident/ack", **named) == named


def test_an_event_without_an_incident_fills_in_nothing() -> None:
    assert sent("incident/ack", NOBODY) == {}


def test_an_operation_that_is_not_in_the_table_gets_what_is_given() -> None:
    assert sent("incident/new-thing", a=[1, {"b": None}]) == {"a": [1, {"b": None}]}


def test_a_get_operation_uses_the_query() -> None:
    account = Account({"data": {"items": []}})
    report = perform(account, "status-page/change/list", page_id=5, type="incident")
    assert report == Succeeded({"data": {"items": []}, "request_id": None})
    assert account.method == "GET"
    assert account.query == {"app_key": CANARY, "page_id": "5", "type": "incident"}
    assert account.body is None


@pytest.mark.parametrize("envelope", [{"data": None}, {"data": {}}, {}])
def test_data_may_be_null_or_empty_or_absent(envelope: dict[str, Any]) -> None:
    data = envelope.get("data")
    report = perform(Account(envelope), "incident/ack")
    assert report == Succeeded({"data": data, "request_id": None})


@pytest.mark.parametrize("code", ["ResourceNotFound", "NeverHeardOf"])
def test_an_error_code_is_a_failure_even_with_http_200(code: str) -> None:
    envelope = {"request_id": "r1", "error": {"code": code, "message": "no such incident"}}
    report = perform(Account(envelope), "incident/ack")
    assert error_of(report) == f"{code}: no such incident (request r1)"


def test_a_failure_leaves_its_code_for_the_steps_after_it() -> None:
    envelope = {"request_id": "r1", "error": {"code": "ResourceNotFound", "message": "gone"}}
    report = perform(Account(envelope, 400), "incident/comment", comment="a")
    assert report == Failed(
        "ResourceNotFound: gone (request r1)",
        {
            "data": None,
            "request_id": "r1",
            "code": "ResourceNotFound",
            "message": "gone",
            "status": 400,
        },
        retryable=False,
    )


def test_a_custom_action_whose_own_call_failed_is_a_failure_that_is_not_tried_again() -> None:
    envelope = {"request_id": "r1", "data": {"message": "HTTP 502"}}
    report = perform(Account(envelope), "incident/custom-action/do", integration_id=17)
    assert error_of(report) == "ActionFailed: HTTP 502 (request r1)"
    assert isinstance(report, Failed)
    assert not report.retryable


def test_a_failure_without_a_request_id_does_not_name_one() -> None:
    report = perform(Account({"error": {"code": "BadRequest", "message": "no"}}, 400), "a/b")
    assert error_of(report) == "BadRequest: no"


def test_a_connection_that_is_refused_is_a_failure_without_the_key(refusing_port: int) -> None:
    base_url = f"http://127.0.0.1:{refusing_port}"
    said = error_of(asyncio.run(ask(base_url, CALL, {"call": "incident/ack"})))
    assert said.startswith(f"NoConnection: {base_url}: ")


def test_without_a_key_it_says_where_to_set_one() -> None:
    report = asyncio.run(offline().perform(parameters("incident/ack"), CALL))
    said = "flashduty.app_key is not set in config.yaml"
    result = {"data": None, "request_id": None, "code": "NoAppKey", "message": said, "status": None}
    assert report == Failed(f"NoAppKey: {said}", result, retryable=False)


def test_a_plan_says_what_would_be_called_and_with_what() -> None:
    planned = offline().plan(parameters("incident/comment/", comment="Done"), CALL)
    assert planned.summary == "flashduty /incident/comment"
    assert planned.details == {
        "call": "/incident/comment",
        "body": {"comment": "Done", "incident_ids": [INCIDENT]},
    }


@pytest.mark.parametrize("key", ["int-key-1", Unknown("steps.a")])
def test_a_plan_masks_the_integration_key_of_a_push(key: object) -> None:
    path = "event/push/change/standard"
    planned = offline().plan(parameters(path, title="t", integration_key=key), CALL)
    assert planned.details["body"] == {"title": "t", "integration_key": "******"}


def test_a_push_is_sent_with_its_own_key() -> None:
    account = Account({"data": {"alert_key": "a"}})
    perform(account, "event/push/alert/standard", title_rule="t", integration_key="int-key-1")
    assert account.query == {"integration_key": "int-key-1"}
    assert account.body == {"title_rule": "t"}


def test_a_plan_shows_what_is_not_known_yet() -> None:
    planned = offline().plan(parameters(Unknown("vars.call"), comment=Unknown("steps.a")), CALL)
    assert planned.summary == "flashduty /‹vars.call›"
    assert str(planned.details["body"]) == "{'comment': ‹steps.a›}"


@pytest.mark.parametrize(
    ("path", "harmless"),
    [
        ("incident/ack", True),
        ("/incident/info", True),
        ("incident/comment", False),
        ("incident/new-thing", False),
        (Unknown("vars.call"), False),
    ],
)
def test_it_may_be_repeated_where_the_table_says_so(path: object, *, harmless: bool) -> None:
    assert offline().harmless_to_repeat(parameters(path)) is harmless


def test_what_it_will_answer_nobody_knows() -> None:
    assert offline().foretell(parameters("incident/info")) is None


def test_a_path_alone_is_enough() -> None:
    assert FlashdutyParameters.shorthand == "call"
