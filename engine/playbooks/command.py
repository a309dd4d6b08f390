"""What a person would type to do by hand what a step does: for a rehearsal, to be copied."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

_SAFE: Final = re.compile(r"[\w./:=@%+,‹›-]+")  # means the same with and without quotes
_LEFT_AS_IT_IS: Final = re.compile(r'[^"\\`$!]*')  # between double quotes
_WORD: Final = re.compile(r"\w", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)  # of a variable that a shell can set


@dataclass(frozen=True, slots=True)
class Command:
    """A program and its arguments, and what it is given besides. Nothing in it is quoted."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str | None = None
    stdin: str | None = None

    @classmethod
    def of(cls, argv: object, env: object = None, cwd: object = None, stdin: object = None) -> Self:
        """Made of parameters, each of which may be a value that is not known yet."""
        words = argv if isinstance(argv, list) else [argv]
        given = env if isinstance(env, dict) else {} if env is None else {str(env): ""}
        return cls(
            tuple(str(word) for word in words),
            {name: str(value) for name, value in given.items()},
            None if cwd is None else str(cwd),
            None if stdin is None else str(stdin),
        )

    def typed(self, secrets: frozenset[str] = frozenset()) -> str:
        """One line for a POSIX shell; `$NAME` of these secrets is expanded, and nothing else is."""
        words = [quoted(word, secrets) for word in self.argv]
        if "=" in words[0] and words[0][0] not in "'\"":  # it would set a variable
            words[0] = f"'{words[0]}'"
        if self.env:
            alone = all(_NAME.fullmatch(name) for name in self.env)
            names = {name: name if alone else quoted(name, frozenset()) for name in self.env}
            added = [f"{names[name]}={quoted(it, secrets)}" for name, it in self.env.items()]
            words = [*added, *words] if alone else ["env", *added, *words]
        line = " ".join(words)
        if self.stdin is not None:
            line = f"printf %s {quoted(self.stdin, secrets)} | {line}"
        return line if self.cwd is None else f"cd {quoted(self.cwd, secrets)} && {line}"


def quoted(text: str, secrets: frozenset[str]) -> str:
    """One word for a shell: literal, but for the names of secrets between double quotes."""
    names = "|".join(sorted(map(re.escape, secrets), key=len, reverse=True))
    # Every other one is a name; with no secrets there is none to find.
    parts = re.split(rf"\$({names})", text) if secrets else [text]
    literals, found = parts[::2], parts[1::2]
    if not found:
        return _literal(text)
    variables = [
        f"${{{name}}}" if _WORD.match(after) else f"${name}"
        for name, after in zip(found, literals[1:], strict=True)
    ]
    pairs = list(zip(literals, [*variables, ""], strict=True))
    if all(_LEFT_AS_IT_IS.fullmatch(literal) for literal in literals):
        return f'"{"".join(literal + variable for literal, variable in pairs)}"'
    return "".join(
        (_literal(literal) if literal else "") + (f'"{variable}"' if variable else "")
        for literal, variable in pairs
    )


def _literal(text: str) -> str:
    return text if _SAFE.fullmatch(text) else "'" + text.replace("'", "'\\''") + "'"
