"""What the fuzzers of texts have in common: how texts are mutated, and how inputs are counted.

An input that is never answered is as wrong as one that breaks something: after a while it is
interrupted, and named.
"""

import argparse
import random
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

MOST_SECONDS: Final = 20.0  # for one input
STRANGE: Final = (
    *("\x00", "\x1b[2J", "\ud800", "\u202e", "\u2028", "\ufeff", "\x85", "\t", "\r", "\n", " ", "é", "头", "\U0001f4a3"),
    *("0", "-1", "1e999", "9" * 30, "0x10", "0o7", "1_000", ".inf", ".nan", "~", "null", "true", "yes", "2026-01-01"),
    *("a" * 300, "(" * 40, "[" * 40, "{" * 40, "}", "]", ")", "'", '"', "`", "\\", "|", "&", "*", "!", "@", "#", "%", ":"),
)  # fmt: skip


@dataclass
class Found:
    """What came of it."""

    inputs: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0  # seconds of the processor for one input
    slowest_input: str = ""
    grown: int = 0  # KiB of resident memory since a tenth of the inputs
    wrong: list[tuple[str, str]] = field(default_factory=list)


class Fuzzer(Protocol):
    """Makes one input, and tries it."""

    def make(self, chance: random.Random) -> str:
        """An input; the same chance makes the same."""
        ...

    def attempt(self, text: str) -> str:
        """What became of it, in a word. Raises what should not have been raised."""
        ...


class HangError(Exception):
    """Nothing came of an input for too long."""


def mutated(chance: random.Random, text: str, words: Sequence[str], others: Sequence[str]) -> str:
    """The same with some of it cut, repeated, moved, or replaced by a word or a part of another."""
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        at = chance.randrange(len(text) + 1)
        end = min(len(text), at + chance.choice((0, 1, 2, 5, 20)))
        match chance.randrange(8):
            case 0:
                text = text[:at] + chance.choice(words) + text[at:]
            case 1:
                text = text[:at] + chance.choice(words) + text[end:]
            case 2:
                text = text[:at] + text[end:]
            case 3:
                text = text[:at] + text[at:end] * chance.choice((1, 2, 20)) + text[at:]
            case 4:
                text = text[:at] + chance.choice(STRANGE) + text[end:]
            case 5:
                lines = text.split("\n")
                here, there = chance.randrange(len(lines)), chance.randrange(len(lines))
                lines[here], lines[there] = lines[there], lines[here]
                text = "\n".join(lines)
            case 6:
                other = chance.choice(others)
                start = chance.randrange(len(other) + 1)
                text = text[:at] + other[start : start + 60] + text[end:]
            case _:
                lines = text.split("\n")
                here = chance.randrange(len(lines))
                indent = chance.choice(("", "  ", "    ", "- ", "? ", "#"))
                lines[here] = indent + lines[here].lstrip()
                text = "\n".join(lines)
    return text


@contextmanager
def watched() -> Iterator[None]:
    """Interrupts what takes too long."""

    def hang(*_: object) -> None:
        raise HangError

    before = signal.signal(signal.SIGALRM, hang)
    signal.setitimer(signal.ITIMER_REAL, MOST_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def try_one(fuzzer: Fuzzer, chance: random.Random, found: Found) -> None:
    """Make one input, try it, and note what came of it."""
    text = fuzzer.make(chance)
    began = time.process_time()
    try:
        with watched():
            found.outcomes[fuzzer.attempt(text)] += 1
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
        found.wrong.append((f"{type(error).__name__}: {error}", text))
    took = time.process_time() - began
    if took > found.slowest:
        found.slowest, found.slowest_input = took, text
    found.inputs += 1


def fuzz(fuzzer: Fuzzer, count: int, seed: int, tell: Callable[[Found], None]) -> Found:
    """Try so many, each from a chance of its own, and say what was found."""
    found = Found()
    settled = 0
    for number in range(count):
        try_one(fuzzer, random.Random(f"{seed}-{number}"), found)  # noqa: S311 - repeatable
        if number == count // 10:
            settled = resident()
        if number % 10_000 == 9_999:
            tell(found)
        if len(found.wrong) > 20:
            break
    found.grown = resident() - settled
    return found


def refused(message: str, offset: int, text: str) -> str:
    """What became of a text that was refused: with words, and a place that is in the text."""
    assert message
    assert 0 <= offset <= len(text), offset
    return "refused"


def resident() -> int:
    """KiB at the most so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main(fuzzer: Fuzzer) -> int:
    """The command line of each fuzzer; 1 if anything was wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    def tell(found: Found) -> None:
        print(found.inputs, dict(found.outcomes), f"slowest {found.slowest:.3f} s", flush=True)

    began = time.monotonic()
    found = fuzz(fuzzer, options.count, options.seed, tell)
    tell(found)
    print(f"{time.monotonic() - began:.0f} s, resident memory grew by {found.grown} KiB")
    print(f"slowest input: {found.slowest_input[:2000]!a}")
    for said, text in found.wrong:
        print(ascii(said), ascii(text))
    return 1 if found.wrong else 0


def run(fuzzer: Fuzzer) -> None:
    """For `python -m`."""
    sys.exit(main(fuzzer))
