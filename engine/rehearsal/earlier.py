"""The lane as a case lays it out: which runs there were before this one."""

import json
from collections.abc import Sequence
from typing import Final

from engine.rehearsal.scenario_file import EarlierModel
from engine.runs.lane import Going, Lane

_GOING: Final = ("queued", "running", "waiting")


def lane_after(earlier: Sequence[EarlierModel], lane: str, now: float) -> Lane:
    """What the ledger's rows would say of the lane of this name, and of its playbook."""
    oldest_first = sorted(enumerate(earlier, start=1), key=lambda item: -item[1].ago)
    same = [(number, one) for number, one in oldest_first if _is_of(one, lane)]
    ended = [one for _, one in oldest_first if one.state in ("succeeded", "failed")]
    failures = 0
    for one in reversed(ended):
        if one.state != "failed":
            break
        failures += 1
    return Lane(
        going=[
            Going(f"earlier-{number}", now - one.ago, started=one.state != "queued")
            for number, one in same
            if one.state in _GOING
        ],
        last_end=max((now - one.ago for _, one in same if one.state not in _GOING), default=None),
        admitted=[now - one.ago for _, one in oldest_first],
        failures=failures,
    )


def _is_of(earlier: EarlierModel, lane: str) -> bool:
    if earlier.key is None or not lane:
        return True
    return json.dumps(earlier.key, ensure_ascii=False, sort_keys=True) == lane
