"""What people say to runs: stop, go on, or what became of a step that nobody knows about."""

from typing import Final

import click

from engine.cli.options import config_option, format_option, load_offline
from engine.cli.telling import by_option, for_people, person, tell
from engine.runs.control import Verb
from engine.runs.repeating import done_before, paths_within
from engine.store.records import open_records
from engine.wiring.clocks import new_id, now

DECISIONS: Final = {
    "retry": (Verb.RETRY, "is performed again"),
    "skip": (Verb.SKIP, "is skipped, and the run goes on behind it"),
    "fail": (Verb.FAIL, "has failed"),
}


@click.command()
@click.argument("run")
@by_option
@config_option
@format_option
def cancel(run: str, by: str | None, config_path: str | None, format_: str) -> int:
    """End RUN: the step under way is ended, `finally` is carried out, and nothing else."""
    config, by = load_offline(config_path), person(by)
    with for_people(config) as people:
        found = people.cancel(run, by=by, at=now())
    said = f"Run {found.id} is cancelled: what is under way is ended, `finally` carried out"
    tell(config, format_, said, run=found.id, verb=Verb.CANCEL.value, by=by)
    return 0


@click.command()
@click.argument("run")
@click.option("--step", metavar="STEP", help="Which one, by id or path, if several wait.")
@by_option
@config_option
@format_option
def approve(
    run: str, step: str | None, by: str | None, config_path: str | None, format_: str
) -> int:
    """Agree to what RUN waits for an approval of: it goes on."""
    said = "is approved, and the run goes on"
    return _answer(run, Verb.APPROVE, said, step, by, config_path, format_)


@click.command()
@click.argument("run")
@click.option("--step", metavar="STEP", help="Which one, by id or path, if several wait.")
@by_option
@config_option
@format_option
def reject(
    run: str, step: str | None, by: str | None, config_path: str | None, format_: str
) -> int:
    """Refuse what RUN waits for an approval of: the step has failed."""
    said = "is rejected, and has failed"
    return _answer(run, Verb.REJECT, said, step, by, config_path, format_)


@click.command()
@click.argument("run")
@click.option(
    "--step",
    "decision",
    type=click.Choice(list(DECISIONS)),
    required=True,
    help="Perform it again, go on as if it had been skipped, or take it for failed.",
)
@click.option("--at", metavar="STEP", help="Which one, by id or path, if several need attention.")
@by_option
@config_option
@format_option
def resume(
    run: str, decision: str, at: str | None, by: str | None, config_path: str | None, format_: str
) -> int:
    """Say what becomes of the step of RUN of which nobody knows whether it took effect.

    It was under way when the engine died. Look at what it acts on first: `engine runs show RUN`
    says which step it is, and since when.
    """
    verb, said = DECISIONS[decision]
    return _answer(run, verb, said, at, by, config_path, format_)


@click.command()
@click.argument("run")
@click.option("--from", "wanted", metavar="STEP", help="A step on top of `steps`, by id or path.")
@by_option
@config_option
@format_option
def retry(
    run: str, wanted: str | None, by: str | None, config_path: str | None, format_: str
) -> int:
    """Carry out RUN again: a new run, for the same event and by the same text of the playbook.

    It goes on from the first step that was not done, or from the one that --from names, with what
    the steps before it came to. `on_failure` and `finally` are carried out as they are needed.
    """
    config, by = load_offline(config_path), person(by)
    with open_records(config.database) as records:
        record = records.run(run)
        event = records.event(record.run.event_id).event
    # Here alone, and only when it is needed: all step types take longer to import than the rest.
    from engine.wiring.step_types import offline_loader  # noqa: PLC0415

    playbook = offline_loader(config).load_kept(record.playbook)
    done = done_before(record.run, event, playbook, record.steps, wanted)
    paths = None if record.variables_error else paths_within(done, record.steps)
    again = new_id()
    with for_people(config) as people:
        people.repeat(record.run.id, id_=again, by=by, at=now(), paths=paths)
    start = playbook.steps[len(done)].path if len(done) < len(playbook.steps) else "its end"
    said = f"Run {again} is queued for the same event, and goes on from {start}"
    tell(config, format_, said, run=again, origin=record.run.id, by=by, start=start)
    return 0


def _answer(
    run: str,
    verb: Verb,
    said: str,
    step: str | None,
    by: str | None,
    config_path: str | None,
    format_: str,
) -> int:
    config, by = load_offline(config_path), person(by)
    with for_people(config) as people:
        found, asked = people.answer(run, verb, by=by, at=now(), step=step)
    said = f"Run {found.id}: {asked.name or asked.id or asked.type} ({asked.path}) {said}"
    tell(config, format_, said, run=found.id, step=asked.path, verb=verb.value, by=by)
    return 0
