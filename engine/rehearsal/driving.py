"""Drives a flow to its end by what a stage makes of each move. The clock is the flow's own.

It goes on when there is nothing to do but to wait: for a timer, a delay between attempts, or a
step that is under way. What goes on side by side takes the time of the longest, and is told branch
by branch.
"""

import re
from dataclasses import dataclass
from typing import Final

from engine.playbooks.playbook import Section, Step
from engine.rehearsal.stage import Stage
from engine.runs.flow import Flow
from engine.runs.move import End, Note, Perform, Wait

_PART: Final = re.compile(r"[a-z_]+|\d+")
_SECTIONS: Final = {section.value: place for place, section in enumerate(Section)}


@dataclass(frozen=True, slots=True)
class Driven:
    """A flow that has come to its end, and when, in Unix seconds."""

    flow: Flow
    end: End
    at: float
    guesses: tuple[tuple[Step, str], ...] = ()  # steps that were supposed to be performed, and why


def to_the_end(flow: Flow, stage: Stage, now: float) -> Driven:
    """Carry out all of it."""
    while True:
        moves = flow.next(now)
        if isinstance(moves[0], End):
            stage.steps.sort(key=lambda told: _order(told.step.path))
            return Driven(flow, moves[0], now, tuple(stage.guesses))
        open_ = [
            move
            for move in moves
            if not isinstance(move, End) and move.step.path not in stage.under_way
        ]
        todo = next((move for move in open_ if not isinstance(move, Wait)), None)
        if isinstance(todo, Note):
            flow = stage.note(flow, todo, now)
        elif isinstance(todo, Perform):
            flow = stage.perform(flow, todo, now, None)
        else:
            waits = [one.until for one in open_ if isinstance(one, Wait) and one.until is not None]
            now = max(now, min([*waits, *(fact.at for fact in stage.under_way.values())]))
            flow = stage.settle(flow, now)


def _order(path: str) -> list[int]:
    """Where a step stands in its playbook, which is the order of all but branches and items."""
    parts = _PART.findall(path)
    return [_SECTIONS[part] if part in _SECTIONS else int(part) for part in parts]
