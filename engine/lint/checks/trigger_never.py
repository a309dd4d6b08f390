"""A trigger that no event can pass.

Only a press of a button has an action (and a call for labels, for playbooks that answer): its type
is `i_custom`. Webhooks have none.

    wrong:  trigger: { events: [i_new], action: restart-host }
    right:  trigger: { events: [i_custom], action: restart-host }
    right:  trigger: { events: [i_new] }

With `answer: labels` the one type is `label_mapping`, and without it that type never comes.
"""

from collections.abc import Iterator
from typing import Final

from engine.lint.check import Around, Check, Finding
from engine.lint.fields import CALL, EVENT_TYPES, PRESS
from engine.lint.subject import Subject


def _find(subject: Subject, _: Around) -> Iterator[Finding]:
    trigger = subject.part("trigger")
    events = trigger.get("events")
    if not isinstance(events, list) or not events or not all(it in EVENT_TYPES for it in events):
        return
    where = subject.marked.locate(("trigger", "events"))
    if trigger.get("answer") is not None:
        if CALL not in events:
            said = f"a call for labels is of type {CALL}, which is not among these events"
            yield Finding(said, where, "leave `events` out: `answer` says enough")
    elif set(events) == {CALL}:
        hint = "add `answer: labels` to the trigger, and an `answer`"
        yield Finding("only playbooks that answer take calls for labels", where, hint)
    elif trigger.get("action") is not None and PRESS not in events:
        said = f"only {PRESS} has an action, and it is not among these events"
        yield Finding(said, where, "leave `action` out, or `events`")


CHECK: Final = Check("trigger-never", "error", _find, __doc__)
