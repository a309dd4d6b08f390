"""`engine work`: the worker alone, for an `engine serve --no-worker`."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from engine.cli.log import write_problem
from engine.cli.options import config_option, load
from engine.cli.playbook_files import look
from engine.cli.running import worker_of
from engine.cli.service import Service, service_of
from engine.cli.serving import collecting_seldom, reloaded_by_signal, work_until_stopped
from engine.cli.watching import watch
from engine.config.config import Config
from engine.runs.crew import Crew
from engine.runs.reloading import Reloading
from engine.wiring.engine import Parts


@click.command()
@config_option
def work(config_path: str | None) -> int:
    """Carry out playbooks for what an `engine serve --no-worker` receives, until TERM or Ctrl-C.

    By the same config.yaml, as the same user on the same machine; in any order, and each goes on
    without the other. It judges events, carries out runs, asks Flashduty for what was missed, and
    forgets what `retention` says. It listens on nothing, so it has no /metrics: its log says what
    it does, `engine runs list` what it did, and /readyz of the receiver whether it runs.

    Changed playbooks are taken as soon as they are saved, and when HUP comes; runs that are there
    keep their version. A change that has a problem is refused as a whole, and the log says why.

    TERM: steps in flight get 30 seconds to finish, everything else goes on at the next start. A
    second TERM cuts the steps in flight; they are performed again then.
    """
    return asyncio.run(_work(load(config_path)))


async def _work(config: Config) -> int:
    with service_of(config) as service:
        async with worker_of(
            config,
            lambda: look(config.playbooks, service.changeable),
            environ=os.environ,
            redactor=service.redactor,
            tell=service.tell,
        ) as parts:
            with following(service, parts) as crew, service.staying() as stopping:
                service.log.info(
                    "working",
                    action="working",
                    role="worker",
                    **in_force(parts.reloading),
                    database=str(config.database),
                )
                with collecting_seldom():
                    await work_until_stopped(crew, stopping)
    return service.stopped()


@contextmanager
def following(service: Service, parts: Parts) -> Iterator[Crew]:
    """A crew that goes by the playbooks as they are changed; what is wrong with them is logged."""
    for problem in parts.problems:
        write_problem(service.log, problem)
    config, reloading = service.config, parts.reloading
    with reloaded_by_signal(reloading.ask):
        yield parts.crew.joined_by(
            lambda: watch(config.playbooks, config.database, reloading.look_again, service.tell)
        )


def in_force(reloading: Reloading) -> dict[str, Any]:
    """What a log says at the start of the playbooks."""
    now = reloading.in_force
    return {"playbooks": list(now.names), "version": now.version, "commit": now.commit}
