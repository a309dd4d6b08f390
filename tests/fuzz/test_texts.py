"""A short run of each fuzzer of texts in every test run; the long ones are `python -m tests.fuzz.*`."""

import random
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import fuzzing
from tests.fuzz.conditions import ConditionFuzzer
from tests.fuzz.fuzzing import Found, Fuzzer, fuzz, try_one
from tests.fuzz.loader import LoaderFuzzer
from tests.fuzz.templates import TemplateFuzzer

FUZZERS: dict[str, Fuzzer] = {
    "loader": LoaderFuzzer(),
    "conditions": ConditionFuzzer(),
    "templates": TemplateFuzzer(),
}
WANTED = {
    "loader": {"playbook read", "playbook refused", "config read", "config refused", "scenario refused"},
    "conditions": {"yes", "no", "cannot tell", "refused"},
    "templates": {"refused", "failed or null", "str", "int", "Unknown"},
}  # fmt: skip


@pytest.mark.parametrize("name", FUZZERS)
def test_whatever_text_comes_is_taken_or_refused_with_a_sentence(name: str) -> None:
    found = fuzz(FUZZERS[name], 500, 7, lambda _: None)
    assert found.wrong == []
    assert found.inputs == 500
    assert found.slowest < 10
    assert set(found.outcomes) >= WANTED[name]


@pytest.mark.parametrize("name", FUZZERS)
def test_so_is_any_other(name: str) -> None:
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.randoms(use_true_random=False))
    def tried(chance: random.Random) -> None:
        found = Found()
        try_one(FUZZERS[name], chance, found)
        assert found.wrong == []

    tried()


class Broken:
    """Takes one input, fails for another, and never comes back from the third."""

    def __init__(self) -> None:
        self._inputs = iter(("good", "bad", "slow"))

    def make(self, _: random.Random) -> str:
        return next(self._inputs)

    def attempt(self, text: str) -> str:
        if text == "slow":
            time.sleep(60)
        assert text == "good"
        return "fine"


def test_a_fuzzer_finds_what_fails_and_what_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzzing, "MOST_SECONDS", 1)
    found = fuzz(Broken(), 3, 1, lambda _: None)
    assert [(said.split(":")[0], text) for said, text in found.wrong] == [
        ("AssertionError", "bad"),
        ("HangError", "slow"),
    ]
    assert found.outcomes == {"fine": 1}
