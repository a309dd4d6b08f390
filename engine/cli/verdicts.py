"""What every playbook said of an event of the ledger: as it was kept, or found out again now."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from engine.config.config import Config
from engine.playbooks.load import Loader
from engine.playbooks.playbook import Playbook
from engine.problem import EngineError
from engine.rehearsal.explained import explain_kept, explain_ruled_out
from engine.rules.condition import Answer, Verdict
from engine.rules.explain import Explanation
from engine.runs.ledger import Judgement
from engine.store.records import EventRecord, Records

_NOT_SO: Final = "the event is not what it asks for"


@dataclass(frozen=True, slots=True)
class Said:
    """A verdict, and how the playbook came to it; None where its text is not to be had any more."""

    judgement: Judgement
    tree: Explanation | None


def verdicts_on(record: EventRecord, records: Records, config: Config) -> list[Said]:
    """First of the playbooks that were asked, then of those that the event could not concern."""
    # Here alone, and only when it is needed: all step types take longer to import than the rest.
    from engine.wiring.step_types import offline_loader  # noqa: PLC0415

    loader = offline_loader(config)
    return [*_asked(record, records, loader, config), *_ruled_out(record, records, loader, config)]


def _asked(record: EventRecord, records: Records, loader: Loader, config: Config) -> Iterator[Said]:
    for judgement in record.judgements:
        playbook = _playbook(judgement.version, records, loader)
        if playbook is None:
            yield Said(judgement, None)
            continue
        tree = explain_kept(judgement.verdict, playbook, record.event, config.vars)
        yield Said(judgement, tree)


def _ruled_out(
    record: EventRecord, records: Records, loader: Loader, config: Config
) -> Iterator[Said]:
    at = record.event.received if record.judged is None else record.judged
    for name, version in records.ruled_out(record):
        playbook = _playbook(version, records, loader)
        if playbook is None:
            yield Said(Judgement(name, version, Verdict(Answer.NO, _NOT_SO)), None)
            continue
        tree = explain_ruled_out(playbook, record.event, config.vars, at)
        yield Said(Judgement(name, version, Verdict(Answer.NO, tree.reason)), tree)


def _playbook(version: str, records: Records, loader: Loader) -> Playbook | None:
    kept = records.playbook(version)
    if kept is None:
        return None
    try:
        return loader.load_kept(kept)
    except EngineError:  # an older engine took it
        return None
