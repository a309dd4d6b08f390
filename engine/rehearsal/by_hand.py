"""The command a person could copy to do by hand what a step would do."""

from collections.abc import Iterable

import orjson

from engine.events.event import Event
from engine.playbooks.step_type import Plan


def typed(plan: Plan, secrets: Iterable[str], event: Event) -> str | None:
    """For a POSIX shell that has the secrets in its environment; None where there is nothing."""
    if plan.command is None:
        return None
    return plan.command.typed(_expandable(frozenset(secrets), event))


def _expandable(secrets: frozenset[str], event: Event) -> frozenset[str]:
    """Those whose `$NAME` can only be the playbook's.

    An alert's label may say `$LB_TOKEN`, or a part that templates put together to it: whoever
    copies the command must not send the secret for it.
    """
    said = orjson.dumps(event.payload).decode()
    if '$"' in said or "$\\" in said:  # at the end of a text, or before what JSON escapes
        return frozenset()
    return frozenset(name for name in secrets if f"${name[0]}" not in said)
