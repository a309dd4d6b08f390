"""A constant that `vars` of config.yaml does not have.

A template that asks for it fails, and a condition compares null. Whether a constant is there may be
asked: `when: config.NAME` alone, `default(...)` and `is defined` are taken for what they say, and
so is a step whose own `when` asks first.

    wrong:  http: "{{ config.inventory }}/hosts"          # vars: { inventory_url: ... }
    right:  http: "{{ config.inventory_url }}/hosts"

Without a config.yaml nothing is known of constants, and nothing is reported.
"""

from collections.abc import Iterator
from typing import Final

from engine.lint.check import Around, Check, Finding
from engine.lint.mention import Path
from engine.lint.subject import Placed, PlacedCondition, Subject
from engine.problem import nearest


def _find(subject: Subject, around: Around) -> Iterator[Finding]:
    settings = around.settings
    if settings is None:
        return
    asked = _asked_first(subject)
    for placed, mention in subject.asking.get("config", ()):
        name = mention.path[1]
        if mention.defaulted or name in settings.vars or _may_be_missing(placed, name):
            continue
        step = () if placed.step is None else placed.step.path
        if (step, name) in asked and not isinstance(placed, PlacedCondition):
            continue
        hint = nearest(name, tuple(settings.vars)) or "add it to `vars` of config.yaml"
        where = subject.place_of(placed, mention)
        yield Finding(f"`vars` of config.yaml has no '{name}'", where, hint)


def _asked_first(subject: Subject) -> frozenset[tuple[Path, str]]:
    """The steps whose `when` asks for a constant, and which."""
    return frozenset(
        (placed.step.path, mention.path[1])  # type: ignore[misc]
        for placed, mention in subject.asking.get("config", ())
        if placed.step is not None and placed.path[-1] == "when"
    )


def _may_be_missing(placed: Placed, name: str) -> bool:
    """Whether a condition only asks if it is there."""
    if not isinstance(placed, PlacedCondition):
        return False
    asked = placed.asked
    sides = [side for one in asked.comparisons for side in (one.left, one.right)]
    sides += [one for _, given in asked.calls for one in given]
    return all(side.path is None or side.path[:2] != ("config", name) for side in sides)


CHECK: Final = Check("undeclared-config", "error", _find, __doc__)
