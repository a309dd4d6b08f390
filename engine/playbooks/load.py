"""From the text of a YAML file to a playbook, or to every problem that keeps it from being one.

The same loader serves `engine serve`, `engine lint` and every rehearsal.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from engine.marked_yaml.mark import MarkedYaml
from engine.marked_yaml.read import read_yaml
from engine.playbooks.answer import half_an_answer
from engine.playbooks.calling import Joining, Read
from engine.playbooks.guard import NO_GUARD, Concurrency, Guard
from engine.playbooks.inputs import is_of, named
from engine.playbooks.playbook import NO_DEFAULT, Input, Playbook, PlaybookText, Section
from engine.playbooks.reading import IN_ANSWER, IN_TRIGGER, IN_VARS
from engine.playbooks.schema import GuardModel, PlaybookModel, TriggerModel
from engine.playbooks.step_reading import StepReader
from engine.playbooks.step_type import StepType
from engine.playbooks.template import Templates
from engine.playbooks.version import version_of
from engine.problem import EngineError, Problem, in_file_order
from engine.rules.condition import Condition, ConditionSyntaxError
from engine.rules.conditions import Conditions
from engine.rules.match import Trigger

Files = Iterable[tuple[str, str]]  # name, text


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
        self.conditions = Conditions()

    def load(self, text: str, file: str) -> Playbook:
        """The playbook of a text. Raises EngineError with every problem, in file order."""
        return self.load_kept(PlaybookText(text, file))

    def load_kept(self, kept: PlaybookText) -> Playbook:
        """A version of a playbook, with those it calls. Raises EngineError with every problem."""
        own = (kept.file, kept.text)
        loaded = self.load_all([own, *((file, text) for text, file in kept.calls)])
        if loaded.problems:
            raise EngineError(*loaded.problems)
        return loaded.playbooks[0]

    def load_all(self, files: Files, beside: Callable[[], Files] | None = None) -> Loaded:
        """Load (name, text) pairs. A bad file leaves the good ones alone; a name may stand once.

        `beside` has further files, which are asked for only where a playbook calls one that is not
        among these; nothing is said of them.
        """
        reads: dict[str, Read] = {}
        broken: set[str] = set()
        problems = self._read_all(files, reads, broken)
        named = list(reads)
        if beside is not None and any(
            site.name not in reads for read in reads.values() for site in read.calls
        ):
            self._read_all(beside(), reads, broken)
        joining = Joining(reads, frozenset(broken))
        joined = [joining.playbook(name) for name in named]
        playbooks = tuple(playbook for playbook in joined if playbook is not None)
        return Loaded(playbooks, in_file_order([*problems, *joining.problems]))

    def _read_all(self, files: Files, reads: dict[str, Read], broken: set[str]) -> list[Problem]:
        problems: list[Problem] = []
        for file, text in files:
            try:
                read = self._read(text, file, broken)
            except EngineError as error:
                problems.extend(error.problems)
                continue
            first = reads.setdefault(read.playbook.name, read)
            if first is not read:
                problems.append(_taken(read, first.playbook))
        return problems

    def _read(self, text: str, file: str, broken: set[str]) -> Read:
        marked = self._read_yaml(text, file)
        reader = StepReader(marked, self._step_types, self.templates, self.conditions)
        playbook = _playbook(reader, text)
        if reader.problems or playbook is None:
            raw = marked.value
            if isinstance(raw, dict) and isinstance(raw.get("name"), str):
                broken.add(raw["name"])
            raise EngineError(*in_file_order(reader.problems))
        return Read(playbook, reader.calls, marked)


def _taken(read: Read, first: Playbook) -> Problem:
    return Problem(
        "duplicate-name",
        f"the name '{first.name}' is taken",
        read.marked.locate(("name",)),
        f"{first.file} has it; runs are told apart by it",
    )


def _playbook(reader: StepReader, text: str) -> Playbook | None:
    """The playbook, unless the reader found problems."""
    raw = reader.marked.value
    if not isinstance(raw, dict):
        what = "the file is empty" if raw is None else "a playbook is a mapping"
        reader.problem("not-a-playbook", what, (), "begin with `name:`, `trigger:` and `steps:`")
        return None
    only_called = "inputs" in raw and "trigger" not in raw
    head = reader.check(PlaybookModel, {"trigger": {}, **raw} if only_called else raw, ())
    # Also where something else is wrong beside it: all problems come at once.
    for path in (("trigger", "when"), ("guard", "key")):
        condition = _condition_at(raw, path, reader.conditions)
        if condition is not None:
            reader.check_names(condition, path, IN_TRIGGER)
    sections = {section: reader.section(raw.get(section.value), section) for section in Section}
    variables, answer = raw.get("vars"), raw.get("answer")
    if isinstance(variables, dict):
        variables = reader.compile(variables, ("vars",), IN_VARS)
    if isinstance(answer, dict):
        answer = reader.compile(answer, ("answer",), IN_ANSWER)
    if head is not None:
        _check_inputs(reader, head, raw, only_called=only_called)
    half = half_an_answer(reader.marked)
    if half is not None:
        reader.problems.append(half)
    if head is None or reader.problems:
        return None
    return Playbook(
        name=head.name,
        description=head.description.strip(),
        trigger=replace(_trigger(head.trigger), never=only_called),
        guard=NO_GUARD if head.guard is None else _guard(head.guard),
        variables=variables or {},
        timeout=head.timeout,
        steps=sections[Section.STEPS],
        on_failure=sections[Section.ON_FAILURE],
        finally_=sections[Section.FINALLY],
        on_resolved=sections[Section.ON_RESOLVED],
        file=reader.marked.file,
        text=text,
        ends_with_its_incident=head.on_resolved != "continue",
        version=version_of(text),
        answer=answer,
        inputs=_inputs(head, raw),
    )


def _inputs(head: PlaybookModel, raw: Mapping[str, Any]) -> dict[str, Input]:
    return {
        name: Input(one.type, raw["inputs"][name].get("default", NO_DEFAULT), one.description)
        for name, one in head.inputs.items()
    }


def _check_inputs(
    reader: StepReader, head: PlaybookModel, raw: Mapping[str, Any], *, only_called: bool
) -> None:
    for name, one in _inputs(head, raw).items():
        path = ("inputs", name)
        if one.default is NO_DEFAULT and not only_called:
            said = f"nobody gives '{name}' to a run that an event starts"
            hint = "give it a default, or leave `trigger` out: then the playbook is only called"
            reader.problem("input-without-default", said, path, hint, at_key=True)
        if one.default not in (NO_DEFAULT, None) and not is_of(one.type, one.default):
            said = f"the default of '{name}' is {one.default!r}, and it takes {named(one.type)}"
            reader.problem("wrong-value", said, (*path, "default"), None)


def _condition_at(
    raw: Mapping[str, Any], path: tuple[str, str], conditions: Conditions
) -> Condition | None:
    """The condition that stands there; what is none has its problem already."""
    around = raw.get(path[0])
    text = around.get(path[1]) if isinstance(around, dict) else None
    try:
        return conditions.parse(text) if isinstance(text, str) else None
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
