"""`engine serve`: receiver and worker in one process."""

import asyncio
import logging
import os
import signal

import click

from engine.cli.fault import masking_faults
from engine.cli.log import LibraryLog, create_log, write_happening, write_problem, write_refusal
from engine.cli.options import config_option, load
from engine.cli.playbook_files import look
from engine.cli.running import engine_of, port_of
from engine.cli.serving import (
    bind,
    collecting_seldom,
    reloaded_by_signal,
    run_until_stopped,
    server,
    spare_collector,
    stopped_by_signals,
)
from engine.cli.tls import tls_context
from engine.cli.watching import watch
from engine.config.config import Config
from engine.config.writable import Account, errors_of, others_can_write
from engine.problem import EngineError, Problem
from engine.runs.happening import Happening, TakenUp
from engine.runs.redaction import Redactor


@click.command()
@config_option
def serve(config_path: str | None) -> int:
    """Receive Flashduty's events and carry out playbooks, until TERM or Ctrl-C.

    In the Flashduty console, give a custom action the URL
    https://YOUR-HOST/flashduty/actions/NAME and the header X-Engine-Token.

    Changed playbooks are taken as soon as they are saved, and when HUP comes; runs that are there
    keep their version. A change that has a problem is refused as a whole, and /readyz says why.

    TERM: no new event is taken, steps in flight get 30 seconds to finish, everything else goes on
    at the next start. A second TERM cuts the steps in flight; they are performed again then.
    """
    return asyncio.run(_serve(load(config_path)))


async def _serve(config: Config) -> int:
    redactor = Redactor()
    log = create_log(redactor)
    logging.getLogger().addHandler(LibraryLog(log))
    received: list[int] = []

    def tell(happening: Happening) -> None:
        write_happening(log, happening)
        if isinstance(happening, TakenUp):
            spare_collector()

    def stop(number: int) -> None:
        received.append(number)
        log.info("stopping", action="stopping", signal=signal.Signals(number).name)

    def changeable() -> list[Problem]:
        return others_can_write(config, Account.own())

    if refused := errors_of(changeable()):
        raise EngineError(*refused)
    tls = None if config.tls is None else tls_context(config.tls)
    with (
        masking_faults(redactor.text),
        bind(config.listen.host, config.listen.port) as listener,
    ):
        async with engine_of(
            config,
            lambda: look(config.playbooks, changeable),
            environ=os.environ,
            redactor=redactor,
            tell=tell,
            refused=lambda source, request, refusal: write_refusal(log, source, request, refusal),
        ) as engine:
            for problem in engine.problems:
                write_problem(log, problem)
            reloading = engine.reloading
            with stopped_by_signals(stop) as stopping, reloaded_by_signal(reloading.ask):
                log.info(
                    "listening",
                    action="listening",
                    host=config.listen.host,
                    port=port_of(listener),
                    playbooks=list(reloading.in_force.names),
                    version=reloading.in_force.version,
                    commit=reloading.in_force.commit,
                    database=str(config.database),
                )
                crew = engine.crew.joined_by(
                    lambda: watch(config.playbooks, config.database, reloading.look_again, tell)
                )
                web = server(engine.app, connections=config.limits.connections, tls=tls)
                with collecting_seldom():
                    await run_until_stopped(web, listener, crew, stopping)
    log.info("stopped", action="stopped")
    return 130 if signal.SIGINT in received else 0
