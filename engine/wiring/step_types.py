"""The step types as config.yaml has them, and what goes by them: a loader, and a linter."""

import os
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp

from engine.config.config import Config
from engine.flashduty.client import FlashdutyClient
from engine.lint.check import Settings
from engine.lint.linter import Linter
from engine.playbooks.load import Loader
from engine.playbooks.step_type import StepType
from engine.processes.allowed import AllowedCommands
from engine.processes.warden import Warden
from engine.runs.kept_output import Keep, keep_nothing
from engine.steps import step_types
from engine.steps.http import HttpSettings
from engine.steps.shell import ShellSettings


def offline_step_types(config: Config) -> dict[str, StepType[Any]]:
    """They check and plan, and can perform nothing."""

    def no_session() -> aiohttp.ClientSession:
        raise RuntimeError("nothing is performed here")

    return step_types(
        session=no_session,
        flashduty=FlashdutyClient(no_session, config.flashduty.base_url, None),
        shell=shell_settings(config, os.environ, Warden("offline", lambda _: None)),
        http=http_settings(config),
    )


def offline_loader(config: Config) -> Loader:
    """The loader that `serve` uses, for commands that only look."""
    return Loader(offline_step_types(config))


def names_in(config: Config) -> Settings:
    """What checks have to know of a config.yaml."""
    return Settings(frozenset(config.vars), frozenset(config.secrets))


def offline_linter(config: Config, settings: Settings | None) -> Linter:
    """Checks what that loader takes, too. `settings`: of config.yaml, None where there is none."""
    return Linter(offline_step_types(config), settings)


def http_settings(config: Config, cut: Callable[[str], str] = str) -> HttpSettings:
    """What config.yaml says of http steps."""
    return HttpSettings(config.http.max_response, config.http.policy, cut)


def shell_settings(
    config: Config,
    environ: Mapping[str, str],
    warden: Warden,
    keep: Keep = keep_nothing,
    cut: Callable[[str], str] = str,
) -> ShellSettings:
    """What config.yaml says of shell steps."""
    allowed = {name: environ[name] for name in config.shell.env if name in environ}
    search = allowed.get("PATH", os.defpath)
    allow = AllowedCommands(config.shell.allow, search, config.folder)
    return ShellSettings(allowed, config.folder, config.shell.max_output, warden, keep, allow, cut)
