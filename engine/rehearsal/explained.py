"""What the playbooks say of an event, each with the tree that shows why. Nothing comes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.events.document import document_of
from engine.events.event import LABEL_MAPPING, Event
from engine.playbooks.playbook import Playbook
from engine.rules.condition import Answer, Verdict
from engine.rules.explain import Explanation
from engine.rules.match import one_answers
from engine.rules.trigger_tree import explain_trigger, nearness, ruled


@dataclass(frozen=True, slots=True)
class Explained:
    """One playbook's verdict on an event, and how it came to it."""

    playbook: Playbook
    tree: Explanation

    @property
    def verdict(self) -> Verdict:
        """The same in short."""
        return Verdict(self.tree.answer, self.tree.reason)


def explain_all(
    playbooks: Sequence[Playbook], event: Event, config: Mapping[str, Any], at: float
) -> list[Explained]:
    """What each playbook says of it at this moment. A call for labels has one answer."""
    document = document_of(event, config)
    trees = [explain_trigger(playbook.trigger, document, at) for playbook in playbooks]
    explained = [Explained(one, tree) for one, tree in zip(playbooks, trees, strict=True)]
    if event.source != LABEL_MAPPING:
        return explained
    verdicts = one_answers([(one.playbook.name, one.verdict) for one in explained])
    return [
        Explained(one.playbook, ruled(one.tree, verdict))
        for one, verdict in zip(explained, verdicts, strict=True)
    ]


def explain_kept(
    verdict: Verdict, playbook: Playbook, event: Event, config: Mapping[str, Any]
) -> Explanation | None:
    """How a playbook came to the verdict that was kept; None where that is not known any more."""
    tree = explain_trigger(playbook.trigger, document_of(event, config), event.received)
    if verdict.yes and tree.answer is not verdict.answer:
        return None  # the constants of the config were others
    return ruled(tree, verdict)


def explain_ruled_out(
    playbook: Playbook, event: Event, config: Mapping[str, Any], at: float
) -> Explanation:
    """Why a playbook, which was not asked when the event was judged, would have said no."""
    tree = explain_trigger(playbook.trigger, document_of(event, config), at)
    if tree.answer is Answer.NO:
        return tree
    return ruled(tree, Verdict(Answer.NO, "the constants of config.yaml were others then"))


def just_happened(event: Event) -> float:
    """When it happened: a rehearsal is about what playbooks do, not about the age of a file."""
    return event.received if event.time is None else event.time / 1000


def nearest_to(explained: Sequence[Explained]) -> Explained | None:
    """The one that came nearest to taking an event that none takes; the first of those."""
    asked = [one for one in explained if not one.playbook.trigger.never]
    return max(asked, key=lambda one: nearness(one.tree), default=None)
