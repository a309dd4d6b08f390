"""The filters that templates have: an allow list, each with what it may be asked for.

Jinja has more. Left out are those that reach behind a value (`attr`), format by a text that may
come from anybody (`format`), mark as safe, roll dice, or lay out web pages.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from jinja2 import pass_context
from jinja2.filters import FILTERS
from jinja2.runtime import Context
from jinja2.utils import _PassArg  # says what Jinja hands a filter first; there is no public way
from markupsafe import Markup

from engine.playbooks.budget import Budget, SpentError, budget_of

_Filter = Callable[..., Any]

# These hand on what they are given, or say one thing of it: they are Jinja's own.
_LOOKING: Final = ("default", "d", "length", "count", "first", "last", "abs", "float", "int")
# These go through a list or a mapping, or the digits of a number.
_LISTING: Final = (
    *("list", "items", "map", "select", "reject", "selectattr", "rejectattr", "sort", "reverse"),
    *("unique", "groupby", "dictsort", "min", "max", "sum", "round"),
)
# These make a text of whatever they are given.
_WRITING: Final = (
    *("string", "lower", "upper", "capitalize", "title", "trim", "truncate", "replace", "indent"),
    *("join", "wordcount", "tojson", "urlencode", "escape", "e", "filesizeformat"),
)
_FIRST: Final[Mapping[_PassArg, Callable[[Context], Any]]] = {
    _PassArg.context: lambda context: context,
    _PassArg.eval_context: lambda context: context.eval_ctx,
    _PassArg.environment: lambda context: context.environment,
}
ALLOWED: Final = (*_LOOKING, *_LISTING, *_WRITING)
_ASKED_OF_EACH: Final = 256  # as many characters take as long as one item's attribute or test
_MOST_DIGITS: Final = 100
_MOST_INDENT: Final = 100


def allowed_filters() -> dict[str, _Filter]:
    """By name; what can take long is bound to the budget of the rendering it is part of."""
    bounded = {name: _bounded(name, FILTERS[name]) for name in (*_LISTING, *_WRITING)}
    return {**{name: FILTERS[name] for name in _LOOKING}, **bounded}


def _bounded(name: str, jinjas: _Filter) -> _Filter:
    wants = _PassArg.from_obj(jinjas)
    ask = _ASKED.get(name)
    writes = name in _WRITING

    @pass_context
    def bounded(context: Context, value: Any, *args: Any, **kwargs: Any) -> Any:
        budget = budget_of(context)
        if isinstance(value, Iterator) and name in ("join", "string"):
            value = list(budget.counted(value))
        if name == "indent":
            value = str(value)  # Jinja's adds a line break to what it is given, lists included
        if writes:
            budget.handle(budget.written(value))
        elif hasattr(value, "__len__"):
            budget.handle(len(value) * (_ASKED_OF_EACH if args or kwargs else 1))
        if ask is not None:
            ask(budget, value, args, kwargs)
        first = () if wants is None else (_FIRST[wants](context),)
        made = jinjas(*first, value, *args, **kwargs)
        if isinstance(made, str):
            budget.make_text(len(made))
            return str(made) if isinstance(made, Markup) else made  # nothing here is escaped again
        return budget.counted(made) if isinstance(made, Iterator) else made

    return bounded


def _given(args: tuple[Any, ...], kwargs: Mapping[str, Any], place: int, name: str) -> Any:
    return args[place] if len(args) > place else kwargs.get(name)


def ask_to_replace(budget: Budget, text: Any, args: tuple[Any, ...], kwargs: Any) -> None:
    """`replace(old, new)`, of the filter and of a text's method."""
    old, new = _given(args, kwargs, 0, "old"), _given(args, kwargs, 1, "new")
    text, old, new = str(text), str(old), str(new)
    budget.make_text(len(text) + text.count(old) * max(0, len(new) - len(old)))


def ask_to_join(budget: Budget, items: Any, args: tuple[Any, ...], kwargs: Any) -> None:
    """`join(between)`; the items are counted already."""
    between = str(_given(args, kwargs, 0, "d") or "")
    if hasattr(items, "__len__"):
        budget.make_text(len(items) * len(between))


def _ask_to_indent(budget: Budget, text: Any, args: tuple[Any, ...], kwargs: Any) -> None:
    width = _given(args, kwargs, 0, "width")
    size = len(width) if isinstance(width, str) else width
    if isinstance(size, int):
        budget.make_text(len(str(text)) + (str(text).count("\n") + 1) * max(0, size))


def _ask_to_round(_: Budget, __: Any, args: tuple[Any, ...], kwargs: Any) -> None:
    digits = _given(args, kwargs, 0, "precision")
    if isinstance(digits, int) and abs(digits) > _MOST_DIGITS:
        raise SpentError(f"round: more than {_MOST_DIGITS} digits")


def _ask_to_write_json(_: Budget, __: Any, args: tuple[Any, ...], kwargs: Any) -> None:
    width = _given(args, kwargs, 0, "indent")
    if isinstance(width, str) or (isinstance(width, int) and width > _MOST_INDENT):
        raise SpentError(f"tojson: indent is a number up to {_MOST_INDENT}")


def _ask_to_sum(_: Budget, __: Any, args: tuple[Any, ...], kwargs: Any) -> None:
    start = _given(args, kwargs, 1, "start")
    if start is not None and not isinstance(start, int | float):  # lists: each sum copies the last
        raise SpentError("sum: start is a number")


_ASKED: Final[Mapping[str, Callable[[Budget, Any, tuple[Any, ...], Any], None]]] = {
    "replace": ask_to_replace,
    "join": ask_to_join,
    "indent": _ask_to_indent,
    "round": _ask_to_round,
    "tojson": _ask_to_write_json,
    "sum": _ask_to_sum,
}
