"""From the text of a YAML file to a playbook, or to every problem that keeps it from being one.

The same loader serves `engine serve`, `engine lint` and every rehearsal.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.marked_yaml.mark import MarkedYaml
from engine.marked_yaml.read import read_yaml
from engine.playbooks.answer import half_an_answer
from engine.playbooks.guard import NO_GUARD, Concurrency, Guard
from engine.playbooks.playbook import Playbook, Section
from engine.playbooks.reading import IN_ANSWER, IN_TRIGGER, IN_VARS
from engine.playbooks.schema import LATER_KEYS, GuardModel, PlaybookModel, TriggerModel
from engine.playbooks.step_reading import StepReader
from engine.playbooks.step_type import StepType
from engine.playbooks.template import Templates
from engine.problem import EngineError, Problem, in_file_order
from engine.rules.condition import Condition, ConditionSyntaxError
from engine.rules.match import Trigger


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of a set of files: the good playbooks, and the problems of the others."""

    playbooks: tuple[Playbook, ...]
    problems: tuple[Problem, ...]


class Loader:
    """Reads playbooks whose steps are of the given step types.

    `read`: reads YAML, or has read it before.
    """

    def __init__(
        self,
        step_types: Mapping[str, StepType[Any]],
        read: Callable[[str, str], MarkedYaml] = read_yaml,
    ) -> None:
        self._step_types = step_types
        self._read_yaml = read
        self.templates = Templates()

    def load(self, text: str, file: str) -> Playbook:
        """Raises EngineError with every problem, in file order."""
        reader = StepReader(self._read_yaml(text, file), self._step_types, self.templates)
        playbook = _playbook(reader, text)
        if reader.problems or playbook is None:
            raise EngineError(*in_file_order(reader.problems))
        return playbook

    def load_all(self, files: Iterable[tuple[str, str]]) -> Loaded:
        """Load (name, text) pairs. A bad file leaves the good ones alone; a name may stand once."""
        playbooks: dict[str, Playbook] = {}
        problems: list[Problem] = []
        for file, text in files:
            try:
                playbook = self.load(text, file)
            except EngineError as error:
                problems.extend(error.problems)
                continue
            first = playbooks.setdefault(playbook.name, playbook)
            if first is not playbook:
                where = self._read_yaml(text, file).locate(("name",))
                problems.append(
                    Problem(
                        "duplicate-name",
                        f"the name '{playbook.name}' is taken",
                        where,
                        f"{first.file} has it; runs are told apart by it",
                    )
                )
        return Loaded(tuple(playbooks.values()), in_file_order(problems))


def _playbook(reader: StepReader, text: str) -> Playbook | None:
    """The playbook, unless the reader found problems."""
    raw = reader.marked.value
    if not isinstance(raw, dict):
        what = "the file is empty" if raw is None else "a playbook is a mapping"
        reader.problem("not-a-playbook", what, (), "begin with `name:`, `trigger:` and `steps:`")
        return None
    late = {key for key in raw if key in LATER_KEYS}
    reader.refuse_later(late, ())
    head = reader.check(PlaybookModel, {k: v for k, v in raw.items() if k not in late}, ())
    # Also where something else is wrong beside it: all problems come at once.
    for path in (("trigger", "when"), ("guard", "key")):
        condition = _condition_at(raw, path)
        if condition is not None:
            reader.check_names(condition, path, IN_TRIGGER)
    sections = {section: reader.section(raw.get(section.value), section) for section in Section}
    variables, answer = raw.get("vars"), raw.get("answer")
    if isinstance(variables, dict):
        variables = reader.compile(variables, ("vars",), IN_VARS)
    if isinstance(answer, dict):
        answer = reader.compile(answer, ("answer",), IN_ANSWER)
    half = half_an_answer(reader.marked)
    if half is not None:
        reader.problems.append(half)
    if head is None or reader.problems:
        return None
    return Playbook(
        name=head.name,
        description=head.description.strip(),
        trigger=_trigger(head.trigger),
        guard=NO_GUARD if head.guard is None else _guard(head.guard),
        variables=variables or {},
        timeout=head.timeout,
        steps=sections[Section.STEPS],
        on_failure=sections[Section.ON_FAILURE],
        finally_=sections[Section.FINALLY],
        file=reader.marked.file,
        text=text,
        ends_with_its_incident=head.on_resolved == "cancel",
        version=hashlib.sha256(text.encode()).hexdigest()[:12],
        answer=answer,
    )


def _condition_at(raw: Mapping[str, Any], path: tuple[str, str]) -> Condition | None:
    """The condition that stands there; what is none has its problem already."""
    around = raw.get(path[0])
    text = around.get(path[1]) if isinstance(around, dict) else None
    try:
        return Condition.parse(text) if isinstance(text, str) else None
    except ConditionSyntaxError:
        return None


def _trigger(model: TriggerModel) -> Trigger:
    return Trigger(
        events=tuple(model.events),
        action=model.action,
        when=model.when,
        stale=None if model.stale is None else model.stale == "run",
        own=model.own,
        reconcile=model.reconcile,
        max_age=model.max_age,
        answers=model.answer is not None,
    )


def _guard(model: GuardModel) -> Guard:
    """Whoever names a key means that its runs are not to meet."""
    default = Concurrency.PARALLEL if model.key is None else Concurrency.SINGLE
    named = model.concurrency
    return Guard(
        key=model.key,
        concurrency=default if named is None else Concurrency(named),
        max=model.max,
        queue_max=model.queue_max,
        queue_ttl=model.queue_ttl,
        cooldown=model.cooldown,
        rate=model.rate,
        breaker=model.breaker,
    )
