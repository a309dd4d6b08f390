"""Throws expressions at conditions, over documents of every kind.

    python -m tests.fuzz.conditions [--count 100000] [--seed 1]

Whatever the expression, it is parsed or refused with the place; whatever the document, it has one
of three answers, with the reason, and an explanation that has the same answer.
"""

import json
import random
import re
import warnings
from pathlib import Path
from typing import Any, Final

from engine.playbooks.deferred import Unknown
from engine.rules.condition import Answer, Condition, ConditionSyntaxError
from engine.rules.explain import explain
from engine.rules.functions import function_names
from tests.fuzz.fuzzing import STRANGE, mutated, refused, run

ROOT: Final = Path(__file__).parents[2]
PATHS: Final = (
    *("severity", "labels", "labels.host", 'labels."k8s-app"', "alerts", "alerts[]", "alerts[0]", "alerts[-1]", "title"),
    *("alerts[*].labels.host", "alerts[?n > `1`]", "alerts[::2]", "alerts[::-1]", "labels.*", "nothing", "nothing.at.all"),
    *("incident", "payload", "@", "number", "deep", "steps.probe.body", "steps.probe.body[0]", "text", "empty", "mixed"),
)  # fmt: skip
LITERALS: Final = (
    *("'Critical'", "''", "'a\\'b'", "`1`", "`-1`", "`1.5`", "`null`", "`true`", "`false`", "`[]`", "`{}`", '`"a"`'),
    *('`[1, "a"]`', "'(a+)+$'", "'['", "'10.0.0.0/8'", "'\\\\d+'", "`99999999999999999999`", "`1e400`", '`"\\ud800"`'),
)  # fmt: skip
OPERATORS: Final = (*("==", "!=", "<", "<=", ">", ">=", "|"), *("&&", "||") * 4)
WORDS: Final = (
    *PATHS,
    *LITERALS,
    *OPERATORS,
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "[?",
    "&",
    "!",
    ",",
    ":",
    "*",
    "[]",
    " ",
)


def _scalar(chance: random.Random) -> Any:
    return chance.choice(
        [None, True, False, 0, -1, 3, 1.5, 1e308, 2**63, "", "a", "Critical", "10.1.2.3", "a" * 200, "\ud7ff", "头铁", Unknown("steps.x")]
    )  # fmt: skip


def _data(chance: random.Random, depth: int = 0) -> Any:
    roll = chance.random()
    if depth > 2 or roll < 0.4:
        return _scalar(chance)
    if roll < 0.7:
        return [_data(chance, depth + 1) for _ in range(chance.randrange(4))]
    keys = ("host", "n", "k8s-app", "labels", "body", "a b", "")
    return {chance.choice(keys): _data(chance, depth + 1) for _ in range(chance.randrange(4))}


class ConditionFuzzer:
    """The document is made of the expression's own text, so that an input is one text."""

    def __init__(self) -> None:
        texts = [path.read_text("utf-8") for path in sorted(ROOT.glob("tests/lint/cases/*.yaml"))]
        texts += [path.read_text("utf-8") for path in sorted(ROOT.glob("playbooks/*.yaml"))]
        found = re.findall(r"(?:when|expect|condition|foreach|key): (.+)", "\n".join(texts))
        self._seeds = sorted({text.strip().strip('"') for text in found})
        self._calls = [*function_names(), "nothing"]

    def make(self, chance: random.Random) -> str:
        if chance.random() < 0.5:
            return mutated(chance, chance.choice(self._seeds), WORDS, self._seeds)
        return self._expression(chance, 0)

    def _expression(  # noqa: PLR0911 - one kind of expression each
        self, chance: random.Random, depth: int
    ) -> str:
        def inner() -> str:
            return self._expression(chance, depth + 1)

        if depth > 3:
            return chance.choice((*PATHS, *LITERALS))
        match chance.randrange(9):
            case 0 | 1:
                return f"({inner()}) {chance.choice(OPERATORS)} ({inner()})"
            case 2:
                given = ", ".join(
                    chance.choice(("", "", "", "&")) + inner()
                    for _ in range(chance.choice((1, 1, 2, 3)))
                )
                return f"{chance.choice(self._calls)}({given})"
            case 3:
                return f"{chance.choice(PATHS)}[?{inner()}]"
            case 4:
                return f"!({inner()})"
            case 5:
                return f"[{inner()}, {inner()}]"
            case 6:
                return f"{{a: {inner()}, b: {inner()}}}"
            case 7:
                return f"({inner()}) | {inner()}"
            case _:
                return chance.choice((*PATHS * 3, *LITERALS * 3, *STRANGE[:3]))

    def attempt(self, text: str) -> str:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # JMESPath's, of literals as they were written once
            try:
                condition = Condition.parse(text)
            except ConditionSyntaxError as error:
                return refused(error.message, error.offset, text)
            chance = random.Random(ascii(text))  # noqa: S311 - repeatable
            document = {
                path: _data(chance) for path in ("labels", "alerts", "title", "mixed", "deep")
            }
            document |= {
                "severity": _scalar(chance),
                "text": "a!" * 50,
                "steps": {"probe": Unknown("steps.probe")},
            }
            return self._answered(condition, document)

    def _answered(self, condition: Condition, document: dict[str, Any]) -> str:
        verdict = condition.decide(document)
        assert verdict.yes == (verdict.reason is None)
        explained = explain(condition, document)
        if "within" not in (verdict.reason or ""):  # a clock may end one and not the other
            assert explained.answer is verdict.answer, (explained.answer, verdict)
        json.dumps(explained.as_json(), default=str)
        return verdict.answer.value if verdict.answer is not Answer.CANNOT_TELL else "cannot tell"


if __name__ == "__main__":
    run(ConditionFuzzer())
