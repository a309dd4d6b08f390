"""A result of any size and form is kept in bounds, and what is missing is said."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from typing_extensions import override

from engine.runs.result_limit import LEAST, MOST, cut_result
from engine.store.rows import to_json, to_text

SMALL = 4096  # bytes; so that hypothesis comes by what is too large

texts = st.text() | st.text(min_size=1, max_size=5).map(lambda text: text * 1500)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(texts, inner)
        | st.integers(0, 500).map(lambda times: [{"n": 1.5, "t": "text"}] * times)
    ),
    max_leaves=20,
)


@dataclass
class Large:
    """Hypothesis is not to print all of it."""

    value: Any

    @override
    def __repr__(self) -> str:
        return repr(self.value)[:2000]


def size(value: Any) -> int:
    """Bytes of its JSON, as Python's own encoder has it; what is kept is never longer."""
    text = to_text(json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str))
    assert len(to_json(value)) <= len(text)
    return len(text.encode())


def nested(levels: int) -> Any:
    value: Any = "x" * 10_000
    for _ in range(levels):
        value = [value]
    return value


@given(values.map(Large))
@example(Large("\ud800" * 3000))
@example(Large({"x" * 5000: 1, "y": 2}))
@example(Large(nested(300)))
@example(Large({"cut": ["not a text"], "value": "x" * 9000}))
def test_whatever_it_is_it_fits_and_says_so_where_it_was_cut(large: Large) -> None:
    value = large.value
    kept = cut_result(value, SMALL)

    assert size(kept) <= SMALL
    assert cut_result(kept, SMALL) is kept, "what was cut is not cut again"
    json.loads(to_json(kept))
    if size(value) <= SMALL:
        assert kept is value
    elif isinstance(kept, str):
        assert " characters cut]... " in kept
    else:
        assert "larger than 4096 bytes: " in kept["cut"]


@given(
    st.dictionaries(st.sampled_from(["status", "elapsed", "id"]), st.integers() | st.text()),
    st.text(min_size=1, max_size=5),
)
def test_what_is_small_beside_a_long_text_stays_whole(small: dict[str, Any], text: str) -> None:
    small = {name: value for name, value in small.items() if size(value) < 100}
    kept = cut_result({**small, "body": text * 5000}, SMALL)
    assert {name: kept[name] for name in small} == small


def test_the_longest_texts_are_cut_and_keep_their_beginning_and_their_end() -> None:
    result = {
        "exit": 1,
        "stdout": "first" + "o" * 200_000 + "last",
        "stderr": "e" * 1000,
        "elapsed": 0.5,
    }

    kept = cut_result(result)

    assert set(kept) == {*result, "cut"}
    assert (kept["exit"], kept["stderr"], kept["elapsed"]) == (1, "e" * 1000, 0.5)
    assert kept["stdout"].startswith("firstooo")
    assert kept["stdout"].endswith("ooolast")
    missing = 200_009 - kept["stdout"].count("o") - len("first") - len("last")
    assert (
        f"ooo ...[{missing + kept['stdout'].count('...[') - 1} characters cut]... ooo"
        in (kept["stdout"])
    )
    assert kept["cut"] == "larger than 65536 bytes: stdout (of 200009 characters)"
    assert MOST - 2 * LEAST < size(kept) <= MOST, "no more is cut than has to be"


def test_two_long_texts_lose_alike() -> None:
    kept = cut_result({"stdout": "o" * 100_000, "stderr": "é" * 100_000, "json": "j" * 1000})
    assert abs(size(kept["stdout"]) - size(kept["stderr"])) < 10
    assert kept["cut"] == (
        "larger than 65536 bytes: stdout (of 100000 characters), stderr (of 100000 characters)"
    )


def test_of_a_long_list_the_first_entries_stay_and_it_keeps_no_mark_that_could_be_an_entry() -> (
    None
):
    hosts = [{"host": f"h{number}", "note": "n" * 200} for number in range(1000)]

    kept = cut_result({"status": 200, "body": {"total": 1000, "hosts": hosts}})

    left = kept["body"]["hosts"]
    assert left == hosts[: len(left)]
    assert 200 < len(left) < 1000
    assert kept["body"]["total"] == 1000
    assert kept["cut"] == f"larger than 65536 bytes: body.hosts ({len(left)} of 1000 entries)"


def test_a_result_that_is_a_list_is_not_taken_for_the_whole_one() -> None:
    kept = cut_result(list(range(100_000)))
    assert set(kept) == {"value", "cut"}
    assert kept["value"] == list(range(len(kept["value"])))


def test_what_a_step_said_of_its_own_cutting_stays() -> None:
    said = "the body is longer than 1048576 bytes; the rest was not read"
    kept = cut_result({"status": 200, "body": "b" * 1_048_576, "cut": said})
    assert kept["cut"] == f"{said}; larger than 65536 bytes: body (of 1048576 characters)"


def test_a_result_that_just_fits_is_left_alone_and_one_byte_more_is_not() -> None:
    fits = {"stdout": "o" * (MOST - size({"stdout": ""}))}
    assert cut_result(fits) is fits
    assert "cut" in cut_result({"stdout": fits["stdout"] + "o"})


@pytest.mark.parametrize("levels", [1, 15, 16, 17, 500])
def test_what_is_nested_deeply_is_cut_in_good_time(levels: int) -> None:
    kept = cut_result({"body": nested(levels)}, SMALL)
    assert size(kept) <= SMALL


def test_what_there_is_a_file_of_is_said_to_be_there() -> None:
    files = {"stdout": "/var/lib/engine/engine.db.output/R/steps.0.attempt1.stdout"}
    kept = cut_result({"stdout": "x" * 9000, "stderr": "y" * 9000, "files": files}, SMALL)
    assert kept["files"] == files
    assert kept["cut"] == (
        "larger than 4096 bytes: stdout (of 9000 characters: see files.stdout), "
        "stderr (of 9000 characters)"
    )
