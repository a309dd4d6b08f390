"""Judging: what the playbooks say of an event, and the runs that follow from it.

Those are asked that the event can concern; all the others say no, and why is found out when
somebody wants to know it.
"""

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final, Self

from engine.events.document import document_of
from engine.events.event import LABEL_MAPPING, Event
from engine.playbooks.guard import Guard
from engine.playbooks.playbook import Playbook
from engine.rules.condition import Answer, Verdict
from engine.rules.index import TriggerIndex
from engine.rules.match import one_answers
from engine.runs.happening import Matched, Tell, Trouble
from engine.runs.lane import Skip, lane_of
from engine.runs.ledger import Judgement
from engine.runs.run import Run, RunState

NOBODY: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Judged:
    """What the playbooks said of an event, and the runs that follow from it."""

    event: Event
    judgements: Sequence[Judgement]  # of those that were asked
    judged_by: int  # the set of all of them, as the ledger counts
    runs: Sequence[Run]
    at: float
    guards: Mapping[str, Guard]  # of the playbooks that it starts, by name

    def matched(self, runs: Sequence[Run]) -> Matched:
        """The same, to be told, with the runs as they were let in."""
        undecided = tuple(
            judgement.playbook
            for judgement in self.judgements
            if judgement.verdict.answer is Answer.CANNOT_TELL
        )
        started = tuple(run.playbook for run in runs if not run.state.settled)
        return Matched(self.event.id, started, undecided)

    def turned_away(self, reason: str) -> Self:
        """The same with every yes a no."""
        no = Verdict(Answer.NO, reason)
        judgements = [
            replace(judgement, verdict=no) if judgement.verdict.yes else judgement
            for judgement in self.judgements
        ]
        return replace(self, judgements=judgements, runs=())


def index_of(playbooks: Sequence[Playbook]) -> TriggerIndex:
    """What finds those that an event can concern."""
    return TriggerIndex([playbook.trigger for playbook in playbooks])


@dataclass(frozen=True, slots=True)
class Judging:
    """Asks the playbooks of one engine."""

    playbooks: Sequence[Playbook]
    index: TriggerIndex  # of their triggers
    judged_by: int  # what the ledger knows this set of playbooks by
    config: Mapping[str, Any]
    own: Callable[[Event], bool | None]  # whether the engine itself caused it; None: not known yet
    new_id: Callable[[], str]
    clock: Callable[[], float]
    tell: Tell

    def judge(self, event: Event, not_again: Mapping[str, str] = NOBODY) -> Judged:
        """Ask those that it can concern. `not_again` has who must not be started, and why."""
        at = self.clock()
        calls = event.source == LABEL_MAPPING
        # Kept with the event: a run that is gone on with later has to see the same document.
        own = False if calls else self.own(event)
        event = event if event.own is own else replace(event, own=own)
        document = document_of(event, self.config)
        asked = [self.playbooks[number] for number in self.index.candidates(document)]
        verdicts = [self._verdict(one, document, at, not_again) for one in asked]
        if calls:
            names = (playbook.name for playbook in asked)
            verdicts = one_answers(list(zip(names, verdicts, strict=True)))
        judged = list(zip(asked, verdicts, strict=True))
        judgements = [Judgement(one.name, one.version, verdict) for one, verdict in judged]
        started = [one for one, verdict in judged if verdict.yes]
        runs = [self._run(one, event, document, at) for one in started]
        guards = {one.name: one.guard for one in started}
        return Judged(event, judgements, self.judged_by, runs, at, guards)

    def _run(self, playbook: Playbook, event: Event, document: Mapping[str, Any], at: float) -> Run:
        """A new run, with the lane it belongs to; skipped when that cannot be told."""
        run = Run(
            id=self.new_id(),
            playbook=playbook.name,
            version=playbook.version,
            event_id=event.id,
            state=RunState.QUEUED,
            created=at,
        )
        lane = lane_of(playbook.guard, document)
        if isinstance(lane, Skip):
            return run.move(RunState.SKIPPED, at=at, reason=lane.reason)
        return run if lane is None else replace(run, lane=lane)

    def _verdict(
        self,
        playbook: Playbook,
        document: Mapping[str, Any],
        at: float,
        not_again: Mapping[str, str],
    ) -> Verdict:
        try:
            verdict = playbook.trigger.judge(document, at)
        except Exception as error:  # noqa: BLE001 - one trigger must not keep the others from events
            self.tell(Trouble(f"playbook {playbook.name}", traceback.format_exc()))
            said = f"{type(error).__name__}: {error} (this is a fault of the engine)"
            return Verdict(Answer.CANNOT_TELL, said)
        if verdict.yes and playbook.name in not_again:
            return Verdict(Answer.NO, not_again[playbook.name])
        return verdict
