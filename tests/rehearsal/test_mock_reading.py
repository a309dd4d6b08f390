"""A slip in a mock is told at its place: a mock that is not meant would be believed."""

import pytest

from tests.rehearsal.laid_out import a_playbook, read

PLAYBOOK = a_playbook("""\
steps:
  - { id: lookup, http: "http://h/" }
  - { id: restart, shell: [restart] }
  - { id: pause, wait: 1s }
  - { id: all, foreach: alerts, shell: [a] }
  - { name: Both, parallel: [[{ shell: [b] }], [{ shell: [c] }]] }
  - { id: out, playbook: drain }
""")


@pytest.mark.parametrize(
    ("mocks", "problem"),
    [
        ("lokup: {}", "1:1: no-such-step: no step is called 'lokup' (did you mean 'lookup'?)"),
        (
            "lookup: {bdy: 1}",
            "1:10: unknown-key: there is no key 'bdy' here (did you mean 'body'?)",
        ),
        ("lookup: {status: ok}", "1:18: wrong-value: 'status' takes a whole number, not 'ok'"),
        (
            "lookup: 200",
            (
                "1:9: not-a-result: what comes back to `http` is a mapping "
                "(its keys: status, headers, body, elapsed, cut)"
            ),
        ),
        (
            "lookup: [{}, {fial: x, timeout: true}]",
            "1:15: unknown-key: there is no key 'fial' here (did you mean 'fail'?)",
        ),
        (
            "restart: {fail: x, unknown: true}",
            "1:20: two-endings: an attempt ends once; this one has 'fail' and 'unknown'",
        ),
        ("restart: {fail: ''}", "1:17: wrong-value: 'fail' is empty"),
        (
            "restart: {timeout: 5s}",
            "1:20: wrong-value: 'timeout' should be True, not '5s'",
        ),
        (
            "restart: {result: {exit: 1, out: x}}",
            "1:29: unknown-key: there is no key 'out' here (did you mean 'stdout'?)",
        ),
        (
            "restart: {fail: x, result: {code: 1}}",
            (
                "1:29: unknown-key: there is no key 'code' here "
                "(known here: cut, elapsed, ended, exit, files, json, not_kept, stderr, stdout)"
            ),
        ),
        (
            "restart: {result: {}, takes: 5}",
            "1:30: duration: a duration has a unit, as in 500ms, 90s, 10m or 1h30m; this is 5",
        ),
        (
            "pause: {waited: 1}",
            (
                "1:8: not-a-result: nothing comes back to `wait` from outside: "
                "it has no result to mock ({fail: ...} makes it fail)"
            ),
        ),
        ("all: {1: {exit: x}}", "1:17: wrong-value: 'exit' takes a whole number, not 'x'"),
        ("all: [{}, [{}, 7]]", "1:16: not-a-result: what comes back to `shell` is a mapping"),
        (
            "Both: {fail: x}",
            "1:1: nothing-to-mock: a `parallel` does nothing itself (mock the steps that are in it)",
        ),
        (
            "out: {vars: {}}",
            "1:1: nothing-to-mock: a `playbook` does nothing itself (mock the steps that are in it)",
        ),
        ("out/lokup: {}", "1:1: no-such-step: no step is called 'out/lokup'"),
    ],
)
def test_what_is_wrong_and_where(mocks: str, problem: str) -> None:
    _, (found,) = read(PLAYBOOK, mocks)
    assert str(found).startswith(f"mocks.yaml:{problem}")


def test_a_step_that_waits_can_be_made_to_fail() -> None:
    mocks, problems = read(PLAYBOOK, "pause: {fail: cut}")
    assert problems == []
    assert mocks.at("steps/2", 1) is not None


def test_what_nobody_says_anything_about_is_not_mocked() -> None:
    mocks, _ = read(PLAYBOOK, "all: [{exit: 1}]")
    assert mocks.at("steps/3[0]", 1) is not None
    assert mocks.at("steps/3[1]", 1) is None
    assert mocks.at("steps/0", 1) is None


def test_one_item_by_its_place_says_more_than_all_of_them() -> None:
    mocks, problems = read(PLAYBOOK, "{all: {exit: 1}, 'all[2]': {exit: 2}}")
    assert problems == []
    assert mocks.at("steps/3[0]", 1) != mocks.at("steps/3[2]", 1)
