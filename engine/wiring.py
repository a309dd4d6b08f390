"""The one file that names the concrete classes behind the promises, and hands each its parts."""

import os
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
from ulid import ULID

from engine.config.config import Config
from engine.config.secrets import Secrets
from engine.flashduty.client import FlashdutyClient
from engine.flashduty.exchange import open_session
from engine.flashduty.limiter import Limiter
from engine.flashduty.proxy import proxy_for
from engine.playbooks.load import Loaded, Loader
from engine.playbooks.step_type import StepType
from engine.problem import Problem
from engine.runs.happening import Tell
from engine.runs.redaction import Redactor
from engine.runs.runner import Runner
from engine.runs.worker import Worker
from engine.sources.flashduty import (
    AlertWebhookSource,
    CustomActionSource,
    FlashdutySource,
    IncidentWebhookSource,
)
from engine.steps import step_types
from engine.steps.shell import ShellSettings
from engine.store.sqlite import SqliteLedger, open_ledger

CONNECTIONS: Final = 100  # at once, to all targets of http steps together


def now() -> float:
    """Unix seconds. The engine's clock; everything else is handed it."""
    return time.time()  # noqa: TID251 - the one place the time comes from


def new_id() -> str:
    """26 letters and digits that sort by the time they were made."""
    return str(ULID())


@dataclass(frozen=True, slots=True)
class Parts:
    """A running engine, less the web."""

    ledger: SqliteLedger
    worker: Worker
    sources: Mapping[str, FlashdutySource]
    loaded: Loaded
    problems: tuple[Problem, ...]  # of what playbooks may ask for


def sources(config: Config) -> dict[str, FlashdutySource]:
    """Every source, by the path it is sent to. A new one is one line here."""
    token, allow_from = config.flashduty.webhook_token, config.flashduty.allow_from
    return {
        "/flashduty/actions/{action}": CustomActionSource(token, allow_from),
        "/flashduty/incidents": IncidentWebhookSource(token, allow_from),
        "/flashduty/alerts": AlertWebhookSource(token, allow_from),
    }


def offline_step_types(config: Config) -> dict[str, StepType[Any]]:
    """They check and plan, and can perform nothing."""

    def no_session() -> aiohttp.ClientSession:
        raise RuntimeError("nothing is performed here")

    return step_types(
        session=no_session,
        flashduty=FlashdutyClient(no_session, config.flashduty.base_url, None),
        shell=_shell(config, os.environ),
        max_response=config.http.max_response,
    )


def offline_loader(config: Config) -> Loader:
    """The loader that `serve` uses, for commands that only look."""
    return Loader(offline_step_types(config))


@asynccontextmanager
async def wired(
    config: Config,
    files: Iterable[tuple[str, str]],
    *,
    environ: Mapping[str, str],
    redactor: Redactor,
    tell: Tell,
) -> AsyncIterator[Parts]:
    """An engine over (file, text) pairs of playbooks. Raises EngineError when it cannot be had."""
    flashduty = config.flashduty
    for secret in (flashduty.app_key, flashduty.webhook_token):
        if secret is not None:
            redactor.learn(secret)
    with open_ledger(config.database) as ledger:
        connector = aiohttp.TCPConnector(limit=CONNECTIONS)
        # Each step has its own time; the session has none of its own.
        timeout = aiohttp.ClientTimeout(total=None)
        # What one playbook's target sets must not go out with another one's requests.
        jar = aiohttp.DummyCookieJar()
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout, cookie_jar=jar) as session,
            open_session() as flashduty_session,
        ):
            types = step_types(
                session=lambda: session,
                flashduty=FlashdutyClient(
                    lambda: flashduty_session,
                    flashduty.base_url,
                    flashduty.app_key,
                    proxy=proxy_for(flashduty.base_url),
                    limiter=Limiter(flashduty.per_second, flashduty.per_minute),
                ),
                shell=_shell(config, environ),
                max_response=config.http.max_response,
            )
            loader = Loader(types)
            loaded = loader.load_all(files)
            secrets = Secrets(config.secrets, environ, config.folder, redactor)
            missing = secrets.learn()
            runner = Runner(
                ledger=ledger,
                step_types=types,
                secrets=secrets,
                redactor=redactor,
                clock=now,
                tell=tell,
            )
            worker = Worker(
                ledger=ledger,
                runner=runner,
                playbooks=loaded.playbooks,
                load=loader.load,
                config=config.vars,
                new_id=new_id,
                clock=now,
                tell=tell,
                runs_at_once=config.limits.runs,
            )
            yield Parts(ledger, worker, sources(config), loaded, tuple(missing))


def _shell(config: Config, environ: Mapping[str, str]) -> ShellSettings:
    allowed = {name: environ[name] for name in config.shell.env if name in environ}
    return ShellSettings(allowed, config.folder, config.shell.max_output)
