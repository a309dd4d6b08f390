"""A condition: a JMESPath expression with three answers.

The `jmespath` package parses and evaluates. A condition can only look: it has no side effects.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Self

import jmespath
from jmespath import exceptions, visitor

from engine.problem import nearest
from engine.rules.functions import FUNCTIONS, arity_of, function_names
from engine.rules.traps import traps_in

OPTIONS: Final = jmespath.Options(custom_functions=FUNCTIONS)
_interpret: Any = visitor.TreeInterpreter  # the stubs want a node type of their own


class Answer(Enum):
    """What a condition says. Only YES starts anything."""

    YES = "yes"
    NO = "no"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer of a condition, and for anything but yes the reason."""

    answer: Answer
    reason: str | None = None

    @property
    def yes(self) -> bool:
        """Whether something may start."""
        return self.answer is Answer.YES


class ConditionSyntaxError(ValueError):
    """An expression that JMESPath does not take; `offset` counts its characters from 0."""

    def __init__(self, message: str, offset: int, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.hint = hint


class CannotTellError(Exception):
    """Raised by a value that is not known yet when a condition asks for it (rehearsal)."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A parsed expression."""

    text: str
    tree: Mapping[str, Any] = field(repr=False, compare=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ConditionSyntaxError, also for unknown functions and for what nobody means."""
        try:
            tree = jmespath.compile(text).parsed
        except exceptions.EmptyExpressionError:
            raise ConditionSyntaxError("the expression is empty", 0) from None
        except exceptions.IncompleteExpressionError:
            raise ConditionSyntaxError(
                "the expression ends too early", len(text.rstrip()), _hint(text)
            ) from None
        except exceptions.LexerError as error:
            raise ConditionSyntaxError(
                f"{_lower_first(error.message)}", error.lex_position, _hint(text)
            ) from None
        except exceptions.ParseError as error:
            raise ConditionSyntaxError(
                f"'{error.token_value}' cannot stand here", error.lex_position, _hint(text)
            ) from None
        for name, count in _calls(tree):
            _check_call(text, name, count)
        for trap in traps_in(tree):
            raise ConditionSyntaxError(trap.message, max(0, text.find(trap.word)), trap.hint)
        return cls(text, tree)

    def value(self, document: Mapping[str, Any]) -> Any:
        """What the expression is over the document. Raises CannotTellError with the reason."""
        return evaluate(self.tree, document)

    def decide(self, document: Mapping[str, Any]) -> Verdict:
        """The three answers. To JMESPath empty texts, lists and mappings are no, numbers yes."""
        try:
            if is_true(evaluate(self.tree, document)):
                return Verdict(Answer.YES)
        except CannotTellError as error:
            return Verdict(Answer.CANNOT_TELL, str(error))
        return Verdict(Answer.NO, f"{self.text} is not true")


def evaluate(tree: Mapping[str, Any], document: Any) -> Any:
    """The value of a (part of a) parsed expression. Raises CannotTellError with the reason."""
    try:
        return _interpret(OPTIONS).visit(tree, document)
    except exceptions.JMESPathTypeError as error:
        wanted = " or ".join(error.expected_types)
        given = (
            "a field that is not there"
            if error.current_value is None
            else f"{error.actual_type} {_shown(error.current_value)}"
        )
        raise CannotTellError(f"{error.function_name}() takes {wanted}, not {given}") from None
    except exceptions.JMESPathError as error:
        raise CannotTellError(str(error)) from None
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        # The library leaves a few to Python, such as sort() over mixed types.
        raise CannotTellError(f"{type(error).__name__}: {error}") from None


def is_true(value: Any) -> bool:
    """JMESPath's truth: everything but false, null and the empty text, list and mapping."""
    return not (value is None or value is False or value in ("", [], {}))


def _check_call(text: str, name: str, count: int) -> None:
    offset = max(0, text.find(f"{name}("))
    arity = arity_of(name)
    if arity is None:
        raise ConditionSyntaxError(
            f"there is no function '{name}'", offset, nearest(name, function_names())
        )
    wanted, more = arity
    if count < wanted or (count > wanted and not more):
        raise ConditionSyntaxError(
            f"{name}() takes {wanted} argument{'' if wanted == 1 else 's'}, not {count}", offset
        )


def _calls(tree: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    if tree["type"] == "function_expression":
        yield tree["value"], len(tree["children"])
    for child in tree["children"]:
        if isinstance(child, Mapping):
            yield from _calls(child)


def _hint(text: str) -> str | None:
    if "{{" in text:
        return "a condition is JMESPath: write the name alone, without {{ }}"
    for wrong, right in ((" and ", "&&"), (" or ", "||"), ("not ", "!")):
        if wrong in text:
            return f"JMESPath writes '{right}' for '{wrong.strip()}'"
    if "=" in text.replace("==", "").replace("!=", "").replace("<=", "").replace(">=", ""):
        return "JMESPath compares with '=='"
    if "-" in text:
        return 'a name with a dash stands between double quotes: labels."k8s-app"'
    if any(char.isdigit() for char in text):
        return "a number stands between backticks: `200`"
    return None


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def _shown(value: Any) -> str:
    shown = repr(value)
    limit = 60
    return shown if len(shown) <= limit else f"{shown[:limit]}..."
