"""Something that looks like a secret, written into the playbook.

Playbooks lie in git: who reads the repository has the secret, for as long as its history is kept.
The engine does not know that it is one, and masks it nowhere. Replace it where it is valid, and
hand the new one over:

    secrets:                                     # in config.yaml
      LB_TOKEN: { env: LB_TOKEN }                # or { file: /run/secrets/lb_token }

    wrong:  headers: { Authorization: "Bearer 8d2f61c0e5b44a7f" }
    right:  headers: { Authorization: "Bearer {{ secrets.LB_TOKEN }}" }

Found are the forms of known tokens and of private keys, passwords in URLs, what stands under names
such as `password`, `token` and `app_key` or behind such options of a command, and long drawn words
in what is sent. What is found and is none: a comment allows it, with the reason.
"""

from collections.abc import Iterator
from typing import Any, Final

from engine.lint.check import Around, Check, Finding
from engine.lint.likely_secret import dense, in_arguments, in_script, looks_like, named
from engine.lint.subject import Subject
from engine.marked_yaml.mark import Path

_SENT: Final = frozenset({"headers", "params", "form", "json", "env", "basic_auth"})
_OF_A_VALUE: Final = ("default", "value", "field_value")  # its name stands around or beside it
# What has names of these as a matter of course: what a condition asks for, what a step returns.
_CONDITIONS: Final = frozenset({"when", "expect", "until", "foreach", "output"})


def _find(subject: Subject, _: Around) -> Iterator[Finding]:
    found: dict[Path, str] = {}
    _look(subject.raw, (), found)
    for path, kind in found.items():
        where = subject.marked.locate(path)
        hint = "declare it under `secrets` of config.yaml, and write {{ secrets.NAME }}"
        yield Finding(f"this looks like {kind}, and whoever can read the file has it", where, hint)


def _look(value: Any, path: Path, found: dict[Path, str]) -> None:
    """Every text that looks like one, by its place."""
    if isinstance(value, str):
        if path and (kind := _kind(value, path)) is not None:
            found[path] = kind
    elif isinstance(value, dict):
        for key, one in value.items():
            _look(one, (*path, key), found)
    elif isinstance(value, list):
        for at, kind in enumerate(in_arguments(value) if _is_argv(path) else ()):
            if kind is not None and looks_like(str(value[at])) is None:
                found[(*path, at)] = kind
        for at, one in enumerate(value):
            _look(one, (*path, at), found)


def _kind(text: str, path: Path) -> str | None:
    if (kind := looks_like(text)) is not None:
        return kind
    names = (part for part in reversed(path) if isinstance(part, str))
    name = next(names)
    if name in _CONDITIONS:
        return None
    if name == "script":
        return in_script(text)
    of = next(names, name) if name in _OF_A_VALUE else name
    return named(of, text) or (None if _SENT.isdisjoint(path) else dense(text))


def _is_argv(path: Path) -> bool:
    return path[-1] in ("shell", "argv")


CHECK: Final = Check("literal-secret", "warning", _find, __doc__)
