"""From config.yaml and the environment to a Config, or to every problem in the way."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from engine.config.config import Config, ConfigFile
from engine.config.receiving import KINDS, tokens_of
from engine.marked_yaml.mark import MarkedYaml
from engine.marked_yaml.mark import Path as YamlPath
from engine.marked_yaml.read import read_yaml
from engine.playbooks.complaints import complaints
from engine.problem import EngineError, Location, Problem, in_file_order

_UNSET: Final = object()  # stands for a text whose variable is not set
_NAMES: Final = ("vars", "secrets")
# Values under these may be secrets that were typed in by mistake.
_HIDDEN: Final = frozenset({"secrets", "app_key", "webhook_token", "tokens", "token"})
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


def find_config(named: str | None, environ: Mapping[str, str]) -> Path:
    """`--config`, then ENGINE_CONFIG, then ./config.yaml."""
    return Path(named or environ.get("ENGINE_CONFIG") or "config.yaml")


def load_config(path: Path, environ: Mapping[str, str], *, offline: bool = False) -> Config:
    """Raises EngineError with every problem.

    `offline` is for lint and rehearsal, which run where the secrets are not: no variable is read
    then, what needs one keeps its default, and nothing has to be reachable.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        hint = "name one with --config or ENGINE_CONFIG"
        raise EngineError(
            Problem("no-config", f"{path}: {error.strerror}", Location(str(path)), hint)
        ) from None
    except UnicodeDecodeError:
        raise EngineError(
            Problem("not-utf-8", f"{path} is not UTF-8 text", Location(str(path)))
        ) from None
    return read_config(text, path, environ, offline=offline)


def read_config(
    text: str, path: Path, environ: Mapping[str, str], *, offline: bool = False
) -> Config:
    """The same for a text; `path` says whose folder relative paths are relative to."""
    marked = read_yaml(text, str(path))
    if not isinstance(marked.value, dict | None):
        raise EngineError(
            Problem("not-a-config", "a config is a mapping", marked.locate(()), "see config.yaml")
        )
    problems: list[Problem] = []
    value = _expand(marked.value or {}, (), marked, environ, problems)
    if offline:
        problems.clear()
    try:
        file = ConfigFile.model_validate(value)
    except ValidationError as error:
        problems.extend(complaints(error, ConfigFile, marked, lambda loc: loc, _HIDDEN))
        raise EngineError(*in_file_order(problems)) from None
    folder = path.parent.resolve()
    config = Config.model_construct(
        **{name: getattr(file, name) for name in ConfigFile.model_fields},
        file=path.absolute(),
        folder=folder,
    )
    config = config.model_copy(
        update={
            "database": folder / file.database,
            "playbooks": folder / file.playbooks,
            "flashduty": file.flashduty.model_copy(
                update={"app_key": file.flashduty.app_key or None}
            ),
            "tls": file.tls and file.tls.within(folder),
        }
    )
    if not offline:
        problems.extend(_open_to_others(config, marked))
    if problems:
        raise EngineError(*in_file_order(problems))
    return config


def _open_to_others(config: Config, marked: MarkedYaml) -> Iterator[Problem]:
    """Where a check is missing, or was meant and would not be made."""
    flashduty = config.flashduty
    for endpoint, tokens in flashduty.tokens.items():
        if not tokens:
            yield Problem(
                "empty-token",
                f"the token of {endpoint} is empty: nobody could send there",
                marked.locate(("flashduty", "tokens", endpoint)),
                "set it, or leave the endpoint out to have the general one asked for",
            )
    open_ = [
        kind
        for kind in KINDS
        if tokens_of(flashduty.webhook_token, flashduty.tokens, kind)[0] is None
    ]
    if open_ and not config.listen.is_loopback:
        which = "" if len(open_) == len(KINDS) else f" for {', '.join(open_)}"
        yield Problem(
            "no-webhook-token",
            f"{config.listen.host} can be reached by others, and no webhook token is set{which}",
            marked.locate(("listen",)),
            "set flashduty.webhook_token, or listen on 127.0.0.1",
        )


def _expand(
    value: Any,
    path: YamlPath,
    marked: MarkedYaml,
    environ: Mapping[str, str],
    problems: list[Problem],
) -> Any:
    """Every `${NAME}` and `${NAME:-default}` in a text becomes what the environment says.

    As in a shell, a variable that is set to nothing leaves the default. Where a variable without
    one is not set, the key is left out: to find its value wrong as well would help nobody. Names
    that playbooks use are kept, with an empty text, so that a rehearsal finds them.
    """
    if isinstance(value, dict):
        items = {
            key: _expand(item, (*path, key), marked, environ, problems)
            for key, item in value.items()
        }
        return {key: item for key, item in items.items() if item is not _UNSET}
    if isinstance(value, list):
        parts = [
            _expand(item, (*path, index), marked, environ, problems)
            for index, item in enumerate(value)
        ]
        return _UNSET if _UNSET in parts else parts
    if not isinstance(value, str):
        return value
    known = len(problems)

    def replacement(match: re.Match[str]) -> str:
        name, default = match[1], match[2]
        if environ.get(name) or (name in environ and default is None):
            return environ[name]
        if default is None:
            where = marked.locate_in(path, match.start())
            problems.append(
                Problem(
                    "unset-variable",
                    f"the environment variable {name} is not set",
                    where,
                    f"set it, or give it a default: ${{{name}:-...}}",
                )
            )
        return default or ""

    expanded = _VARIABLE.sub(replacement, value)
    return _UNSET if len(problems) > known and path[0] not in _NAMES else expanded
