"""What a redirect may ask for, and what it takes along: pure, before anything is sent."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from engine.outward.policy import RefusedError
from engine.outward.request import Request, shown

CANARY = "canary-7f3a"
SECRETS = {
    "Authorization": f"Bearer {CANARY}",
    "Cookie": f"session={CANARY}",
    "X-Api-Key": CANARY,
    "Idempotency-Key": CANARY,
    "Host": f"{CANARY}.internal",
    "Accept": "application/json",
}


def asked(method: str = "GET", url: str = "https://lb.internal/a?x=1", **given: Any) -> Request:
    return Request(method, URL(url), SECRETS, **given)


def refusal(request: Request, status: int, location: str) -> str:
    with pytest.raises(RefusedError) as refused:
        request.redirected(status, location)
    return str(refused.value)


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/b", "https://lb.internal/b"),
        ("b", "https://lb.internal/b"),
        ("?y=2", "https://lb.internal/a?y=2"),
        ("https://lb.internal:443/b", "https://lb.internal:443/b"),
        ("https:///b", "https://lb.internal/b"),
        ("https://LB.internal/b", "https://lb.internal/b"),
        ("//lb.internal/b", "https://lb.internal/b"),
    ],
)
def test_within_one_origin_everything_goes_along(location: str, url: str) -> None:
    request = asked().redirected(302, location)
    assert (request.url, request.headers) == (URL(url), SECRETS)


@pytest.mark.parametrize(
    "location",
    [
        "https://evil.example/",
        "//evil.example/",
        "https://lb.internal:8443/",
        "https://sub.lb.internal/",
        "https://lb.internal.evil.example/",
    ],
)
def test_to_another_origin_goes_nothing_that_may_be_a_secret(location: str) -> None:
    request = asked().redirected(302, location)
    assert request.headers == {"Accept": "application/json"}


def test_what_was_left_behind_does_not_come_back() -> None:
    back = asked().redirected(302, "https://b.example/").redirected(302, "https://lb.internal/")
    assert back.headers == {"Accept": "application/json"}


@given(
    headers=st.dictionaries(st.from_regex(r"[A-Za-z-]{1,20}", fullmatch=True), st.just(CANARY)),
    status=st.sampled_from([301, 302, 303, 307, 308]),
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT"]),
    has_body=st.booleans(),
)
def test_whatever_a_header_is_called_its_secret_stays(
    headers: dict[str, str], status: int, method: str, *, has_body: bool
) -> None:
    body = CANARY if has_body else None
    request = Request(method, URL(f"http://a.example/{CANARY}?k={CANARY}"), headers, body)
    try:
        moved = request.redirected(status, "http://b.example/")
    except RefusedError as error:
        assert CANARY not in str(error)  # noqa: PT017 - either will do
    else:
        assert CANARY not in str(moved.url)
        assert moved.body is None
        assert not {name.lower() for name in moved.headers} - {
            "accept",
            "accept-language",
            "user-agent",
        }


@pytest.mark.parametrize(
    ("method", "status", "becomes", "keeps"),
    [
        ("POST", 301, "GET", False),
        ("POST", 302, "GET", False),
        ("POST", 303, "GET", False),
        ("PUT", 303, "GET", False),
        ("HEAD", 303, "HEAD", True),
        ("POST", 307, "POST", True),
        ("POST", 308, "POST", True),
        ("PUT", 301, "PUT", True),
        ("DELETE", 302, "DELETE", True),
    ],
)
def test_the_method_becomes_what_the_status_says(
    method: str, status: int, becomes: str, *, keeps: bool
) -> None:
    request = Request(
        method, URL("http://lb/"), {"Content-Type": "text/plain", "X": "y"}, body="restart"
    ).redirected(status, "/b")
    assert request.method == becomes
    assert request.body == ("restart" if keeps else None)
    assert ("Content-Type" in request.headers) is keeps
    assert request.headers["X"] == "y"


@pytest.mark.parametrize(
    ("method", "status", "body"),
    [
        ("POST", 307, "restart"),
        ("POST", 308, "restart"),
        ("POST", 307, None),
        ("PUT", 302, "restart"),
        ("DELETE", 301, None),
        ("GET", 302, "query"),
    ],
)
def test_what_changes_something_or_has_a_body_goes_to_no_other_origin(
    method: str, status: int, body: str | None
) -> None:
    request = asked(method, body=body)
    assert refusal(request, status, "https://b.example/x?key=1") == (
        "redirected to https://b.example:443, and not followed: "
        f"a {method} is sent to another origin only if the playbook names it"
    )


def test_a_form_is_a_body() -> None:
    assert "not followed" in refusal(asked("GET", form={"a": "b"}), 302, "https://b.example/")


def test_tls_is_not_given_up() -> None:
    assert refusal(asked(), 302, "http://lb.internal/?token=1") == (
        "redirected to http://lb.internal:80, and not followed: "
        "what was asked over TLS is not asked without it"
    )


def test_tls_may_be_taken_up_and_that_is_another_origin() -> None:
    request = asked(url="http://lb.internal/").redirected(301, "https://lb.internal/")
    assert request.headers == {"Accept": "application/json"}


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("http://[::1", "redirected to what is no URL"),
        ("https://lb:99999/", "redirected to what is no URL"),
        (
            "https://\x1bc/",
            "redirected, and not followed: the new URL is no URL: its host cannot be one",
        ),
        (
            "file:///etc/passwd",
            (
                "redirected, and not followed: the new URL "
                "has to begin with http:// or https://, not with file:"
            ),
        ),
        (
            "https://a:b@lb.internal/",
            (
                "redirected, and not followed: the new URL "
                "has a user or a password before its host, and `basic_auth` is for these"
            ),
        ),
    ],
)
def test_a_redirect_to_nowhere_is_a_sentence(location: str, said: str) -> None:
    assert refusal(asked(), 302, location) == said


@given(st.text())
def test_any_location_is_a_request_or_a_sentence(location: str) -> None:
    try:
        moved = asked().redirected(302, location)
    except RefusedError:
        return
    assert moved.url.scheme == "https"
    assert moved.url.origin() == URL("https://lb.internal") or "Authorization" not in moved.headers


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("http://lb/drain", "http://lb/drain"),
        ("HTTP://LB/a#b", "HTTP://LB/a#b"),
        ("https://api.example:8443/v1?app_key=1&x=2", "https://api.example:8443"),
        ("http://lb?", "http://lb"),
    ],
)
def test_a_url_with_a_query_is_shown_by_its_origin_alone(url: str, text: str) -> None:
    assert shown(url) == text


@pytest.mark.parametrize(
    ("url", "place"),
    [("http://lb/", "lb:80"), ("https://lb/", "lb:443"), ("http://[::1]:8080/", "[::1]:8080")],
)
def test_a_place_is_a_host_and_a_port(url: str, place: str) -> None:
    assert Request("GET", URL(url), {}).place == place
