"""What a shell step starts, as far as it is written out: also behind `sudo` and `ssh HOST`."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

_AROUND: Final = ("sudo", "env", "nohup", "nice", "ionice", "time", "exec", "doas", "setsid")
_SHELLS: Final = ("sh", "bash", "dash", "zsh", "ksh", "ash")
_INTERPRETERS: Final = (*_SHELLS, "python", "python3", "perl", "ruby", "node", "php")
_CODE = re.compile(r"-[a-z]*[ce]|-r|--eval")
_WITH_VALUE: Final = frozenset(f"-{letter}" for letter in "oiplFJLRDbcEeImOQSWwB")  # of ssh
_BETWEEN = re.compile(r"&&|\|\||[;|&\n`(){}]|\bthen\b|\bdo\b|\belse\b")


def name_of(word: Any) -> str:
    """The command's own name, without its folder; empty for what is not written out."""
    return word.rsplit("/", 1)[-1] if isinstance(word, str) else ""


def code_at(argv: Sequence[Any]) -> Iterator[int]:
    """The places of the arguments that something reads as code: `sh -c CODE`, `ssh HOST CODE`."""
    for at, word in enumerate(argv):
        name = name_of(word)
        if name in _INTERPRETERS:
            for place in range(at + 1, len(argv) - 1):
                option = argv[place]
                if isinstance(option, str) and _CODE.fullmatch(option):
                    yield place + 1
        elif name == "ssh":
            yield from range(_after_host(argv, at), len(argv))
            return


def commands_in(argv: Sequence[Any]) -> Iterator[str]:
    """The commands of a list, each as one line; what is a template is `‹›` in it."""
    words = list(argv)
    while words:
        name = name_of(words[0])
        if name in _AROUND:
            words = _without_options(words[1:])
        elif name == "ssh":
            words = words[_after_host(words, 0) :]
            if words and all(isinstance(word, str) for word in words[:1]):
                yield from commands_of_script(" ".join(_shown(word) for word in words))
            return
        elif name == "timeout":
            words = _without_options(words[1:])[1:]
        elif name in _SHELLS:
            for place in code_at(words):
                if isinstance(words[place], str):
                    yield from commands_of_script(words[place])
            return
        else:
            yield " ".join([name, *(_shown(word) for word in words[1:])])
            return


def commands_of_script(script: str) -> Iterator[str]:
    """The commands of a text that a shell reads, roughly: what stands between its separators."""
    for part in _BETWEEN.split(script):
        words = part.split()
        while words and ("=" in words[0] or words[0] in ("!", "if", "while", "until")):
            words = words[1:]
        if words:
            yield from commands_in(words)


def _after_host(argv: Sequence[Any], at: int) -> int:
    """Where the remote command of an `ssh` begins."""
    place = at + 1
    while place < len(argv):
        word = argv[place]
        if not isinstance(word, str) or not word.startswith("-"):
            return place + 1
        place += 2 if word in _WITH_VALUE else 1
    return place


def _without_options(words: Sequence[Any]) -> list[Any]:
    left = list(words)
    while left and isinstance(left[0], str) and (left[0].startswith("-") or "=" in left[0]):
        left = left[2:] if left[0] in ("-u", "-g", "-n", "-c") else left[1:]
    return left


def _shown(word: Any) -> str:
    return word if isinstance(word, str) else "‹›"
