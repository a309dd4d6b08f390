import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.playbooks.units import format_duration, format_size, parse_duration, parse_size

YEAR = 366 * 86400


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("90s", 90),
        ("10m", 600),
        ("1h30m", 5400),
        ("1.5h", 5400),
        ("1d2h3m4s5ms", 93784.005),
        ("0s", 0),
        ("366d", YEAR),
    ],
)
def test_a_duration_is_seconds(text: str, seconds: float) -> None:
    assert math.isclose(parse_duration(text), seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "90",
        "s",
        "90 s",
        " 90s",
        "1h 30m",
        "30m1h",
        "1m1m",
        "-5s",
        "5sec",
        "5S",
        "1e3s",
        ".5s",
        "٣s",
        "5s\n",
        "1,5s",
        "{{ config.pause }}",
    ],
)
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="a duration is written like") as caught:
        parse_duration(text)
    assert str(caught.value) == (
        f"a duration is written like 500ms, 90s, 10m or 1h30m, not '{text}'"
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [(30, "30"), (1.5, "1.5"), (True, "True"), (None, "nothing"), (["5m"], "['5m']")],
)
def test_a_duration_without_a_unit_is_none(value: object, shown: str) -> None:
    with pytest.raises(ValueError, match="a duration has a unit") as caught:
        parse_duration(value)
    assert str(caught.value) == (
        f"a duration has a unit, as in 500ms, 90s, 10m or 1h30m; this is {shown}"
    )


@pytest.mark.parametrize("text", ["367d", "9999999h", f"{'9' * 400}s"])
def test_nothing_takes_more_than_a_year(text: str) -> None:
    with pytest.raises(ValueError, match="year") as caught:
        parse_duration(text)
    assert str(caught.value) == f"'{text}' is more than a year"


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512B", 512),
        ("64KiB", 65536),
        ("64 KiB", 65536),
        ("1.5MiB", 1572864),
        ("1GiB", 1024**3),
        ("2KB", 2000),
        ("3MB", 3_000_000),
        ("4GB", 4_000_000_000),
        ("1024GiB", 1024**4),
    ],
)
def test_a_size_is_bytes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("64K", "'64K'"),
        ("64", "'64'"),
        ("-1B", "'-1B'"),
        ("1kib", "'1kib'"),
        ("٣B", "'٣B'"),
        (64, "64"),
        (None, "nothing"),
    ],
)
def test_anything_else_is_no_size(value: object, shown: str) -> None:
    with pytest.raises(ValueError, match="a size") as caught:
        parse_size(value)
    assert str(caught.value) == f"a size is written like 512B, 64KiB or 1MiB, not {shown}"


@pytest.mark.parametrize("text", ["1025GiB", f"{'9' * 400}GB"])
def test_a_size_has_an_end(text: str) -> None:
    with pytest.raises(ValueError, match="more than") as caught:
        parse_size(text)
    assert str(caught.value) == f"'{text}' is more than 1024GiB"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0ms"),
        (0.34, "340ms"),
        (0.9996, "1s"),
        (1, "1s"),
        (2.5, "2.5s"),
        (10, "10s"),
        (59.94, "59.9s"),
        (59.96, "1m"),
        (60, "1m"),
        (90.4, "1m30s"),
        (5400, "1h30m"),
        (86400, "1d"),
        (90061, "1d1h1m1s"),
    ],
)
def test_a_duration_is_shown_as_a_person_writes_it(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.floats(min_value=0, max_value=YEAR - 1))
def test_what_is_shown_reads_as_what_was_meant(seconds: float) -> None:
    precision = 0.0005 if seconds < 1 else 0.05 if seconds < 60 else 0.5
    again = parse_duration(format_duration(seconds))
    assert abs(again - seconds) <= precision + 1e-6


@given(st.integers(min_value=60, max_value=YEAR))
def test_whole_seconds_lose_nothing(seconds: int) -> None:
    assert parse_duration(format_duration(seconds)) == seconds


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0B"),
        (1023, "1023B"),
        (1024, "1KiB"),
        (1536, "1.5KiB"),
        (64 * 1024**2, "64MiB"),
        (2 * 1024**3, "2GiB"),
    ],
)
def test_a_size_is_shown_as_a_person_writes_it(size: int, text: str) -> None:
    assert format_size(size) == text
    assert parse_size(text) == size


@given(st.one_of(st.text(), st.integers(), st.none(), st.from_regex(r"[0-9.]+(ms|s|h|GB|KiB)")))
def test_whatever_is_written_is_read_or_refused_in_words(value: object) -> None:
    for parse in (parse_duration, parse_size):
        said = ""
        try:
            read = parse(value)
        except ValueError as error:
            read, said = 0, str(error)
        assert read >= 0
        assert not said or said.startswith(("a duration", "a size", "'"))
