"""What a rehearsal supposes where a playbook depends on results that are not known yet."""

from collections.abc import Callable
from dataclasses import replace

from engine.playbooks.deferred import Unknown
from engine.playbooks.playbook import NO_EXAMPLE, Step
from engine.rules.undecided import CannotTellError, UndecidedError
from engine.runs.flow import Flow
from engine.runs.move import Document


def undecided_when(step: Step, document: Document) -> str | None:
    """Why a step's `when` cannot be told yet, where that is for want of an earlier result."""
    if step.when is None:
        return None
    try:
        step.when.holds(document)
    except UndecidedError as error:
        return f"if {step.when.text} ({error})"
    except CannotTellError:
        return None
    return None


def unknown_items(step: Step, document: Document) -> str | None:
    """Why the items of a step's `foreach` are not known yet."""
    if step.foreach is None:
        return None
    try:
        items = step.foreach.items.value(document)
    except UndecidedError as error:
        return f"for each of {step.foreach.items.text} ({error})"
    except CannotTellError:
        return None
    if isinstance(items, Unknown):
        return f"for each of {items}"
    return None


def supposing_yes(flow: Flow, step: Step) -> Flow:
    """The flow as if the step's `when` were true."""
    return _with(flow, step.path, lambda one: replace(one, when=None))


def supposing_one_item(flow: Flow, step: Step) -> tuple[Flow, Step, Document]:
    """The flow as if the step were performed once, the step, and the item that nobody knows.

    What comes of it is unknown as a whole: nobody knows how many items there are.
    """
    once = replace(step, foreach=None, example=NO_EXAMPLE)
    item = {"item": Unknown("item"), "index": Unknown("index")}
    return _with(flow, step.path, lambda _: once), once, item


def _with(flow: Flow, path: str, change: Callable[[Step], Step]) -> Flow:
    def changed(step: Step) -> Step:
        if step.path == path:
            return change(step)
        return replace(
            step,
            branches=tuple(tuple(map(changed, branch)) for branch in step.branches),
            called=None if step.called is None else step.called.with_steps(changed),
        )

    return replace(flow, playbook=flow.playbook.with_steps(changed))
