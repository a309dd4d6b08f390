"""The sandbox of templates: Jinja's immutable one, and what may be called in it by allow lists.

A template can read data, compute a little and write text. What it makes is bounded before it is
made, see `Budget`.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import jinja2
from jinja2 import nodes, pass_context
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context, LoopContext, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.tests import TESTS
from typing_extensions import override

from engine.playbooks.budget import SpentError, budget_of
from engine.playbooks.deferred import Unknown
from engine.playbooks.filters import allowed_filters, ask_to_join, ask_to_replace
from engine.problem import nearest

MAX_BITS: Final = 4096  # of an integer that arithmetic may make
BOUNDED: Final = "engine__bounded"  # the filter that counts the turns of a loop

_SIZED: Final = (str, list, tuple)
_OF_TEXTS: Final = (
    *("capitalize", "count", "endswith", "find", "index", "isalnum", "isalpha", "isdecimal"),
    *("isdigit", "islower", "isnumeric", "isspace", "isupper", "join", "lower", "lstrip"),
    *("partition", "removeprefix", "removesuffix", "replace", "rfind", "rpartition", "rsplit"),
    *("rstrip", "split", "splitlines", "startswith", "strip", "title", "upper"),
)
_OF_LOOPS: Final = (
    *("index", "index0", "revindex", "revindex0", "first", "last", "length", "previtem"),
    *("nextitem", "cycle", "changed"),
)
# What may be asked of which kind of value. Mappings give their keys besides, Unknown anything.
_METHODS: Final[tuple[tuple[type, frozenset[str]], ...]] = (
    (str, frozenset(_OF_TEXTS)),
    (Mapping, frozenset({"get", "items", "keys", "values"})),
    (tuple, frozenset({"count", "index", "grouper", "list"})),  # the last two: of groupby
    (list, frozenset({"count", "index"})),
    (LoopContext, frozenset(_OF_LOOPS)),
)
_KINDS: Final = {str: "a text", dict: "a mapping", list: "a list", int: "a number"}


class _Generator(CodeGenerator):
    """Writes the code of a template; `~` asks the sandbox, as the other operators do."""

    @override
    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:
        self.write("environment.joined(context, (")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")


class Sandbox(ImmutableSandboxedEnvironment):
    """One for all templates; what a rendering has used up is in its context."""

    code_generator_class: type[CodeGenerator] = _Generator
    intercepted_binops = frozenset({"*", "**", "%", "+"})

    def __init__(self, undefined: type[Undefined]) -> None:
        # Not optimized: what is worked out while a file is read is bounded by nothing, and what
        # fails there fails where nobody expects it.
        super().__init__(
            undefined=undefined, keep_trailing_newline=True, finalize=_shown, optimized=False
        )
        self.globals = {"range": self.globals["range"]}
        self.filters = {**allowed_filters(), BOUNDED: _bounded}
        self.tests = {**TESTS, "in": _is_in}

    @override
    def getattr(self, obj: Any, attribute: str) -> Any:
        """`labels.items` is the label of that name, where there is one, not dict's method."""
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        if isinstance(obj, Unknown) and not attribute.startswith("_"):
            return obj.get(attribute)
        return super().getattr(obj, attribute)

    @override
    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        if isinstance(obj, Unknown):
            return isinstance(value, Unknown)
        return any(isinstance(obj, kind) and attr in names for kind, names in _METHODS)

    @override
    def wrap_str_format(self, value: Any) -> None:
        """Texts are not formatted by texts at all: neither method is in the list."""
        return

    @override
    def unsafe_undefined(self, obj: Any, attribute: str) -> Undefined:
        names = [name for kind, has in _METHODS if isinstance(obj, kind) for name in has]
        if attribute.startswith("_") or not names:
            return super().unsafe_undefined(obj, attribute)
        kind = next((said for kind, said in _KINDS.items() if isinstance(obj, kind)), "this")
        said = f"a template cannot ask '{attribute}' of {kind} ({nearest(attribute, names)})"
        return self.undefined(said, name=attribute, obj=obj, exc=SecurityError)

    @override
    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Methods of texts are the ones that can make much of little."""
        budget, of = budget_of(context), getattr(obj, "__self__", None)
        if isinstance(of, str):
            budget.handle(len(of))
            name = getattr(obj, "__name__", "")
            if name == "replace":
                ask_to_replace(budget, of, args, kwargs)
            elif name == "join" and args:
                items = list(budget.counted(args[0]))
                budget.make_text(budget.written(items))
                ask_to_join(budget, items, (of,), {})
                args = (items,)
        made = super().call(context, obj, *args, **kwargs)
        if isinstance(made, _SIZED):
            budget.handle(len(made))
        return made

    @override
    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Keep one operator from filling the memory."""
        budget = budget_of(context)
        if operator == "*" and (isinstance(left, _SIZED) or isinstance(right, _SIZED)):
            size, times = (left, right) if isinstance(left, _SIZED) else (right, left)
            if isinstance(times, int):
                budget.make_list(len(size) * max(0, times))
        elif operator == "+":
            if isinstance(left, _SIZED) and isinstance(right, _SIZED):
                budget.make_list(len(left) + len(right))
        elif operator == "%" and isinstance(left, str):
            raise SpentError("'%' does not format texts here; write {{ a }} {{ b }} or a ~ b")
        elif isinstance(left, int) and isinstance(right, int):
            bits = left.bit_length() + right.bit_length()
            if operator == "**":
                bits = left.bit_length() * max(1, right)
            if bits > MAX_BITS:
                raise SpentError("a number too large to work with")
        return super().call_binop(context, operator, left, right)

    def joined(self, context: Context, parts: tuple[Any, ...]) -> str:
        """`a ~ b`."""
        budget = budget_of(context)
        texts = [str(_shown(context, part)) for part in parts]
        budget.make_text(sum(len(text) for text in texts))
        return "".join(texts)


@pass_context
def _shown(context: Context, value: Any) -> Any:
    """A value that becomes part of a text."""
    budget = budget_of(context)
    if isinstance(value, str):
        budget.make_text(len(value))
    elif isinstance(value, Mapping | list | tuple):
        budget.handle(budget.written(value))
    elif isinstance(value, Iterable) and not isinstance(value, Undefined | Unknown):
        return list(budget.counted(value))
    return value


@pass_context
def _bounded(context: Context, items: Iterable[Any]) -> Iterable[Any]:
    return budget_of(context).spend(items)


@pass_context
def _is_in(context: Context, value: Any, container: Any) -> bool:
    if hasattr(container, "__len__"):
        budget_of(context).handle(len(container))
    return value in container


_REFUSED: Final[tuple[tuple[tuple[type[nodes.Node], ...], str], ...]] = (
    (
        (nodes.Include, nodes.Extends, nodes.Import, nodes.FromImport, nodes.Block),
        "a template has no other files",
    ),
    ((nodes.Macro, nodes.CallBlock), "a template has no macros"),
    ((nodes.FilterBlock,), "a filter stands in {{ }}, behind a |"),
    ((nodes.AssignBlock,), "a name is set to an expression: {% set a = ... %}"),
    ((nodes.EvalContextModifier,), "nothing is escaped here; there is the filter e"),
)


def refuse_parts(tree: nodes.Template) -> None:
    """What has no place in a text of a playbook, or no bounds. Raises TemplateSyntaxError."""
    found = list(tree.find_all(nodes.Stmt))
    for kinds, said in _REFUSED:
        for node in found:
            if isinstance(node, kinds):
                raise jinja2.TemplateSyntaxError(said, node.lineno)
    for loop in found:
        if isinstance(loop, nodes.For):
            if loop.recursive:
                raise jinja2.TemplateSyntaxError("a loop does not call itself", loop.lineno)
            loop.iter = nodes.Filter(loop.iter, BOUNDED, [], [], None, None, lineno=loop.lineno)
