"""What runs are tested with: a step type that does as it is told, a clock, a place to stand."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from pydantic import ConfigDict
from typing_extensions import override

from engine.events.document import document_of
from engine.events.event import Event
from engine.playbooks.load import Loader
from engine.playbooks.parameters import Parameters, Text
from engine.playbooks.playbook import Playbook
from engine.playbooks.step_type import Call, Outside, Plan, Report, StepType, Succeeded
from engine.rules.condition import Answer, Verdict
from engine.runs.control import Control, Order
from engine.runs.fact import Settled
from engine.runs.happening import Happening, RunMoved, StepSettled, StepStarted, Trouble
from engine.runs.ledger import Admit, Admitted, Judgement, Ledger
from engine.runs.redaction import Redactor
from engine.runs.run import Run, RunState
from engine.runs.runner import Runner
from engine.steps.set import Set
from engine.steps.stop import Stop
from engine.steps.wait import Wait

NOW: Final = 1_795_000_000.0
WHENCE: Final = {"user": "ops", "host": "box", "pid": 4711}
PATIENCE: Final = 60.0  # seconds until a test gives up on what should have come long ago

Answering = Report | Exception | Callable[[Call], Awaitable[Report]]


class ProbeParameters(Parameters):
    model_config = ConfigDict(extra="allow")
    shorthand: ClassVar[str | None] = "say"

    say: Text = ""


@dataclass
class Probe:
    """Answers what was laid out for a path, in turn; then succeeds with what it was to say."""

    parameters = ProbeParameters
    timeout: float | None = None
    finds_out: bool = False
    outside: Outside[ProbeParameters] | None = None
    results: ClassVar[Mapping[str, str] | None] = None
    calls: list[tuple[str, int]] = field(default_factory=list)  # path, attempt
    said: list[str] = field(default_factory=list)
    answers: dict[str, deque[Answering]] = field(default_factory=dict)
    plan_fault: Exception | None = None

    def answer(self, path: str, *answers: Answering) -> None:
        self.answers.setdefault(path, deque()).extend(answers)

    def plan(self, parameters: ProbeParameters, call: Call) -> Plan:
        if self.plan_fault is not None:
            raise self.plan_fault
        return Plan(f"say {parameters.say}", {"say": parameters.say, "path": call.path})

    def foretell(self, parameters: ProbeParameters) -> Report | None:
        return Succeeded() if parameters.say == "known" else None

    def harmless_to_repeat(self, parameters: ProbeParameters) -> bool:
        return parameters.say == "twice"

    async def perform(self, parameters: ProbeParameters, call: Call) -> Report:
        self.calls.append((call.path, call.attempt))
        self.said.append(parameters.say)
        laid_out = self.answers.get(call.path)
        if not laid_out:
            return Succeeded({"said": parameters.say})
        answer = laid_out.popleft()
        if isinstance(answer, Exception):
            raise answer
        return await answer(call) if callable(answer) else answer


@dataclass
class Clock:
    """Stands still until it is told to jump."""

    now: float = NOW

    def __call__(self) -> float:
        return self.now

    def jump(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class SelfTellingSecrets(Mapping[str, str]):
    """Secrets as the config has them: resolving one tells the redactor."""

    known: Mapping[str, str]
    redactor: Redactor

    @override
    def __getitem__(self, name: str) -> str:
        self.redactor.learn(self.known[name])
        return self.known[name]

    @override
    def __iter__(self) -> Any:
        return iter(self.known)

    @override
    def __len__(self) -> int:
        return len(self.known)


def letting(runs: Sequence[Run], orders: Sequence[Order] = ()) -> Admit:
    """Lets these runs in, whatever their lanes are."""
    return lambda _: Admitted(runs, orders)


@dataclass
class Told:
    """Everything that was told, and a way to wait for one of it."""

    happenings: list[Happening] = field(default_factory=list)
    listeners: list[Callable[[Happening], None]] = field(default_factory=list)

    def __call__(self, happening: Happening) -> None:
        self.happenings.append(happening)
        for listener in tuple(self.listeners):
            listener(happening)

    async def until(self, wanted: Callable[["Told"], bool]) -> None:
        """Wait for the happening after which `wanted` holds."""
        holds = asyncio.Event()

        def listen(_: object = None) -> None:
            if wanted(self):
                holds.set()

        self.listeners.append(listen)
        listen()
        async with asyncio.timeout(PATIENCE):
            await holds.wait()
        self.listeners.remove(listen)

    @property
    def states(self) -> list[tuple[str, RunState]]:
        return [(h.run.id, h.run.state) for h in self.happenings if isinstance(h, RunMoved)]

    @property
    def started(self) -> list[tuple[str, int]]:
        return [(h.step.path, h.attempt) for h in self.happenings if isinstance(h, StepStarted)]

    @property
    def settled(self) -> list[Settled]:
        return [h.fact for h in self.happenings if isinstance(h, StepSettled)]

    @property
    def troubles(self) -> list[Trouble]:
        return [h for h in self.happenings if isinstance(h, Trouble)]

    def ended(self, *ids: str) -> bool:
        """Whether these runs (or all that were ever told of) are over."""
        last = dict(self.states)
        return bool(last) and all(last[id_].settled if id_ in last else False for id_ in ids)


@dataclass
class Stage:
    """A runner's surroundings; `ledger` may change under it, as it does in a restart."""

    ledger: Ledger
    probe: Probe = field(default_factory=Probe)
    clock: Clock = field(default_factory=Clock)
    told: Told = field(default_factory=Told)
    redactor: Redactor = field(default_factory=Redactor)
    secrets: Mapping[str, str] = field(default_factory=dict)

    @property
    def step_types(self) -> dict[str, StepType[Any]]:
        return step_types(self.probe)

    def runner(self) -> Runner:
        return Runner(
            ledger=self.ledger,
            step_types=self.step_types,
            secrets=SelfTellingSecrets(self.secrets, self.redactor),
            redactor=self.redactor,
            clock=self.clock,
            tell=self.told,
        )

    async def queue(self, playbook: Playbook, event: Event, id_: str = "RUN1") -> Run:
        """A queued run in the ledger."""
        run = a_run(id_, playbook, event, self.clock())
        await self.ledger.keep_playbook(playbook)
        await self.ledger.accept(event)
        yes = Judgement(playbook.name, playbook.version, Verdict(Answer.YES))
        await self.ledger.keep_match(event, [yes], self.clock(), letting([run]))
        return run

    async def carry_out(
        self,
        run: Run,
        playbook: Playbook,
        event: Event,
        *,
        stopping: asyncio.Event | None = None,
        control: Control | None = None,
        while_waiting: Callable[[], None] | None = None,
    ) -> Run:
        """By a new runner, as after a restart; `while_waiting` may jump the clock."""

        return await self.runner().carry_out(
            run,
            playbook,
            event,
            document_of(event, {}),
            control=control or Control(stopping or asyncio.Event()),
            place=Waiting(while_waiting),
        )


@dataclass(frozen=True)
class Waiting:
    """A place for a run that never rests; `meanwhile` is called each time it begins to wait."""

    meanwhile: Callable[[], None] | None = None

    def give_back(self) -> None:
        pass

    async def take(self) -> None:
        pass

    def rests(self, run: Run, until: float | None) -> bool:
        if self.meanwhile is not None:
            self.meanwhile()
        return False


@dataclass
class Staged(Stage):
    """A stage for other step types than the fakes'."""

    types: Mapping[str, StepType[Any]] = field(kw_only=True)

    @property
    @override
    def step_types(self) -> dict[str, StepType[Any]]:
        return dict(self.types)


def step_types(probe: Probe) -> dict[str, StepType[Any]]:
    return {"probe": probe, "wait": Wait(), "set": Set(), "stop": Stop()}


def a_playbook(text: str, name: str = "p", file: str = "p.yaml") -> Playbook:
    """A playbook from everything that stands below its name and trigger."""
    trigger = "" if "trigger:" in text else "trigger: {}\n"
    return Loader(step_types(Probe())).load(f"name: {name}\n{trigger}{text}", file)


def an_event(
    id_: str = "EVENT1",
    *,
    key: str | None = None,
    action: str | None = "restart-host",
    labels: Mapping[str, Any] | None = None,
    payload: dict[str, Any] | None = None,
) -> Event:
    incident = {
        "incident_id": "6551f3888713372ad1054d57",
        "title": "es.nj.01",
        "incident_severity": "Critical",
        "labels": dict(labels or {"resource": "es.nj.01"}),
    }
    return Event(
        id=id_,
        source="custom-action",
        action=action,
        key=key or f"key of {id_}",
        type="i_custom",
        time=1_700_208_013_988,
        query={"team": "sre"},
        headers={"x-trace": "1"},
        payload={"incident": incident} if payload is None else payload,
        received=NOW,
    )


def a_run(
    id_: str, playbook: Playbook, event: Event, created: float = NOW, version: str | None = None
) -> Run:
    return Run(
        id=id_,
        playbook=playbook.name,
        version=version or playbook.version,
        event_id=event.id,
        state=RunState.QUEUED,
        created=created,
    )


def verdicts(
    playbooks: Sequence[Playbook], answer: Answer = Answer.YES, reason: str | None = None
) -> list[Judgement]:
    return [Judgement(p.name, p.version, Verdict(answer, reason)) for p in playbooks]
