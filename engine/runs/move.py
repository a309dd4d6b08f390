"""What a run does next, as values: what the flow answers when it is asked.

`document` is what the step's condition and templates see; it follows from the rest.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.playbooks.playbook import Step
from engine.runs.fact import Called, Settled
from engine.runs.run import RunState

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Perform:
    """Perform an attempt at a step. `again`: it was started before, and its outcome is unknown."""

    step: Step
    attempt: int
    deadline: float | None  # when the playbook's time is over
    again: bool = False
    document: Document = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Note:
    """Nothing to perform: the flow itself knows what happens to the step; record it."""

    step: Step
    fact: Settled | Called
    document: Document = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before this time; None: before a person has said what to do."""

    step: Step
    until: float | None
    reason: str
    document: Document = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class End:
    """The run is over."""

    state: RunState
    reason: str | None
    document: Document = field(default_factory=dict, compare=False, repr=False)


Move = Perform | Note | Wait | End
