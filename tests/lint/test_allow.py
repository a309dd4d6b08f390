"""What a person allows, where that counts, and what is wrong with an allow itself."""

from pathlib import Path

import pytest

from engine.config.load import read_config
from engine.lint.allow import Allow, allows_in
from engine.problem import Location
from engine.wiring.step_types import offline_linter

CONFIG = read_config("", Path("config.yaml"), {}, offline=True)
HEAD = "name: x\ntrigger: {}\nsteps:\n"
FAILOVER = "  - shell: [failover]\n    retry: {attempts: 2}"


def found(text: str) -> list[str]:
    problems = offline_linter(CONFIG, None).lint([("x.yaml", text)]).problems
    return [f"{problem.location and problem.location.line} {problem.code}" for problem in problems]


def test_without_an_allow_it_is_found() -> None:
    assert found(f"{HEAD}{FAILOVER}\n") == ["5 retry-repeats"]


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}{FAILOVER} # lint: allow retry-repeats (it looks first)\n",
        f"{HEAD}{FAILOVER} #lint:allow retry-repeats (it looks first)\n",
        f"{HEAD}{FAILOVER} # lint: allow same-action, retry-repeats (it looks first)\n".replace(
            "same-action, ", ""
        ),
        HEAD
        + "  - shell: [failover]\n    # lint: allow retry-repeats (it looks first)\n"
        + "    retry: {attempts: 2}\n",
        HEAD
        + "  - shell: [failover]\n    # lint: allow retry-repeats (it looks first)\n"
        + "    # and says so\n    retry: {attempts: 2}\n",
    ],
)
def test_on_its_line_or_above_it_an_allow_counts(text: str) -> None:
    assert found(text) == []


def test_two_codes_of_one_line_are_allowed_together() -> None:
    step = '  - http: {method: DELETE, url: "http://{{ labels.host }}"}'
    assert found(f"{HEAD}{step}\n") == ["4 unguarded-destruction", "4 event-data-as-host"]
    allow = "# lint: allow event-data-as-host, unguarded-destruction (a lab)"
    assert found(f"{HEAD}{step} {allow}\n") == []


def test_in_front_of_a_text_of_several_lines_it_is_about_all_of_them() -> None:
    text = "name: x\ntrigger:\n  when: |{}\n    status != 'Ok' &&\n    (title == 'a' || 'b')\n"
    steps = "steps: [wait: 1s]\n"
    assert found(text.format("") + steps) == ["5 constant-condition"]
    allowed = " # lint: allow constant-condition (until Monday)"
    assert found(text.format(allowed) + steps) == []


@pytest.mark.parametrize(
    "text",
    [
        f"# lint: allow retry-repeats (far above)\n{HEAD}{FAILOVER}\n",
        HEAD
        + "  - shell: [failover] # lint: allow retry-repeats (of another line)\n"
        + "    retry: {attempts: 2}\n",
        f"{HEAD}{FAILOVER}\n    # lint: allow retry-repeats (below)\n",
    ],
)
def test_elsewhere_it_allows_nothing_and_says_so(text: str) -> None:
    assert sorted(one.split()[1] for one in found(text)) == ["retry-repeats", "unused-allow"]


def test_a_comment_that_only_quotes_one_is_none() -> None:
    assert (
        found(f"# write `# lint: allow CODE (reason)` where it is meant\n{HEAD}  - wait: 1s\n")
        == []
    )


def test_it_says_which_codes_on_which_line() -> None:
    text = "a: 1 # lint: allow one, two (why)\n# lint: allow three\n\nb: 2\n"
    assert list(allows_in(text, "a.yaml")) == [
        Allow("one", 1, Location("a.yaml", 1, 6), explained=True),
        Allow("two", 1, Location("a.yaml", 1, 6), explained=True),
        Allow("three", 3, Location("a.yaml", 2, 1), explained=False),
    ]


def test_an_allow_that_names_no_code_says_so() -> None:
    assert found(f"{HEAD}  - wait: 1s # lint: allow\n") == ["4 unused-allow"]
