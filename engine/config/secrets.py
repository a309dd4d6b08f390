"""Secrets by name, read when a step is performed, told to the redactor before anyone sees them."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from typing_extensions import override

from engine.config.config import Config, SecretSource
from engine.playbooks.template import RenderError
from engine.problem import Problem
from engine.runs.redaction import Redactor


def learn_own_secrets(config: Config, redactor: Redactor) -> None:
    """Those that config.yaml itself has: no step asks for them, and all that is said is masked."""
    for secret in (config.flashduty.app_key, *config.tokens):
        if secret is not None:
            redactor.learn(secret)


class Secrets(Mapping[str, str]):
    """`secrets` in templates. A file is read each time, so that a rotated secret is seen."""

    def __init__(
        self,
        sources: Mapping[str, SecretSource],
        environ: Mapping[str, str],
        folder: Path,
        redactor: Redactor,
    ) -> None:
        self._sources = sources
        self._environ = environ
        self._folder = folder
        self._redactor = redactor

    @override
    def __getitem__(self, name: str) -> str:
        value = self._read(name, self._sources[name])
        self._redactor.learn(value)
        return value

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._sources)

    @override
    def __len__(self) -> int:
        return len(self._sources)

    def learn(self) -> list[Problem]:
        """Tell the redactor what can be read now: a step may print a secret it was not given.

        The problems are those of secrets that cannot be read; a step that needs one will fail.
        """
        problems = []
        for name in self:
            try:
                self[name]
            except RenderError as error:
                hint = "steps that need it will fail"
                problems.append(Problem("no-secret", str(error), None, hint, "warning"))
        return problems

    def _read(self, name: str, source: SecretSource) -> str:
        if source.env is not None:
            if not self._environ.get(source.env):
                raise RenderError(f"secret {name}: the variable {source.env} is not set")
            return self._environ[source.env]
        path = self._folder / (source.file or "")
        try:
            value = path.read_text(encoding="utf-8").rstrip("\n")
        except OSError as error:
            raise RenderError(f"secret {name}: {path}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise RenderError(f"secret {name}: {path} is not UTF-8 text") from None
        if not value:
            raise RenderError(f"secret {name}: {path} is empty")
        return value
