"""Counts what the engine does, for Prometheus."""

from collections.abc import Callable
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Gauge

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
from engine.runs.reloading import InForce


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
    _answers: dict[tuple[str, int], Counter] = field(default_factory=dict)

    @classmethod
    def create(cls) -> "Metrics":
        """A registry of its own, so that two engines in one process count apart."""
        registry = CollectorRegistry()
        return cls(
            registry,
            Counter(
                "engine_deliveries",
                "Answers to deliveries",
                ["source", "status"],
                registry=registry,
            ),
            Counter(
                "engine_events_matched",
                "Events judged by the playbooks",
                ["started"],
                registry=registry,
            ),
            Counter(
                "engine_run_moves",
                "Runs that came into a state",
                ["playbook", "state"],
                registry=registry,
            ),
            Counter(
                "engine_steps",
                "Attempts at steps that were settled",
                ["playbook", "type", "outcome"],
                registry=registry,
            ),
            Counter(
                "engine_questions",
                "Steps that came to wait for a person",
                ["playbook", "kind"],
                registry=registry,
            ),
            Counter(
                "engine_troubles", "Faults that are no run's own", ["where"], registry=registry
            ),
            Counter(
                "engine_reloads",
                "Changes of the playbooks: taken or refused",
                ["outcome"],
                registry=registry,
            ),
        )

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
        answer = (source, status)
        if answer not in self._answers:  # which takes several times as long as to count
            self._answers[answer] = self.deliveries.labels(source, str(status))
        self._answers[answer].inc()

    def tell(self, happening: Happening) -> None:
        """One happening of a run."""
        match happening:
            case Matched(started=started):
                self.events.labels("yes" if started else "no").inc()
            case RunMoved(run):
                self.runs.labels(run.playbook, run.state.value).inc()
            case StepSettled(run, step, fact):
                self.steps.labels(run.playbook, step.type, fact.outcome.value).inc()
            case StepAsked(run, _, fact):
                self.questions.labels(run.playbook, fact.question.kind.value).inc()
            case Reloaded():
                self.reloads.labels("taken").inc()
            case ReloadRefused():
                self.reloads.labels("refused").inc()
            case Trouble(where=where):
                self.troubles.labels(where.split(" ", maxsplit=1)[0]).inc()
            case _:
                pass
