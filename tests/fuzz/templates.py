"""Throws templates at the sandbox, over data of every kind.

    python -m tests.fuzz.templates [--count 100000] [--seed 1]

Whatever the text, it is parsed or refused with the place; whatever the data, it becomes JSON-like
data of a bounded size, or a sentence. Nothing that is not data ever comes out, and the data stays
as it was.
"""

import copy
import json
import random
import re
from pathlib import Path
from typing import Any, Final

from jinja2.filters import FILTERS
from jinja2.tests import TESTS

from engine.playbooks.budget import MAX_OUTPUT
from engine.playbooks.deferred import Unknown
from engine.playbooks.filters import ALLOWED
from engine.playbooks.template import RenderError, Templates, TemplateSyntaxError
from tests.fuzz.fuzzing import STRANGE, mutated, refused, run

ROOT: Final = Path(__file__).parents[2]
NAMES: Final = (
    *("labels", "labels.host", "labels['k8s-app']", "alerts", "alerts[0]", "title", "number", "ratio", "none", "text"),
    *("vars.data", "steps.probe.body", "secrets.A", "loop.index", "self", "range", "engine__budget", "text", "alerts[-1].n"),
)  # fmt: skip
CONSTANTS: Final = (
    *("'a'", "''", "'{{ x }}'", "'%s'", "'{0}'", "1", "0", "-1", "1.5", "10 ** 3", "2 ** 4000", "none", "true", "[]", "{}"),
    *("[1, 'a']", "{'a': 1}", "(1, 2)", "'a' * 1000", "range(50)", "range(100000)", "'\\ud800'", "'__class__'", "'_' * 2"),
)  # fmt: skip
OPERATORS: Final = (
    *("+", "-", "*", "/", "//", "%", "**", "~"),
    *("==", "<", "in", "not in", "and", "or", "is"),
)
ATTRIBUTES: Final = (
    *("__class__", "__init__", "__globals__", "mro()", "items()", "keys", "upper()", "format(1)", "join('ab')", "real"),
    *("replace('a', 'b')", "split()", "append(1)", "update(a=1)", "host", "n", "0", "gi_frame", "func", "encode()"),
)  # fmt: skip
WORDS: Final = (
    *NAMES, *CONSTANTS, *OPERATORS, *ATTRIBUTES, *(f" | {name}" for name in FILTERS), "{{ ", " }}", "{% ", " %}", "{#", "#}",
    *("if ", "else", "endif", "for a in ", "endfor", "set a = ", "endset", "macro m()", "endmacro", "call", "block b", "with a = 1"),
    *("include 'a'", "import 'a' as a", "raw", "endraw", "filter upper", "autoescape true", "recursive", "-", "(", ")", "[", "]", "."),
)  # fmt: skip
DOCUMENT: Final[dict[str, Any]] = {
    "labels": {"host": "web-1", "k8s-app": "x", "items": "y", "n": 1},
    "alerts": [{"host": "a", "n": 2}, {"host": "b", "n": 1}, {"n": None}],
    "title": "Host {{ 7 * 7 }} down % {0.__class__}",
    "text": "a b\nc" * 300,
    "number": 5,
    "ratio": 0.5,
    "vars": {"data": [[1, [2, ["x"]]], {"deep": {"deep": None}}]},
    "steps": {"probe": Unknown("steps.probe")},
    "secrets": {"A": "s3cret-value"},
}


class TemplateFuzzer:
    """Each text is parsed and rendered over the same data."""

    def __init__(self) -> None:
        texts = [path.read_text("utf-8") for path in sorted(ROOT.glob("playbooks/*.yaml"))]
        texts += [
            path.read_text("utf-8") for path in sorted(ROOT.glob("tests/playbooks/test_*.py"))
        ]
        found = re.findall(r"\{\{.*?\}\}|\{%.*%\}", "\n".join(texts))
        self._seeds = sorted({text for text in found if len(text) < 300})
        self._templates = Templates()
        self._tried = 0
        self._before = self._seen()

    @staticmethod
    def _seen() -> str:
        return repr({key: value for key, value in DOCUMENT.items() if key != "steps"})

    def make(self, chance: random.Random) -> str:
        roll = chance.random()
        if roll < 0.5:
            return mutated(chance, chance.choice(self._seeds), WORDS, self._seeds)
        text = f"{{{{ {self._expression(chance, 0)} }}}}"
        if roll < 0.7:
            return text
        body = f"x {text} {{{{ a }}}}"
        return chance.choice(
            (
                f"x {text}",
                f"{{% for a in {self._expression(chance, 2)} %}}{body}{{% endfor %}}",
                f"{{% set a = {self._expression(chance, 2)} %}}{body}",
                f"{{% if {self._expression(chance, 2)} %}}{body}{{% else %}}{text}{{% endif %}}",
                f"{{% for b in {self._expression(chance, 3)} %}}{{% for a in range(99) %}}{body}{{% endfor %}}{{% endfor %}}",
            )
        )

    def _expression(  # noqa: PLR0911 - one kind of expression each
        self, chance: random.Random, depth: int
    ) -> str:
        def inner() -> str:
            return self._expression(chance, depth + 1)

        if depth > 3:
            return chance.choice((*NAMES, *CONSTANTS))
        match chance.randrange(8):
            case 0 | 1:
                return f"({inner()} {chance.choice(OPERATORS)} {inner()})"
            case 2 | 3:
                given = chance.choice(
                    ("", f"({inner()})", f"({inner()}, {inner()})", "(attribute='n')")
                )
                return f"{inner()} | {chance.choice(ALLOWED)}{given}"
            case 4:
                return f"({inner()}).{chance.choice(ATTRIBUTES)}"
            case 5:
                return f"({inner()})[{inner()}]"
            case 6:
                return f"({inner()} is {chance.choice(list(TESTS))}({inner()}))"
            case _:
                return chance.choice((*NAMES, *CONSTANTS, f"[{chance.choice(STRANGE)!r}]"))

    def attempt(self, text: str) -> str:
        self._tried += 1
        if self._tried % 1000 == 0:
            self._templates = Templates()  # which keeps what it has read: playbooks are not so many
        try:
            template = self._templates.parse(text)
        except TemplateSyntaxError as error:
            return refused(error.message, error.offset, text)
        try:
            made = template.render(copy.copy(DOCUMENT))
        except RenderError as error:
            made, said = None, str(error)
        else:
            said = "it was rendered"
        assert said
        assert self._seen() == self._before, "the data was changed"
        if made is None:
            return "failed or null"
        size = len(json.dumps(made, allow_nan=False, default=_unknown))
        assert size <= 40 * MAX_OUTPUT, size
        return type(made).__name__


def _unknown(value: object) -> str:
    assert isinstance(value, Unknown), type(value)
    return str(value)


if __name__ == "__main__":
    run(TemplateFuzzer())
