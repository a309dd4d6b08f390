"""Who may send a custom action, and what is read of what they sent."""

import ipaddress
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.events.event import Event
from engine.events.json_body import DEEPEST
from engine.events.kept import Kept
from engine.events.senders import Senders
from engine.events.source import Refusal, Request, Source
from engine.sources.flashduty import CustomActionSource

FIXTURES = Path(__file__).parents[1] / "fixtures"
SAMPLES = ("custom-action.vendor-page.json", "custom-action.field-table.json")
JSON_TYPE = {"content-type": "application/json"}
IDENTITY = {"event_id": "fac0", "incident": {}}


def request(
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    client: str | None = "10.0.0.7",
) -> Request:
    return Request("restart-host", query or {}, JSON_TYPE | dict(headers or {}), client)


def senders(token: str | None) -> Senders:
    return Senders(None if token is None else (token,))


def read(body: bytes | dict[str, Any], source: Source | None = None) -> Event | Refusal:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return (source or CustomActionSource()).read(request(), raw, id_="01J", received=2.5)


def event(body: bytes | dict[str, Any]) -> Event:
    answer = read(body)
    assert isinstance(answer, Event), answer
    return answer


def refusal(body: bytes | dict[str, Any]) -> Refusal:
    answer = read(body)
    assert isinstance(answer, Refusal), answer
    return answer


UNAUTHORIZED = Refusal(
    401,
    "unauthorized",
    "send the webhook token in the header x-engine-token or as ?token=",
)


@pytest.mark.parametrize(
    ("token", "headers", "query", "refused"),
    [
        (None, {}, {}, None),
        (None, {"x-engine-token": "anything"}, {"token": "else"}, None),
        ("s3cret", {"x-engine-token": "s3cret"}, {}, None),
        ("s3cret", {}, {"token": "s3cret"}, None),
        ("s3cret", {"x-engine-token": "wrong"}, {"token": "s3cret"}, None),
        ("s3cret", {"x-engine-token": "s3cret"}, {"token": "wrong"}, None),
        ("s3cret", {}, {}, UNAUTHORIZED),
        ("s3cret", {"x-engine-token": ""}, {"token": ""}, UNAUTHORIZED),
        ("s3cret", {"x-engine-token": "s3cre"}, {"token": "s3cret "}, UNAUTHORIZED),
        ("s3cret", {"x-engine-token": "S3CRET"}, {}, UNAUTHORIZED),
        ("s3cret", {"authorization": "Bearer s3cret"}, {}, UNAUTHORIZED),
        ("s3cret", {"x-engine-token": "密钥"}, {"token": "\ud800"}, UNAUTHORIZED),
        ("密钥", {}, {"token": "密钥"}, None),
        ("密钥", {"x-engine-token": "密钥"}, {}, None),
        ("密钥", {"x-engine-token": "密钥".encode().decode("latin-1")}, {}, None),
        ("密钥", {"x-engine-token": "密"}, {}, UNAUTHORIZED),
    ],
)
def test_the_sender_shows_the_token_in_a_header_or_in_the_url(
    token: str | None,
    headers: dict[str, str],
    query: dict[str, str],
    refused: Refusal | None,
) -> None:
    assert CustomActionSource(senders(token)).admit(request(headers, query)) == refused


@pytest.mark.parametrize("headers", [{}, {"x-engine-token": ""}])
def test_an_empty_token_lets_nobody_in(headers: dict[str, str]) -> None:
    assert CustomActionSource(senders("")).admit(request(headers, {"token": ""})) == UNAUTHORIZED


@pytest.mark.parametrize(
    ("client", "admitted"),
    [
        ("10.0.0.7", True),
        ("10.0.1.7", False),
        ("fd00::7", True),
        ("fe80::7", False),
        ("::ffff:10.0.0.7", True),
        ("::ffff:10.0.1.7", False),
        ("10.0.0.7:443", False),
        ("localhost", False),
        ("", False),
        (None, False),
    ],
)
def test_only_addresses_of_allow_from_are_admitted(client: str | None, admitted: bool) -> None:
    allow_from = (ipaddress.ip_network("10.0.0.0/24"), ipaddress.ip_network("fd00::/8"))
    answer = CustomActionSource(Senders(allow_from=allow_from)).admit(request(client=client))
    assert answer == (
        None if admitted else Refusal(403, "address-not-allowed", f"{client} is not in allow_from")
    )


@pytest.mark.parametrize("client", ["203.0.113.9", None])
def test_without_allow_from_every_address_is_admitted(client: str | None) -> None:
    assert CustomActionSource().admit(request(client=client)) is None


def test_a_wrong_token_is_said_before_anything_else() -> None:
    source = CustomActionSource(senders("s3cret"))
    assert source.admit(request({"content-type": "text/plain"})) == UNAUTHORIZED


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        " application/json ;charset=utf-8",
    ],
)
def test_json_is_taken_however_its_type_is_written(content_type: str) -> None:
    assert CustomActionSource().admit(request({"content-type": content_type})) is None


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({}, "the Content-Type has to be application/json, and none was sent"),
        (
            {"content-type": "text/plain; charset=utf-8"},
            "the Content-Type has to be application/json, not text/plain",
        ),
        (
            {"content-type": "x" * 5000},
            f"the Content-Type has to be application/json, not {'x' * 100}",
        ),
    ],
)
def test_another_content_type_is_refused(headers: dict[str, str], said: str) -> None:
    answer = CustomActionSource().admit(Request(None, {}, headers, None))
    assert answer == Refusal(415, "unsupported-media-type", said)


@pytest.mark.parametrize("sample", SAMPLES)
def test_both_of_the_vendors_samples_are_the_same_delivery(sample: str) -> None:
    body = (FIXTURES / sample).read_bytes()
    assert event(body) == Event(
        id="01J",
        source="custom-action",
        action="restart-host",
        key="fac0599a2a25529ba2362c0c184b6cfb",
        type="i_custom",
        time=1700208013988,
        query={},
        headers={},
        payload=json.loads(body),
        received=2.5,
    )


def without_event_id(**changes: Any) -> dict[str, Any]:
    told: dict[str, Any] = {
        "event_type": "i_custom",
        "event_time": 1700208013988,
        "incident": {"incident_id": "6551f3"},
        "person": {"person_id": 1999632289504},
    }
    return told | changes


def test_without_an_event_id_a_delivery_is_known_by_what_when_which_and_who() -> None:
    assert event(without_event_id()).key == "i_custom:1700208013988:6551f3:1999632289504"
    again = event(without_event_id(new_field=1, incident={"incident_id": "6551f3", "title": "x"}))
    assert again.key == event(without_event_id()).key


@pytest.mark.parametrize(
    "changes",
    [
        {"event_type": "i_new"},
        {"event_time": 1700208013989},
        {"incident": {"incident_id": "6551f4"}},
        {"person": {"person_id": 2}},
        {"person": None},
        {"event_id": "fac0"},
    ],
)
def test_another_type_time_incident_or_person_is_another_delivery(changes: dict[str, Any]) -> None:
    assert event(without_event_id(**changes)).key != event(without_event_id()).key


@pytest.mark.parametrize("person", [None, "zhangsan", [], {}, {"person_id": None}])
def test_a_delivery_without_a_person_is_still_known(person: Any) -> None:
    assert event(without_event_id(person=person)).key == "i_custom:1700208013988:6551f3:None"


def test_ids_that_are_numbers_are_the_texts_they_show() -> None:
    assert event({"event_id": 42, "incident": {}}).key == "42"
    assert event(without_event_id(incident={"incident_id": 7})).key.split(":")[2] == "7"


@pytest.mark.parametrize("event_id", [None, "", [], {"a": 1}, True, 1.5])
def test_an_event_id_that_is_none_is_looked_for_inside_the_incident(event_id: Any) -> None:
    assert event({"event_id": event_id, "incident": {"event_id": "fac0"}}).key == "fac0"


@pytest.mark.parametrize(
    "body",
    [
        {"incident": {}},
        without_event_id(event_time=None),
        without_event_id(event_time="1700208013988"),
        without_event_id(event_time=True),
        without_event_id(event_time=2**64 - 1),
        without_event_id(incident={}),
        without_event_id(incident={"incident_id": ""}),
        without_event_id(incident={"incident_id": ["6551f3"]}),
        {"event_id": "", "incident": {"event_id": None}},
    ],
)
def test_a_delivery_that_could_not_be_told_from_another_is_refused(body: dict[str, Any]) -> None:
    assert refusal(body) == Refusal(
        422,
        "no-identity",
        "the body has neither an event_id nor an event_time with an incident_id: "
        "a repeated delivery could not be told from a new one",
    )


@pytest.mark.parametrize("body", [b"[]", b"null", b'"text"', b"1", b"true", b"[{}]"])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    assert refusal(body) == Refusal(422, "not-flashduty", "the body has to be a JSON object")


@pytest.mark.parametrize(
    "body", [{}, {"incident": None}, {"incident": "6551f3"}, {"incident": []}, {"event_id": "x"}]
)
def test_a_body_without_an_incident_is_refused(body: dict[str, Any]) -> None:
    assert refusal(body) == Refusal(422, "not-flashduty", "the body has no 'incident' object")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "line 1 column 1 (char 0)"),
        (b"{", "line 1 column 2 (char 1)"),
        (b'{"incident": NaN}', "line 1 column 14 (char 13)"),
    ],
)
def test_a_body_that_is_not_json_is_refused_with_the_place(body: bytes, said: str) -> None:
    refused = refusal(body)  # what is wrong, the parser says, and not always in the same words
    assert (refused.status, refused.code) == (400, "not-json")
    assert re.fullmatch(rf"the body is not JSON: .+: {re.escape(said)}", refused.message)


@pytest.mark.parametrize(
    "body",
    [
        b'{"event_id": "x", "incident": {"n": Infinity}}',
        b'{"event_id": "x", "incident": {"n": 1e400}}',
        b'{"event_id": "x", "incident": {"n": ' + b"9" * 5000 + b"}}",
        b'{"event_id": "\\ud800", "incident": {}}',
        b'{"event_id": "\xff", "incident": {}}',
        b'{"event_id": "\xed\xa0\x80", "incident": {}}',
        b'{"event_id": "x", "incident": {}} {}',
        b"\xef\xbb\xbf{}",
        b"[" * 1_000_000,
        b'{"incident":' * 100_000,
    ],
)
def test_what_json_does_not_allow_is_refused_and_never_raises(body: bytes) -> None:
    assert (refusal(body).status, refusal(body).code) == (400, "not-json")


def nested(levels: int) -> bytes:
    inner = b"[" * (levels - 2) + b"]" * (levels - 2)
    return b'{"event_id": "x", "incident": {"fields": ' + inner + b"}}"


def test_a_body_is_taken_down_to_the_depth_that_can_be_written_again() -> None:
    assert json.loads(json.dumps(event(nested(DEEPEST)).payload))
    too_deep = Refusal(400, "too-deep", "the body is nested deeper than 100 levels (limits.depth)")
    assert refusal(nested(DEEPEST + 1)) == too_deep
    assert refusal(nested(1000)) == too_deep


def test_many_brackets_side_by_side_are_not_deep() -> None:
    body = {"event_id": "x", "incident": {"alerts": [{"labels": {}}] * 500, "title": "[" * 500}}
    assert event(body).payload == body


def test_a_time_beyond_what_a_database_holds_is_no_time_but_stays_in_the_payload() -> None:
    body = {**IDENTITY, "event_time": 2**63}
    assert event(body).time is None
    assert event(body).payload["event_time"] == 2**63
    assert event({**IDENTITY, "event_time": 2**63 - 1}).time == 2**63 - 1


@pytest.mark.parametrize("time", [None, "1700208013988", True, 1.5, [], {}])
def test_a_time_that_is_no_whole_number_is_none(time: Any) -> None:
    assert event({**IDENTITY, "event_time": time}).time is None


def test_fields_nobody_knows_are_kept() -> None:
    body = {**IDENTITY, "new": {"deep": [1, None]}, "incident": {"newer": True}}
    assert event(body).payload == body


@pytest.mark.parametrize(
    ("sent", "type_"),
    [("i_custom", "i_custom"), ("i_never_heard_of", "i_never_heard_of"), (None, "i_custom"),
     ("", "i_custom"), (["i_new"], "i_custom"), (7, "7")],
)  # fmt: skip
def test_event_types_nobody_knows_are_kept(sent: Any, type_: str) -> None:
    assert event({**IDENTITY, "event_type": sent}).type == type_


def kept(
    token: str | None, headers: dict[str, str], query: dict[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    body = json.dumps(IDENTITY).encode()
    kept = Kept.of(("x-*",), () if token is None else (token,))
    answer = CustomActionSource(kept=kept).read(request(headers, query), body, id_="1", received=0)
    assert isinstance(answer, Event)
    return dict(answer.headers), dict(answer.query)


def test_custom_headers_and_the_query_are_kept() -> None:
    headers = {"x-team": "sre", "user-agent": "flashduty", "host": "engine"}
    assert kept("s3cret", headers, {"dc": "nj"}) == ({"x-team": "sre"}, {"dc": "nj"})


@pytest.mark.parametrize(
    "name",
    [
        "x-engine-token",
        "x-secret",
        "x-api-key",
        "x-authorization",
        "X-Auth-User",
        "x-password",
        "x-pass",
        "x-db-pwd",
        "x-credentials",
        "x-bearer",
        "x-session-id",
        "x-cookie",
        "x-signature",
        "authorization",
        "cookie",
    ],
)
def test_what_looks_like_a_secret_is_kept_neither_from_headers_nor_from_the_query(
    name: str,
) -> None:
    query_name = name.removeprefix("x-")
    assert kept(None, {name: "hunter2"}, {query_name: "hunter2"}) == ({}, {})


@pytest.mark.parametrize(
    ("token", "url"),
    [
        ("s3cret", "https://engine/flashduty/actions/x?token=s3cret"),
        ("a/b c", "/flashduty/actions/x?token=a%2Fb%20c"),
    ],
)
def test_a_token_repeated_by_a_proxy_is_not_kept_either(token: str, url: str) -> None:
    headers = {"x-original-url": url, "x-team": "sre"}
    assert kept(token, headers, {"token": token, "t": token}) == ({"x-team": "sre"}, {})


NAMES = st.sampled_from(["x-team", "x-token", "token", "x-engine-token", "x-url", "dc", "cookie"])
VALUES = st.text(max_size=5) | st.sampled_from(["s3cret", "?token=s3cret&x=1"])


@given(st.dictionaries(NAMES, VALUES), st.dictionaries(NAMES, VALUES))
def test_the_token_is_never_in_an_event(headers: dict[str, str], query: dict[str, str]) -> None:
    assert "s3cret" not in str(kept("s3cret", headers, query))


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["incident", "event_id", "event_time", "event_type", "incident_id", "person"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=10,
)


@given(st.binary() | ANYTHING.map(lambda value: json.dumps(value).encode()))
@example(json.dumps(without_event_id(event_time=-(2**63))).encode())
@example(b'{"event_id": 18446744073709551615, "incident": {}}')
@example(b'{"event_id": 18446744073709551616, "incident": {"event_id": 0}}')
def test_any_body_is_an_event_or_a_refusal(body: bytes) -> None:
    answer = read(body)
    if isinstance(answer, Refusal):
        assert answer.status in (400, 422)
        assert answer.code in ("not-json", "too-deep", "not-flashduty", "no-identity")
        assert answer.message
    else:
        assert answer.key
        assert answer.time is None or -(2**63) <= answer.time < 2**63
        json.dumps(answer.payload, allow_nan=False, ensure_ascii=False).encode()


def test_the_source_names_what_it_reads() -> None:
    assert CustomActionSource().name == event(IDENTITY).source == "custom-action"
