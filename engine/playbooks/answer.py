"""A playbook's answer to a call for labels: what may stand there, and what becomes of it."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from engine.marked_yaml.mark import MarkedYaml
from engine.playbooks.deferred import Deferred
from engine.playbooks.template import LocatedRenderError, RenderError, render
from engine.problem import Problem


def _label(value: object) -> object:
    kind = _no_text(value)
    if kind is not None:
        said = "the value of a label is a text, not {kind}"
        raise PydanticCustomError("answer-value", said, {"kind": kind})
    return value


Label = Annotated[
    Any,
    BeforeValidator(_label),
    WithJsonSchema({"type": ["string", "number", "boolean", "null"]}),
]
Labels = dict[Annotated[str, Field(min_length=1)], Label]


def half_an_answer(marked: MarkedYaml) -> Problem | None:
    """A playbook that is asked has to have an answer, and one that has an answer to be asked."""
    trigger = marked.value.get("trigger")
    asked = isinstance(trigger, dict) and trigger.get("answer") is not None
    answers = marked.value.get("answer") is not None
    if answers and not asked:
        return Problem(
            "answer-to-nobody",
            "nobody waits for this answer",
            marked.locate_key(("answer",)),
            "add `answer: labels` to the trigger",
        )
    if asked and not answers:
        return Problem(
            "no-answer",
            "the playbook is to answer, and has no `answer`",
            marked.locate_key(("trigger", "answer")),
            "add one beside `steps`, such as `answer: {owner: team-a}`",
        )
    if asked and marked.value.get("guard") is not None:
        return Problem(
            "guarded-answer",
            "a playbook that answers calls cannot have a guard",
            marked.locate_key(("guard",)),
            "whoever calls waits for it, and it may not wait in a lane; remove the guard",
        )
    return None


def rendered_answer(
    answer: Mapping[str, Any], document: Mapping[str, Any]
) -> tuple[dict[str, Any], str | None]:
    """The labels as texts, without those that are null; and why there are none.

    In a rehearsal a value may be one that is not known yet.
    """
    try:
        rendered = render(dict(answer), document)
    except RenderError as error:
        at = error.at if isinstance(error, LocatedRenderError) else ()
        return {}, f"{'.'.join(str(part) for part in at)}: {error}"
    labels = {name: _as_text(value) for name, value in rendered.items() if value is not None}
    for name, value in labels.items():
        kind = _no_text(value)
        if kind is not None:
            return {}, f"{name}: the value of a label is a text, not {kind}"
    return labels, None


def _no_text(value: object) -> str | None:
    if isinstance(value, list):
        return "a list"
    return "a mapping" if isinstance(value, dict) else None


def _as_text(value: Any) -> Any:
    """A number and a truth value are meant as the text they show."""
    if isinstance(value, Deferred | list | dict):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)
