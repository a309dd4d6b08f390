"""What would make another request than the playbook means is known before anything is sent."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.outward.checks import complaints_about_headers, complaints_about_url, read_url
from engine.outward.policy import OutwardPolicy, RefusedError
from engine.outward.session import open_session
from engine.playbooks.deferred import Unknown
from engine.playbooks.load import Loader
from engine.playbooks.step_type import Call, Failed, Report
from engine.playbooks.template import RenderError
from engine.problem import UNSAID, EngineError
from engine.runs.rendering import rendered, rendering_error
from engine.steps.http import Http, HttpParameters, HttpSettings
from tests.outward.servers import serving

CALL = Call("run-1", "steps/0", 1)
LINE = "has a line break or another control character in it"
LOGIN = "has a user or a password before its host, and `basic_auth` is for these"
# From outside, through a field of an event.
INJECTIONS = [
    "web-1\r\nX-Admin: 1",
    "web-1\nX-Admin: 1",
    "web-1\rX-Admin: 1",
    "web-1\r\n\r\nGET /admin HTTP/1.1\r\nX-Admin: 1\r\n\r\n",
    "web-1\x00X-Admin: 1",
    "\r\n X-Admin: 1",
    "web-1\x1b]0;X-Admin\x07",
    "web-1\x0bX-Admin: 1",
    "web-1\x85X-Admin: 1",
    "web-1\u2028X-Admin: 1",
    "web-1%0d%0aX-Admin:%201",
    "web-1 HTTP/1.1\r\nX-Admin: 1",
    "嘊嘍X-Admin: 1",  # becomes CR LF where only the low bytes are kept
    "{{ secrets.LB_TOKEN }}",
    "../../admin?X-Admin=1#",
    "' OR 1=1 --",
    "$(reboot)",
]


def said_of(complaints: Any) -> list[str]:
    return [f"{one.name} {one.message}" for one in complaints]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://lb/a\r\nHost: x", [f"url {LINE}"]),
        ("http://lb/\x00", [f"url {LINE}"]),
        ("http://lb/\t", [f"url {LINE}"]),
        ("http://ops:hunter2@lb/", [f"url {LOGIN}"]),
        ("https://lb@169.254.169.254/", [f"url {LOGIN}"]),
        ("https://@lb/", [f"url {LOGIN}"]),
        ("//ops@lb/", [f"url {LOGIN}"]),
        ("ftp://lb/", ["url has to begin with http:// or https://"]),
        ("HTTPS://lb/", []),
        ("$HOOK", []),  # what a rehearsal has for a secret
        ("http://lb/a@b?c=@#@", []),
        ("http://lb/ä ö", []),
        (Unknown("vars.url"), []),
    ],
)
def test_a_url_that_says_two_things(url: object, said: list[str]) -> None:
    assert said_of(complaints_about_url(url)) == said


@pytest.mark.parametrize(
    ("url", "given"),
    [("/drain", "/drain"), ("hunter2" * 10, UNSAID), ("lb/?app_key=hunter2", UNSAID)],
)
def test_what_is_no_url_is_shown_whole_or_not_at_all(url: str, given: object) -> None:
    (complaint,) = complaints_about_url(url)
    assert complaint.given == given


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("X-Host", "a\r\nb", [f"headers.X-Host {LINE}"]),
        ("X-Host", "a\x00", [f"headers.X-Host {LINE}"]),
        ("X-Host", "a\tb ä", []),
        ("X-Host", Unknown("labels.host"), []),
        ("X Host", "a", ["headers has 'X Host', which cannot be a name"]),
        ("X-Host:", "a", ["headers has 'X-Host:', which cannot be a name"]),
        ("X\r\nY", "a", ["headers has 'X\\r\\nY', which cannot be a name"]),
        ("", "a", ["headers has '', which cannot be a name"]),
        ("ä", "a", ["headers has 'ä', which cannot be a name"]),
        (
            "content-length",
            "5",
            ["headers has content-length, which is written by what sends the body"],
        ),
        (
            "Transfer-Encoding",
            "chunked",
            ["headers has Transfer-Encoding, which is written by what sends the body"],
        ),
    ],
)
def test_a_header_that_would_be_two_or_none(name: str, value: object, said: list[str]) -> None:
    assert said_of(complaints_about_headers({name: value})) == said


def test_headers_that_are_not_known_yet_are_nothing_to_complain_of() -> None:
    assert said_of(complaints_about_headers(Unknown("vars.headers"))) == []


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://ops:hunter2@lb/", LOGIN),
        ("http://ops:hun/ter2@lb/", "is no URL: its host or its port cannot be read"),
        ("http://lb\\@evil/", LOGIN),
        ("http:lb", "is no URL: it names no host"),
        ("http://lb internal/", "is no URL: its host cannot be one"),
        ("http://lb;reboot/", "is no URL: its host cannot be one"),
        ("javascript:alert(1)", "has to begin with http:// or https://, not with javascript:"),
        ("hunter2", "has to begin with http:// or https://"),
    ],
)
def test_a_url_that_is_refused_is_not_shown(url: str, said: str) -> None:
    with pytest.raises(RefusedError) as refused:
        read_url(url)
    assert str(refused.value) == f"nothing was sent: url {said}"


@given(st.text() | st.text().map(lambda rest: f"http://{rest}"))
def test_any_text_is_a_url_or_a_sentence(text: str) -> None:
    try:
        url = read_url(text)
    except RefusedError as error:
        assert str(error).startswith("nothing was sent: url ")  # noqa: PT017 - either will do
    else:
        assert url.scheme in ("http", "https")
        assert url.raw_host
        assert url.raw_user is None


# Through a real playbook, to a real server


def loader() -> Loader:
    def no_session() -> Any:
        raise AssertionError("nothing is sent here")

    return Loader({"http": Http(no_session, HttpSettings(1000))})


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ('{url: "http://u:p@lb/"}', f"not-a-url: 'url' {LOGIN}"),
        ('{url: "http://lb/", headers: {X: "a\\nb"}}', f"bad-header: 'headers.X' {LINE}"),
        (
            '{url: "http://lb/", basic_auth: {user: "a:b", password: c}}',
            "bad-login: 'basic_auth.user' has a colon in it, and the password would begin there",
        ),
        (
            '{url: "http://lb/", basic_auth: {user: a, password: b}, headers: {authorization: c}}',
            "two-credentials: 'basic_auth' cannot stand beside an Authorization header",
        ),
    ],
)
def test_what_is_written_out_is_a_problem_at_load(step: str, said: str) -> None:
    with pytest.raises(EngineError) as refused:
        loader().load(f"name: a\ntrigger: {{}}\nsteps:\n  - http: {step}\n", "a.yaml")
    assert [f"{one.code}: {one.message}" for one in refused.value.problems] == [said]


@pytest.mark.parametrize(
    ("step", "at"),
    [
        ('{url: "http://lb/{{ labels.x }}"}', "http.url"),
        ('{url: "http://lb/", headers: {X-Host: "{{ labels.x }}"}}', "http.headers.X-Host"),
    ],
)
def test_what_comes_from_data_fails_the_step_and_names_the_parameter(step: str, at: str) -> None:
    playbook = loader().load(f"name: a\ntrigger: {{}}\nsteps:\n  - http: {step}\n", "a.yaml")
    (one,) = playbook.steps
    document = {"labels": {"x": "web-1\r\nX-Admin: 1"}}
    with pytest.raises(RenderError) as refused:
        rendered(one, Http(lambda: pytest.fail("sent"), HttpSettings(1000)), document)
    assert rendering_error(one, refused.value) == f"{at}: {LINE}"


def carried_out(base: str, where: str, text: str) -> dict[str, Any]:
    """Parameters with the text at one place."""
    at = base.removeprefix("http://")
    posted = {"url": base, "method": "POST"}
    given: dict[str, dict[str, Any]] = {
        "header": {"url": base, "headers": {"X-Host": text}},
        "header name": {"url": base, "headers": {text: "1"}},
        "path": {"url": f"{base}/hosts/{text}"},
        "query": {"url": f"{base}/?host={text}"},
        "host": {"url": f"http://{text}.{at}/"},
        "before the host": {"url": f"http://{text}@{at}/"},
        "basic_auth": {
            "url": base,
            "basic_auth": {"user": text.replace(":", ""), "password": text},
        },
        "params": {"url": base, "params": {"host": text, text: "1"}},
        "form": {**posted, "form": {"host": text, text: "1"}},
        "json": {**posted, "json": {"host": text, text: "1"}},
        "text": {**posted, "text": text},
    }
    return given[where]


@pytest.mark.parametrize("text", INJECTIONS)
@pytest.mark.parametrize(
    "where",
    [
        *("header", "header name", "path", "query", "host", "before the host", "basic_auth"),
        *("params", "form", "json", "text"),
    ],
)
def test_no_field_of_an_event_makes_a_header_or_a_second_request(where: str, text: str) -> None:
    async def story() -> tuple[Report, list[str]]:
        async with serving() as server, open_session(OutwardPolicy()) as session:
            parameters = HttpParameters.model_validate(carried_out(server.url, where, text))
            http = Http(lambda: session, HttpSettings(1000))
            return await http.perform(parameters, CALL), server.heads

    report, heads = asyncio.run(story())
    if isinstance(report, Failed):
        assert heads == [], report.error
        assert not report.retryable or report.error.startswith("no connection to ")
        assert not set(report.error) & set("\r\n\x00\x1b\x0b\x07")
        assert "X-Admin: 1" not in report.error or where == "header name"
        return
    assert len(heads) == 1
    first, *headers = heads[0].split("\r\n")
    assert first.count(" HTTP/") == 1
    assert first.endswith(" HTTP/1.1")
    assert not any(header.lower().startswith("x-admin") for header in headers), heads
    assert "\n" not in heads[0].replace("\r\n", "")


@pytest.mark.parametrize("text", INJECTIONS)
def test_no_field_of_an_event_becomes_a_method(text: str) -> None:
    with pytest.raises(ValueError, match="Input should be 'GET'"):
        HttpParameters.model_validate({"url": "http://lb/", "method": text})
