"""Which names a parsed template asks for, and whether compiling it can wait until it is rendered.

Jinja finds names by generating the template's code, and compiling that code takes longer still:
together nine tenths of the time that reading a playbook took. Most templates need neither.
"""

from typing import Final

from jinja2 import meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

SHALLOW: Final = 16  # levels that Python's compiler has no trouble with, whatever they are
_LOOP: Final = "loop"


def names_in(
    tree: nodes.Template, sandbox: ImmutableSandboxedEnvironment
) -> tuple[frozenset[str], bool]:
    """The top-level names, and whether the template is sure to compile.

    Raises jinja2.TemplateSyntaxError for what only generating the code finds.
    """
    looking = _Looking(sandbox)
    looking.look(tree, frozenset(), SHALLOW)
    sure = looking.sure and not looking.deep
    if looking.plain and not looking.deep:
        return frozenset(looking.names - sandbox.globals.keys()), sure
    found = _Names(sandbox)
    found.visit(tree)
    return frozenset(found.undeclared_identifiers), sure


class _Looking:
    """Walks expressions, text, and the conditions and loops around them; all else is not plain."""

    def __init__(self, sandbox: ImmutableSandboxedEnvironment) -> None:
        self._sandbox = sandbox
        self.names: set[str] = set()
        self.plain = self.sure = True
        self.deep = False

    def look(self, node: nodes.Node, own: frozenset[str], levels: int) -> None:
        """`own`: the names that loops around it bind. `levels`: how many may be left."""
        if not levels:
            self.deep = True
            return
        match node:
            case nodes.Const() | nodes.TemplateData():
                pass
            case nodes.Name(name=name, ctx=use):
                if name not in own:
                    self.names.add(name)
                    self.plain = self.plain and use == "load"
            case nodes.Getattr(node=inner):
                self.look(inner, own, levels - 1)
            case nodes.Template(body=inside) | nodes.Output(nodes=inside):
                for child in inside:
                    self.look(child, own, levels - 1)
            case nodes.For():
                self._look_at_loop(node, own, levels - 1)
            case _:
                self._look_at(node)
                for child in node.iter_child_nodes():
                    self.look(child, own, levels - 1)

    def _look_at(self, node: nodes.Node) -> None:
        match node:
            case nodes.Filter(name=name):
                self.plain = self.plain and name in self._sandbox.filters
            case nodes.Test(name=name):
                self.plain = self.plain and name in self._sandbox.tests
            case nodes.Stmt():
                self.plain = self.plain and isinstance(node, nodes.If)
            case _:
                pass
        if isinstance(node, (nodes.Filter, nodes.Call)):
            given = {one.key for one in node.kwargs}  # which Python takes once each
            self.sure = self.sure and len(given) == len(node.kwargs)

    def _look_at_loop(self, loop: nodes.For, own: frozenset[str], levels: int) -> None:
        """What it binds is there in its body and its test, `loop` in its body alone."""
        targets = (loop.target, *loop.target.find_all(nodes.Name))
        bound = {target.name for target in targets if isinstance(target, nodes.Name)}
        self.plain = self.plain and not loop.recursive and _LOOP not in bound
        inside = own | bound
        self.look(loop.target, inside, levels)
        self.look(loop.iter, own, levels)
        if loop.test is not None:
            self.look(loop.test, inside, levels)
        for node in loop.body:
            self.look(node, inside | {_LOOP}, levels)
        for node in loop.else_:
            self.look(node, own, levels)


class _Names(meta.TrackingCodeGenerator):
    """Jinja's, which would work out what is constant, and stop where that fails."""

    def __init__(self, sandbox: ImmutableSandboxedEnvironment) -> None:
        super().__init__(sandbox)
        self.optimizer = None
