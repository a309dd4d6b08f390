"""YAML 1.2 that remembers its places, read the same by both parsers of PyYAML."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from engine.marked_yaml import read as reading
from engine.marked_yaml.mark import MarkedYaml, Path
from engine.marked_yaml.read import MAX_DEPTH, read_yaml
from engine.problem import EngineError

PARSERS = [yaml.SafeLoader, *([yaml.CSafeLoader] if hasattr(yaml, "CSafeLoader") else [])]


@pytest.fixture(autouse=True, params=PARSERS, scope="module")
def parser(request: pytest.FixtureRequest) -> Any:
    """Every test of this file runs with libyaml and without it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "_Parser", request.param)
        yield request.param


def read(text: str) -> MarkedYaml:
    return read_yaml(text, "f.yaml")


def problems(text: str) -> list[str]:
    with pytest.raises(EngineError) as caught:
        read(text)
    return [str(problem) for problem in caught.value.problems]


def at(document: MarkedYaml, path: Path, character: str) -> str:
    """Where the character stands that is found in the value of the path."""
    value = document.value
    for part in path:
        value = value[part]
    return str(document.locate_in(path, value.index(character)))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("off", "off"),
        ("yes", "yes"),
        ("No", "No"),
        ("y", "y"),
        ("true", True),
        ("True", True),
        ("TRUE", True),
        ("false", False),
        ("False", False),
        ("FALSE", False),
        ("tRUE", "tRUE"),
        ("null", None),
        ("Null", None),
        ("NULL", None),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-12", -12),
        ("+12", 12),
        ("010", 10),
        ("0o17", 15),
        ("0o8", "0o8"),
        ("0xfF", 255),
        ("-0xff", "-0xff"),
        ("0b11", "0b11"),
        ("1_000", "1_000"),
        ("12:30:00", "12:30:00"),
        ("2026-01-31", "2026-01-31"),
        ("2026-01-31T10:00:00Z", "2026-01-31T10:00:00Z"),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("-1.5e-3", -0.0015),
        ("1e3", 1000.0),
        (".", "."),
        ("1.2.3", "1.2.3"),
        ("=", "="),
        ("'12'", "12"),
        ('"true"', "true"),
        ("!!str 12", "12"),
        ("! 12", "12"),
        ("10.0.0.1", "10.0.0.1"),
        ("'<<'", "<<"),
    ],
)
def test_plain_scalars_are_read_by_the_core_schema_of_yaml_1_2(text: str, value: Any) -> None:
    got = read(f"a: {text}").value["a"]
    assert (got, type(got)) == (value, type(value))


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "\n\n"])
def test_a_file_that_says_nothing_is_null_and_has_a_beginning(text: str) -> None:
    document = read(text)
    assert document.value is None
    assert str(document.locate(("steps", 0))).startswith("f.yaml:")


def test_an_empty_file_is_located_at_its_first_character() -> None:
    assert str(read("").locate(("name",))) == "f.yaml:1:1"


def test_keys_stay_texts_whatever_they_look_like() -> None:
    assert read("on: 1\ntrue: 2\n1: 3\n~: 4\n").value == {"on": 1, "true": 2, "1": 3, "~": 4}


@pytest.mark.parametrize("number", [".inf", "-.INF", "+.Inf", ".nan", ".NaN", "1e400", "-1e999"])
def test_numbers_that_json_cannot_write_are_refused(number: str) -> None:
    assert problems(f"a: {number}") == [
        f"f.yaml:1:4: yaml-number: '{number}' has no place in JSON (quote it when it is a text)"
    ]


@pytest.mark.parametrize("number", ["9" * 301, "0x" + "f" * 5000, "1." + "0" * 300])
def test_a_number_of_hundreds_of_digits_is_refused_before_it_is_read(number: str) -> None:
    assert problems(f"a: {number}") == [
        "f.yaml:1:4: yaml-number: this number is too long (quote it when it is a text)"
    ]


def test_a_number_of_300_digits_is_still_read() -> None:
    assert read("a: " + "9" * 300).value == {"a": 10**300 - 1}


def test_duplicate_keys_are_all_reported_with_the_line_of_the_first() -> None:
    text = "name: a\nsteps:\n  - wait: 1s\n    id: x\n    wait: 2s\nname: b\n'name': c\n"
    assert problems(text) == [
        (
            "f.yaml:5:5: yaml-duplicate-key: the key 'wait' stands here twice "
            "(first on line 3; keep one of them)"
        ),
        (
            "f.yaml:6:1: yaml-duplicate-key: the key 'name' stands here twice "
            "(first on line 1; keep one of them)"
        ),
        (
            "f.yaml:7:1: yaml-duplicate-key: the key 'name' stands here twice "
            "(first on line 1; keep one of them)"
        ),
    ]


def test_the_same_key_in_two_mappings_is_no_duplicate() -> None:
    assert read("a: {id: 1}\nb: {id: 2}\nc: [{id: 3}, {id: 4}]").value["c"] == [
        {"id": 3},
        {"id": 4},
    ]


def test_an_alias_is_the_value_of_its_anchor() -> None:
    text = "a: &x {b: [1, 2]}\nc: *x\nd: [*x, &y 3, *y]\n&z k: *z"
    assert read(f"{text}\n").value == {
        "a": {"b": [1, 2]},
        "c": {"b": [1, 2]},
        "d": [{"b": [1, 2]}, 3, 3],
        "k": "k",
    }


def test_what_is_inside_an_alias_is_located_at_the_alias() -> None:
    document = read("a: &x {b: [1, 2]}\nc:   *x\n")
    assert str(document.locate(("c", "b", 1))) == "f.yaml:2:6"
    assert str(document.locate_in(("c", "b"), 3)) == "f.yaml:2:6"


def test_a_character_of_an_aliased_text_is_located_at_the_alias() -> None:
    document = read("a: &x severity == 'Critical'\nwhen: *x\n")
    assert str(document.locate_in(("when",), 12)) == "f.yaml:2:7"


@pytest.mark.parametrize(
    ("text", "place"), [("a: *x", "1:4"), ("a: &x\n  b: *x", "2:6"), ("a: &x [*x]", "1:8")]
)
def test_an_alias_without_an_anchor_before_it_is_a_problem(text: str, place: str) -> None:
    assert problems(text) == [
        (
            f"f.yaml:{place}: yaml-alias: no anchor '&x' stands before this alias "
            '(a text that begins with "*" has to be quoted)'
        )
    ]


def test_a_billion_laughs_stop_before_they_are_unfolded() -> None:
    lines = ["a0: &a0 [lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    assert problems("\n".join(lines)) == [
        "f.yaml:6:35: yaml-size: more than 200,000 values, aliases unfolded (split the file)"
    ]


def test_nesting_is_read_down_to_its_limit_and_no_further() -> None:
    deepest = "[" * MAX_DEPTH + "1" + "]" * MAX_DEPTH
    assert read(deepest).value
    assert problems(f"[{deepest}]") == [
        "f.yaml:1:66: yaml-depth: nested deeper than 64 levels (flatten it)"
    ]
    assert problems("[" * 100_000) == [
        "f.yaml:1:66: yaml-depth: nested deeper than 64 levels (flatten it)"
    ]


def test_aliases_cannot_nest_deeper_than_the_limit() -> None:
    half = "[" * 40 + "1" + "]" * 40
    assert problems(f"a: &a {half}\nb: {half.replace('1', '*a')}") == [
        "f.yaml:2:44: yaml-depth: nested deeper than 64 levels (flatten it)"
    ]
    assert read(f"a: &a {half}\nb: [*a, []]").value["b"][1] == []


def test_an_empty_list_may_be_aliased_at_the_limit() -> None:
    inner = "[" * (MAX_DEPTH - 1) + "*a" + "]" * (MAX_DEPTH - 1)
    assert read(f"a: &a []\nb: {inner}").value["a"] == []


@pytest.mark.parametrize(
    ("text", "tag", "place"),
    [
        ("a: !!python/object/apply:os.system [id]", ("tag:yaml.org,2002:python/object/apply:"
         "os.system"), "1:4"),
        ("a: !!binary aGk=", "tag:yaml.org,2002:binary", "1:4"),
        ("a: !!int 1", "tag:yaml.org,2002:int", "1:4"),
        ("a: !secret TOKEN", "!secret", "1:4"),
        ("!secret a: 1", "!secret", "1:1"),
        ("- !include {file: x}", "!include", "1:3"),
    ],
)  # fmt: skip
def test_tags_are_refused(text: str, tag: str, place: str) -> None:
    assert problems(text) == [
        f"f.yaml:{place}: yaml-tag: the tag '{tag}' is not taken (write the plain value)"
    ]


def test_tags_that_say_what_a_value_is_anyway_are_taken() -> None:
    assert read("a: !!map {b: !!seq [!!str x]}").value == {"a": {"b": ["x"]}}


def test_merge_keys_are_refused() -> None:
    assert problems("a: &x {b: 1}\nc:\n  <<: *x\n") == [
        (
            "f.yaml:3:3: yaml-merge: merge keys ('<<') are not part of YAML 1.2 "
            "(write the keys out, or use an alias for the whole value)"
        )
    ]


def test_a_quoted_merge_key_is_a_key() -> None:
    assert read("'<<': 1").value == {"<<": 1}


def test_a_second_document_is_refused_where_it_begins() -> None:
    assert problems("---\na: 1\n---\nb: 2\n") == [
        (
            "f.yaml:3:1: yaml-documents: a second document begins here "
            "(one playbook a file: move it to a file of its own)"
        )
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("url: {{ config.lb_url }}", "1:7"),
        ("? [a]\n: 1", "1:3"),
        ("a: &x 1\n*x : 2", "2:1"),
    ],
)
def test_only_a_text_can_be_a_key(text: str, place: str) -> None:
    assert problems(text) == [
        (
            f"f.yaml:{place}: yaml-key: only a text can be a key "
            '(a template has to be quoted: "{{ ... }}")'
        )
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "a:\n\tb: 1",
            (
                "2:1: yaml-syntax: found character '\\t' that cannot start any token "
                "(indent with spaces: YAML does not take tabs)"
            ),
        ),
        ("a: 'x", "1:4: yaml-syntax: found unexpected end of stream (close this quote)"),
        ('a: 1\nb: "x\n', "2:4: yaml-syntax: found unexpected end of stream (close this quote)"),
        (
            "a: b: c",
            "1:5: yaml-syntax: mapping values are not allowed here (quote a text that holds ': ')",
        ),
        (
            "a: @x",
            (
                "1:4: yaml-syntax: found character '@' that cannot start any token "
                "(quote a text that begins with this character)"
            ),
        ),
        (
            "a: 1\n{{ x",
            (
                "2:1: yaml-syntax: expected <block end>, but found '{' "
                '(quote a value that begins with a template: "{{ ... }}")'
            ),
        ),
        ("{a: 1", "1:6: yaml-syntax: expected ',' or '}', but got '<stream end>'"),
        (
            "a: 1\nb: \x1b[0m",
            "2:4: yaml-syntax: unacceptable character #x001b: special characters are not allowed",
        ),
        (
            "a: \ud800",
            "1:4: yaml-syntax: unacceptable character #xd800: special characters are not allowed",
        ),
        ('a: 1\nb: "\\UFFFFFFFF"', "2:5: yaml-syntax: found an escape that is no character"),
        ('a: "\\U00110000"', "1:5: yaml-syntax: found an escape that is no character"),
        ('a: "\\ud800"', "1:4: yaml-text: half a UTF-16 pair is no character (write both halves)"),
        (
            "%YAML 2.0\n---\na: 1",
            "1:1: yaml-syntax: found incompatible YAML document (version 1.* is required)",
        ),
    ],
)
def test_what_is_not_yaml_is_one_located_problem(text: str, said: str) -> None:
    assert problems(text) == [f"f.yaml:{said}"]


def test_a_syntax_problem_says_the_same_with_and_without_libyaml() -> None:
    assert problems("steps:\n  - a: [1, 2\n  - b\n") == [
        "f.yaml:4:1: yaml-syntax: expected ',' or ']', but got '<stream end>'"
    ]


def test_keys_and_values_are_located_by_line_and_column() -> None:
    document = read("name: a\n\nsteps:\n  -   id:  x\n      http: {url: u, json: [1,  2]}\n")
    places = {
        (): "1:1",
        ("name",): "1:7",
        ("steps",): "4:3",
        ("steps", 0): "4:7",
        ("steps", 0, "id"): "4:12",
        ("steps", 0, "http", "url"): "5:19",
        ("steps", 0, "http", "json", 1): "5:33",
    }
    assert {path: str(document.locate(path))[7:] for path in places} == places
    keys: dict[Path, str] = {
        ("steps",): "3:1",
        ("steps", 0, "id"): "4:7",
        ("steps", 0, "http", "json"): "5:22",
    }
    assert {path: str(document.locate_key(path))[7:] for path in keys} == keys


def test_what_is_not_there_is_located_at_what_is_around_it() -> None:
    document = read("steps:\n  - id: x\n")
    assert str(document.locate(("steps", 0, "retry", "attempts"))) == "f.yaml:2:5"
    assert str(document.locate_key(("steps", 0, "retry"))) == "f.yaml:2:5"
    assert str(document.locate_in(("steps", 0, "retry"), 3)) == "f.yaml:2:5"


def test_columns_count_characters_not_bytes() -> None:
    document = read("{标题: '😀', é: x}")
    assert str(document.locate_key(("é",))) == "f.yaml:1:11"
    assert at(document, ("é",), "x") == "f.yaml:1:14"


def test_a_byte_order_mark_is_no_column() -> None:
    document = read("\ufeffa: bc")
    assert document.value == {"a": "bc"}
    assert str(document.locate_key(("a",))) == "f.yaml:1:1"
    assert at(document, ("a",), "c") == "f.yaml:1:5"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: one X", "1:8"),
        ("a:\n  one X", "2:7"),
        ("a: 'one X'", "1:9"),
        ("a: 'it''s X'", "1:11"),
        ("a: ''''''' X'", "1:12"),
        ('a: "one X"', "1:9"),
        ('a: "\\t\\"\\\\X"', "1:11"),
        ('a: "\\x41\\u4e2d\\U0001F600X"', "1:25"),
        ('a: "\\ud83d\\ude00X"', "1:17"),
        ("a: &anchor one X", "1:16"),
        ("a: !!str 'one X'", "1:15"),
        ("a: &anchor !!str one X", "1:22"),
        ("a: &anchor\n  'one X'", "2:8"),
        ("a: |\n  X", "2:3"),
        ("a: |\n  one\n\n  two X\n", "4:7"),
        ("a: |-  # a comment\n    one\n      two X\n\n\n", "3:11"),
        ("a: |\n\n  \n  one X\n", "4:7"),
        ("- a: |2\n      one\n    two X\n", "3:9"),
        ("a: &anchor |\n  one X\n", "2:7"),
        ("a: |\r\n  one\r\n  two\r\n  X\r\n", "4:3"),
        ("- |\n X", "2:2"),
    ],
)
def test_a_character_of_a_text_is_located_exactly(text: str, place: str) -> None:
    document = read(text)
    path: Path = ("a",) if text[0] == "a" else (0, "a") if "a:" in text else (0,)
    assert at(document, path, "X") == f"f.yaml:{place}"


@pytest.mark.parametrize("text", ["a: >\n  one\n  X\n", "a: one\n  X", "a: 'one\n  X'"])
def test_a_character_of_a_folded_text_is_located_at_its_beginning(text: str) -> None:
    assert at(read(text), ("a",), "X") == "f.yaml:1:4"


def test_a_character_beyond_a_block_is_located_at_its_beginning() -> None:
    assert str(read("a: |\n  one\n").locate_in(("a",), 400)) == "f.yaml:1:4"


def test_the_end_of_a_line_of_a_block_stands_after_its_last_character() -> None:
    assert str(read("a: |\n  one\n  two\n").locate_in(("a",), 3)) == "f.yaml:2:6"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**200), 10**200)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(max_size=8).filter(lambda key: "\n" not in key), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(JSON)
@example("\U0001f600")
@example({"\U0001f600": ["\x85", "\x7f", "\ufffe"]})
def test_what_json_writes_is_read_back_equal(value: Any) -> None:
    assert read(json.dumps(value)).value == value


class QuotingDumper(yaml.SafeDumper):
    """Writes YAML 1.1, to which 1e3 is a text: what may be a number is quoted."""


def _write_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "'" if text[:1] in set("+-.0123456789") else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


QuotingDumper.add_representer(str, _write_text)


@given(JSON)
@example({"on": "yes", "1": "010", "~": "null", "a b": "2026-01-31"})
def test_what_yaml_writes_is_read_back_equal(value: Any) -> None:
    assert read(yaml.dump(value, Dumper=QuotingDumper)).value == value


MARKUP = st.text(
    alphabet=st.sampled_from(
        list("ab1.e+-:,#&*!|>'\"%@`[]{}?<~ \n\t\r\\uUxdD8\x00\x1b\ufeff\x85é😀\ud800")
    ),
    max_size=60,
)


@given(st.text() | MARKUP)
@example('"\\U00110000')
@example("&a [*a]")
def test_any_text_is_read_or_is_a_located_problem(text: str) -> None:
    try:
        document = read(text)
    except EngineError as error:
        assert all(problem.location for problem in error.problems)  # noqa: PT017
        assert error.problems  # noqa: PT017
    else:
        json.dumps(document.value, allow_nan=False).encode()
