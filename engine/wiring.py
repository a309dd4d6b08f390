"""The one file that names the concrete classes behind the promises, and hands each its parts."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
from ulid import ULID

from engine.config.config import Config
from engine.config.receiving import tokens_of
from engine.config.secrets import Secrets
from engine.events.event import Event
from engine.events.json_body import BodyLimits
from engine.events.kept import Kept
from engine.events.senders import Senders
from engine.events.source import Request
from engine.flashduty.client import FlashdutyClient
from engine.flashduty.exchange import open_session
from engine.flashduty.limiter import Limiter
from engine.flashduty.own_member import OwnMember
from engine.flashduty.proxy import proxy_for
from engine.flashduty.questions import Questions
from engine.flashduty.reconciling.deliveries import Deliveries, Read
from engine.flashduty.reconciling.missed import events_to_reconcile
from engine.flashduty.reconciling.reconciler import Reconciler
from engine.flashduty.reconciling.timelines import Timelines
from engine.lint.beside import linting_beside
from engine.lint.check import Settings
from engine.lint.linter import Linter
from engine.outward.session import open_session as open_outward_session
from engine.playbooks.load import Loader
from engine.playbooks.step_type import StepType
from engine.problem import EngineError, Problem
from engine.processes.allowed import AllowedCommands
from engine.processes.warden import Warden
from engine.runs.arriving import Arriving
from engine.runs.crew import Companion, Crew
from engine.runs.happening import Happening, LeftOver, Tell, Trouble
from engine.runs.kept_output import Keep, keep_nothing
from engine.runs.label_calls import Ends, LabelCalls
from engine.runs.ledger import LedgerError, Memory
from engine.runs.redaction import Redactor
from engine.runs.reloading import Found, Reloading
from engine.runs.retention import Retention
from engine.runs.runner import Runner
from engine.runs.worker import Worker
from engine.sources.flashduty import (
    AlertWebhookSource,
    CustomActionSource,
    FlashdutySource,
    IncidentWebhookSource,
    LabelMappingSource,
)
from engine.steps import step_types
from engine.steps.http import HttpSettings
from engine.steps.shell import ShellSettings
from engine.store.output_files import kept_output
from engine.store.sqlite import SqliteLedger, open_ledger

_INSTALLATION: Final = "installation"  # what the ledger remembers it by


def steady(wall: Callable[[], float], elapsed: Callable[[], float]) -> Callable[[], float]:
    """Unix seconds as they are now, and from here on by a clock that nobody can set.

    What a run waits for is neither put off nor missed when the machine's clock is put right.
    """
    at, since = wall(), elapsed()
    return lambda: at + elapsed() - since


def elapsed() -> float:
    """Seconds since some moment, those that the machine slept through too where it can tell."""
    boottime = getattr(time, "CLOCK_BOOTTIME", None)  # Linux alone has it
    return time.monotonic() if boottime is None else time.clock_gettime(boottime)


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
    crew: Crew
    calls: LabelCalls
    arriving: Arriving
    sources: Mapping[str, FlashdutySource]
    reloading: Reloading
    problems: tuple[Problem, ...]  # of what playbooks may ask for


def sources(config: Config) -> dict[str, FlashdutySource]:
    """Every source, by the path it is sent to. A new one is one line here."""
    flashduty = config.flashduty
    kept = Kept.of(flashduty.keep_headers, config.tokens)
    limits = BodyLimits(config.limits.depth, config.limits.items)

    def senders(kind: str) -> Senders:
        general, by_action = tokens_of(flashduty.webhook_token, flashduty.tokens, kind)
        return Senders(general, by_action, flashduty.allow_from)

    return {
        "/flashduty/actions/{action}": CustomActionSource(senders("actions"), kept, limits),
        "/flashduty/incidents": IncidentWebhookSource(senders("incidents"), kept, limits),
        "/flashduty/alerts": AlertWebhookSource(senders("alerts"), kept, limits),
        "/flashduty/labels/{action}": LabelMappingSource(senders("labels"), kept, limits),
    }


def offline_step_types(config: Config) -> dict[str, StepType[Any]]:
    """They check and plan, and can perform nothing."""

    def no_session() -> aiohttp.ClientSession:
        raise RuntimeError("nothing is performed here")

    return step_types(
        session=no_session,
        flashduty=FlashdutyClient(no_session, config.flashduty.base_url, None),
        shell=_shell(config, os.environ, Warden("offline", lambda _: None)),
        http=_http(config),
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


@asynccontextmanager
async def wired(
    config: Config,
    look: Callable[[], Found],
    *,
    environ: Mapping[str, str],
    redactor: Redactor,
    tell: Tell,
) -> AsyncIterator[Parts]:
    """An engine over the playbooks that `look` finds. Raises EngineError when it cannot be had."""
    flashduty = config.flashduty
    for secret in (flashduty.app_key, *config.tokens):
        if secret is not None:
            redactor.learn(secret)
    limit = config.shell.keep_output
    with (
        open_ledger(config.database, tell) as ledger,
        kept_output(config.database, limit, redactor, tell) as keep,
    ):
        async with (
            open_outward_session(
                config.http.policy, max_headers=config.http.max_headers
            ) as session,
            open_session() as flashduty_session,
            warden_over(ledger, tell) as warden,
        ):
            client = FlashdutyClient(
                lambda: flashduty_session,
                flashduty.base_url,
                flashduty.app_key,
                proxy=proxy_for(flashduty.base_url),
                limiter=Limiter(flashduty.per_second, flashduty.per_minute),
            )
            own = OwnMember(client if flashduty.app_key else None, ledger, tell)
            client.own_member = lambda: own.member_id
            types = step_types(
                session=lambda: session,
                flashduty=client,
                shell=_shell(config, environ, warden, keep, redactor.cut),
                http=_http(config, redactor.cut),
            )
            loader = Loader(types)
            found = look()
            loaded = loader.load_all(found.files)
            secrets = Secrets(config.secrets, environ, config.folder, redactor)
            missing = secrets.learn()
            ends = Ends()
            questions: Questions | None = None
            if flashduty.app_key is not None and flashduty.comment_questions:
                questions = Questions(client, ledger.event, tell)

            def tell_of_runs(happening: Happening) -> None:
                ends.tell(happening)
                if questions is not None:
                    questions.hear(happening)
                tell(happening)

            runner = Runner(
                ledger=ledger,
                step_types=types,
                secrets=secrets,
                redactor=redactor,
                clock=steady(now, elapsed),
                tell=tell_of_runs,
            )
            arriving = Arriving(asyncio.get_running_loop().time, asyncio.sleep)
            worker = Worker(
                ledger=ledger,
                runner=runner,
                playbooks=loaded.playbooks,
                commit=found.commit,
                load=loader.load_kept,
                config=config.vars,
                new_id=new_id,
                clock=now,
                tell=tell_of_runs,
                runs_at_once=config.limits.runs,
                starts=config.limits.starts,
                own=own.caused,
                give_way=arriving.give_way,
            )
            retention = Retention(
                ledger.pruning,
                age=config.retention.age,
                size=config.retention.size,
                clock=now,
                sleep=asyncio.sleep,
                tell=tell,
                loaded=worker.known,
            )
            reloading = Reloading(
                first=found,
                loaded=loaded,
                look=_looking(look),
                load=linting_beside(Linter(types, names_in(config))),
                worker=worker,
                clock=now,
                tell=tell,
            )
            companions: list[Companion] = [
                own.keep_learning,
                retention.keep_pruning,
                reloading.keep_reloading,
            ]
            if questions is not None:
                companions.append(questions.keep_writing)
            if flashduty.app_key is not None and flashduty.reconcile is not None:
                reconciler = Reconciler(
                    deliveries=Deliveries(client, _webhook_reader(config), ledger.known),
                    timelines=Timelines(
                        client,
                        {str(known): action for action, known in flashduty.actions.items()},
                        new_id,
                        now,
                    ),
                    store=ledger,
                    wanted=lambda: events_to_reconcile(worker.playbooks),
                    accepted=worker.wake,
                    clock=now,
                    tell=tell,
                    every=flashduty.reconcile,
                )
                companions.append(reconciler.keep_looking)

            async def prepare() -> None:
                await _end_left_overs(warden, tell)
                await own.prepare()

            calls = LabelCalls(
                worker=worker,
                ledger=ledger,
                ends=ends,
                tell=tell,
                at_once=config.limits.runs,
                budget=config.limits.answer,
            )
            crew = Crew(worker, prepare, companions, tell)
            yield Parts(ledger, crew, calls, arriving, sources(config), reloading, tuple(missing))


def _looking(look: Callable[[], Found]) -> Callable[[], Awaitable[Found]]:
    """The same beside the loop; what cannot be found is a problem like others."""

    def looked() -> Found:
        try:
            return look()
        except EngineError as error:
            return Found(problems=error.problems)

    return lambda: asyncio.to_thread(looked)


def _webhook_reader(config: Config) -> Read:
    """Reads a recorded body as the endpoint it was sent to would have."""
    known = sources(config)
    readers = {"incident": known["/flashduty/incidents"], "alert": known["/flashduty/alerts"]}

    def read(kind: str, body: bytes) -> Event | None:
        reader = readers.get(kind)
        if reader is None:
            return None
        event = reader.read(Request(None, {}, {}, None), body, id_=new_id(), received=now())
        return event if isinstance(event, Event) else None

    return read


def _http(config: Config, cut: Callable[[str], str] = str) -> HttpSettings:
    return HttpSettings(config.http.max_response, config.http.policy, cut)


def _shell(
    config: Config,
    environ: Mapping[str, str],
    warden: Warden,
    keep: Keep = keep_nothing,
    cut: Callable[[str], str] = str,
) -> ShellSettings:
    allowed = {name: environ[name] for name in config.shell.env if name in environ}
    search = allowed.get("PATH", os.defpath)
    allow = AllowedCommands(config.shell.allow, search, config.folder)
    return ShellSettings(allowed, config.folder, config.shell.max_output, warden, keep, allow, cut)


@asynccontextmanager
async def warden_over(memory: Memory, tell: Tell) -> AsyncIterator[Warden]:
    """Over what the steps of this database start. They are known by a name the database keeps."""
    try:
        installation = await memory.recall(_INSTALLATION)
        if installation is None:
            installation = new_id()
            await memory.remember(_INSTALLATION, installation)
    except LedgerError as error:
        # It does for as long as this engine lives; what it leaves, the next start will not know.
        installation = new_id()
        tell(Trouble("warden", f"what it is known by could not be kept: {error}"))
    async with Warden(installation, lambda said: tell(Trouble("warden", said))) as warden:
        yield warden


async def _end_left_overs(warden: Warden, tell: Tell) -> None:
    for (run_id, path, attempt), processes in (await warden.end_left_overs()).items():
        for one in processes:
            tell(LeftOver(run_id, path, attempt, one.pid, one.command, one.gone))
