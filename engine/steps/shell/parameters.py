"""What a shell step takes."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.json_schema import WithJsonSchema
from pydantic_core import PydanticCustomError
from typing_extensions import override

from engine.playbooks.parameters import Count, Duration, Flag, Model, Parameters, Size, Text
from engine.problem import Complaint
from engine.processes.mark import VARIABLE
from engine.steps.shell.data import (
    complaints_about_argv,
    complaints_about_cwd,
    complaints_about_env,
    secrets_in,
)

SHELL: Final = ("/bin/sh", "-c")
_UMASK: Final = re.compile(r"0?[0-7]{3}")
_USER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9._-]{0,63}\$?")


def _constant(script: str) -> str:
    for mark in ("{{", "{%"):
        if mark in script:
            raise PydanticCustomError(
                "template-in-script",
                "a script is a constant: data in it would be run as code",
                {
                    "hint": 'hand it over by env: {MOUNT: "{{ labels.mount }}"}, use "$MOUNT"',
                    "offset": script.index(mark),
                },
            )
    return script


def _without_the_mark(environment: dict[str, str]) -> dict[str, str]:
    if VARIABLE in environment:
        raise PydanticCustomError(
            "shell-mark",
            "{name} says which step a process belongs to, and is set by the engine",
            {"name": VARIABLE, "hint": "use another name"},
        )
    return environment


def _umask(value: object) -> object:
    """Octal, as people know it; YAML 1.2 takes 077 for seventy-seven."""
    if isinstance(value, str) and _UMASK.fullmatch(value):
        return int(value, 8)
    raise PydanticCustomError(
        "umask", "a umask is three octal digits in quotes", {"hint": 'such as "077" or "022"'}
    )


def _user(value: object) -> object:
    if isinstance(value, str) and _USER.fullmatch(value):
        return value
    raise PydanticCustomError(
        "user-name", "a user is written out, by name", {"hint": "such as deploy; no template"}
    )


class ShellLimits(Model):
    """What the system lets each process of the command have."""

    cpu: Annotated[Duration, Field(ge=1)] | None = Field(
        default=None,
        description="Time of the processor, a process; then it is ended",
        examples=["30s"],
    )
    memory: Annotated[Size, Field(ge=1024**2, le=1024**6)] | None = Field(
        default=None,
        description="Address space, a process; then it gets no more",
        examples=["512MiB"],
    )
    files: Annotated[Count, Field(ge=10, le=1_000_000)] | None = Field(
        default=None, description="Open at once, a process; input and outputs count", examples=[64]
    )
    processes: Annotated[Count, Field(ge=1, le=1_000_000)] | None = Field(
        default=None,
        description="All of its user's at once; root has no such limit, so give a `user`",
        examples=[100],
    )


class ShellParameters(Parameters):
    """A list to execute, or a constant script; one of them."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                ["restart-host", "{{ vars.host }}"],
                {"script": 'df -h "$MOUNT"', "env": {"MOUNT": "{{ labels.mount }}"}},
            ],
            "anyOf": [{"required": ["argv"]}, {"required": ["script"]}],
        }
    )
    shorthand: ClassVar[str | None] = "argv"
    constants: ClassVar[frozenset[str]] = frozenset(
        {"script", "user", "umask", "limits", "allow_dash", "secrets_in_argv"}
    )

    argv: list[Text] | None = Field(
        default=None,
        description="The command and its arguments, each one item; no shell in between",
        examples=[["restart-host", "{{ vars.host }}"]],
    )
    script: Annotated[str, AfterValidator(_constant)] | None = Field(
        default=None,
        description="A constant text for /bin/sh -c; data comes in by `env`, never by a template",
        examples=['df -h "$MOUNT" | tail -1'],
    )
    env: Annotated[dict[str, Text], AfterValidator(_without_the_mark)] = Field(
        default={},
        description="Added to the few variables of shell.env in config.yaml",
        examples=[{"MOUNT": "{{ labels.mount }}"}],
    )
    cwd: Text | None = Field(
        default=None, description="Default: the config file's folder", examples=["/srv/tools"]
    )
    stdin: Text | None = Field(
        default=None, description="What it reads", examples=["{{ labels.resource }}"]
    )
    parse: Literal["json"] | None = Field(
        default=None, description="stdout has to be JSON, and becomes `json` of the result"
    )
    max_output: Size | None = Field(
        default=None,
        description="Kept of each stream; default: shell.max_output of config.yaml",
    )
    exit_codes: list[Count] = Field(
        default=[0], description="Those that mean success", examples=[[0, 1]]
    )
    user: (
        Annotated[
            str,
            BeforeValidator(_user),
            WithJsonSchema({"type": "string", "pattern": f"^{_USER.pattern}$"}),
        ]
        | None
    ) = Field(
        default=None,
        description="Who runs it, with this user's groups; the engine has to be root for that. "
        "Default: who runs the engine",
        examples=["deploy"],
    )
    umask: (
        Annotated[
            int,
            BeforeValidator(_umask),
            WithJsonSchema({"type": "string", "pattern": "^0?[0-7]{3}$"}),
        ]
        | None
    ) = Field(
        default=None,
        description="Which rights new files do not have; default: that of the engine",
        examples=["077"],
    )
    limits: ShellLimits = Field(
        default=ShellLimits(),
        description="What each process of it may have",
        examples=[{"cpu": "30s", "memory": "512MiB"}],
    )
    allow_dash: Flag = Field(
        default=False, description="Data may begin with '-', and be an option of the command"
    )
    secrets_in_argv: Flag = Field(
        default=False,
        description="A secret may be an argument, which all users of the machine can see",
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> "ShellParameters":
        if (self.argv is None) == (self.script is None):
            raise PydanticCustomError(
                "shell-what",
                "a shell step is a list or has a script",
                {"hint": "such as [systemctl, restart, nginx] or {script: 'df -h'}"},
            )
        if isinstance(self.argv, list) and not self.argv:
            raise PydanticCustomError("shell-what", "the list is empty", {})
        return self

    @override
    def complaints(self) -> Iterator[Complaint]:
        """What no command can be given, as far as it is known."""
        given = (("argv", self.argv), ("script", self.script), ("env", self.env))
        for name, value in given:
            texts: object = value  # a Deferred when all of it is a template
            if isinstance(texts, dict):
                texts = [*texts, *texts.values()]
            for text in texts if isinstance(texts, list) else [texts]:
                if isinstance(text, str) and "\0" in text:
                    yield Complaint("nul", (name,), "cannot hold a NUL character")
        for loc in () if self.secrets_in_argv else secrets_in(self.argv):
            yield Complaint(
                "secret-in-argv",
                loc,
                "would show a secret to every user of the machine, in the list of processes",
                hint="hand it over by `env` or `stdin`, or say `secrets_in_argv: true`",
            )
        yield from self._about_data({"argv": self.argv, "env": self.env})

    @override
    def complaints_once_rendered(self, written: Mapping[str, Any]) -> Iterator[Complaint]:
        yield from self._about_data(written)

    def _about_data(self, written: Mapping[str, Any]) -> Iterator[Complaint]:
        argv: object = self.argv  # a Deferred when all of it is a template
        if isinstance(argv, list):
            source = written.get("argv")
            yield from complaints_about_argv(argv, source, allow_dash=self.allow_dash)
        env: object = self.env
        if isinstance(env, dict):
            yield from complaints_about_env(env, written.get("env"))
        yield from complaints_about_cwd(self.cwd, written.get("cwd"))
