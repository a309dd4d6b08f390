"""One exchange reads every answer the vendor's reference allows, and never tells a key.

The servers are real ones, on a port of this machine.
"""

import asyncio
import contextlib
import gzip
import json
import logging
import shutil
import ssl
import subprocess
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from engine.flashduty import answer as answer_module
from engine.flashduty import exchange as exchange_module
from engine.flashduty.answer import Answer, FlashdutyError
from engine.flashduty.exchange import Exchange, open_session
from engine.flashduty.operations import operation_at
from tests import jumping_time
from tests.flashduty.servers import Account, Handler, cutting, serving

CANARY = "canary/0123+456 789=abcdef"
CANARY_FORMS = ("canary/0123", "canary%2F0123", "canary%2f0123", "789=abcdef", "789%3Dabcdef")
PATIENCE = 60.0  # seconds


async def ask(base_url: str, path: str, parameters: Mapping[str, Any]) -> Answer:
    async with open_session() as session:
        exchange = Exchange(lambda: session, base_url, CANARY, None)
        return await exchange.once(operation_at(path), parameters, PATIENCE)


def call(handler: Handler, path: str = "incident/info", /, **parameters: Any) -> Answer:
    async def story() -> Answer:
        async with serving(handler) as base_url:
            return await ask(base_url, path, parameters)

    return asyncio.run(story())


def refused(handler: Handler, path: str = "incident/info", /, **parameters: Any) -> FlashdutyError:
    with pytest.raises(FlashdutyError) as caught:
        call(handler, path, **parameters)
    tells_no_key(caught.value)
    return caught.value


def refused_by(base_url: str) -> FlashdutyError:
    with pytest.raises(FlashdutyError) as caught:
        asyncio.run(ask(base_url, "incident/info", {}))
    tells_no_key(caught.value)
    return caught.value


def tells_no_key(error: FlashdutyError) -> None:
    """Neither the error nor what it came from, which a traceback would show."""
    assert error.__suppress_context__ or error.__context__ is None
    assert error.__cause__ is None
    said = f"{error} {error!r} {vars(error)}"
    assert not [form for form in CANARY_FORMS if form in said]


# What is sent


def test_a_call_is_a_post_of_json_with_the_key_in_the_query() -> None:
    account = Account({"data": {}})
    call(account, "incident/comment", incident_ids=["a"], comment="schön")
    assert (account.method, account.path) == ("POST", "/incident/comment")
    assert account.query == {"app_key": CANARY}
    assert json.loads(account.body) == {"incident_ids": ["a"], "comment": "schön"}
    assert account.sent["Content-Type"] == "application/json"
    assert account.sent["User-Agent"] == "flashduty-engine"


def test_a_call_without_parameters_still_sends_an_object() -> None:
    account = Account({"data": {}})
    call(account, "member/list")
    assert account.body == b"{}"


@pytest.mark.parametrize("path", ["incident/info", "/incident/info", "/incident/info/"])
def test_a_path_may_begin_with_a_slash_or_not(path: str) -> None:
    account = Account({"data": {}})
    call(account, path)
    assert account.path == "/incident/info"


def test_a_base_url_may_have_a_path_and_a_last_slash() -> None:
    account = Account({"data": {}})

    async def story() -> None:
        async with serving(account) as base_url:
            await ask(f"{base_url}/flashduty/", "incident/info", {})

    asyncio.run(story())
    assert account.path == "/flashduty/incident/info"


def test_an_operation_that_is_a_get_takes_its_parameters_from_the_query() -> None:
    account = Account({"data": {}})
    call(account, "status-page/change/list", page_id=5, type="a b&c", all=True, asc=False, p=None)
    assert account.method == "GET"
    assert account.query == {
        "app_key": CANARY,
        "page_id": "5",
        "type": "a b&c",
        "all": "true",
        "asc": "false",
    }
    assert account.body == b""


@pytest.mark.parametrize("value", [2**70, "\ud800"])
def test_what_json_has_no_room_for_is_not_sent(value: object) -> None:
    account = Account({"data": {}})
    error = refused(account, "incident/comment", comment=value)
    assert error.code == "NotJsonParameters"
    assert error.message.startswith("its parameters: ")
    assert account.method == ""


def test_without_a_key_nothing_is_sent() -> None:
    def no_session() -> aiohttp.ClientSession:
        raise AssertionError("it asks nobody")

    exchange = Exchange(no_session, "http://a", None, None)
    with pytest.raises(FlashdutyError) as caught:
        asyncio.run(exchange.once(operation_at("incident/info"), {}, PATIENCE))
    assert caught.value.took_effect == "no"
    assert str(caught.value) == "NoAppKey: flashduty.app_key is not set in config.yaml"


# What is answered


@pytest.mark.parametrize(
    ("envelope", "data"),
    [
        ({"request_id": "r1", "data": {"a": 1}}, {"a": 1}),
        ({"request_id": "r1", "data": None}, None),
        ({"request_id": "r1", "data": {}}, {}),
        ({"request_id": "r1"}, None),
        ({"request_id": "r1", "error": None, "data": [1]}, [1]),
        ({"request_id": "r1", "error": {}, "data": [1]}, [1]),
        ({"request_id": "r1", "error": {"code": "OK", "message": ""}, "data": [1]}, [1]),
        ({"request_id": "r1", "error": {"code": "ok"}, "data": [1]}, [1]),
        ({"request_id": "r1", "error": {"code": 0}, "data": [1]}, [1]),
        ({"request_id": "r1", "error": {"code": "0"}, "data": [1]}, [1]),
        ({"request_id": "r1", "error": {"code": ""}, "data": [1]}, [1]),
        ({"request_id": "r1", "error": {"code": None}, "data": [1]}, [1]),
    ],
)
def test_success_is_the_absence_of_an_error_code(envelope: object, data: object) -> None:
    assert call(Account(envelope)) == Answer(data, "r1")


def test_the_request_id_may_stand_in_the_header_alone() -> None:
    assert call(Account({"data": 1}, Flashcat_Request_Id="r2")) == Answer(1, "r2")


@pytest.mark.parametrize("status", [200, 400, 401, 429, 500])
@pytest.mark.parametrize("code", ["ResourceNotFound", "SomethingNew", "okay"])
def test_an_error_code_is_a_failure_whatever_the_status(status: int, code: str) -> None:
    envelope = {"request_id": "r1", "error": {"code": code, "message": "no such incident"}}
    error = refused(Account(envelope, status))
    assert str(error) == f"{code}: no such incident"
    assert (error.code, error.message) == (code, "no such incident")
    assert (error.status, error.request_id) == (status, "r1")


def test_an_error_without_a_message_says_so() -> None:
    assert str(refused(Account({"error": {"code": "BadRequest"}}))) == "BadRequest: no message"
    envelope = {"error": {"code": "BadRequest", "message": None}}
    assert str(refused(Account(envelope))) == "BadRequest: no message"


@pytest.mark.parametrize("envelope", [{}, {"data": {}}, {"error": {"code": "OK"}}])
@pytest.mark.parametrize("status", [302, 404, 502])
def test_a_bad_status_without_a_code_is_a_failure(status: int, envelope: object) -> None:
    error = refused(Account(envelope, status, Location="/elsewhere"))
    assert str(error) == f"HTTP{status}: no message"


def test_an_error_that_is_no_object_is_a_failure() -> None:
    error = refused(Account({"request_id": "r1", "error": "boom"}))
    assert str(error) == "NotAnEnvelope: HTTP 200 with the error 'boom'"
    assert error.request_id == "r1"


def test_an_answer_that_is_no_json_is_a_failure() -> None:
    error = refused(Account("<html>" + "x" * 200, 502, Flashcat_Request_Id="r1"))
    assert str(error) == f"NotJson: HTTP 502 with '<html>{'x' * 94}'"
    assert (error.status, error.request_id) == (502, "r1")


@pytest.mark.parametrize("text", ["[]", "null", '"OK"', "1"])
def test_json_that_is_no_object_is_a_failure(text: str) -> None:
    error = refused(Account(text, Flashcat_Request_Id="r1"))
    assert str(error) == "NotAnEnvelope: HTTP 200 with no object"
    assert error.request_id == "r1"


def test_a_long_answer_is_read_whole() -> None:
    data = ["x" * 100_000] * 20
    assert call(Account({"data": data})).data == data


def limit_answers(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    for module in (answer_module, exchange_module):
        monkeypatch.setattr(module, "MAX_ANSWER", most)


def test_an_endless_answer_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    limit_answers(monkeypatch, 100_000)
    error = refused(Account({"data": "x" * 1_000_000}, Flashcat_Request_Id="r1"))
    assert str(error) == "AnswerTooLong: HTTP 200 with more than 100000 bytes"
    assert (error.status, error.request_id) == (200, "r1")


def test_an_answer_of_just_the_limit_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    text = json.dumps({"data": "x" * 1000})
    limit_answers(monkeypatch, len(text))
    assert call(Account(text)).data == "x" * 1000


def test_a_gzip_bomb_is_read_to_the_limit_and_not_further(monkeypatch: pytest.MonkeyPatch) -> None:
    limit_answers(monkeypatch, 100_000)
    bomb = gzip.compress(b" " * 50_000_000)

    async def explode(_: web.BaseRequest) -> web.StreamResponse:
        headers = {"Content-Encoding": "gzip", "Flashcat-Request-Id": "r1"}
        return web.Response(body=bomb, headers=headers)

    error = refused(explode)
    assert (error.code, error.took_effect, error.request_id) == ("AnswerTooLong", "unknown", "r1")


def test_what_says_it_is_gzip_and_is_not_is_a_broken_exchange() -> None:
    async def lie(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=b"{}", headers={"Content-Encoding": "gzip"})

    assert refused(lie).code == "BrokenExchange"


def test_a_redirect_is_not_followed_with_the_key() -> None:
    account = Account({}, 302, Location="/elsewhere")
    error = refused(account)
    assert (error.code, error.took_effect) == ("HTTP302", "no")
    assert account.path == "/incident/info"


# A push is let in by its own key


def push(handler: Handler, app_key: str | None = CANARY, **given: Any) -> Answer:
    async def story() -> Answer:
        async with serving(handler) as base_url, open_session() as session:
            exchange = Exchange(lambda: session, base_url, app_key, None)
            operation = operation_at("event/push/change/standard")
            return await exchange.once(operation, given, PATIENCE)

    return asyncio.run(story())


@pytest.mark.parametrize("app_key", [CANARY, None])
def test_an_integration_key_goes_into_the_query_and_the_app_key_does_not(
    app_key: str | None,
) -> None:
    account = Account({"data": {}})
    push(account, app_key, title="t", integration_key="int-key/1")
    assert account.query == {"integration_key": "int-key/1"}
    assert json.loads(account.body) == {"title": "t"}


@pytest.mark.parametrize("given", [{}, {"integration_key": None}, {"integration_key": ""}])
def test_a_push_without_its_key_is_not_sent(given: dict[str, Any]) -> None:
    account = Account({"data": {}})
    with pytest.raises(FlashdutyError) as caught:
        push(account, title="t", **given)
    assert (caught.value.took_effect, caught.value.may_pass, account.method) == ("no", False, "")
    said = "NoIntegrationKey: /event/push/change/standard needs the parameter integration_key"
    assert str(caught.value) == said


def test_an_integration_key_is_told_by_no_error() -> None:
    async def quote(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text=f"{request.raw_path} {CANARY}", status=502)

    with pytest.raises(FlashdutyError) as caught:
        push(quote, integration_key="int-key/1")
    tells_no_key(caught.value)
    assert caught.value.message == (
        "HTTP 502 with '/event/push/change/standard?integration_key=****** ******'"
    )


# What can go wrong tells no key


async def _quote_the_url(request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(text=f"<p>{request.raw_path} {request.query['app_key']}</p>", status=502)


async def _quote_the_key(request: web.BaseRequest) -> web.StreamResponse:
    key = request.query["app_key"]
    return web.json_response({"error": {"code": f"Bad {key}", "message": f"bad key: {key}"}})


async def _quote_the_key_elsewhere(request: web.BaseRequest) -> web.StreamResponse:
    return web.json_response({"error": ["bad key", request.query["app_key"]]})


def test_a_proxy_that_quotes_the_url_tells_no_key() -> None:
    error = refused(_quote_the_url)
    assert str(error) == "NotJson: HTTP 502 with '<p>/incident/info?app_key=****** ******</p>'"


def test_an_error_that_quotes_the_key_tells_no_key() -> None:
    assert str(refused(_quote_the_key)) == "Bad ******: bad key: ******"
    said = "NotAnEnvelope: HTTP 200 with the error ['bad key', '******']"
    assert str(refused(_quote_the_key_elsewhere)) == said


def test_what_everybody_logs_tells_no_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def story() -> str:
        asyncio.get_running_loop().set_debug(True)
        async with cutting(b"") as base_url, open_session() as session:
            exchange = Exchange(lambda: session, base_url, CANARY, None)
            with pytest.raises(FlashdutyError) as caught:
                await exchange.once(operation_at("incident/comment"), {}, PATIENCE)
            shown = "".join(traceback.format_exception(caught.value))
            return f"{shown} {exchange!r} {session!r}"

    shown = asyncio.run(story())
    assert caplog.records
    assert not [form for form in CANARY_FORMS if form in shown + caplog.text]


def test_a_parameter_does_not_take_the_keys_place() -> None:
    account = Account({"data": {}})
    call(account, "status-page/change/list", app_key="another")
    assert account.query == {"app_key": CANARY}


def test_a_refused_connection_tells_no_key(refusing_port: int) -> None:
    base_url = f"http://127.0.0.1:{refusing_port}"
    error = refused_by(base_url)
    assert (error.code, error.took_effect) == ("NoConnection", "no")
    assert error.message.startswith(f"{base_url}: ")
    assert "onnect" in error.message


def test_a_name_nobody_knows_tells_no_key() -> None:
    error = refused_by("http://no-such-host.invalid")
    assert error.code == "NoConnection"
    assert error.message.startswith("http://no-such-host.invalid: ")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"", "ServerDisconnectedError"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", "ClientPayloadError"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "ClientResponseError"),
    ],
)
def test_a_broken_exchange_tells_no_key(answer: bytes, said: str) -> None:
    async def story() -> None:
        async with cutting(answer) as base_url:
            await ask(base_url, "incident/comment", {})

    with pytest.raises(FlashdutyError) as caught:
        asyncio.run(story())
    tells_no_key(caught.value)
    assert caught.value.took_effect == "unknown"
    assert str(caught.value) == (
        f"BrokenExchange: {said} while calling /incident/comment, once it was being sent"
    )


@pytest.mark.parametrize(
    "base_url",
    ["http://", "http://[::1", "http://127.0.0.1:99999", "nowhere", f"http://{'a' * 70}.invalid"],
)
def test_a_base_url_that_is_none_tells_no_key(base_url: str) -> None:
    error = refused_by(base_url)
    assert error.code == "InvalidURL"
    assert error.message == f"flashduty.base_url is no URL: {base_url.rstrip('/')}"


def test_an_answer_that_does_not_come_in_time_tells_no_key() -> None:
    async def story() -> None:
        done = asyncio.Event()

        async def never(request: web.BaseRequest) -> web.StreamResponse:
            if request.path == "/incident/ack":
                await done.wait()
            return web.json_response({"data": None})

        async with serving(never) as base_url, open_session() as session:
            exchange = Exchange(lambda: session, base_url, CANARY, None)
            await exchange.once(operation_at("incident/info"), {}, PATIENCE)  # now it is connected
            try:
                await exchange.once(operation_at("incident/ack"), {}, 0.1)
            finally:
                done.set()

    with pytest.raises(FlashdutyError) as caught:
        jumping_time.run(story())
    tells_no_key(caught.value)
    assert (caught.value.code, caught.value.took_effect) == ("TimedOut", "unknown")
    assert caught.value.message == "no answer of /incident/ack within 100ms"


def test_a_request_that_never_got_a_connection_took_no_effect() -> None:
    """The only connection of the pool is taken, so that the time is over before it is sent."""

    async def story() -> None:
        arrived, done = asyncio.Event(), asyncio.Event()

        async def never(_: web.BaseRequest) -> web.StreamResponse:
            arrived.set()
            await done.wait()
            return web.Response()

        async with serving(never) as base_url, open_session(connections=1) as session:
            exchange = Exchange(lambda: session, base_url, CANARY, None)
            comment = operation_at("incident/comment")
            first = asyncio.ensure_future(exchange.once(comment, {}, PATIENCE))
            async with asyncio.timeout(PATIENCE):
                await arrived.wait()
            try:
                await exchange.once(comment, {}, 0.1)
            finally:
                done.set()
                with contextlib.suppress(FlashdutyError):
                    await first

    with pytest.raises(FlashdutyError) as caught:
        jumping_time.run(story())
    assert (caught.value.code, caught.value.took_effect) == ("NoConnection", "no")
    assert caught.value.message.endswith(": no connection within 100ms")


def test_a_session_that_nobody_watches_counts_as_having_sent() -> None:
    async def story() -> None:
        async with cutting(b"") as base_url, aiohttp.ClientSession() as session:
            exchange = Exchange(lambda: session, base_url, CANARY, None)
            await exchange.once(operation_at("incident/comment"), {}, PATIENCE)

    with pytest.raises(FlashdutyError) as caught:
        asyncio.run(story())
    assert (caught.value.code, caught.value.took_effect) == ("BrokenExchange", "unknown")


def test_a_certificate_nobody_signed_is_refused_and_told_no_key(tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl here to make a certificate with")
    made, signed = str(tmp_path / "made.pem"), str(tmp_path / "signed.pem")
    words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=me"]
    words += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", made, "-out", signed]
    subprocess.run([openssl, *words], check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(signed, made)
    account = Account({"data": {}})

    async def story() -> None:
        async with serving(account, tls) as base_url:
            await ask(base_url, "incident/info", {})

    with pytest.raises(FlashdutyError) as caught:
        asyncio.run(story())
    tells_no_key(caught.value)
    assert caught.value.code == "NoConnection"
    assert ": its certificate is not trusted: self" in caught.value.message
    assert account.query == {}
