"""An http step sends what its parameters say, and reports whatever comes back, or that nothing did.

The servers are real ones, on a port of this machine.
"""

import asyncio
import base64
import gzip
import json
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from pydantic import ValidationError

from engine.outward.policy import OutwardPolicy
from engine.outward.session import open_session
from engine.playbooks.deferred import Unknown
from engine.playbooks.step_type import Call, Failed, Plan, Report, Succeeded
from engine.steps.http import Http, HttpParameters, HttpSettings
from tests.processes.children import PATIENCE

CALL = Call("run-1", "steps/3[0]/1", 1)
LIMIT = 1000
Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Arrived:
    """A request as the server saw it."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]


class Target:
    """Keeps what arrives, and always answers the same."""

    def __init__(self, **answer: Any) -> None:
        self.answer = answer
        self.arrived: list[Arrived] = []

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        self.arrived.append(
            Arrived(
                request.method,
                request.path,
                list(request.query.items()),
                list(request.headers.items()),
                await request.read(),
            )
        )
        return web.Response(**self.answer)

    @property
    def only(self) -> Arrived:
        assert len(self.arrived) == 1
        return self.arrived[0]


@asynccontextmanager
async def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    runner = web.ServerRunner(web.Server(handler))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    try:
        port = runner.addresses[0][1]
        yield f"http{'s' if tls else ''}://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[str]:
    """A server that says these bytes, whatever they are, and hangs up."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def ask(call: Call = CALL, **given: Any) -> Report:
    async with open_session(OutwardPolicy()) as session:
        parameters = HttpParameters.model_validate(given)
        return await Http(lambda: session, HttpSettings(LIMIT)).perform(parameters, call)


def perform(handler: Handler, path: str = "/", **given: Any) -> Report:
    async def story() -> Report:
        async with serving(handler) as base:
            return await ask(url=base + path, **given)

    return asyncio.run(story())


def result_of(report: Report) -> dict[str, Any]:
    assert isinstance(report, Succeeded), report
    result: dict[str, Any] = report.result
    return result


def failure_of(report: Report) -> Failed:
    assert isinstance(report, Failed), report
    return report


def plan(**given: Any) -> Plan:
    return offline().plan(HttpParameters.model_validate(given), CALL)


def offline() -> Http:
    def no_session() -> aiohttp.ClientSession:
        raise AssertionError("a plan asks nobody")

    return Http(no_session, HttpSettings(LIMIT))


# What is sent


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_every_method_arrives_as_itself(method: str) -> None:
    target = Target(text="" if method == "HEAD" else "fine")
    result = result_of(perform(target, "/hosts/7", method=method))
    assert (target.only.method, target.only.path) == (method, "/hosts/7")
    assert (result["status"], result["body"]) == (200, "" if method == "HEAD" else "fine")
    assert result["elapsed"] >= 0


def test_a_url_alone_is_a_get() -> None:
    assert HttpParameters.shorthand == "url"
    assert HttpParameters.model_validate({"url": "http://a"}).method == "GET"


def test_json_arrives_as_json() -> None:
    target = Target()
    result_of(perform(target, method="POST", json={"host": "a b", "n": [1, None], "名": "é"}))
    assert json.loads(target.only.body) == {"host": "a b", "n": [1, None], "名": "é"}
    assert target.only.all("Content-Type") == ["application/json"]


@pytest.mark.parametrize(("given", "sent"), [(None, b"null"), ({}, b"{}"), ([], b"[]")])
def test_empty_json_is_sent_where_it_is_given(given: object, sent: bytes) -> None:
    target = Target()
    result_of(perform(target, method="POST", json=given))
    assert target.only.body == sent


def test_a_content_type_of_ones_own_wins_in_any_case() -> None:
    target = Target()
    own = {"content-type": "application/vnd.api+json", "IDEMPOTENCY-KEY": "mine"}
    result_of(perform(target, method="POST", json={}, headers=own))
    assert target.only.all("Content-Type") == ["application/vnd.api+json"]
    assert target.only.all("Idempotency-Key") == ["mine"]


def test_a_form_arrives_as_a_form() -> None:
    target = Target()
    result_of(perform(target, method="POST", form={"host": "a b&c", "n": 3, "flag": True}))
    assert target.only.body == b"host=a+b%26c&n=3&flag=true"
    assert target.only.all("Content-Type") == ["application/x-www-form-urlencoded"]


def test_text_arrives_as_text() -> None:
    target = Target()
    result_of(perform(target, method="POST", text="schön\n"))
    assert target.only.body == "schön\n".encode()
    assert target.only.all("Content-Type") == ["text/plain; charset=utf-8"]


def test_params_join_the_query_of_the_url() -> None:
    target = Target()
    params = {"b": "x&y=z", "c": "é ü", "n": 1}
    result_of(perform(target, "/?a=1", params=params))
    assert target.only.query == [("a", "1"), ("b", "x&y=z"), ("c", "é ü"), ("n", "1")]


def test_headers_arrive() -> None:
    target = Target()
    result_of(perform(target, headers={"Authorization": "Bearer t", "X-Port": 80}))
    assert target.only.all("Authorization") == ["Bearer t"]
    assert target.only.all("X-Port") == ["80"]


def test_basic_auth_arrives() -> None:
    target = Target()
    result_of(perform(target, basic_auth={"user": "ops", "password": "a:密"}))
    sent = base64.b64encode("ops:a:密".encode()).decode()
    assert target.only.all("Authorization") == [f"Basic {sent}"]


def complaints(**given: Any) -> list[tuple[str, str, str]]:
    """Of each: code, place, message; all of them are made before anything is sent."""
    found = HttpParameters.model_validate(given).complaints()
    return [(one.code, one.name, one.message) for one in found]


def test_two_kinds_of_authorization_are_refused() -> None:
    login = {"user": "a", "password": "b"}
    assert complaints(url="http://h", headers={"authorization": "x"}, basic_auth=login) == [
        ("two-credentials", "basic_auth", "cannot stand beside an Authorization header")
    ]


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "/drain", "", "127.0.0.1:80"])
def test_an_address_that_is_no_web_address_is_refused(url: str) -> None:
    said = "has to begin with http:// or https://"
    assert complaints(url=url) == [("not-a-url", "url", said)]


def test_what_is_not_known_yet_is_not_complained_of() -> None:
    unknown = Unknown("steps.a")
    assert complaints(url=unknown, headers=unknown, basic_auth=unknown) == []


def test_every_attempt_carries_the_same_idempotency_key() -> None:
    target = Target()

    async def story() -> None:
        async with serving(target) as base:
            for attempt in (1, 2, 3):
                await ask(Call("run-1", "steps/3[0]/1", attempt), url=base, method="POST")

    asyncio.run(story())
    keys = [arrived.all("Idempotency-Key") for arrived in target.arrived]
    assert keys == [["run-1:steps/3[0]/1"]] * 3


def test_a_redirect_is_not_followed() -> None:
    target = Target(status=302, headers={"Location": "/elsewhere"})
    result = result_of(perform(target))
    assert (result["status"], result["headers"]["location"]) == (302, "/elsewhere")
    assert target.only.path == "/"


def test_a_redirect_is_followed_where_that_is_asked_for() -> None:
    async def move(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/new":
            return web.Response(text="here")
        return web.Response(status=302, headers={"Location": "/new"})

    assert result_of(perform(move, follow_redirects=True))["body"] == "here"


def test_redirects_in_a_circle_end() -> None:
    target = Target(status=302, headers={"Location": "/"})
    failed = failure_of(perform(target, follow_redirects=True))
    assert failed.error == "redirected more than 10 times"
    assert len(target.arrived) == 11


def test_a_redirect_to_no_web_address_is_a_failure() -> None:
    target = Target(status=302, headers={"Location": "ftp://127.0.0.1/x"})
    failed = failure_of(perform(target, follow_redirects=True))
    said = "the new URL has to begin with http:// or https://, not with ftp:"
    assert failed.error == f"redirected, and not followed: {said}"
    assert not failed.retryable


# What comes back


@pytest.mark.parametrize(
    "kind", ["application/json", "application/problem+json", "application/json; charset=utf-8"]
)
def test_json_is_parsed_by_its_content_type(kind: str) -> None:
    target = Target(body=b'{"up": [true, "\xc3\xa9"]}', headers={"Content-Type": kind})
    assert result_of(perform(target))["body"] == {"up": [True, "é"]}


def test_json_that_does_not_say_so_stays_text() -> None:
    assert result_of(perform(Target(text='{"up": true}')))["body"] == '{"up": true}'


def test_broken_json_stays_text() -> None:
    target = Target(body=b"{oops", headers={"Content-Type": "application/json"})
    assert result_of(perform(target))["body"] == "{oops"


def test_an_empty_answer_is_an_empty_text() -> None:
    target = Target(status=204, headers={"Content-Type": "application/json"})
    assert result_of(perform(target))["body"] == ""


@pytest.mark.parametrize(
    ("kind", "body", "text"),
    [
        ("text/plain; charset=iso-8859-1", b"\xe9", "é"),
        ("text/plain; charset=gbk", "重启".encode("gbk"), "重启"),
        ("text/plain", "重启".encode(), "重启"),
        ("text/plain", b"a\xffb", "a\ufffdb"),
        ("text/plain; charset=no-such-thing", b"fine", "fine"),
        ("text/plain; charset=rot13", b"fine", "fine"),
        ("text/plain; charset=idna", b"fine\xff", "fine\ufffd"),
        ("text/plain; charset=undefined", b"fine", "fine"),
        ("application/json; charset=iso-8859-1", b'"\xe9"', '"é"'),
        ("nonsense", b"fine", "fine"),
    ],
)
def test_text_is_read_by_its_charset_or_as_utf_8(kind: str, body: bytes, text: str) -> None:
    target = Target(body=body, headers={"Content-Type": kind})
    assert result_of(perform(target))["body"] == text


def test_header_names_are_lower_case() -> None:
    assert result_of(perform(Target(headers={"X-Shard": "A"})))["headers"]["x-shard"] == "A"


def test_a_header_of_strange_bytes_can_be_written_down() -> None:
    async def story() -> Report:
        answer = b"HTTP/1.1 200 OK\r\nX-Name: a\xffb\r\nContent-Length: 0\r\n\r\n"
        async with answering(answer) as base:
            return await ask(url=base)

    headers = result_of(asyncio.run(story()))["headers"]
    assert headers["x-name"] == "a\ufffdb"
    headers["x-name"].encode()


def test_a_long_body_is_cut_and_says_so() -> None:
    target = Target(body=b'"' + b"x" * LIMIT, headers={"Content-Type": "application/json"})
    result = result_of(perform(target))
    assert result["body"] == '"' + "x" * (LIMIT - 1)
    assert result["cut"] == "the body is longer than 1000 bytes; the rest was not read"


def test_a_body_of_just_the_limit_is_not_cut() -> None:
    result = result_of(perform(Target(body=b"x" * LIMIT)))
    assert len(result["body"]) == LIMIT
    assert "cut" not in result


@pytest.mark.parametrize(("size", "kept"), [("2KiB", 1500), ("10B", 10), ("0B", 0)])
def test_a_step_has_a_limit_of_its_own(size: str, kept: int) -> None:
    result = result_of(perform(Target(body=b"x" * 1500), max_body=size))
    assert len(result["body"]) == kept


def test_the_limit_counts_what_a_packed_body_unpacks_to() -> None:
    packed = gzip.compress(b"x" * 10_000_000)
    target = Target(body=packed, headers={"Content-Encoding": "gzip"})
    assert result_of(perform(target))["body"] == "x" * LIMIT


# What counts as success


@pytest.mark.parametrize("status", [200, 204, 301, 399])
def test_below_400_is_success(status: int) -> None:
    assert result_of(perform(Target(status=status)))["status"] == status


def test_from_400_on_is_failure_with_what_was_answered() -> None:
    async def story() -> tuple[str, Report]:
        async with serving(Target(status=400, text="no such host")) as base:
            return base, await ask(url=f"{base}/x", method="DELETE")

    base, report = asyncio.run(story())
    failed = failure_of(report)
    assert failed.error == f"DELETE {base}/x answered 400: no such host"
    assert failed.result["status"] == 400
    assert failed.retryable


def test_a_failure_without_a_body_says_the_status_alone() -> None:
    assert failure_of(perform(Target(status=503))).error.endswith("/ answered 503")


def test_a_failure_shows_json_as_json_and_all_of_it() -> None:
    body = {"said": "x" * 700}
    failed = failure_of(perform(Target(status=500, text=json.dumps(body), content_type="a/b+json")))
    assert failed.error.endswith(f"answered 500: {json.dumps(body, separators=(',', ':'))}")
    assert failed.result["body"] == body


def test_a_failure_shows_no_query() -> None:
    failed = failure_of(perform(Target(status=503), "/v1?app_key=canary"))
    assert failed.error.endswith(" answered 503")
    assert failed.error.startswith("GET http://127.0.0.1:")
    assert "canary" not in failed.error
    assert "v1" not in failed.error  # of a URL that is a secret no part is known as one


def test_a_failure_elsewhere_says_where_and_that_the_headers_stayed() -> None:
    other = Target(status=401, text="who are you?")

    async def story() -> tuple[str, str, Report]:
        async with serving(other) as there:
            first = Target(status=302, headers={"Location": f"{there}/x?token=canary"})
            async with serving(first) as base:
                headers = {"Authorization": "Bearer t"}
                return base, there, await ask(url=base, headers=headers, follow_redirects=True)

    base, there, report = asyncio.run(story())
    assert failure_of(report).error == (
        f"GET {base}, redirected to {there} without its headers, answered 401: who are you?"
    )
    assert other.only.all("Authorization") == other.only.all("Idempotency-Key") == []


def test_expect_that_is_true_is_success_whatever_the_status() -> None:
    report = perform(Target(status=404), expect="status == `404`")
    assert result_of(report)["status"] == 404


def test_expect_that_is_not_true_says_what_decided() -> None:
    report = perform(Target(text="down"), expect="status == `200` && body == 'up'")
    failed = failure_of(report)
    assert failed.error.startswith(
        "expect is not true: status == `200` && body == 'up', and body is \"down\"; "
        "GET http://127.0.0.1:"
    )
    assert failed.error.endswith("/ answered 200: down")
    assert failed.result["body"] == "down"


def test_expect_that_cannot_be_told_is_failure() -> None:
    failed = failure_of(perform(Target(text="up"), expect="contains(body.state, 'up')"))
    assert failed.error.startswith(
        "expect cannot be told: contains(body.state, 'up'), and contains(body.state, 'up'): "
        "contains() takes array or string, not a field that is not there; GET http://"
    )


# What can go wrong is a sentence


def test_a_refused_connection(refusing_port: int) -> None:
    failed = failure_of(asyncio.run(ask(url=f"http://127.0.0.1:{refusing_port}/")))
    assert failed.error.startswith(f"no connection to 127.0.0.1:{refusing_port}: ")
    assert "onnect" in failed.error.removeprefix("no connection")
    assert failed.retryable


def test_a_name_nobody_knows() -> None:
    failed = failure_of(asyncio.run(ask(url="http://no-such-host.invalid/")))
    start = "no connection to no-such-host.invalid:80: "
    assert failed.error.startswith(start)
    assert len(failed.error) > len(start)
    assert failed.retryable


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"", "{place} closed the connection without an answer"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
            "the answer of {place} broke off before its end",
        ),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "the answer of {place} is not HTTP"),
    ],
)
def test_a_server_that_closes_early_or_talks_nonsense(answer: bytes, said: str) -> None:
    async def story() -> tuple[str, Report]:
        async with answering(answer) as base:
            return base.removeprefix("http://"), await ask(url=base)

    place, report = asyncio.run(story())
    failed = failure_of(report)
    assert failed.error == said.format(place=place)
    assert failed.retryable


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("/drain", "this request cannot be sent: url has to begin with http:// or https://"),
        ("http://", "nothing was sent: url is no URL: it names no host"),
        ("http://[::1", "nothing was sent: url is no URL: its host or its port cannot be read"),
        (
            "http://127.0.0.1:99999/",
            "nothing was sent: url is no URL: its host or its port cannot be read",
        ),
        (f"http://{'a' * 70}.invalid/", "this request cannot be sent: "),
    ],
)
def test_a_url_that_is_none(url: str, said: str) -> None:
    failed = failure_of(asyncio.run(ask(url=url)))
    assert failed.error.startswith(said)
    assert not failed.retryable


@pytest.mark.parametrize("name", ["X-Host", "X-Bad\r\nX-Name"])
def test_a_header_with_a_newline_from_data_is_not_sent(name: str) -> None:
    target = Target()
    failed = failure_of(perform(target, headers={name: "web-1\r\nX-Admin: 1"}))
    assert failed.error.startswith("this request cannot be sent: headers")
    assert "web-1" not in failed.error
    assert not failed.retryable
    assert target.arrived == []


@pytest.mark.parametrize("value", [2**70, "\ud800"])
def test_json_that_cannot_be_written_is_not_sent(value: object) -> None:
    target = Target()
    failed = failure_of(perform(target, method="POST", json={"n": value}))
    assert failed.error.startswith("this request cannot be sent: ")
    assert not failed.retryable
    assert target.arrived == []


@pytest.mark.parametrize(
    "given",
    [
        {"text": "a\ud800"},
        {"form": {"a": "a\ud800"}},
        {"basic_auth": {"user": "a", "password": "a\ud800"}},
    ],
)
def test_half_a_character_is_not_sent_and_not_shown(given: dict[str, Any]) -> None:
    target = Target()
    failed = failure_of(perform(target, method="POST", **given))
    assert failed.error == "this request cannot be sent: there is half a character in it"
    assert not failed.retryable
    assert target.arrived == []


@pytest.fixture
def certificate(tmp_path: Path) -> ssl.SSLContext:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl here to make a certificate with")
    made = tmp_path / "made.pem"
    words = [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "1",
        "-subj",
        "/CN=127.0.0.1",
    ]
    words += ["-addext", "subjectAltName=IP:127.0.0.1"]
    words += ["-keyout", str(made), "-out", str(tmp_path / "certificate.pem")]
    subprocess.run([openssl, *words], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate.pem", made)
    return context


def test_a_certificate_nobody_signed_is_refused(certificate: ssl.SSLContext) -> None:
    target = Target()

    async def story() -> tuple[str, Report]:
        async with serving(target, certificate) as base:
            return base, await ask(url=base, headers={"Authorization": "Bearer t"})

    base, report = asyncio.run(story())
    said = f"the certificate of {base.removeprefix('https://')} is not trusted: self"
    assert failure_of(report).error.startswith(said)
    assert target.arrived == []


def test_tls_spoken_to_a_server_without_it() -> None:
    async def story() -> tuple[str, Report]:
        async with serving(Target()) as base:
            return base, await ask(url=base.replace("http://", "https://"))

    base, report = asyncio.run(story())
    failed = failure_of(report)
    assert failed.error.startswith(f"no connection to {base.removeprefix('http://')}: ")


async def timed_out_when(asked: asyncio.Event, performing: Coroutine[None, None, Report]) -> None:
    """Let a step's time be over at just that moment."""

    async def expire(limit: asyncio.Timeout) -> None:
        await asked.wait()
        limit.reschedule(asyncio.get_running_loop().time())

    async with asyncio.timeout(None) as limit, asyncio.TaskGroup() as tasks:
        tasks.create_task(expire(limit))
        await performing


@pytest.mark.parametrize("begin", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nslow"])
def test_a_cancelled_exchange_leaves_nothing_open(begin: bytes) -> None:
    async def story() -> None:
        asked, hung_up = asyncio.Event(), asyncio.Event()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(begin)
            await writer.drain()
            asked.set()
            await reader.read()
            hung_up.set()
            writer.close()

        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        async with server, open_session(OutwardPolicy()) as session:
            port = server.sockets[0].getsockname()[1]
            parameters = HttpParameters.model_validate({"url": f"http://127.0.0.1:{port}"})
            http = Http(lambda: session, HttpSettings(LIMIT))
            with pytest.raises(TimeoutError):
                await timed_out_when(asked, http.perform(parameters, CALL))
            async with asyncio.timeout(PATIENCE):
                await hung_up.wait()

    asyncio.run(story())


# Before anything is sent


def test_a_plan_says_what_would_be_sent_less_the_password() -> None:
    planned = plan(
        url="http://lb/drain",
        method="POST",
        params={"a": "1"},
        headers={"X": "y"},
        json={"host": Unknown("steps.a.body")},
        basic_auth={"user": "ops", "password": "hunter2"},
    )
    assert planned.summary == "POST http://lb/drain"
    assert planned.details.keys() == {"method", "url", "params", "headers", "json", "basic_auth"}
    assert str(planned.details["json"]) == "{'host': ‹steps.a.body›}"
    assert planned.details["basic_auth"] == {"user": "ops", "password": "******"}


def test_a_plain_plan_is_short() -> None:
    assert plan(url="http://lb").details == {"method": "GET", "url": "http://lb"}


@pytest.mark.parametrize("name", ["params", "headers", "json", "form", "text"])
def test_a_plan_shows_what_is_not_known_yet(name: str) -> None:
    planned = plan(url=Unknown("vars.url"), method=Unknown("vars.m"), **{name: Unknown("vars.x")})
    assert planned.summary == "‹vars.m› ‹vars.url›"
    assert str(planned.details[name]) == "‹vars.x›"


def test_a_plan_shows_a_login_that_is_not_known_yet() -> None:
    planned = plan(url="http://lb", basic_auth=Unknown("vars.login"))
    assert str(planned.details["basic_auth"]["user"]) == "‹vars.login›"
    assert planned.details["basic_auth"]["password"] == "******"


@pytest.mark.parametrize(
    ("method", "harmless"),
    [("GET", True), ("HEAD", True), ("OPTIONS", True)]
    + [(name, False) for name in ("POST", "PUT", "PATCH", "DELETE")]
    + [(Unknown("vars.m"), False)],
)
def test_reading_may_be_repeated_and_writing_may_not(method: object, *, harmless: bool) -> None:
    parameters = HttpParameters.model_validate({"url": "http://a", "method": method})
    assert offline().harmless_to_repeat(parameters) is harmless


def test_what_it_will_answer_nobody_knows() -> None:
    assert offline().foretell(HttpParameters.model_validate({"url": "http://a"})) is None


def test_a_request_has_one_body() -> None:
    with pytest.raises(ValidationError, match=r"one body; this one has form and json"):
        HttpParameters.model_validate({"url": "http://a", "json": {}, "form": {}})


def test_a_misspelt_parameter_is_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        HttpParameters.model_validate({"url": "http://a", "header": {}})


# By hand


@pytest.mark.parametrize(
    ("given", "argv"),
    [
        ({"url": "http://h/a"}, ["http://h/a"]),
        ({"url": "http://h/a", "method": "HEAD"}, ["--head", "http://h/a"]),
        ({"url": "http://h", "method": "POST"}, ["--request", "POST", "http://h"]),
        ({"url": "http://h/", "params": {"q": "a b", "u": "é&"}}, ["http://h/?q=a+b&u=%C3%A9%26"]),
        ({"url": "http://h/?a=1", "params": {"a": 2}}, ["http://h/?a=1&a=2"]),
        ({"url": "http://h/a b"}, ["http://h/a%20b"]),
        (
            {"url": "http://h", "headers": {"X-A": "b", "X-Empty": ""}},
            ["--header", "X-A: b", "--header", "X-Empty;", "http://h"],
        ),
        (
            {"url": "http://h", "method": "POST", "json": {"a": [1, "é"]}},
            ["--request", "POST", "--header", "Content-Type: application/json", "--data-raw", '{"a":[1,"é"]}', "http://h"],
        ),
        (
            {"url": "http://h", "json": None, "headers": {"content-type": "x/y"}},
            ["--request", "GET", "--header", "content-type: x/y", "--data-raw", "null", "http://h"],
        ),
        (
            {"url": "http://h", "method": "PUT", "text": "a\nb"},
            ["--request", "PUT", "--header", "Content-Type: text/plain; charset=utf-8", "--data-raw", "a\nb", "http://h"],
        ),
        (
            {"url": "http://h", "method": "POST", "form": {"a b": "c&d"}},
            ["--request", "POST", "--data-urlencode", "a+b=c&d", "http://h"],
        ),
        (
            {"url": "http://h", "basic_auth": {"user": "u", "password": "p"}, "follow_redirects": True},
            ["--user", "u:p", "--location", "http://h"],
        ),
    ],
)  # fmt: skip
def test_a_plan_has_the_same_request_for_curl(given: dict[str, Any], argv: list[str]) -> None:
    command = plan(**given).command
    assert command is not None
    assert command.argv == ("curl", *argv)


def test_what_is_not_known_yet_stands_in_it_by_its_name() -> None:
    unknown = Unknown("steps.a")
    command = plan(
        url="http://h/‹steps.a.id›",
        method=unknown.method,
        params={"q": unknown.q},
        headers=unknown.headers,
        json={"a": unknown.n},
        basic_auth=unknown.auth,
    ).command
    assert command is not None
    assert command.argv == (
        *("curl", "--request", "‹steps.a.method›"),
        *("--header", "Content-Type: application/json", "--header", "‹steps.a.headers›;"),
        *("--user", "‹steps.a.auth›", "--data-raw", '{"a":"‹steps.a.n›"}'),
        "http://h/‹steps.a.id›?q=‹steps.a.q›",
    )
    assert str(plan(url=unknown, params=unknown, form=unknown).command).count("‹steps.a›") == 3
    assert str(plan(url="http://[h", text=unknown).command).count("http://[h") == 1
