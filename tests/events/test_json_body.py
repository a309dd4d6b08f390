"""A body is one JSON object, or is refused with a sentence."""

import json
import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.events.json_body import BodyLimits, read_object
from engine.events.source import Refusal

LIMITS = BodyLimits(depth=10, items=100)
TWICE = Refusal(400, "duplicate-key", "an object in the body has the same key twice")
NUL = Refusal(400, "nul", "the body holds a NUL character (\\u0000)")


def refusal(body: bytes, limits: BodyLimits = LIMITS) -> Refusal:
    answer = read_object(body, limits)
    assert isinstance(answer, Refusal), answer
    return answer


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"NaN",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1e400}',
        b'{"a": 1' + b"0" * 400 + b"}",
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": "\\ud800"}',
        b'{"a": "\\udc00\\ud800"}',
        b'{"\\ud800": 1}',
        b'{"a": "\xff"}',
        b'{"a": "\xed\xa0\x80"}',
        b'{"a": "\x00"}',
        b'{"a": 1}\x00',
        b'\x00{"a": 1}',
        b'{"a": "line\nbreak"}',
        b"\xef\xbb\xbf{}",
        '{"a": 1}'.encode("utf-16"),
        '{"a": 1}'.encode("utf-32"),
        b'{"a": 1} {}',
        b"{'a': 1}",
        b'{"a": 1,}',
        b'{"a": 01}',
        b'{"a": 0x1}',
        b'{"a": .5}',
        b"{a: 1}",
        b'{"a": 1 /* */}',
        b"a=1&b=2",
        b"<a/>",
        b"\x1f\x8b\x08\x00",
        b"[" * 1_000_000,
        b'{"a":' * 100_000,
    ],
)
def test_what_is_not_json_is_refused_with_the_place(body: bytes) -> None:
    answer = refusal(body)
    assert (answer.status, answer.code) == (400, "not-json")
    assert answer.message.startswith("the body is not JSON: ")
    assert len(answer.message) < 200


@pytest.mark.parametrize("body", [b"[]", b"null", b'"text"', b"1", b"true", b"[{}]"])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    assert refusal(body) == Refusal(422, "not-flashduty", "the body has to be a JSON object")


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": 1, "a": 1}',
        b'{"a": 1, "a": 2}',
        b'{"a": 1, "\\u0061": 2}',
        b'{"a": {"b": [{"c": 1, "c": 2}]}}',
        b'{"a" : 1, "a"\n:2}',
        b'{"": 1, "": 2}',
        b'{"a": "x:y", "a": "x:y"}',
        b'{"a": 1, "a": "\\u003a"}',
        b'{"a": 1, "a": 2, "b": "\\u003a"}',
        b'{"a": 1, "a": 2, "b": "\\u003A"}',
        b'{"a": 1, "a": 2, "b": "\\\\u003a"}',
        b'{"a": 1, "a": 2, "b": "\\\\\\u003a"}',
        b'{"incident": {"event_id": "a"}, "incident": {"event_id": "b"}}',
    ],
)
def test_a_key_that_is_there_twice_is_refused(body: bytes) -> None:
    assert refusal(body) == TWICE


@pytest.mark.parametrize(
    "text",
    [":", "::", "\\u003a", '":', "a:b", "http://x:1/", "\\", "\\\\", '\\":', "\\\\u003a", "u003a"],
)
def test_colons_in_texts_are_no_keys(text: str) -> None:
    body = {"a": text, text: "b", "c": [text, {text: text}]}
    for written in (json.dumps(body), json.dumps(body).replace(":", ": ")):
        assert isinstance(read_object(written.encode(), LIMITS), dict)
    escaped = json.dumps({"a": text}).replace(":", "\\u003a").replace("\\u003a", ":", 1)
    assert read_object(escaped.encode(), LIMITS) == json.loads(escaped)


@pytest.mark.parametrize(
    "body",
    [b'{"a": "\\u0000"}', b'{"\\u0000": 1}', b'{"a": ["x\\u0000y"]}', b'{"a": "\\\\\\u0000"}'],
)
def test_a_nul_is_refused_however_it_is_written(body: bytes) -> None:
    assert refusal(body) == NUL


def test_a_backslash_before_what_looks_like_a_nul_makes_it_a_text() -> None:
    assert read_object(b'{"a": "\\\\u0000"}', LIMITS) == {"a": "\\u0000"}


def test_how_deep_a_body_may_be() -> None:
    deep: dict[str, Any] = {"a": [[[[[[[[[]]]]]]]]]}
    assert read_object(json.dumps(deep).encode(), LIMITS) == deep
    assert refusal(json.dumps({"a": [deep["a"]]}).encode()) == Refusal(
        400, "too-deep", "the body is nested deeper than 10 levels (limits.depth)"
    )


@pytest.mark.parametrize(
    ("body", "items"),
    [
        ({str(number): number for number in range(100)}, 100),
        ({str(number): number for number in range(101)}, 101),
        ({"a": [0] * 99}, 100),
        ({"a": [0] * 100}, 101),
        ({"a": [{}] * 99}, 100),
        ({"a": [{}] * 100}, 101),
        ({"a": "," * 500 + ":" * 500 + "[" * 500}, 1),
    ],
)
def test_how_many_keys_and_items_a_body_may_have(body: dict[str, Any], items: int) -> None:
    answer = read_object(json.dumps(body).encode(), LIMITS)
    if items <= 100:
        assert answer == body
    else:
        said = "the body has more than 100 keys and list items (limits.items)"
        assert answer == Refusal(413, "too-many-items", said)


_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=6)
    | st.sampled_from([":", "\\u003a", "\\", '"', "\\\\u003a", "\\u0000"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(":a\\u03", max_size=3), inner),
    max_leaves=8,
)  # fmt: skip
_objects = st.dictionaries(st.text(":ab\\", max_size=3), _values, max_size=4)


@given(_objects, st.booleans())
def test_whatever_json_writes_is_read_as_it_was(body: dict[str, Any], ascii_: bool) -> None:
    written = json.dumps(body, ensure_ascii=ascii_).encode()
    assert read_object(written, BodyLimits()) == body


@given(_objects, _objects, st.sampled_from(["a", ":", "\\u003a", "\\", ""]))
def test_whatever_is_twice_in_it_is_found(
    one: dict[str, Any], other: dict[str, Any], key: str
) -> None:
    name = json.dumps(key)
    for body in (
        f"{{{name}: {json.dumps(one)}, {name}: {json.dumps(other)}}}",
        f'{{"x": [{{{name}: 1, "z": {json.dumps(one)}, {name}: {json.dumps(other)}}}]}}',
        f"{{{name}: {json.dumps(one)}, {name}: {json.dumps(other)}}}".replace('":', '"  :'),
    ):
        assert refusal(body.encode(), BodyLimits()) == TWICE


@given(st.binary(max_size=300))
@example(b'{"a":1' + b" " * 100 + b"}")
def test_no_body_raises(body: bytes) -> None:
    answer = read_object(body, LIMITS)
    assert isinstance(answer, dict | Refusal)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":"' + b"\\\\" * 2_000_000 + b'\\u003a\\u0000"}',
        b'{"a":"' + b"\\u003a" * 600_000 + b'"}',
        b'{"a":"' + b"\\\\u0000" * 500_000 + b'"}',
        b'{"a":[' + b"{}," * 1_300_000 + b"{}]}",
        b'{"a":"' + b",:[{" * 1_000_000 + b'"}',
    ],
    ids=["backslashes", "colons", "nuls", "objects", "brackets"],
)
def test_the_worst_body_of_four_mebibytes_is_no_hang(body: bytes) -> None:
    began = time.process_time()
    read_object(body, BodyLimits())
    assert time.process_time() - began < 5
