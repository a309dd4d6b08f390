"""A worker: every part of it made, and handed what it works with."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from engine.config.config import Config
from engine.config.secrets import Secrets, learn_own_secrets
from engine.flashduty.exchange import open_session
from engine.lint.beside import linting_beside
from engine.lint.linter import Linter
from engine.outward.session import open_session as open_outward_session
from engine.playbooks.load import Loader
from engine.problem import EngineError, Problem, in_file_order
from engine.runs.arriving import give_way_to_nobody
from engine.runs.crew import Crew
from engine.runs.happening import Happening, Tell
from engine.runs.label_calls import Ends, LabelCalls
from engine.runs.redaction import Redactor
from engine.runs.reloading import Found, Reloading
from engine.runs.retention import Retention
from engine.runs.runner import Runner
from engine.runs.worker import Worker
from engine.steps import step_types
from engine.store.output_files import kept_output
from engine.store.sqlite import SqliteLedger
from engine.wiring.clocks import elapsed, new_id, now, steady
from engine.wiring.flashduty import at_flashduty
from engine.wiring.step_types import http_settings, names_in, shell_settings
from engine.wiring.warden import end_left_overs, warden_over


@dataclass(frozen=True, slots=True)
class Parts:
    """What judges and carries out, and who answers calls for labels by it."""

    crew: Crew
    calls: LabelCalls
    reloading: Reloading
    missing: tuple[Problem, ...]  # of what playbooks may ask for

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What keeps it from doing all that lies there."""
        return in_file_order([*self.reloading.in_force.problems, *self.missing])


@asynccontextmanager
async def wired(
    config: Config,
    ledger: SqliteLedger,
    look: Callable[[], Found],
    *,
    give_way: Callable[[], Awaitable[None]] = give_way_to_nobody,
    environ: Mapping[str, str],
    redactor: Redactor,
    tell: Tell,
) -> AsyncIterator[Parts]:
    """A worker by the playbooks that `look` finds. Raises EngineError when it cannot be had."""
    learn_own_secrets(config, redactor)
    limit = config.shell.keep_output
    with kept_output(config.database, limit, redactor, tell) as keep:
        async with (
            open_outward_session(
                config.http.policy, max_headers=config.http.max_headers
            ) as session,
            open_session() as flashduty_session,
            warden_over(ledger, tell) as warden,
        ):
            flashduty = at_flashduty(config, lambda: flashduty_session, ledger, tell)
            types = step_types(
                session=lambda: session,
                flashduty=flashduty.client,
                shell=shell_settings(config, environ, warden, keep, redactor.cut),
                http=http_settings(config, redactor.cut),
            )
            loader = Loader(types)
            found = look()
            loaded = loader.load_all(found.files)
            secrets = Secrets(config.secrets, environ, config.folder, redactor)
            missing = secrets.learn()
            ends = Ends()

            def tell_of_runs(happening: Happening) -> None:
                ends.tell(happening)
                if flashduty.questions is not None:
                    flashduty.questions.hear(happening)
                tell(happening)

            runner = Runner(
                ledger=ledger,
                step_types=types,
                secrets=secrets,
                redactor=redactor,
                clock=steady(now, elapsed),
                tell=tell_of_runs,
            )
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
                own=flashduty.own.caused,
                give_way=give_way,
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
            calls = LabelCalls(
                worker=worker,
                ledger=ledger,
                ends=ends,
                tell=tell,
                at_once=config.limits.runs,
                budget=config.limits.answer,
            )

            async def prepare() -> None:
                await end_left_overs(warden, tell)
                await flashduty.own.prepare()

            beside = [
                _retention(config, ledger, worker, tell).keep_pruning,
                reloading.keep_reloading,
                *flashduty.companions(config, ledger, worker, tell),
            ]
            crew = Crew(worker, prepare, beside, tell)
            yield Parts(crew, calls, reloading, tuple(missing))


def _retention(config: Config, ledger: SqliteLedger, worker: Worker, tell: Tell) -> Retention:
    return Retention(
        ledger.pruning,
        age=config.retention.age,
        size=config.retention.size,
        clock=now,
        sleep=asyncio.sleep,
        tell=tell,
        loaded=worker.known,
    )


def _looking(look: Callable[[], Found]) -> Callable[[], Awaitable[Found]]:
    """The same beside the loop; what cannot be found is a problem like others."""

    def looked() -> Found:
        try:
            return look()
        except EngineError as error:
            return Found(problems=error.problems)

    return lambda: asyncio.to_thread(looked)
