"""The lane: whether a run that is offered may start, has to wait, or is skipped, and why.

Pure, as the flow is: what it needs to know of the other runs comes in as values that were read from
their rows, and the time as a number. Nothing is counted anywhere: a counter that a crash leaves
behind would block a lane for ever.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from engine.playbooks.guard import NO_GUARD, Concurrency, Guard
from engine.rules.undecided import CannotTellError


@dataclass(frozen=True, slots=True)
class Going:
    """A run of the lane that was let in and has not ended. Times are Unix seconds."""

    id: str
    offered: float
    started: bool


@dataclass(frozen=True, slots=True)
class Lane:
    """What the rows say about one playbook's runs for one key, and about the playbook.

    `going` is in the order in which the runs were offered.
    """

    going: Sequence[Going] = ()
    last_end: float | None = None  # of a run of the lane that was carried out
    admitted: Sequence[float] = ()  # when the playbook's runs of the rate's time were let in
    failures: int = 0  # failed runs of the playbook in a row, since it was last resumed

    @property
    def running(self) -> Sequence[Going]:
        return [run for run in self.going if run.started]

    @property
    def queued(self) -> Sequence[Going]:
        return [run for run in self.going if not run.started]


@dataclass(frozen=True, slots=True)
class Start:
    """It may be carried out, as soon as the engine has room for it."""


@dataclass(frozen=True, slots=True)
class Hold:
    """It waits: for another run's end, or until a time."""

    reason: str
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Skip:
    """It is not carried out; after this time another one may be."""

    reason: str
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Restart:
    """It waits until these runs, which are to be cancelled, have ended."""

    cancel: tuple[str, ...]
    reason: str


Decision = Start | Hold | Skip | Restart


def lane_of(guard: Guard, document: Mapping[str, Any]) -> str | Skip | None:
    """The name of the lane; None where there is no guard, and so no lane.

    What acts on something that nobody can name may act on anything: it is skipped, and never
    shares a lane with everything else that has no name.
    """
    if guard == NO_GUARD:
        return None
    if guard.key is None:
        return ""
    try:
        key = guard.key.value(document)
    except CannotTellError as error:
        return Skip(f"guard: the key cannot be told: {error}")
    if key is None or key in ("", [], {}) or (isinstance(key, str) and not key.strip()):
        said = "not there" if key is None else "empty"
        return Skip(f"guard: the key {guard.key.text} is {said}, so nobody knows what it acts on")
    return json.dumps(key, ensure_ascii=False, sort_keys=True)


def offered(guard: Guard, lane: Lane, now: float) -> Decision:
    """What becomes of a run that comes new to its lane, which `lane` shows without it."""
    broken = _broken(guard, lane)
    if broken is not None:
        return broken
    decision = _by_concurrency(guard, lane, now)
    # What its own lane turns away is not what the rate is for.
    return decision if isinstance(decision, Skip) else _too_often(guard, lane, now) or decision


def waiting(guard: Guard, lane: Lane, run: Going, now: float) -> Decision:
    """What becomes of a run that waits in its lane, which `lane` shows with it."""
    broken = _broken(guard, lane)
    if broken is not None:
        return broken
    if guard.concurrency is Concurrency.QUEUE and now - run.offered >= guard.queue_ttl:
        waited = timedelta(seconds=round(now - run.offered))
        most = timedelta(seconds=guard.queue_ttl)
        return Skip(f"queue: it waited {waited}, and `queue_ttl` is {most}")
    others = [other for other in lane.going if other.id != run.id]
    before = [other for other in others if other.started or _is_before(lane, other, run)]
    if guard.concurrency is Concurrency.RESTART:
        # Who came later takes this one's place; the others are on their way out.
        before = [other for other in others if other.started]
    if guard.concurrency is Concurrency.PARALLEL:
        before = []
    if before:
        return Hold(f"queue: place {len(before)}, behind run {before[-1].id}")
    cooling = _cooling(guard, lane, now)
    if cooling is not None:
        return cooling
    return Start()


def _by_concurrency(guard: Guard, lane: Lane, now: float) -> Decision:
    cooling = _cooling(guard, lane, now)
    if guard.concurrency is Concurrency.QUEUE:
        return _queued(guard, lane, cooling)
    if cooling is not None:
        said = f"cooldown: the last run for this key ended {cooling.reason}"
        return Skip(said, cooling.until)
    others = ", ".join(run.id for run in lane.going)
    if guard.concurrency is Concurrency.RESTART and lane.going:
        return Restart(tuple(run.id for run in lane.going), f"it takes the place of run {others}")
    most = 1 if guard.concurrency is Concurrency.SINGLE else guard.max
    if most is not None and len(lane.going) >= most:
        return Skip(f"{guard.concurrency.value}: run {others} is going on for this key")
    return Start()


def _too_often(guard: Guard, lane: Lane, now: float) -> Skip | None:
    """What holds for the whole playbook, whatever the key."""
    if guard.rate is None:
        return None
    recent = sum(at > now - guard.rate.seconds for at in lane.admitted)
    if recent < guard.rate.runs:
        return None
    span = timedelta(seconds=guard.rate.seconds)
    return Skip(f"rate: {recent} runs were let in within {span}, and that is all it allows")


def _broken(guard: Guard, lane: Lane) -> Skip | None:
    if guard.breaker is None or lane.failures < guard.breaker:
        return None
    return Skip(
        f"the breaker is open after {lane.failures} failed runs in a row; "
        "`engine resume PLAYBOOK` closes it"
    )


def _queued(guard: Guard, lane: Lane, cooling: Hold | None) -> Decision:
    if not lane.going and cooling is None:
        return Start()
    if len(lane.queued) >= guard.queue_max:
        return Skip(f"queue: {len(lane.queued)} runs wait for this key, and `queue_max` is that")
    if lane.going:
        return Hold(f"queue: place {len(lane.going)}, behind run {lane.going[-1].id}")
    return cooling or Start()


def _cooling(guard: Guard, lane: Lane, now: float) -> Hold | None:
    if lane.last_end is None or not guard.cooldown:
        return None
    until = lane.last_end + guard.cooldown
    if now >= until:
        return None
    # A clock that was set back makes a cooldown longer: that is the safe way to be wrong.
    ago = timedelta(seconds=max(0, round(now - lane.last_end)))
    return Hold(f"{ago} ago, and `cooldown` is {timedelta(seconds=guard.cooldown)}", until)


def _is_before(lane: Lane, other: Going, run: Going) -> bool:
    order = [going.id for going in lane.going]
    return order.index(other.id) < order.index(run.id)
