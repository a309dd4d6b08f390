"""Which names a parsed template asks for, and whether compiling it can wait until it is rendered.

Jinja finds names by generating the template's code, and compiling that code takes longer still:
together nine tenths of the time that reading a playbook took. Most templates need neither.
"""

from typing import Final

from jinja2 import meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

SIMPLE_DEPTH: Final = 20  # levels that neither Jinja nor Python's compiler has trouble with


def names_in(
    tree: nodes.Template, sandbox: ImmutableSandboxedEnvironment
) -> tuple[frozenset[str], bool]:
    """The top-level names, and whether the template is simple: whether it is sure to compile.

    Raises jinja2.TemplateSyntaxError for what only generating the code finds.
    """
    names: set[str] = set()
    level: list[nodes.Node] = [tree]
    for _ in range(SIMPLE_DEPTH):
        if not all(_is_simple(node, sandbox) for node in level):
            break
        names.update(node.name for node in level if isinstance(node, nodes.Name))
        level = [child for node in level for child in node.iter_child_nodes()]
        if not level:
            return frozenset(names - sandbox.globals.keys()), True
    return frozenset(meta.find_undeclared_variables(tree)), False


def _is_simple(node: nodes.Node, sandbox: ImmutableSandboxedEnvironment) -> bool:
    """Whether it is an expression, a condition around expressions, or text; and binds no name."""
    match node:
        case nodes.Filter(name=name) if name not in sandbox.filters:
            return False
        case nodes.Test(name=name) if name not in sandbox.tests:
            return False
        case nodes.Call(kwargs=given) | nodes.Filter(kwargs=given) | nodes.Test(kwargs=given):
            return len({one.key for one in given}) == len(given)
        case nodes.Name(ctx=use):
            return use == "load"
        case nodes.Stmt():
            return isinstance(node, (nodes.Output, nodes.If))
        case _:
            return True
