"""What an event keeps of a request's head."""

import base64
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.events.kept import Kept, looks_secret

SENT = {
    "host": "engine",
    "user-agent": "flashduty",
    "x-custom-team": "sre",
    "x-enrich-dc": "nj",
    "x-team": "sre",
    "x-forwarded-for": "203.0.113.7",
    "cookie": "a=b",
}


def test_only_headers_that_are_allowed_are_kept() -> None:
    assert Kept().headers(SENT) == {"x-custom-team": "sre", "x-enrich-dc": "nj"}
    assert Kept.of([], []).headers(SENT) == {}
    assert Kept.of(["X-Team", "Host"], []).headers(SENT) == {"x-team": "sre", "host": "engine"}
    assert Kept.of(["X-*"], []).headers(SENT) == {
        name: value for name, value in SENT.items() if name.startswith("x-")
    }


@pytest.mark.parametrize(
    "name", ["x-custom-token", "x-custom-Secret", "x-custom-api-key", "x-custom-authorization"]
)
def test_what_looks_like_a_secret_is_kept_by_no_list(name: str) -> None:
    assert looks_secret(name)
    assert Kept.of(["x-custom-*", name], []).headers({name.lower(): "hunter2"}) == {}
    assert Kept().query({name: "hunter2"}) == {}


TOKEN = "s3/c r+t"


@pytest.mark.parametrize(
    "value",
    [
        TOKEN,
        f"https://engine/flashduty/incidents?token={quote(TOKEN, safe='')}",
        f"?token={quote_plus(TOKEN)}&dc=nj",
        "?token=" + "".join(f"%{byte:02x}" for byte in TOKEN.encode()),
    ],
)
def test_a_token_is_not_kept_however_a_url_writes_it(value: str) -> None:
    kept = Kept.of(["x-custom-*"], ["other", TOKEN])
    assert kept.headers({"x-custom-url": value, "x-custom-team": "sre"}) == {"x-custom-team": "sre"}
    assert kept.query({"u": value, "dc": "nj"}) == {"dc": "nj"}


def test_an_empty_token_takes_nothing_with_it() -> None:
    assert Kept.of(["x-team"], [""]).headers(SENT) == {"x-team": "sre"}


@given(st.text(max_size=6), st.text(max_size=6))
def test_no_value_holds_a_token(before: str, after: str) -> None:
    kept = Kept.of(["x-*"], ["tok€n"])
    for form in ("tok€n", quote("tok€n")):
        assert "x-a" not in kept.headers({"x-a": f"{before}{form} {after}"})
    encoded = base64.b64encode(b"unrelated").decode()
    assert kept.headers({"x-a": encoded}) == {"x-a": encoded}
