"""Nobody comes in by another way: what is asked depends on the route alone. Over real sockets."""

import asyncio
from collections.abc import Iterator
from urllib.parse import quote, unquote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import Route
from typing_extensions import override

from engine.web.failures import Failures
from tests.web.conftest import GUARDED, TOKEN, Receiving
from tests.web.wire import Served, request, served

OPEN = {"/healthz", "/readyz"}  # they say red or green, and to strangers nothing else
INCIDENTS = "/flashduty/incidents"


@pytest.fixture
def receiving(receiving: Receiving) -> Receiving:
    # Here nobody is refused sooner: the answer is the one of the door.
    receiving.failures = _Forgetful(lambda: 0.0)
    return receiving


class _Forgetful(Failures):
    __slots__ = ()

    @override
    def _add(self, key: str) -> int:
        return 1


@pytest.fixture
def web(app: Starlette) -> Iterator[Served]:
    with served(app) as made:
        yield made


def events(receiving: Receiving) -> int:
    return int(receiving.woken)


def test_no_route_answers_a_stranger_but_those_that_say_red_or_green(
    app: Starlette, web: Served
) -> None:
    asked = set()
    for route in app.routes:
        assert isinstance(route, Route), f"{route} is no plain route: who asks who is there?"
        path = route.path.replace("{action}", "x")
        for method in route.methods or ():
            sent = request(path, b"{}", method=method, token=None, lines=("Via: 1.1 proxy",))
            status = web.ask(sent, has_body=method != "HEAD").status
            assert (status in (401, 403)) is (route.path not in OPEN), (method, path, status)
        asked.add(route.path)
    assert {INCIDENTS, "/flashduty/actions/{action}", "/metrics"} | OPEN <= asked


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1/healthz?",
        "/healthz",
        "/healthz#",
        "x@127.0.0.1",
        "127.0.0.1:8787/metrics/..",
        "[::1",
        "",
        "\xff",
        "a" * 5000,
        "evil.example\t",
    ],
)
@pytest.mark.parametrize("path", [INCIDENTS, "/flashduty/actions/x", "/flashduty/actions/guarded"])
def test_a_poisoned_host_opens_nothing(web: Served, host: str, path: str) -> None:
    for token in (None, "wrong", GUARDED if path != "/flashduty/actions/guarded" else TOKEN):
        assert web.ask(request(path, b"{}", token=token, host=host)).status in (400, 401)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1/healthz?", "\xff"])
def test_whose_token_is_right_may_call_the_engine_by_any_name(
    web: Served, example: bytes, host: str
) -> None:
    assert web.ask(request(body=example, host=host)).status == 200


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("http://evil.example/flashduty/incidents", 401),
        ("http://evil.example/healthz?/flashduty/incidents", 405),
        ("https://x:y@evil.example:99/flashduty/actions/x", 401),
        ("/flashduty%2fincidents", 401),
        ("/%66lashduty/incidents", 401),
        ("/flashduty/actions/a%2fb", 404),
        ("/flashduty/actions/..%2fincidents", 404),
        ("/flashduty/actions/%2e%2e", 401),
        ("/flashduty/actions/..", 401),
        ("/flashduty/actions/%00", 401),
        ("/flashduty/actions/%ff", 401),
        ("/flashduty/actions/%25", 401),
        ("/flashduty/actions/x;token=" + TOKEN, 401),
        ("/flashduty/actions/x%3Ftoken=" + TOKEN, 401),
        ("/flashduty/actions/x#?token=" + TOKEN, 401),
        ("/flashduty/incidents?Token=" + TOKEN, 401),
        ("/flashduty/incidents?token%00=" + TOKEN, 401),
        ("/flashduty/incidents?&&token=&token", 401),
        ("//flashduty/incidents", 404),
        ("/flashduty//incidents", 404),
        ("/flashduty/incidents/", 404),
        ("/flashduty/incidents%2f", 404),
        ("/FLASHDUTY/incidents", 404),
        ("/flashduty/./incidents", 404),
        ("/healthz/../flashduty/incidents", 404),
        ("/healthz%2f..%2fflashduty/incidents", 404),
        ("/flashduty/incidents/../../healthz", 404),
        ("\\flashduty\\incidents", 400),
        ("flashduty/incidents", 400),
        ("*", 404),
    ],
)
def test_a_target_is_what_its_path_says_decoded_once(
    web: Served, receiving: Receiving, target: str, status: int, example: bytes
) -> None:
    answer = web.ask(request(target, example, token=None))
    assert answer.status == status
    assert answer.json["error"]["message"]
    assert events(receiving) == 0


@pytest.mark.parametrize(
    "name", ["guarded", "guarde%64", "%67uarded", "guarded?", "guarded?a=guarded"]
)
def test_a_button_with_a_token_of_its_own_has_it_however_its_url_is_written(
    web: Served, receiving: Receiving, example: bytes, name: str
) -> None:
    target = f"/flashduty/actions/{name}"
    for lines in ((), ("X-Original-URL: /flashduty/actions/x", "X-Rewrite-URL: /healthz")):
        assert web.ask(request(target, example, lines=lines)).status == 401
    assert events(receiving) == 0
    assert web.ask(request(target, example, token=GUARDED)).status == 200
    assert events(receiving) == 1


@pytest.mark.parametrize(
    "lines",
    [
        ("X-Engine-Token: wrong", f"X-Engine-Token: {TOKEN}"),
        (f"X-Engine-Token: {TOKEN}, wrong",),
        (f"X_Engine_Token: {TOKEN}",),
        (f"Cookie: X-Engine-Token={TOKEN}",),
        (f"Authorization: Bearer {TOKEN}",),
    ],
)
def test_a_token_is_one_header_with_its_very_name(web: Served, lines: tuple[str, ...]) -> None:
    assert web.ask(request(token=None, lines=lines)).status == 401


@pytest.mark.parametrize(
    "method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "SEARCH"]
)
def test_a_delivery_is_a_post_whatever_else_is_tried(
    web: Served, receiving: Receiving, example: bytes, method: str
) -> None:
    tricks = ("X-HTTP-Method-Override: POST", "X-HTTP-Method: POST", "X-Method-Override: POST")
    answer = web.ask(
        request(INCIDENTS, example, method=method, lines=tricks), has_body=method != "HEAD"
    )
    assert (answer.status, answer.headers["allow"]) == (405, "POST")
    overridden = request("/metrics?_method=GET", example, token=None, lines=("X-HTTP-Method-Override: GET",))  # fmt: skip
    assert web.ask(overridden).status == 405
    assert events(receiving) == 0


def test_a_browser_is_told_no_by_a_preflight(web: Served) -> None:
    lines = ("Origin: https://evil.example", "Access-Control-Request-Method: POST")
    answer = web.ask(request(method="OPTIONS", token=None, lines=lines))
    assert answer.status == 405
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("Content-Encoding: gzip", "encoded-body"),
        ("Content-Encoding: GZIP, br", "encoded-body"),
        ("Content-Type: text/plain", "unsupported-media-type"),
        ("Content-Type: application/json", "unsupported-media-type"),
    ],
)
def test_a_body_is_json_as_it_is_and_said_once(web: Served, line: str, code: str) -> None:
    answer = web.ask(request(lines=(line,), body=b"{}"))
    assert (answer.status, answer.code) == (415, code)


@pytest.mark.parametrize(
    "type_", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_no_form_is_read(web: Served, type_: str) -> None:
    sent = request(body=b"incident=1").replace(b"application/json", type_.encode())
    assert web.ask(sent).status == 415


SEGMENTS = st.sampled_from(
    ["flashduty", "incidents", "alerts", "actions", "x", "..", ".", "", "healthz", "metrics", "%2e",
     "%2f", "%2F", "%5c", ";", "%3f", "%23", "%00", "%", "%zz", "%c0%af", "%u002f", "readyz"]
)  # fmt: skip
TARGETS = st.builds(
    lambda start, parts, query: start + "/".join(parts) + query,
    st.sampled_from(["/", "//", "http://x/", "http://x//", "///", "/\\"]),
    st.lists(SEGMENTS, max_size=6),
    st.sampled_from(["", "?", "?token=", "?token=wrong", "#", ";", "?a=%zz&token=%ff"]),
) | st.text("/fl.%2e?#;\\@:", max_size=30).map(lambda text: "/" + quote(text, safe="/%?#;@:"))


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TARGETS, st.sampled_from(["POST", "GET", "OPTIONS"]))
@example("http://x/healthz", "GET")
def test_no_target_lets_a_stranger_do_anything(
    web: Served, receiving: Receiving, target: str, method: str
) -> None:
    answer = web.ask(request(target, b"{}", method=method, token=None, lines=("Via: x",)))
    if answer.status == 200:
        assert method == "GET"
        assert answer.json in ({"status": "alive"}, {"status": "ready"})
        path = target.removeprefix("http://x").partition("?")[0].partition("#")[0]
        assert unquote(path) in OPEN
    else:
        assert 400 <= answer.status < 500
        assert answer.json["error"]["message"]
    assert events(receiving) == 0


def test_no_token_is_in_what_is_kept_or_answered(
    web: Served, receiving: Receiving, example: bytes
) -> None:
    lines = (f"X-Original-URL: /?token={TOKEN}", f"X-Custom-Copy: {TOKEN}", "X-Custom-Team: sre")
    answer = web.ask(request(f"/flashduty/actions/x?token={TOKEN}&dc=nj", example, lines=lines))
    assert answer.status == 200
    kept = asyncio.run(receiving.ledger.event(answer.json["event"]))
    assert (dict(kept.query), dict(kept.headers)) == ({"dc": "nj"}, {"x-custom-team": "sre"})
    for refused in (
        request(f"/nowhere?token={TOKEN}"),
        request(f"/flashduty/actions/{TOKEN}/x"),
        request(body=b"{" + TOKEN.encode()),
        request(body=example, lines=(f"Content-Encoding: {'x' * 50}",)),
        request(method="PUT"),
    ):
        assert TOKEN.encode() not in web.ask(refused).body
