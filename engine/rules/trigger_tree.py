"""Why a trigger took an event or did not, as one tree: each of its keys, and its condition."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from difflib import SequenceMatcher
from typing import Any, Final

from engine.rules.condition import Answer, Verdict
from engine.rules.explain import Explanation, explain
from engine.rules.match import Trigger

_WHEN: Final = "when"


def explain_trigger(trigger: Trigger, document: Mapping[str, Any], now: float) -> Explanation:
    """The tree of a trigger over an event's document; `now` as for its verdict.

    It has what the trigger says, asked or not after the first no, and what it leaves out where
    that speaks against the event.
    """
    parts = list(_checks(trigger, document["event"], now))
    if trigger.when is not None:
        parts.append(replace(explain(trigger.when, document), key=_WHEN))
    verdict = trigger.judge(document, now)
    tree = Explanation("trigger", verdict.answer, parts=tuple(parts), joined_by="&&")
    return ruled(tree, verdict)


def ruled(tree: Explanation, verdict: Verdict) -> Explanation:
    """The tree with a verdict that comes from more than its parts where it has none of them."""
    parts = tree.parts
    if not verdict.yes and not any(_says(part, verdict) for part in parts):
        parts = (Explanation("trigger", verdict.answer, reason=verdict.reason), *parts)
    return replace(tree, answer=verdict.answer, reason=verdict.reason, parts=parts)


def nearness(tree: Explanation) -> tuple[bool, float, float]:
    """How near a trigger that did not take an event came to it; the greater, the nearer.

    Nearest is one whose condition was asked and said no, then one for a button of nearly the name.
    """
    (deciding,) = tree.deciding or (tree,)
    passed = sum(part.answer is Answer.YES for part in tree.parts)
    if deciding.key == _WHEN:
        leaves = list(_leaves(deciding))
        return True, passed, sum(leaf.answer is Answer.YES for leaf in leaves) / len(leaves)
    if deciding.key == "action":
        wanted = deciding.text.removeprefix("action: ")
        return False, SequenceMatcher(None, wanted, deciding.value or "").ratio(), passed
    return False, -1.0, passed


def _checks(trigger: Trigger, event: Mapping[str, Any], now: float) -> Iterator[Explanation]:
    """In the order in which the trigger asks."""
    stale = None if trigger.stale is None else "run" if trigger.stale else "skip"
    age = None if event["time"] is None else _spelled(now - event["time"] / 1000)
    longest = None if trigger.max_age is None else _spelled(trigger.max_age)
    for key, wanted, found, against in (
        ("events", ", ".join(trigger.events), event["type"], trigger.against_type(event)),
        ("action", trigger.action, event["action"], trigger.against_action(event)),
        (
            "answer",
            "labels" if trigger.answers else None,
            event["source"],
            trigger.against_call(event),
        ),
        ("own", "true" if trigger.own else None, event["own"], trigger.against_own(event)),
        (
            "reconcile",
            "true" if trigger.reconcile else None,
            event["source"],
            trigger.against_missed(event),
        ),
        ("stale", stale, event["stale"], trigger.against_stale(event)),
        ("max_age", longest, age, trigger.against_age(event, now)),
    ):
        if not wanted and against is None:
            continue
        verdict = against or Verdict(Answer.YES)
        text = f"{key}: {wanted}" if wanted else f"no `{key}`"
        yield Explanation(text, verdict.answer, found, verdict.reason, key=key)


def _spelled(seconds: float) -> str:
    """As verdicts spell it: h:mm:ss."""
    return str(timedelta(seconds=round(seconds)))


def _says(part: Explanation, verdict: Verdict) -> bool:
    """Whether it is this part that the verdict comes from."""
    return part.answer is verdict.answer and (part.key == _WHEN or part.reason == verdict.reason)


def _leaves(tree: Explanation) -> Iterator[Explanation]:
    if tree.joined_by is None or not tree.parts:
        yield tree
    for part in tree.parts if tree.joined_by is not None else ():
        yield from _leaves(part)
