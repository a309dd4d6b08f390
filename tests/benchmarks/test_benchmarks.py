"""What the benchmarks stand on: bounds, the table, a ledger that could be real."""

import json
import sys
from pathlib import Path

import pytest

from engine.runs.run import RunState
from engine.store.database import reading
from engine.store.records import open_records
from engine.store.soundness import check_soundness
from tests.benchmarks.__main__ import main
from tests.benchmarks.every import BENCHMARKS, result_of
from tests.benchmarks.figure import Bar, DishonestError, Figure, quantile, require
from tests.benchmarks.filled import RARE, fill
from tests.benchmarks.machine import the_machine
from tests.benchmarks.pages import lists
from tests.benchmarks.peer import PEERS
from tests.benchmarks.table import Result, print_table, write_json


@pytest.mark.parametrize(
    ("value", "ratio", "bar", "held"),
    [
        (99.0, None, Bar(100), True),
        (101.0, None, Bar(100), False),
        (101.0, None, None, None),
        (1.0, 0.34, Bar(0.35, of="ratio", at_least=True), False),
        (1.0, 0.35, Bar(0.35, of="ratio", at_least=True), True),
        (1.0, None, Bar(0.35, of="ratio", at_least=True), False),
    ],
)
def test_a_figure_holds_its_bar_or_not(
    value: float, ratio: float | None, bar: Bar | None, held: bool | None
) -> None:
    figure = Figure("what", value, "ms", "it means", bar, ratio, "another one")
    assert figure.held is held
    assert figure.as_json()["held"] is held


def test_the_table_shows_figures_bars_and_what_could_not_be_measured(
    capsys: pytest.CaptureFixture[str],
) -> None:
    bar = Bar(0.35, 0.5, of="ratio", at_least=True)
    figure = Figure("answers", 1234.5, "/s", "it means", bar, 0.3, "a bare app")
    results = [Result("one", 1, [figure]), Result("other", 1, [], "it did nothing")]

    print_table(results, {"machine": "2 x this"})

    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "one answers 1,234 /s 0.30 x a bare app ≥ 0.35 x ≥ 0.5 x ✗ it means" in lines
    assert "other not measured ✗ it did nothing" in lines
    assert "machine: 2 x this" in lines


def test_the_json_has_the_same_keys_from_one_version_to_the_next(tmp_path: Path) -> None:
    bar = Bar(0.35, 0.5, of="ratio", at_least=True)
    figure = Figure("answers", 1234.5678, "/s", "it means", bar, 0.3, "a bare app")
    results = [Result("one", 1, [figure]), Result("other", 1, [], "it did nothing")]

    write_json(tmp_path / "it.json", results, {"machine": "2 x this"}, quick=True, seconds=7)

    assert json.loads((tmp_path / "it.json").read_text()) == {
        "machine": {"machine": "2 x this"},
        "quick": True,
        "seconds": 7,
        "figures": [
            {
                "benchmark": "one",
                "name": "answers",
                "value": 1234.568,
                "unit": "/s",
                "ratio": 0.3,
                "against": "a bare app",
                "bar": 0.35,
                "aim": 0.5,
                "bar_of": "ratio",
                "at_least": True,
                "held": False,
                "means": "it means",
            }
        ],
        "failures": {"other": "it did nothing"},
    }


def test_the_effects_of_a_peer_are_counted_by_event(tmp_path: Path) -> None:
    first, second = (f"{number:032x}" for number in (1, 2))
    log = f"** [debug] ***\nwas-done {first}\n***\nwas-done {second}\nwas-done {first}\nwas-do"
    (tmp_path / "log").write_text(log)
    rulebook = PEERS[-1]

    assert rulebook.done(tmp_path / "elsewhere") == []
    assert rulebook.done(tmp_path) == [first, second, first]


def test_work_that_was_not_done_has_no_figures() -> None:
    def measured(_: str, __: bool) -> list[Figure]:
        require(False, "1 of 2 steps happened")
        return [Figure("steps", 2, "", "")]

    result = result_of("runs", True, measured)

    assert (result.figures, result.failure) == ([], "DishonestError: 1 of 2 steps happened")
    with pytest.raises(DishonestError):
        require(False, "it is not so")


def test_a_quantile_is_one_of_the_measurements() -> None:
    times = [float(number) for number in range(100, 0, -1)]
    assert (quantile(times, 0.5), quantile(times, 0.99), quantile(times, 1)) == (51, 100, 100)
    assert quantile([3.0], 0.99) == 3


def test_the_machine_is_told_with_what_it_was_measured_with() -> None:
    told = the_machine()
    assert {"machine", "disk", "load", "python", "sqlite", "packages", "commit"} <= told.keys()
    assert all(isinstance(said, str) for said in told.values())


def test_a_name_that_no_benchmark_has_is_refused_with_those_there_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmarks", "speed"])
    with pytest.raises(SystemExit, match="2"):
        main()
    said = capsys.readouterr().err
    assert "invalid choice: 'speed'" in said
    assert all(name in said for name in BENCHMARKS)


def test_the_ledger_that_lists_are_read_from_could_have_been_written_by_an_engine(
    database: Path,
) -> None:
    fill(database, 1000)

    with reading(database) as db:
        assert list(check_soundness(db)) == []
    with open_records(database) as records:
        waiting = records.runs(100, None, RunState.WAITING.value, "p1").items
        newest = records.runs(1, None, None, None).items
        for _, read in lists(1000):
            assert read(records)
    assert len(waiting) == RARE
    assert newest[0].state is RunState.SKIPPED
    assert json.loads(newest[0].lane) == "host-999"
