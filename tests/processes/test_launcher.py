"""The launcher has all it needs before it gives up its rights: after that it may read nothing."""

import subprocess
import sys
from pathlib import Path

ROOT = str(Path(__file__).parents[2])
LOOK = """
import sys
sys.path.append(sys.argv[1])
from engine.processes import launcher
known = set(sys.modules)
try:
    launcher.os.execvpe("no-such-command", ["no-such-command"], {b"PATH": b"/bin"})
except FileNotFoundError:
    print(sorted(set(sys.modules) - known))
"""


def test_it_imports_nothing_when_it_becomes_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", LOOK, ROOT], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
