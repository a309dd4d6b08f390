"""Nothing in engine/ makes code of data: no eval, no pickle, no YAML with tags, no SQL put together."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import engine

ROOT = Path(engine.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
CALLS = {"eval", "exec", "compile", "__import__"}
MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "jsonpickle", "code", "imp"}
ATTRIBUTES = {  # called on something; compile of a pattern is another thing
    "yaml": {"load", "load_all", "full_load", "unsafe_load", "unsafe_load_all", "full_load_all"},
    "os": {"system", "popen"},
    "subprocess": {"getoutput", "getstatusoutput"},
    "asyncio": {"create_subprocess_shell"},
    "tempfile": {"mktemp"},
}
SQL = {"execute", "executemany", "executescript"}
# Statements that are made of something else than a literal or a named query, and of what.
MADE = {
    "store/database.py": {
        "PRAGMA busy_timeout = {BUSY_TIMEOUT}",
        "PRAGMA journal_size_limit = {WAL_LIMIT}",
        "BEGIN;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;",  # files of the package
    },
    "store/ledger_file.py": {
        "PRAGMA busy_timeout = {CUTTING}",
        "PRAGMA busy_timeout = {BUSY_TIMEOUT}",
    },
    "store/pruning.py": {
        "PRAGMA incremental_vacuum({PAGES // 4})",
        "PRAGMA {name}",  # of two constants
    },
}
# The one way from a name to a module, and each of the names is in the table of commands.
IMPORTS = {"cli/main.py"}


def violations(tree: ast.AST, name: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names if one.name.split(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES:
            yield node.module or ""
        elif isinstance(node, ast.Call):
            yield from _calls(node, name)


def _calls(node: ast.Call, name: str) -> Iterator[str]:
    called = node.func
    if isinstance(called, ast.Name) and called.id in CALLS:
        yield called.id
    if not isinstance(called, ast.Attribute):
        return
    owner = called.value.id if isinstance(called.value, ast.Name) else ""
    if called.attr in ATTRIBUTES.get(owner, ()):
        yield f"{owner}.{called.attr}"
    if called.attr == "import_module" and name not in IMPORTS:
        yield "import_module"
    if any(one.arg == "shell" for one in node.keywords):
        yield "shell="
    if called.attr in SQL and node.args:
        statement = node.args[0]
        if isinstance(statement, (ast.JoinedStr, ast.BinOp)):
            made = ast.unparse(statement)
            known = MADE.get(name, set())
            if not any(made == ast.unparse(ast.parse(f"f{text!r}")) for text in known):
                yield f"SQL put together: {made}"
        if isinstance(statement, ast.Call) and ast.unparse(statement).endswith(".format"):
            yield "SQL put together"


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_file_makes_code_of_data(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    assert list(violations(tree, file.relative_to(ROOT).as_posix())) == []


@pytest.mark.parametrize(
    "bad",
    [
        "import pickle",
        "from marshal import loads",
        "eval(x)",
        "exec(compile(x, '', 'exec'))",
        "yaml.load(x)",
        "os.system(x)",
        "subprocess.run(x, shell=True)",
        "asyncio.create_subprocess_shell(x)",
        "importlib.import_module(x)",
        "db.execute(f'SELECT {x}')",
        "db.execute('SELECT ' + x)",
        "db.execute('SELECT %s' % x)",
    ],
)
def test_each_way_is_seen(bad: str) -> None:
    assert list(violations(ast.parse(bad), "store/some.py")) != []
