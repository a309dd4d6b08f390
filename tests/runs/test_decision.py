"""An order settles the kind of question it answers, and no other."""

import pytest

from engine.runs.control import Order, Verb
from engine.runs.decision import decision
from engine.runs.run import Asking, Outcome

ANSWERS = {
    (Asking.APPROVAL, Verb.APPROVE): (Outcome.SUCCEEDED, None, False),
    (Asking.APPROVAL, Verb.REJECT): (Outcome.FAILED, "rejected by ops", False),
    (Asking.ATTENTION, Verb.RETRY): (Outcome.UNKNOWN, "ops had it performed again", True),
    (Asking.ATTENTION, Verb.SKIP): (Outcome.SKIPPED, "skipped by ops", False),
    (Asking.ATTENTION, Verb.FAIL): (Outcome.UNKNOWN, "ops took it for failed", False),
}


@pytest.mark.parametrize("kind", Asking)
@pytest.mark.parametrize("verb", Verb)
def test_each_order_answers_the_questions_it_is_meant_for(kind: Asking, verb: Verb) -> None:
    settled = decision(Order(1, "R1", verb, "ops", 5.0), "steps/0", 2, kind, 7.0)

    if (kind, verb) not in ANSWERS:
        assert settled is None
        return
    assert settled is not None
    assert (settled.path, settled.attempt, settled.at, settled.by) == ("steps/0", 2, 7.0, "ops")
    assert (settled.outcome, settled.error, settled.again) == ANSWERS[kind, verb]
