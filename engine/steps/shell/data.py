"""What data may not become in a command: an option, a line of its own, a variable that runs code.

Data is whatever a template brings in, but for what only `config` and `secrets` say: those are the
operator's. Labels, titles, answers of other services and `vars` made of them are not, and nobody
can tell them apart any more once they are text; so all of them are data.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeGuard

from jinja2 import nodes

from engine.playbooks.template import Template
from engine.problem import Complaint

_NO_DATA: Final = frozenset({"config", "secrets"})
_END_OF_OPTIONS: Final = "--"
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_OF_TEXT: Final = frozenset("\n\r\t")
_NAMES: Final = {"\0": "a NUL character", "\n": "a line break", "\r": "a line break", "\t": "a tab"}
# What a playbook writes before a value: `-o`, `--host=`. Then the option is its own choice.
_OWN_OPTION: Final = re.compile(r"-[A-Za-z0-9]|--[A-Za-z0-9][\w-]*=")
# Variables by which the loader, a shell or an interpreter runs what stands in them, or finds
# other programs than were meant: ld.so(8), dyld(1), bash(1), and the manuals of the others.
_RUNS_CODE: Final = re.compile(
    r"LD_\w+|DYLD_\w+|GCONV_PATH|GLIBC_TUNABLES|PATH|HOME|IFS|ENV|BASH_.+|SHELLOPTS|BASHOPTS"
    r"|PS[0-4]|PROMPT_COMMAND|PYTHON\w+|PERL5\w*|PERLLIB|RUBY(OPT|LIB)|NODE_(OPTIONS|PATH)|CLASSPATH"
    r"|(JAVA_TOOL|_JAVA|JDK_JAVA)_OPTIONS|GIT_(SSH|CONFIG|EXEC|EXTERNAL|PROXY|TEMPLATE)\w*|\w*ASKPASS"
    r"|\w*EDITOR|VISUAL|\w*PAGER|LESSOPEN|LESSCLOSE|BROWSER"
)
_DASH_SAID: Final = "begins with '-', so that the command may take it for an option"
_DASH_HINT: Final = (
    'put "--" before it in the list if the command knows that, or say `allow_dash: true`'
)
_RUNS_CODE_SAID: Final = "decides what is run, and its value would come from data"
_RUNS_CODE_HINT: Final = "write it out or take it from `config`, or use a name of your own"


def is_data(written: object) -> TypeGuard[Template]:
    """Whether what is written here takes in what the playbook and config.yaml do not say."""
    return isinstance(written, Template) and not written.names <= _NO_DATA


def runs_code(name: str) -> bool:
    """Whether the value of this environment variable decides what is run."""
    return _RUNS_CODE.fullmatch(name) is not None


def complaints_about_argv(
    argv: Sequence[object], written: object, *, allow_dash: bool
) -> Iterator[Complaint]:
    """`argv` as it would be executed, `written` as it stands in the playbook."""
    ended = False  # whether the playbook has written `--` by now
    for at, (text, source) in enumerate(zip(argv, _each(written, len(argv)), strict=True)):
        if not isinstance(text, str):
            continue
        loc = ("argv", at)
        if at == 0:
            yield from _about_command(text, source)
        elif (
            not (allow_dash or ended)
            and text.startswith("-")
            and is_data(source)
            and not _has_own_option(source)
        ):
            yield Complaint("dash-argument", loc, _DASH_SAID, hint=_DASH_HINT)
        if is_data(source) and (found := _control_in(text, source)):
            hint = "hand such a text over by `env` or `stdin`"
            said = f"has {found} in it, which data does not bring into an argument"
            yield Complaint("control-character", loc, said, hint=hint)
        ended = ended or (at > 0 and source == _END_OF_OPTIONS)


def complaints_about_env(env: Mapping[str, object], written: object) -> Iterator[Complaint]:
    """The same for its environment; the lines of a text may come in, and tabs."""
    for name, text in env.items():
        source = written.get(name) if isinstance(written, Mapping) else written
        if not is_data(source):
            continue
        if runs_code(name):
            yield Complaint("env-runs-code", ("env", name), _RUNS_CODE_SAID, hint=_RUNS_CODE_HINT)
        elif isinstance(text, str) and (found := _control_in(text)):
            said = f"has {found} in it, which data does not bring into an environment"
            yield Complaint("control-character", ("env", name), said, hint="`stdin` takes any text")


def complaints_about_cwd(cwd: object, written: object) -> Iterator[Complaint]:
    """The same for the folder it runs in."""
    if is_data(written) and isinstance(cwd, str) and (found := _control_in(cwd, written)):
        yield Complaint("control-character", ("cwd",), f"has {found} in it")


def _about_command(text: str, source: object) -> Iterator[Complaint]:
    """The first item: what is run. A path from data would begin wherever the step runs."""
    if not text:
        yield Complaint("no-command", ("argv", 0), "is empty, and there is no such command")
    elif text.startswith("-"):
        said = "begins with '-', and no command does"
        yield Complaint("no-command", ("argv", 0), said)
    elif is_data(source) and "/" in text and not text.startswith("/"):
        said = "is a relative path that comes from data"
        hint = "use the name of a command, or a whole path"
        yield Complaint("relative-command", ("argv", 0), said, hint=hint)


def _each(written: object, count: int) -> Sequence[object]:
    """What is written for each item; a list that is one template is so for all of them."""
    if isinstance(written, Sequence) and not isinstance(written, str) and len(written) == count:
        return written
    return [written] * count


def _has_own_option(source: Template) -> bool:
    return bool(_OWN_OPTION.match(source.source))


def _control_in(text: str, within: Template | None = None) -> str | None:
    """What people call the first character that is not to be there.

    A text takes line breaks and tabs; an argument those that the playbook has in it itself.
    """
    for match in _CONTROL.finditer(text):
        if match[0] not in _OF_TEXT or (within and match[0] not in _own_text(within)):
            return _NAMES.get(match[0], f"the control character {match[0]!r}")
    return None


def _own_text(source: Template) -> str:
    """What a template says itself, around what it takes in."""
    return "".join(part.data for part in source.tree.find_all(nodes.TemplateData))


def secrets_in(argv: Any) -> Iterator[tuple[str | int, ...]]:
    """The places of the arguments that a secret would be in, before they are rendered."""
    if isinstance(argv, Template) and "secrets" in argv.names:
        yield ("argv",)
    elif isinstance(argv, list):
        for at, item in enumerate(argv):
            if isinstance(item, Template) and "secrets" in item.names:
                yield ("argv", at)
