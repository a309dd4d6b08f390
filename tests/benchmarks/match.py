"""How long it takes to find what one event starts: among ten playbooks, and among ten thousand.

The engine's own judging of a press, from the event to the verdicts and the runs; it is found by the
same handful of the playbooks, however many there are. Beside it each playbook is asked in turn, as
without the index, whose answers have to be the same. Each figure is CPU time, the least of
several rounds.
"""

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from engine.cli.serving import collecting_seldom
from engine.events.document import document_of
from engine.playbooks.playbook import Playbook
from engine.rules.condition import Answer, Condition
from engine.rules.match import Trigger
from engine.runs.judging import Judging, index_of
from tests.benchmarks.figure import Bar, Figure, require
from tests.runs.fakes import NOW, a_playbook, an_event

EVENT: Final = replace(
    an_event(labels={"service": "svc-7", "resource": "host-7", "env": "prod", "team": "db"}),
    time=int(NOW * 1000),
)
EVENTS: Final = 300  # judged in one round
# What finds the press. Two say yes and one cannot tell; the others are ruled out by what else they
# need.
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


def least(rounds: int, times: int, *works: Callable[[], object]) -> list[float]:
    """Microseconds of CPU for one of so many times, of each in its best round, in turn."""
    best = [float("inf")] * len(works)
    for _ in range(rounds):
        for place, work in enumerate(works):
            began = time.thread_time()
            for _ in range(times):
                work()
            best[place] = min(best[place], (time.thread_time() - began) / times * 1e6)
    return best


def measure(*, quick: bool) -> Iterator[Figure]:
    rounds, few, many = (3, 10, 2000) if quick else (9, 10, 10_000)
    of_few, of_many = (judging_of(playbooks(count)) for count in (few, many))

    def one_by_one() -> list[tuple[str, Answer]]:
        document = document_of(replace(EVENT, own=False), {})
        verdicts = [(one.name, one.trigger.judge(document, NOW)) for one in of_many.playbooks]
        return [(name, verdict.answer) for name, verdict in verdicts]

    said = dict(one_by_one())
    judged = of_many.judge(EVENT)
    asked = {one.playbook: one.verdict.answer for one in judged.judgements}
    unchanged = said == {**dict.fromkeys(said, Answer.NO), **asked}
    require(unchanged, "the index changed an answer")
    require([run.playbook for run in judged.runs] == ["p0", "p1"], "others were started")
    with collecting_seldom():  # as `serve` does
        among_few, among_many = least(
            rounds, EVENTS, lambda: of_few.judge(EVENT), lambda: of_many.judge(EVENT)
        )
    without, built = least(3, 1, one_by_one, lambda: index_of(of_many.playbooks))
    means = f"from the event to the verdicts and the runs; {len(asked)} of {many:,} are asked"
    against = f"{among_few:.0f} us among {few}"
    yield Figure(
        *(f"judged among {many:,}", among_many, "us", means),
        Bar(100),
        *(among_many / among_few, against),
    )
    yield Figure(
        *("as the playbooks grow", among_many / among_few, "x", "the same, as a ratio"),
        Bar(1.5),
        *(None, against),
    )
    yield Figure(
        *("one by one", without, "us", "each playbook asked by jmespath in turn, no index"),
        *(None, without / among_many, f"{among_many:.0f} us with the index"),
    )
    yield Figure(
        *("the index built", built / 1000, "ms"),
        f"of {many:,} playbooks, once they are loaded",
    )
