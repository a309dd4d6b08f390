"""A short run of the fuzzer in every test run; the long one is `python -m tests.fuzz.receiver`."""

import asyncio
from pathlib import Path

import pytest

from tests.fuzz.receiver import Found, fuzz


def run(folder: Path, inputs: int, seed: int) -> Found:
    return asyncio.run(fuzz(folder, inputs, seed, lambda _: None))


def test_whatever_bytes_come_are_refused_with_a_sentence_or_kept(tmp_path: Path) -> None:
    found = run(tmp_path, 2000, 7)
    assert found.wrong == []
    assert found.inputs == 2000
    assert found.slowest < 5
    assert {"200", "400", "401", "404", "422"} <= set(found.answers)


def test_the_fuzzer_finds_a_receiver_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As int() of a superscript two did."""

    async def broken(*_: object) -> bytes:
        raise ValueError

    monkeypatch.setattr("engine.web.receiver.read_body", broken)
    found = run(tmp_path, 200, 7)
    assert {said.split(":")[0] for said, _ in found.wrong} >= {"answered 503", "a fault"}


def test_the_fuzzer_finds_a_stranger_that_is_let_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.events.senders.shows_one", lambda *_: True)
    found = run(tmp_path, 200, 7)
    assert {said for said, _ in found.wrong} == {"a stranger was let in"}
