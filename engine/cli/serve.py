"""`engine serve`: receiver and worker in one process, or the receiver alone."""

import asyncio
import os
import socket
import ssl
from functools import partial

import click

from engine.cli.options import config_option, load
from engine.cli.playbook_files import look
from engine.cli.receiving import receiver_of, worker_beside
from engine.cli.running import engine_of, port_of
from engine.cli.service import Service, service_of
from engine.cli.serving import (
    bind,
    collecting_seldom,
    reloaded_by_signal,
    run_until_stopped,
    serve_until_stopped,
    server,
)
from engine.cli.tls import tls_context
from engine.cli.work import following, in_force
from engine.config.config import Config


@click.command()
@click.option(
    "--no-worker", is_flag=True, help="Only receive; an `engine work` beside it does the rest."
)
@config_option
def serve(config_path: str | None, *, no_worker: bool) -> int:
    """Receive Flashduty's events and carry out playbooks, until TERM or Ctrl-C.

    In the Flashduty console, give a custom action the URL
    https://YOUR-HOST/flashduty/actions/NAME and the header X-Engine-Token.

    Changed playbooks are taken as soon as they are saved, and when HUP comes; runs that are there
    keep their version. A change that has a problem is refused as a whole, and /readyz says why.

    TERM: no new event is taken, steps in flight get 30 seconds to finish, everything else goes on
    at the next start. A second TERM cuts the steps in flight; they are performed again then.

    With --no-worker, events are kept and answered, and nothing else is done: `engine work` by the
    same config.yaml, as the same user on the same machine, judges them and carries out playbooks.
    Each can be stopped, restarted or killed without the other: events wait in the ledger. /readyz
    says whether a worker runs. Calls for labels are refused (503): nobody here has their answer.
    """
    config = load(config_path)
    return asyncio.run(_receive(config) if no_worker else _serve(config))


async def _serve(config: Config) -> int:
    tls = _tls(config)
    with service_of(config) as service, bind(config.listen.host, config.listen.port) as listener:
        async with engine_of(
            config,
            lambda: look(config.playbooks, service.changeable),
            environ=os.environ,
            redactor=service.redactor,
            tell=service.tell,
            refused=service.refused,
        ) as engine:
            with following(service, engine.worker) as crew, service.staying() as stopping:
                _log_listening(
                    service, listener, "receiver and worker", **in_force(engine.worker.reloading)
                )
                web = server(engine.app, connections=config.limits.connections, tls=tls)
                with collecting_seldom():
                    await run_until_stopped(web, listener, crew, stopping)
    return service.stopped()


async def _receive(config: Config) -> int:
    tls = _tls(config)
    with (
        service_of(config) as service,
        bind(config.listen.host, config.listen.port) as listener,
        receiver_of(
            config, redactor=service.redactor, tell=service.tell, refused=service.refused
        ) as app,
        reloaded_by_signal(partial(_nothing_to_load, service)),
        service.staying() as stopping,
    ):
        _log_listening(service, listener, "receiver", worker=worker_beside(config))
        web = server(app, connections=config.limits.connections, tls=tls)
        with collecting_seldom():
            await serve_until_stopped(web, listener, stopping)
    return service.stopped()


def _nothing_to_load(service: Service) -> None:
    service.log.warning(
        "HUP is for `engine work`: this engine has no playbooks", action="nothing_to_load"
    )


def _tls(config: Config) -> ssl.SSLContext | None:
    return None if config.tls is None else tls_context(config.tls)


def _log_listening(service: Service, listener: socket.socket, role: str, **more: object) -> None:
    service.log.info(
        "listening",
        action="listening",
        role=role,
        host=service.config.listen.host,
        port=port_of(listener),
        **more,
        database=str(service.config.database),
    )
