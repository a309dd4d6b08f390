"""How long it takes to find what one event starts: among ten playbooks, and among ten thousand.

    python -m tests.benchmarks.match [--playbooks 10000] [--rounds 9] [--json] [--profile]

All in one run: the engine's own judging of a press, from the event to the verdicts and the runs,
with 10, 100, 1,000 and 10,000 playbooks, of which the same handful can be concerned; and each
playbook asked in turn, as without the index, whose answers have to be the same. Each figure is the
least of several rounds, for the machine may be busy with other work.
"""

import argparse
import cProfile
import itertools
import json
import pstats
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final

from engine.events.document import document_of
from engine.playbooks.playbook import Playbook
from engine.rules.condition import Answer, Condition
from engine.rules.match import Trigger
from engine.runs.judging import Judging, index_of
from tests.runs.fakes import NOW, a_playbook, an_event

EVENT: Final = replace(
    an_event(labels={"service": "svc-7", "resource": "host-7", "env": "prod", "team": "db"}),
    time=int(NOW * 1000),
)
EVENTS: Final = 300  # judged in one round
# What the press can concern. Two say yes; the others are asked, and say no or cannot tell.
CONCERNED: Final = (
    Trigger(action="restart-host"),
    Trigger(when=Condition.parse("labels.service == 'svc-7' && severity == 'Critical'")),
    Trigger(when=Condition.parse("labels.service == 'svc-7' && severity != 'Critical'")),
    Trigger(when=Condition.parse("contains(['host-7', 'host-8'], labels.resource) && labels.no")),
    Trigger(when=Condition.parse("labels.team == 'db' && length(labels.nothing) > `1`")),
)


def other(number: int) -> Trigger:
    """One of the many that it does not concern, in the forms that people write."""
    texts = (
        "severity == 'Critical' && labels.service == 'other-{n}'",
        "labels.env == 'prod' && contains(['h{n}', 'k{n}'], labels.resource)",
        "(labels.service == 's{n}' || labels.team == 't{n}') && severity != 'Info'",
        "alerts[?labels.check == 'check-{n}'] && !(labels.muted)",
    )
    form = number % (len(texts) + 1)
    if form == len(texts):
        return Trigger(events=("i_custom",), action=f"button-{number}")
    return Trigger(events=("i_custom", "i_new"), when=Condition.parse(texts[form].format(n=number)))


def playbooks(count: int) -> list[Playbook]:
    """So many, those that the press can concern first."""
    made = a_playbook("steps: [{wait: 1s}]")
    triggers = [*CONCERNED, *map(other, range(count - len(CONCERNED)))]
    return [
        replace(made, name=f"p{number}", version=f"{number:012x}", trigger=trigger)
        for number, trigger in enumerate(triggers)
    ]


def judging_of(those: Sequence[Playbook]) -> Judging:
    ids = itertools.count(1)
    return Judging(
        playbooks=those,
        index=index_of(those),
        judged_by=1,
        config={},
        own=lambda _: False,
        new_id=lambda: f"RUN{next(ids)}",
        clock=lambda: NOW,
        tell=print,
    )


@dataclass(frozen=True)
class Figure:
    """Of one number of playbooks. Times are microseconds for one event."""

    playbooks: int
    asked: int
    judged: float  # by the engine
    one_by_one: float  # each playbook asked in turn
    index_ms: float  # milliseconds to build it
    index_mib: float  # that it takes


def least(rounds: int, times: int, what: Callable[[], object]) -> float:
    """Microseconds for one of so many times, in the best round."""
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        for _ in range(times):
            what()
        took.append((time.perf_counter() - began) / times * 1e6)
    return min(took)


def measure(count: int, rounds: int) -> Figure:
    those = playbooks(count)
    judging = judging_of(those)

    def one_by_one() -> list[tuple[str, Answer]]:
        document = document_of(replace(EVENT, own=False), {})
        verdicts = [(one.name, one.trigger.judge(document, NOW)) for one in those]
        return [(name, verdict.answer) for name, verdict in verdicts]

    said = dict(one_by_one())
    judged = judging.judge(EVENT)
    asked = {one.playbook: one.verdict.answer for one in judged.judgements}
    assert said == {**dict.fromkeys(said, Answer.NO), **asked}, "the index changed an answer"
    assert [run.playbook for run in judged.runs] == ["p0", "p1"]
    index_us = least(3, 1, lambda: index_of(those))
    tracemalloc.start()
    index = index_of(those)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del index
    return Figure(
        playbooks=count,
        asked=len(asked),
        judged=round(least(rounds, EVENTS, lambda: judging.judge(EVENT)), 1),
        one_by_one=round(least(3, max(1, 2000 // count), one_by_one), 1),
        index_ms=round(index_us / 1000, 1),
        index_mib=round(held / 2**20, 2),
    )


def main() -> None:
    """Measure, check, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--playbooks", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    counts = [count for count in (10, 100, 1000) if count < options.playbooks]
    figures = [measure(count, options.rounds) for count in (*counts, options.playbooks)]
    if options.profile:
        judging = judging_of(playbooks(options.playbooks))
        with cProfile.Profile() as profile:
            for _ in range(EVENTS):
                judging.judge(EVENT)
        pstats.Stats(profile).sort_stats("tottime").print_stats(30)
    few, many = figures[0], figures[-1]
    ratio, gain = many.judged / few.judged, many.one_by_one / many.judged
    if options.json:
        told = {"times_as_long": round(ratio, 2), "times_as_fast_as_one_by_one": round(gain)}
        print(json.dumps({"figures": [asdict(figure) for figure in figures], **told}, indent=2))
        return
    print(
        f"{'playbooks':>10}{'asked':>7}{'judged us':>11}{'one by one us':>15}{'index ms':>10}{'MiB':>7}"
    )
    for one in figures:
        print(
            f"{one.playbooks:>10}{one.asked:>7}{one.judged:>11.1f}{one.one_by_one:>15.1f}"
            f"{one.index_ms:>10.1f}{one.index_mib:>7.2f}"
        )
    print(
        f"An event is judged among {many.playbooks} playbooks in {ratio:.2f} times what it takes "
        f"among {few.playbooks}, and {gain:.0f} times as fast as one by one."
    )


if __name__ == "__main__":
    main()
