"""A test file says what its cases share once, and every slip in it is told at its place."""

import pytest

from engine.problem import EngineError, Location
from engine.rehearsal.scenario_file import ScenarioFile, read_scenarios

FILE = """\
event: custom-action
action: fix
set: { labels.a: 1, labels.b: 2 }
mocks: { one: {} }
cases:
  - name: plain
    expect: { verdict: yes }
  - name: its own
    event: { file: press.json }
    set: { labels.b: 3, person: null }
    mocks: { two: {} }
    clock: 2026-11-23T03:00:00+08:00
    expect: { lane: queue, took: 1m30s }
"""


def read(text: str) -> ScenarioFile:
    return read_scenarios(text, "p.test.yaml")


def test_a_case_says_more_than_the_file_and_over_it() -> None:
    plain, own = read(FILE).cases
    assert (plain.model.event, plain.model.action) == ("custom-action", "fix")
    assert plain.model.set == {"labels.a": 1, "labels.b": 2}
    assert (own.model.event, own.model.action) == ({"file": "press.json"}, "fix")
    assert own.model.set == {"labels.a": 1, "labels.b": 3, "person": None}
    assert own.model.mocks == {"one": {}, "two": {}}
    assert own.model.clock == 1795374000.0
    assert own.model.expect.lane is not None
    assert own.model.expect.lane.decision == "queue"
    assert own.model.expect.took == 90


def test_a_key_is_looked_for_in_the_case_and_then_at_the_top() -> None:
    plain, own = read(FILE).cases
    assert own.location == Location("p.test.yaml", 8, 11)
    assert plain.place(("set", "labels.b")) == ("set", "labels.b")
    assert own.place(("set", "labels.b")) == ("cases", 1, "set", "labels.b")
    assert own.place(("set", "labels.a")) == ("set", "labels.a")
    assert own.place(("nothing",)) == ("cases", 1, "nothing")


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("", ["1:1: not-a-test: the file is empty (begin with `cases:`, a list of {name, expect})"]),
        ("[]", ["1:1: not-a-test: a test file is a mapping (begin with `cases:`, a list of {name, expect})"]),
        ("cases: []", ["1:8: wrong-value: 'cases' is empty"]),
        ("case: []", ["1:1: missing-key: the key 'cases' is missing", "1:1: unknown-key: there is no key 'case' here (did you mean 'cases'?)"]),
        (
            "cases: [{name: x, expect: {}}]",
            ["1:27: expects-nothing: a case that expects nothing shows nothing"],
        ),
        (
            "cases: [{name: x, expect: {step: [a]}}]",
            ["1:28: unknown-key: there is no key 'step' here (did you mean 'steps'?)"],
        ),
        (
            "cases: [{name: x, expect: {verdict: true}}]",
            ["1:37: wrong-value: 'verdict' should be 'yes', 'no' or 'cannot tell', not true"],
        ),
        (
            "cases: [{name: x, clock: 03:00, expect: {steps: []}}]",
            [
                ("1:26: clock: a time is written like 2026-11-23T03:00:00Z, or is a number of Unix "
                "seconds (a time of the day needs its zone)")
            ],
        ),
        (
            "cases: [{name: x, event: 7, expect: {steps: []}}]",
            [
                ("1:26: event: an event is the name of a sample, {file: press.json}, or the body "
                "itself (`engine samples list` has the names)")
            ],
        ),
        (
            "cases: [{name: x, earlier: [{state: skipped}], expect: {steps: []}}]",
            [
                "1:29: missing-key: the key 'ago' is missing",
                ("1:37: wrong-value: 'state' should be 'queued', 'running', 'waiting', "
                "'succeeded', 'failed' or 'cancelled', not 'skipped'"),
            ],
        ),
        ("cases: [", ["1:9: yaml-syntax: expected the node content, but found '<stream end>'"]),
    ],
)  # fmt: skip
def test_what_is_wrong_and_where(text: str, problems: list[str]) -> None:
    with pytest.raises(EngineError) as error:
        read(text)
    assert [str(one) for one in error.value.problems] == [f"p.test.yaml:{one}" for one in problems]
