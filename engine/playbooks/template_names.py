"""Which names a parsed template asks for, and whether compiling it can wait until it is rendered.

Jinja finds names by generating the template's code, and compiling that code takes longer still:
together nine tenths of the time that reading a playbook took. Most templates need neither.
"""

from typing import Final

from jinja2 import meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

SHALLOW: Final = 16  # levels that Python's compiler has no trouble with, whatever they are


def names_in(
    tree: nodes.Template, sandbox: ImmutableSandboxedEnvironment
) -> tuple[frozenset[str], bool]:
    """The top-level names, and whether the template is sure to compile.

    Raises jinja2.TemplateSyntaxError for what only generating the code finds.
    """
    names: set[str] = set()
    plain = sure = True
    level: list[nodes.Node] = [tree]
    for _ in range(SHALLOW):
        for node in level:
            match node:
                case nodes.Name(name=name, ctx="load"):
                    names.add(name)
                case nodes.Call(kwargs=given) | nodes.Filter(kwargs=given):
                    sure = sure and len({one.key for one in given}) == len(given)
                case _:
                    pass
        plain = plain and all(_is_plain(node, sandbox) for node in level)
        level = [child for node in level for child in node.iter_child_nodes()]
    if plain and not level:
        return frozenset(names - sandbox.globals.keys()), sure
    found = _Names(sandbox)
    found.visit(tree)
    return frozenset(found.undeclared_identifiers), sure and not level


class _Names(meta.TrackingCodeGenerator):
    """Jinja's, which would work out what is constant, and stop where that fails."""

    def __init__(self, sandbox: ImmutableSandboxedEnvironment) -> None:
        super().__init__(sandbox)
        self.optimizer = None


def _is_plain(node: nodes.Node, sandbox: ImmutableSandboxedEnvironment) -> bool:
    """Whether it is an expression, a condition around expressions, or text; and binds no name."""
    match node:
        case nodes.Filter(name=name):
            return name in sandbox.filters
        case nodes.Test(name=name):
            return name in sandbox.tests
        case nodes.Name(ctx=use):
            return use == "load"
        case nodes.Stmt():
            return isinstance(node, (nodes.Output, nodes.If))
        case _:
            return True
