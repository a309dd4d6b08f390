"""A scenario: one case of a playbook's tests, ready to be played, and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from engine.events.document import document_of
from engine.events.event import Event
from engine.marked_yaml.mark import Path
from engine.playbooks.complaints import located
from engine.playbooks.guard import NO_GUARD
from engine.playbooks.inputs import complete
from engine.playbooks.playbook import NO_DEFAULT, Playbook
from engine.playbooks.step_type import StepType
from engine.problem import Problem, nearest
from engine.rehearsal.dry_run import Rehearsal, rehearse
from engine.rehearsal.earlier import lane_after
from engine.rehearsal.mock_reading import MockReader, no_such_step
from engine.rehearsal.mocks import Mocks
from engine.rehearsal.naming import StepNames
from engine.rehearsal.overriding import overridden
from engine.rehearsal.scenario_file import Case
from engine.rehearsal.stage import RehearsedStep, shown
from engine.rules.match import Trigger
from engine.runs.flow import Flow
from engine.runs.lane import Decision, Start, offered
from engine.runs.run import RunState

COMMENT: Final = "/incident/comment"


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a scenario."""

    rehearsal: Rehearsal
    names: StepNames
    began: float
    asked: bool  # whether the trigger's `when` was asked

    @property
    def state(self) -> RunState | None:
        """How the run ended; None: there was none."""
        return RunState.SKIPPED if self.rehearsal.skipped else self.rehearsal.state

    @property
    def reason(self) -> str:
        """Why it ended so, or did not start."""
        rehearsal = self.rehearsal
        return rehearsal.skipped or rehearsal.reason or rehearsal.verdict.reason or ""

    @property
    def flow(self) -> Flow | None:
        """The run at its end; None where it was not carried out."""
        driven = None if self.rehearsal.skipped else self.rehearsal.driven
        return None if driven is None else driven.flow

    @property
    def steps(self) -> Sequence[RehearsedStep]:
        """What became of each step that the run came to."""
        return () if self.flow is None else self.rehearsal.steps

    @property
    def performed(self) -> list[str]:
        """What is called of those that began, in order: of a `foreach` the whole, not its items."""
        flow = self.flow
        paths = [told.step.path for told in self.steps if not told.step.branches]
        return [
            self.names.title(path)
            for path in paths
            if flow is not None and _began(flow, path) and not self._is_item(path)
        ]

    @property
    def comments(self) -> list[str]:
        """The texts that were written into the incident."""
        plans = [told.plan for told in self.steps if told.outcome == "performed"]
        bodies = [
            plan.details["body"] for plan in plans if plan and plan.details.get("call") == COMMENT
        ]
        return [str(shown(body.get("comment"))) for body in bodies]

    @property
    def took(self) -> float:
        """Seconds from its beginning to its end."""
        driven = self.rehearsal.driven
        return 0.0 if self.flow is None or driven is None else driven.at - self.began

    def attempts(self, path: str) -> int:
        """How many attempts at a step began."""
        progress = None if self.flow is None else self.flow.progress.get(path)
        return 0 if progress is None or progress.began is None else progress.attempt

    def _is_item(self, path: str) -> bool:
        return path.endswith("]") and self.names.declared(path) == path[: path.rindex("[")]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A case whose event has been read and whose mocks are understood."""

    case: Case
    playbook: Playbook
    event: Event
    mocks: Mocks
    config: Mapping[str, Any]

    def play(self, secrets: frozenset[str], step_types: Mapping[str, StepType[Any]]) -> Played:
        """Rehearse it, with nothing performed."""
        now = self.event.received
        rehearsal = rehearse(
            self.playbook,
            self.event,
            config=self.config,
            secrets=secrets | {*self.case.model.secrets},
            step_types=step_types,
            mocks=self.mocks,
            at=now,
            offer=self._offer,
        )
        document = document_of(self.event, self.config)
        trigger = self.playbook.trigger
        others = replace(trigger, when=None).judge(document, now)
        asked = trigger.when is not None and others.yes
        return Played(rehearsal, StepNames.of(self.playbook), began=now, asked=asked)

    def _offer(self, playbook: Playbook, lane: str | None) -> Decision:
        if lane is None:
            return Start()
        now = self.event.received
        return offered(playbook.guard, lane_after(self.case.model.earlier, lane, now), now)


def changed_body(
    case: Case, body: Mapping[str, Any], known: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, Any], list[Problem]]:
    """The body of a case's event as the case wants it, and what is wrong with its `set`."""
    changed, found = overridden(body, case.model.set, known)
    if case.model.type is not None:
        changed["event_type"] = case.model.type
    problems = [located(one, case.marked, lambda loc: case.place(("set", *loc))) for one in found]
    return changed, problems


def prepared(
    case: Case,
    playbook: Playbook,
    event: Event,
    config: Mapping[str, Any],
    step_types: Mapping[str, StepType[Any]],
) -> tuple[Scenario, list[Problem]]:
    """The scenario of a case, and what is wrong with it."""
    model = case.model
    problems: list[Problem] = []
    if model.inputs is not None:
        playbook, problems = _as_called(case, playbook, model.inputs)
    reader = MockReader(case.marked, playbook, step_types)
    attempts = {
        path: found
        for name, value in model.mocks.items()
        for path, found in reader.read(
            {name: value}, case.place(("mocks", name))[:-1]
        ).attempts.items()
    }
    problems += [*reader.problems, *_unknown_steps(case, reader.names)]
    if model.earlier and playbook.guard == NO_GUARD:
        where = case.marked.locate_key((*case.at, "earlier"))
        said = "the playbook has no guard: runs before this one change nothing"
        problems.append(Problem("no-guard", said, where, "give it a `guard`, or leave this out"))
    happened = event.received if event.time is None else event.time / 1000
    received = happened if model.clock is None else model.clock
    event = replace(event, received=received, stale=model.stale, own=model.own)
    config = {**config, **model.config}
    return Scenario(case, playbook, event, Mocks(reader.names, attempts), config), problems


def _unknown_steps(case: Case, names: StepNames) -> list[Problem]:
    """Expectations of steps that the playbook does not have could only ever fail, or never."""
    expect = case.model.expect
    named: list[tuple[str, Path]] = [
        *((name, ("steps", number)) for number, name in enumerate(expect.steps or ())),
        *((name, ("attempts", name)) for name in expect.attempts or ()),
        *((name, ("rendered", name)) for name in expect.rendered or ()),
    ]
    return [
        no_such_step(name, (*case.at, "expect", *path), case.marked, names)
        for name, path in named
        if names.path(name) is None
    ]


def _as_called(
    case: Case, playbook: Playbook, given: Mapping[str, Any]
) -> tuple[Playbook, list[Problem]]:
    """The playbook as if an event started it, with these inputs in the place of its defaults."""
    problems: list[Problem] = []
    at = (*case.at, "inputs")
    for name in given:
        if name not in playbook.inputs:
            said = f"'{playbook.name}' takes no input '{name}'"
            hint = nearest(name, [*playbook.inputs]) or "it declares none"
            where = case.marked.locate_key((*at, name))
            problems.append(Problem("unknown-input", said, where, hint))
    for name, declared in playbook.inputs.items():
        if declared.default is NO_DEFAULT and name not in given:
            said = f"'{playbook.name}' has to be given '{name}'"
            problems.append(Problem("missing-input", said, case.marked.locate_key(at), None))
    try:
        values = complete(playbook.inputs, given)
    except ValueError as error:
        problems.append(Problem("wrong-input", str(error), case.marked.locate(at), None))
        values = {}
    inputs = {name: replace(one, default=values.get(name)) for name, one in playbook.inputs.items()}
    return replace(playbook, inputs=inputs, trigger=Trigger(), guard=NO_GUARD), problems


def _began(flow: Flow, path: str) -> bool:
    progress = flow.progress.get(path)
    return path in flow.begun or (progress is not None and progress.began is not None)
