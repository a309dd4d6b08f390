"""One shape for every message to a person: where, which code, what, and what to do."""

import dataclasses

import pytest

from engine.problem import Complaint, EngineError, Location, Problem, in_file_order, nearest


def test_a_location_reads_as_editors_write_it() -> None:
    assert str(Location("restart-host.yaml", 12, 5)) == "restart-host.yaml:12:5"


def test_a_location_without_a_line_is_the_beginning_of_its_file() -> None:
    assert str(Location("config.yaml")) == "config.yaml:1:1"


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (Problem("no-name", "a name is missing"), "no-name: a name is missing"),
        (
            Problem("no-name", "a name is missing", Location("a.yaml", 2, 3)),
            "a.yaml:2:3: no-name: a name is missing",
        ),
        (
            Problem("no-name", "a name is missing", Location("a.yaml", 2, 3), "write one"),
            "a.yaml:2:3: no-name: a name is missing (write one)",
        ),
        (Problem("no-name", "one\ntwo\r\nthree", hint="four\nfive"), None),
    ],
)
def test_a_problem_is_one_line_whatever_it_holds(problem: Problem, said: str | None) -> None:
    assert str(problem) == (said or "no-name: one two three (four five)")


def test_a_problem_as_json_has_every_key_also_without_a_place() -> None:
    assert Problem("no-name", "a name is missing").as_json() == {
        "file": None,
        "line": None,
        "column": None,
        "level": "error",
        "code": "no-name",
        "message": "a name is missing",
        "hint": None,
    }
    placed = Problem("old", "an old word", Location("a.yaml", 2, 3), "write the new", "warning")
    assert placed.as_json() == {
        "file": "a.yaml",
        "line": 2,
        "column": 3,
        "level": "warning",
        "code": "old",
        "message": "an old word",
        "hint": "write the new",
    }


def test_a_problem_cannot_be_changed_after_the_fact() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Problem("no-name", "a name is missing").message = "all is well"  # type: ignore[misc]


def test_an_error_carries_every_problem_and_says_all_of_them() -> None:
    first, second = Problem("a", "one"), Problem("b", "two")
    error = EngineError(first, second)
    assert error.problems == (first, second)
    assert str(error) == "a: one\nb: two"


def test_problems_come_in_file_order_and_those_without_a_place_first() -> None:
    late = Problem("x", "late", Location("a.yaml", 10, 1))
    early = Problem("x", "early", Location("a.yaml", 9, 80))
    twin = Problem("b", "twin", Location("a.yaml", 9, 80))
    other_file = Problem("x", "other", Location("b.yaml", 1, 1))
    nowhere = Problem("z", "nowhere")
    assert in_file_order([other_file, late, early, nowhere, twin]) == (
        nowhere,
        twin,
        early,
        late,
        other_file,
    )


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("concurency", ("concurrency", "cooldown"), "did you mean 'concurrency'?"),
        ("zzz", ("wait", "http"), "known here: http, wait"),
        ("zzz", (), None),
    ],
)
def test_the_hint_for_an_unknown_name_is_the_nearest_one_or_the_whole_list(
    name: str, known: tuple[str, ...], hint: str | None
) -> None:
    assert nearest(name, known) == hint


@pytest.mark.parametrize(
    ("loc", "name"),
    [
        ((), ""),
        (("comment",), "comment"),
        (
            ("updates", 0, "component_changes", 1, "status"),
            "updates[0].component_changes[1].status",
        ),
    ],
)
def test_a_complaint_names_its_place_as_people_write_it(
    loc: tuple[str | int, ...], name: str
) -> None:
    assert Complaint("wrong-value", loc, "must be an integer").name == name
