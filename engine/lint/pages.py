"""The manual: a page for every code that `engine lint` can report."""

from collections.abc import Mapping
from typing import Final

from engine.lint.allow import UNEXPLAINED, UNUSED
from engine.lint.checks import CHECKS
from engine.lint.loader_pages import LOADER_PAGES
from engine.problem import EngineError, Level, Problem, nearest

_ALLOW_PAGES: Final[Mapping[str, str]] = {
    UNUSED: """
A `# lint: allow CODE (reason)` that allows nothing: what it was about is gone, stands on another
line, or is no finding of a check. It is about its own line, or, on a line of its own, about the
next. What keeps a playbook from being loaded cannot be allowed.
""",
    UNEXPLAINED: """
A `# lint: allow CODE` without a reason. Whoever reads it next wants to know whether it still holds.

    right:  retry: { attempts: 3 } # lint: allow retry-repeats (the platform knows the key)
""",
}

# What the command finds beside the playbooks, on the machine of an engine.
_PLACE_PAGES: Final[Mapping[str, str]] = {
    "others-can-write": """
What the engine goes by can be changed by somebody other than root and the engine's own user: a
playbook, config.yaml, the file of a secret, or a folder on the way to one. Whoever can change them
can have the engine do anything. With `strict: true` in config.yaml it is an error: the engine does
not start, and takes no change of its playbooks, until it is mended.

    chmod -R go-w playbooks; chown -R root: playbooks

Looked at without a PATH, where an engine has its database: in another checkout, such as that of a
pull request, modes and owners say nothing.
""",
}


def pages() -> Mapping[str, tuple[Level, str]]:
    """Each code's level and page."""
    found: dict[str, tuple[Level, str]] = {
        code: ("error", page) for code, page in LOADER_PAGES.items()
    }
    found |= {code: ("warning", page) for code, page in _ALLOW_PAGES.items()}
    found |= {code: ("warning", page) for code, page in _PLACE_PAGES.items()}
    return found | {code: (check.level, check.page) for code, check in CHECKS.items()}


def page_of(code: str) -> str:
    """What `--explain` prints. Raises EngineError for a code that nothing reports."""
    known = pages()
    if code not in known:
        said = f"nothing reports '{code}'"
        raise EngineError(Problem("no-such-code", said, None, nearest(code, tuple(known))))
    level, page = known[code]
    return f"{code} ({level})\n\n{page.strip()}"
