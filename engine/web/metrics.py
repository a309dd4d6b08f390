"""Counts what the engine does and has still to do, for Prometheus."""

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from engine.runs.happening import (
    Happening,
    Matched,
    Reloaded,
    ReloadRefused,
    RunMoved,
    StepAsked,
    StepSettled,
    Trouble,
)
from engine.runs.ledger import Backlog, LedgerError
from engine.runs.reloading import InForce
from engine.runs.run import RunState


@dataclass(frozen=True, slots=True)
class Metrics:
    """The counters of one engine."""

    registry: CollectorRegistry
    deliveries: Counter
    events: Counter
    runs: Counter
    steps: Counter
    questions: Counter
    troubles: Counter
    reloads: Counter
    unjudged: Gauge
    unfinished: Gauge
    pauses: Gauge
    _found: dict[tuple[Counter, tuple[str, ...]], Counter] = field(default_factory=dict)

    @classmethod
    def create(cls) -> "Metrics":
        """A registry of its own, so that two engines in one process count apart."""
        registry = CollectorRegistry()

        def counter(name: str, said: str, *labels: str) -> Counter:
            return Counter(name, said, labels, registry=registry)

        def gauge(name: str, said: str, *labels: str) -> Gauge:
            return Gauge(name, said, labels, registry=registry)

        return cls(
            registry,
            deliveries=counter("engine_deliveries", "Answers to deliveries", "source", "status"),
            events=counter("engine_events_matched", "Events judged by the playbooks", "started"),
            runs=counter("engine_run_moves", "Runs that came into a state", "playbook", "state"),
            steps=counter(
                "engine_steps",
                "Attempts at steps that were settled",
                "playbook",
                "type",
                "outcome",
            ),
            questions=counter(
                "engine_questions", "Steps that came to wait for a person", "playbook", "kind"
            ),
            troubles=counter("engine_troubles", "Faults that are no run's own", "where"),
            reloads=counter(
                "engine_reloads", "Changes of the playbooks: taken or refused", "outcome"
            ),
            unjudged=gauge("engine_events_unjudged", "Events that no playbook was asked about yet"),
            unfinished=gauge("engine_runs_unfinished", "Runs that have not ended", "state"),
            pauses=gauge(
                "engine_pauses", "Playbooks that are paused; a pause of all of them is one, too"
            ),
        )

    async def text(self, backlog: Callable[[], Awaitable[Backlog]]) -> bytes:
        """All of it, in Prometheus' format; what the ledger does not say just now is NaN."""
        try:
            found = await backlog()
        except LedgerError:
            found = None
        self.unjudged.set(found.unjudged if found else math.nan)
        self.pauses.set(found.pauses if found else math.nan)
        for state in RunState:
            if not state.settled:
                runs = found.unfinished.get(state, 0) if found else math.nan
                self.unfinished.labels(state.value).set(runs)
        return generate_latest(self.registry)

    def show(self, in_force: Callable[[], InForce]) -> None:
        """What is in force, as it is whenever somebody asks."""
        for name, said, read in (
            ("engine_playbooks", "Playbooks in force", lambda: len(in_force().playbooks)),
            (
                "engine_playbook_problems",
                "Problems that keep what lies there from being in force; 0 is as it should be",
                lambda: len(in_force().problems),
            ),
            (
                "engine_playbooks_loaded_timestamp_seconds",
                "When what is in force was loaded",
                lambda: in_force().since,
            ),
        ):
            Gauge(name, said, registry=self.registry).set_function(read)

    def show_worker(self, running: Callable[[], bool]) -> None:
        """Whether there is one, of a receiver that has none itself."""
        Gauge(
            "engine_worker_running",
            "1 where a worker holds the ledger; 0: events are kept, and wait for one",
            registry=self.registry,
        ).set_function(running)

    def count_delivery(self, source: str, status: int) -> None:
        """One answer of a receiver."""
        self._count(self.deliveries, source, str(status))

    def tell(self, happening: Happening) -> None:
        """One happening of a run."""
        match happening:
            case Matched(started=started):
                self._count(self.events, "yes" if started else "no")
            case RunMoved(run):
                self._count(self.runs, run.playbook, run.state.value)
            case StepSettled(run, step, fact):
                self._count(self.steps, run.playbook, step.type, fact.outcome.value)
            case StepAsked(run, _, fact):
                self._count(self.questions, run.playbook, fact.question.kind.value)
            case Reloaded():
                self._count(self.reloads, "taken")
            case ReloadRefused():
                self._count(self.reloads, "refused")
            case Trouble(where=where):
                self._count(self.troubles, where.split(" ", maxsplit=1)[0])
            case _:
                pass

    def _count(self, counter: Counter, *labels: str) -> None:
        """One more of these; to find their counter takes several times as long as to count."""
        place = (counter, labels)
        found = self._found.get(place)
        if found is None:
            found = self._found[place] = counter.labels(*labels)
        found.inc()
