"""One file on its way to a playbook: collects problems instead of stopping at the first."""

import difflib
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from engine.events.document import NAMES
from engine.marked_yaml.mark import MarkedYaml, Path
from engine.playbooks.complaints import complaints
from engine.playbooks.template import Templates, TemplateSyntaxError
from engine.problem import Problem, nearest
from engine.rules.condition import Condition
from engine.rules.conditions import Conditions

M = TypeVar("M", bound=BaseModel)

JINJA_GLOBALS: Final = frozenset({"range", "dict", "lipsum", "cycler", "joiner", "namespace"})
OF_AN_ITEM: Final = frozenset({"item", "index"})  # of a step with `foreach`, and of no other
HAS_ITEMS: Final = "the parameters of a step with `foreach` have it, and nothing else"
IN_STEPS: Final = frozenset({*NAMES, "secrets", *JINJA_GLOBALS})
IN_VARS: Final = IN_STEPS - {"secrets", "steps"}
IN_ANSWER: Final = IN_STEPS - {"secrets"}
IN_CALL: Final = IN_STEPS - {"secrets"}
IN_WHEN: Final = frozenset(NAMES)
IN_TRIGGER: Final = IN_WHEN - {"vars", "steps", "run", "inputs"}
# What nobody means by a name of a step's result; `status` is a name of both.
IN_NO_RESULT: Final = (IN_STEPS | OF_AN_ITEM) - JINJA_GLOBALS - {"status"}


class Reading:
    """What reading the file and reading its steps have in common."""

    def __init__(self, marked: MarkedYaml, templates: Templates, conditions: Conditions) -> None:
        self.marked = marked
        self._templates = templates
        self.conditions = conditions
        self.problems: list[Problem] = []

    def compile(self, value: Any, path: Path, names: frozenset[str]) -> Any:
        """Every text with a template in it becomes a Template."""
        if isinstance(value, dict):
            return {key: self.compile(item, (*path, key), names) for key, item in value.items()}
        if isinstance(value, list):
            return [self.compile(item, (*path, index), names) for index, item in enumerate(value)]
        if not isinstance(value, str) or not self._templates.is_template(value):
            return value
        try:
            template = self._templates.parse(value)
        except TemplateSyntaxError as error:
            where = self.marked.locate_in(path, error.offset)
            self.problems.append(Problem("template-syntax", error.message, where, error.hint))
            return value
        for name in sorted(template.names - names):
            where = self.marked.locate_in(path, self._templates.offset_of(name, value))
            hint = nearest(name, tuple(names - JINJA_GLOBALS))
            if name == "secrets" and path[0] not in ("vars", "answer"):
                hint = "the step that needs it names it; the called playbook's steps can, too"
            elif name in IN_STEPS:
                hint = f"steps can use '{name}', {path[0]} cannot"
            elif name in OF_AN_ITEM:
                hint = HAS_ITEMS
            elif f"-{name}" in value:
                hint = "a key with a dash is read as labels['k8s-app']"
            self.problems.append(
                Problem("unknown-name", f"there is nothing named '{name}' here", where, hint)
            )
        return template

    def check(
        self, model: type[M], value: dict[str, Any], path: Path, *, unwritten: int = 0
    ) -> M | None:
        """The model of a value. `unwritten`: so many first keys of it do not stand in the file."""
        try:
            return model.model_validate(value, context=self.conditions)
        except ValidationError as error:
            found = complaints(error, model, self.marked, lambda loc: (*path, *loc[unwritten:]))
            self.problems.extend(found)
            return None

    def check_names(self, condition: Condition, path: Path, names: frozenset[str]) -> None:
        """A name that is nowhere is null, and a condition on it is never what one meant."""
        for name, offset in condition.roots:
            if name in names:
                continue
            near = difflib.get_close_matches(name, names, n=1, cutoff=0.75)
            hint = f"did you mean '{near[0]}'?" if near else f"a text is quoted so: '{name}'"
            if condition.text[offset : offset + 1] == '"':
                hint = f"double quotes make it a name; a text is quoted so: '{name}'"
            if name in IN_STEPS:
                hint = (
                    "it is not known here yet" if name != "secrets" else "conditions see no secrets"
                )
            elif name in OF_AN_ITEM:
                hint = HAS_ITEMS
            self.problems.append(
                Problem(
                    "unknown-name",
                    f"there is nothing named '{name}' here",
                    self.marked.locate_in(path, offset),
                    hint,
                )
            )

    def check_result_names(self, condition: Condition, path: Path, key: str) -> None:
        """On the event's document it would be null, each time it is asked."""
        for name, offset in condition.roots:
            if name in IN_NO_RESULT:
                said = f"there is nothing named '{name}' here"
                hint = f"`{key}` sees the step's own result alone, such as body.state or stdout"
                where = self.marked.locate_in(path, offset)
                self.problems.append(Problem("unknown-name", said, where, hint))

    def problem(
        self, code: str, message: str, path: Path, hint: str | None, *, at_key: bool = False
    ) -> None:
        where = self.marked.locate_key(path) if at_key else self.marked.locate(path)
        self.problems.append(Problem(code, message, where, hint))
