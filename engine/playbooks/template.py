"""Jinja templates in a sandbox: what data may become, and nothing more.

An undefined name is a failure, never an empty text. Rendering is one pass: data that looks like
a template stays data. A value that is a single `{{ expression }}` keeps its type.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import jinja2
from jinja2 import nodes
from jinja2.parser import Parser
from jinja2.runtime import Undefined
from jinja2.utils import missing
from typing_extensions import override

from engine.events.document import NAMES
from engine.playbooks.budget import BUDGET, MAX_OUTPUT, Budget
from engine.playbooks.deferred import Deferred, Unknown
from engine.playbooks.plain_template import LEFT, Parts, parts_of, plain_tree, text_of, value_at
from engine.playbooks.sandbox import Sandbox, refuse_parts
from engine.playbooks.secret_use import refuse_transformed
from engine.playbooks.template_names import names_in
from engine.problem import nearest
from engine.rules.undecided import CannotTellError

MAX_DEPTH: Final = 64
MAX_KEPT: Final = 20_000  # texts whose templates are kept to be found again
_AS_IT_IS: Final = (int, bool, type(None))  # what an expression's value keeps being

_RESULT: Final = "engine__result"
_LINE_BREAK = re.compile(r"\r\n|\r|\n")  # as Jinja counts them
_AT = re.compile(r" at (\d+)$")  # how Jinja's lexer ends a sentence about a character
_INNERMOST = re.compile(r"innermost block that needs to be closed is '(\w+)'")


class TemplateSyntaxError(ValueError):
    """A text that Jinja does not take; `offset` counts its characters from 0."""

    def __init__(self, message: str, offset: int, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.hint = hint


class RenderError(Exception):
    """A template that could not be rendered over this document; nothing has happened yet."""


class _Missing(jinja2.StrictUndefined):
    """An undefined name that says what is there instead."""

    __slots__ = ()

    @property
    @override
    def _undefined_message(self) -> str:
        name = str(self._undefined_name)
        if self._undefined_hint:
            return self._undefined_hint
        if isinstance(self._undefined_obj, Mapping):
            keys = [str(key) for key in self._undefined_obj]
            return f"'{name}' is not there ({nearest(name, keys) or 'the mapping is empty'})"
        if self._undefined_obj is None:
            return f"'{name}' is not there: what it is asked of is null"
        if isinstance(self._undefined_obj, list | str | int | float):
            kinds: dict[type, str] = {list: "a list", str: "a text", bool: "true or false"}
            kind = kinds.get(type(self._undefined_obj), "a number")
            return f"'{name}' is not there: it is asked of {kind}"
        if self._undefined_obj is not missing:
            return f"'{name}' is not there"
        return f"'{name}' is not defined ({nearest(name, (*NAMES, 'secrets'))})"


class _WhenRendered:
    """Compiles a tree the first time it is asked to."""

    __slots__ = ("_compiled", "_expression", "_sandbox", "_tree")

    def __init__(
        self, tree: nodes.Template, expression: nodes.Expr | None, sandbox: Sandbox
    ) -> None:
        self._tree = tree
        self._expression = expression  # that it is as a whole
        self._sandbox = sandbox
        self._compiled: jinja2.Template | None = None

    def __call__(self) -> jinja2.Template:
        if self._compiled is None:
            tree = self._tree
            if self._expression is not None:
                target = nodes.Name(_RESULT, "store", lineno=1)
                tree = nodes.Template([nodes.Assign(target, self._expression, lineno=1)], lineno=1)
            tree.set_environment(self._sandbox)
            self._compiled = self._sandbox.from_string(tree)
        return self._compiled


@dataclass(frozen=True, slots=True)
class Template(Deferred):
    """A parsed text with `{{ }}` or `{% %}` in it."""

    source: str
    names: frozenset[str]  # the top-level names it asks for
    is_expression: bool  # a single {{ expression }}: its value keeps its type
    tree: nodes.Template = field(repr=False, compare=False)
    parts: Parts | None = field(repr=False, compare=False)  # where they are all there is to it
    _compile: Callable[[], jinja2.Template] = field(repr=False, compare=False)

    def render(self, document: Mapping[str, Any]) -> Any:
        """JSON-like data. Raises RenderError with a sentence; has no effect."""
        if self.parts is not None:
            value = self._plainly(self.parts, document)
            if value is not LEFT:
                return value
        return self._by_jinja(document)

    def _plainly(self, parts: Parts, document: Mapping[str, Any]) -> Any:
        """The same, found without Jinja; LEFT where it is not as plain as that."""
        path = parts[0] if self.is_expression else ""
        if isinstance(path, str):
            return text_of(parts, document, MAX_OUTPUT)
        value = value_at(path, document)
        if type(value) is str:
            return value if len(value) <= MAX_OUTPUT else LEFT
        return value if type(value) in _AS_IT_IS else LEFT

    def _by_jinja(self, document: Mapping[str, Any]) -> Any:
        compiled = self._compile()
        budget, sandbox = Budget(), compiled.environment
        seen = {**sandbox.globals, **document, BUDGET: budget}
        context = sandbox.context_class(sandbox, seen, compiled.name, compiled.blocks)
        try:
            parts = compiled.root_render_func(context)
            if self.is_expression:
                list(parts)  # runs it; it has no text
                return _plain(context.vars[_RESULT], budget)
            return _text(parts)
        except CannotTellError:
            return Unknown(self.source)
        except RenderError:
            raise
        except jinja2.TemplateError as error:
            raise RenderError(error.message or type(error).__name__) from None
        except Exception as error:  # noqa: BLE001 - filters over foreign data raise what they like
            raise RenderError(f"{type(error).__name__}: {error}") from None


def _text(parts: Iterable[str]) -> str:
    kept: list[str] = []
    size = 0
    for part in parts:
        size += len(part)
        if size > MAX_OUTPUT:
            raise RenderError(f"its text is longer than {MAX_OUTPUT:,} characters")
        kept.append(part)
    return "".join(kept)


class Templates:
    """Parses templates, all for the same sandbox. The same text is parsed once."""

    def __init__(self) -> None:
        self._parsed: dict[str, Template] = {}
        self._sandbox = Sandbox(_Missing)
        self._sandbox.policies["json.dumps_kwargs"] = {"sort_keys": True, "default": _no_json}

    @staticmethod
    def is_template(text: str) -> bool:
        """Whether a text asks to be rendered."""
        return "{{" in text or "{%" in text or "{#" in text

    def parse(self, source: str) -> Template:
        """Raises TemplateSyntaxError."""
        known = self._parsed.get(source)
        if known is None:
            known = self._parse(source)
            if len(self._parsed) >= MAX_KEPT:
                self._parsed.clear()
            self._parsed[source] = known
        return known

    def _parse(self, source: str) -> Template:
        try:
            # Which sandbox it is for, its nodes are told when they are compiled: few ever are.
            tree = plain_tree(source)
            if tree is None:
                tree = nodes.Template(Parser(self._sandbox, source).subparse(), lineno=1)
            names, sure = names_in(tree, self._sandbox)
            if "secrets" in names:
                refuse_transformed(tree)
            if "{%" in source:
                refuse_parts(tree)
            expression = _single_expression(tree)
            compile_ = _WhenRendered(tree, expression, self._sandbox)
            if not sure:
                compile_()
        except jinja2.TemplateSyntaxError as error:
            message = error.message or "syntax error"
            at = _AT.search(message)
            raise TemplateSyntaxError(
                _lower_first(_AT.sub("", message).rstrip(".")),
                int(at[1]) if at else _offset_of_line(source, error.lineno),
                _hint(source, message, self._sandbox),
            ) from None
        except (SyntaxError, ValueError, RecursionError):
            # Python's own limits: on nested blocks, on digits of a number, on depth.
            raise TemplateSyntaxError(
                "it is nested too deeply, or a number in it is too long", _offset_of_line(source, 1)
            ) from None
        parts = parts_of(tree)
        return Template(source, names, expression is not None, tree, parts, compile_)

    def offset_of(self, name: str, source: str) -> int:
        """Where a parsed template first asks for a top-level name."""
        position, before = 0, ""
        for _, kind, text in self._sandbox.lex(source):
            position = max(position, source.find(text, position))
            if kind == "name" and text == name and before not in (".", "|"):
                return position
            position += len(text)
            before = before if kind == "whitespace" else text
        return 0


def render(tree: Any, document: Mapping[str, Any]) -> Any:
    """A tree of data with every template in it rendered. Raises RenderError, `at` says where."""
    if isinstance(tree, Template):
        return tree.render(document)
    if isinstance(tree, dict):
        return {key: _render_at(key, item, document) for key, item in tree.items()}
    if isinstance(tree, list):
        return [_render_at(index, item, document) for index, item in enumerate(tree)]
    return tree


class LocatedRenderError(RenderError):
    """A RenderError that knows which part of a tree failed, and that part's source."""

    def __init__(self, message: str, at: tuple[str | int, ...]) -> None:
        super().__init__(message)
        self.at = at


def _render_at(key: str | int, tree: Any, document: Mapping[str, Any]) -> Any:
    try:
        return render(tree, document)
    except LocatedRenderError as error:
        raise LocatedRenderError(str(error), (key, *error.at)) from None
    except RenderError as error:
        raise LocatedRenderError(str(error), (key,)) from None


def _single_expression(tree: nodes.Template) -> nodes.Expr | None:
    match tree.body:
        case [nodes.Output(nodes=[expression])] if not isinstance(expression, nodes.TemplateData):
            return expression
    return None


def _plain(value: Any, budget: Budget, depth: int = 0) -> Any:
    """JSON-like data only: nothing with a behaviour leaves a template."""
    if depth > MAX_DEPTH:
        raise RenderError(f"its value is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, Undefined):
        value._fail_with_undefined_error()  # noqa: SLF001 - the public way in is to use the value
    if isinstance(value, float) and not math.isfinite(value):
        raise RenderError(f"its value is {value}, which is no number in JSON")
    if value is None or isinstance(value, bool | int | float | Unknown):
        return value
    if isinstance(value, str):
        budget.make_text(len(value))
        return str(value)
    budget.handle(1)
    if isinstance(value, Mapping):
        return {str(key): _plain(item, budget, depth + 1) for key, item in value.items()}
    if callable(value):
        raise RenderError("its value is a function; call it or name a field")
    if isinstance(value, Iterable) and not isinstance(value, bytes):
        return [_plain(item, budget, depth + 1) for item in Budget().spend(value)]
    raise RenderError(f"its value is no data but {type(value).__name__}")


def _no_json(value: Any) -> Any:
    if isinstance(value, Unknown):
        raise CannotTellError(f"depends on {value}")
    raise TypeError(f"{type(value).__name__} is no data")


def _offset_of_line(source: str, line: int) -> int:
    """Where the first template of a line begins: Jinja counts lines only."""
    breaks = [0, *(match.end() for match in _LINE_BREAK.finditer(source))]
    offset = breaks[min(line, len(breaks)) - 1]
    text = _LINE_BREAK.split(source[offset:], maxsplit=1)[0]
    starts = [at for mark in ("{{", "{%", "{#") if (at := text.find(mark)) >= 0]
    return offset + (min(starts) if starts else 0)


def _hint(source: str, message: str, sandbox: Sandbox) -> str | None:
    quoted = message.split("'")
    named = 2
    if message.startswith("No filter named") and len(quoted) > named:
        return nearest(quoted[1], [name for name in sandbox.filters if "__" not in name])
    if "&&" in source or "||" in source:
        return "a template is Jinja: it writes 'and', 'or', 'not'"
    if (close := _closing(message)) is not None:
        return f"close it with {close}"
    if "-" in source and "unexpected" in message:
        return "a key with a dash is read as labels['k8s-app']"
    return None


def _closing(message: str) -> str | None:
    if innermost := _INNERMOST.search(message):
        return f"{{% end{innermost[1]} %}}"
    if "'end of statement block'" in message:
        return "%}"
    if "unexpected end of template" in message or message == "unexpected '}'":
        return "}}"
    return None


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
