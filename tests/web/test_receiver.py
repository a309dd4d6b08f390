"""The receiver: 200 means committed, and nothing that is sent makes it fail."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from tests.web.conftest import Post, Receiving


def test_a_delivery_is_committed_before_it_is_answered(
    post: Post, receiving: Receiving, example: bytes
) -> None:
    assert post(example) == (200, {"event": "EVENT1", "duplicate": False})

    kept = asyncio.run(receiving.ledger.event("EVENT1"))
    assert (kept.source, kept.action, kept.type) == ("custom-action", "restart-host", "i_custom")
    assert kept.payload == json.loads(example)
    assert receiving.woken == 1


def test_a_repeated_delivery_is_answered_with_the_first_ones_id_and_wakes_nobody(
    post: Post, receiving: Receiving, example: bytes
) -> None:
    post(example)

    assert post(example) == (200, {"event": "EVENT1", "duplicate": True})
    assert receiving.woken == 1


def test_the_same_event_by_another_button_is_another_event(post: Post, example: bytes) -> None:
    post(example)

    assert post(example, "/flashduty/actions/enrich")[1]["duplicate"] is False


@pytest.mark.parametrize(
    ("path", "sample", "source"),
    [
        ("/flashduty/incidents", "incident-webhook.vendor-page.json", "incident-webhook"),
        ("/flashduty/alerts", "alert-webhook.vendor-page.json", "alert-webhook"),
    ],
)
def test_webhooks_are_events_of_their_own_source(
    post: Post, receiving: Receiving, path: str, sample: str, source: str
) -> None:
    body = (Path(__file__).parents[1] / "fixtures" / sample).read_bytes()

    assert post(body, path) == (200, {"event": "EVENT1", "duplicate": False})
    assert post(body, path) == (200, {"event": "EVENT1", "duplicate": True})
    kept = asyncio.run(receiving.ledger.event("EVENT1"))
    assert (kept.source, kept.action) == (source, None)
    assert post(body, path, x_engine_token="wrong")[0] == 401


def test_the_token_is_also_taken_from_the_query(client: TestClient, example: bytes) -> None:
    answer = client.post(
        "/flashduty/actions/x?a=a&token=web-test-token",
        content=example,
        headers={"content-type": "application/json"},
    )

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("body", "headers", "status", "code", "message"),
    [
        (
            b"{}",
            {"x_engine_token": "wrong"},
            401,
            "unauthorized",
            "send the webhook token in the header x-engine-token or as ?token=",
        ),
        (
            b"{}",
            {"content_type": "text/plain"},
            415,
            "unsupported-media-type",
            "the Content-Type has to be application/json, not text/plain",
        ),
        (b" " * 65537, {}, 413, "too-large", "the body is larger than 65536 bytes"),
        (
            b"{",
            {},
            400,
            "not-json",
            "the body is not JSON: unexpected end of data: line 1 column 2 (char 1)",
        ),
        (b"[]", {}, 422, "not-flashduty", "the body has to be a JSON object"),
        (b"{}", {}, 422, "not-flashduty", "the body has no 'incident' object"),
        (
            b'{"incident": {}}',
            {},
            422,
            "no-identity",
            (
                "the body has neither an event_id nor an event_time with an incident_id: "
                "a repeated delivery could not be told from a new one"
            ),
        ),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_sentence(
    post: Post,
    receiving: Receiving,
    body: bytes,
    headers: dict[str, str],
    status: int,
    code: str,
    message: str,
) -> None:
    assert post(body, **headers) == (status, {"error": {"code": code, "message": message}})
    assert receiving.refusals == [("custom-action", code)]


def test_a_body_without_a_declared_length_is_cut_at_the_cap(client: TestClient) -> None:
    def chunks() -> Any:
        for _ in range(70):
            yield b" " * 1024

    answer = client.post(
        "/flashduty/actions/x",
        content=chunks(),
        headers={"content-type": "application/json", "x-engine-token": "web-test-token"},
    )

    assert answer.status_code == 413


def test_a_ledger_that_cannot_keep_is_a_503_with_the_reason(
    post: Post, receiving: Receiving, example: bytes
) -> None:
    receiving.refusing = "database or disk is full"

    assert post(example) == (
        503,
        {
            "error": {
                "code": "not-committed",
                "message": "the event could not be kept: database or disk is full",
            }
        },
    )
    assert receiving.woken == 0


def test_a_fault_of_ours_is_a_503_and_told_to_the_log(
    post: Post, receiving: Receiving, example: bytes
) -> None:
    receiving.failing = ZeroDivisionError("ours")

    assert post(example)[0] == 503
    assert [str(fault) for fault in receiving.faults] == ["ours"]


def test_unknown_event_types_and_fields_are_kept(
    post: Post, receiving: Receiving, example: bytes
) -> None:
    body = {**json.loads(example), "event_type": "i_unheard_of", "extra": {"a": [1, None]}}

    status, answer = post(json.dumps(body).encode())

    assert status == 200
    kept = asyncio.run(receiving.ledger.event(answer["event"]))
    assert kept.type == "i_unheard_of"
    assert kept.payload == body


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["\ud800", "\x00", "{{ 7*7 }}", "../../etc/passwd", "' OR 1=1 --", "\x1b[2J"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["incident", "event_id", "event_time", "event_type", "incident_id", "labels",
                 "alerts", "person", "fields", "person_id", "__proto__"]
            )
            | st.text(max_size=8),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)  # fmt: skip
_shaped = st.fixed_dictionaries(
    {},
    optional={
        "event_id": _json,
        "event_time": _json,
        "event_type": _json,
        "person": _json,
        "alert": _json,
        "incident": st.fixed_dictionaries(
            {},
            optional={
                "event_id": _json,
                "incident_id": _json,
                "labels": _json,
                "fields": _json,
                "alerts": _json,
                "title": _json,
            },
        ),
    },
)


def _encode(value: Any) -> bytes:
    return json.dumps(value).encode()  # NaN, Infinity and lone surrogates included


_hostile = st.one_of(
    st.binary(max_size=200),
    st.text().map(lambda text: text.encode("utf-8", "surrogatepass")),
    _json.map(_encode),
    _shaped.map(_encode),
    st.integers(1, 40_000).map(lambda depth: b"[" * depth),
    st.integers(1, 9_000).map(lambda depth: b'{"incident":' * min(depth, 5000) + b"1"),
    st.integers(300, 6_000).map(
        lambda digits: b'{"incident":{"event_id":1' + b"0" * digits + b"}}"
    ),
    st.just(b'{"incident":{"event_id":"a","x":1e400}}'),
    st.just(b'\xef\xbb\xbf{"incident":{"event_id":"bom"}}'),
)


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(body=_hostile)
def test_no_body_makes_it_fail_or_stop_answering(
    post: Post, receiving: Receiving, example: bytes, body: bytes
) -> None:
    status, answer = post(body)

    assert status in (200, 400, 413, 422), answer
    assert receiving.faults == []
    if status == 200:
        kept = asyncio.run(receiving.ledger.event(answer["event"]))
        assert kept.key
    else:
        assert answer["error"]["message"]
    assert post(example)[0] == 200
