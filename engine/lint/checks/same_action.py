"""Two playbooks for one action, and nothing that tells them apart.

Every playbook that says yes starts a run of its own, so that one press does both. That may be what
is wanted; where it is not, give them actions of their own, or a `when` that only one of them
passes.
"""

from collections.abc import Iterator
from typing import Any, Final

from engine.lint.check import Around, Check, Finding
from engine.lint.subject import Subject


def _find(subject: Subject, around: Around) -> Iterator[Finding]:
    trigger = subject.part("trigger")
    action = trigger.get("action")
    others = around.actions.get(action, ()) if isinstance(action, str) else ()
    if all(other is not subject for other in others):
        return  # it does not load, and starts nothing
    for other in others:
        if other is subject:
            return  # it is told of once, at those that come after the first
        if _may_both(trigger, other.part("trigger")):
            where = subject.marked.locate(("trigger", "action"))
            said = f"a press of '{action}' starts {other.marked.file}, too"
            yield Finding(said, where, "a `when` in each can tell them apart")
            return


def _may_both(one: Any, other: Any) -> bool:
    events, more = one.get("events"), other.get("events")
    if isinstance(events, list) and isinstance(more, list) and not any(it in more for it in events):
        return False
    if (one.get("answer") is None) != (other.get("answer") is None):
        return False
    return one.get("when") is None or other.get("when") in (None, one["when"])


CHECK: Final = Check("same-action", "note", _find, __doc__)
