"""A condition: a JMESPath expression with three answers.

The `jmespath` package parses and evaluates. A condition can only look: it has no side effects.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Self

import jmespath
from jmespath import exceptions, lexer

from engine.problem import nearest
from engine.rules.functions import FUNCTIONS, arity_of, function_names
from engine.rules.traps import traps_in
from engine.rules.undecided import CannotTellError, Interpreter

_INTERPRETER: Final = Interpreter(jmespath.Options(custom_functions=FUNCTIONS))
MAX_DEPTH: Final = 100  # what evaluating and explaining can walk well within Python's stack
_LOOKS_INTO_FIRST: Final = (
    *("subexpression", "index_expression", "pipe", "flatten"),
    *("projection", "value_projection", "filter_projection"),
)
_NAMED: Final = ("field", "function_expression", "key_val_pair")
_NAMES: Final = ("unquoted_identifier", "quoted_identifier")
_PLACED: Final = (
    *((_NAMED, _NAMES), (("not_expression",), ("not",)), (("literal",), ("literal",))),
)


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


@dataclass(frozen=True, slots=True)
class Condition:
    """A parsed expression."""

    text: str
    tree: Mapping[str, Any] = field(repr=False, compare=False)
    roots: tuple[tuple[str, int], ...] = field(default=(), repr=False, compare=False)
    """The names it asks the document for, each with the offset of its first character."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ConditionSyntaxError, also for unknown functions and for what nobody means."""
        tree = _parse(text)
        places = _places(text, tree)
        for node in _in_text_order(tree):
            if node["type"] == "function_expression":
                _check_call(node["value"], len(node["children"]), places[id(node)])
        for trap in traps_in(tree):
            raise ConditionSyntaxError(trap.message, places[id(trap.node)], trap.hint)
        roots = tuple((node["value"], places[id(node)]) for node in _roots(tree))
        return cls(text, tree, roots)

    def places(self) -> Mapping[int, int]:
        """The offset of each name, literal and `!`, by the `id` of its node in the tree."""
        return _places(self.text, self.tree)

    def value(self, document: Any) -> Any:
        """What the expression is over the document. Raises CannotTellError with the reason."""
        return evaluate(self.tree, document)

    def decide(self, document: Mapping[str, Any]) -> Verdict:
        """The three answers. To JMESPath empty texts, lists and mappings are no, numbers yes."""
        try:
            if self.holds(document):
                return Verdict(Answer.YES)
        except CannotTellError as error:
            return Verdict(Answer.CANNOT_TELL, str(error))
        return Verdict(Answer.NO, f"{self.text} is not true")

    def holds(self, document: Mapping[str, Any]) -> bool:
        """Whether it is true. Raises CannotTellError with the reason."""
        return is_true(evaluate(self.tree, document))


def evaluate(tree: Mapping[str, Any], document: Any) -> Any:
    """The value of a (part of a) parsed expression. Raises CannotTellError with the reason."""
    try:
        return _INTERPRETER.visit(tree, document)
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


def _parse(text: str) -> Mapping[str, Any]:
    if not text.strip():
        raise ConditionSyntaxError("the expression is empty", 0)
    too_early = ConditionSyntaxError(
        "the expression ends too early", len(text.rstrip()), _hint(text)
    )
    try:
        tree: Mapping[str, Any] = jmespath.compile(text).parsed
        if _depth(tree) <= MAX_DEPTH:
            return tree
    except exceptions.IncompleteExpressionError:
        raise too_early from None
    except exceptions.LexerError as error:
        raise ConditionSyntaxError(
            _lower_first(error.message), error.lex_position, _hint(text)
        ) from None
    except exceptions.ParseError as error:
        if error.token_type == "EOF":  # noqa: S105 - a kind of token
            raise too_early from None
        # The library has no place for the bracket after a quoted name.
        offset = error.lex_position or max(0, text.find(f'"{error.token_value}') + 1)
        raise ConditionSyntaxError(
            f"'{error.token_value}' cannot stand here", offset, _hint(text)
        ) from None
    except RecursionError:
        pass
    except ValueError:  # int() refuses thousands of digits
        raise ConditionSyntaxError("a number is too long", 0) from None
    raise ConditionSyntaxError(f"the expression is nested deeper than {MAX_DEPTH} levels", 0)


def _depth(tree: Mapping[str, Any]) -> int:
    level, depth = [tree], 0
    while level:
        level = [child for node in level for child in _nodes_in(node)]
        depth += 1
    return depth


def _check_call(name: str, count: int, offset: int) -> None:
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


def _places(text: str, tree: Mapping[str, Any]) -> dict[int, int]:
    """Where each name, literal and `!` of a tree stands: the library keeps no positions."""
    tokens = list(lexer.Lexer().tokenize(text))
    nodes = list(_in_text_order(tree))
    places: dict[int, int] = {}
    for kinds, token_types in _PLACED:
        named = [id(node) for node in nodes if node["type"] in kinds]
        starts = [token["start"] for token in tokens if token["type"] in token_types]
        places.update(zip(named, starts, strict=True))
    return places


def _in_text_order(tree: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield tree
    children = _nodes_in(tree)
    if tree["type"] == "filter_projection":
        source, rest, condition = children
        children = [source, condition, rest]
    for child in children:
        yield from _in_text_order(child)


def _roots(tree: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The fields that are looked up in the document itself, not in what another part found."""
    if tree["type"] == "field":
        yield tree
    children = _nodes_in(tree)
    if tree["type"] in _LOOKS_INTO_FIRST:
        children = children[:1]
    elif tree["type"] == "expref":
        children = []
    for child in children:
        yield from _roots(child)


def _nodes_in(tree: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The children that are expressions; those of a slice are numbers."""
    return [child for child in tree["children"] if isinstance(child, Mapping)]


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
    limit = 60
    try:
        shown = repr(value)
    except RecursionError:
        return "nested too deeply to show"
    return shown if len(shown) <= limit else f"{shown[:limit]}..."
