"""What the playbooks say of an event, as one engine would; and how a kept verdict came about."""

from dataclasses import replace

from engine.playbooks.playbook import Playbook
from engine.rehearsal.explained import (
    explain_all,
    explain_kept,
    explain_ruled_out,
    just_happened,
    nearest_to,
)
from engine.rules.condition import Answer, Verdict
from tests.runs.fakes import NOW, a_playbook, an_event

EVENT = an_event()


def playbook(trigger: str, name: str = "p") -> Playbook:
    return a_playbook(f"trigger: {trigger}\nsteps: [{{wait: 1s}}]", name)


def test_one_playbook_answers_a_call_and_the_others_say_which() -> None:
    call = replace(EVENT, source="label-mapping", own=False)
    text = "trigger: {answer: labels}\nsteps: [{wait: 1s}]\nanswer: {a: b}"
    both = [a_playbook(text, name) for name in ("p1", "p2")]

    first, second = explain_all(both, call, {}, NOW)

    assert first.verdict == Verdict(Answer.YES)
    assert second.verdict == Verdict(Answer.NO, "p1 answers this call")
    assert second.tree.deciding[0].reason == "p1 answers this call"


def test_a_file_is_taken_as_if_it_had_just_happened() -> None:
    young = playbook("{max_age: 1m}")
    assert explain_all([young], EVENT, {}, just_happened(EVENT))[0].verdict.yes
    assert just_happened(replace(EVENT, time=None)) == EVENT.received


def test_the_nearest_is_who_was_refused_last_and_never_one_that_is_only_called() -> None:
    playbooks = [
        playbook("{action: other}", "far"),
        playbook("{action: restart-host, when: labels.owner}", "near"),
        playbook("{action: restart-host, when: labels.owner}", "near-too"),
        replace(playbook("{when: severity}"), name="called"),
    ]
    playbooks[-1] = replace(playbooks[-1], trigger=replace(playbooks[-1].trigger, never=True))

    found = nearest_to(explain_all(playbooks, EVENT, {}, NOW))

    assert found is not None
    assert found.playbook.name == "near"
    assert nearest_to(explain_all(playbooks[-1:], EVENT, {}, NOW)) is None


def test_a_kept_verdict_is_explained_by_what_it_said() -> None:
    one = playbook("{when: config.on}")
    yes, not_again = Verdict(Answer.YES), Verdict(Answer.NO, "it was carried out before")

    assert explain_kept(yes, one, EVENT, {"on": False}) is None, "the config was another"
    tree = explain_kept(not_again, one, EVENT, {"on": True})
    assert tree is not None
    assert [part.reason for part in tree.deciding] == ["it was carried out before"]


def test_who_was_not_asked_says_now_why_it_would_have_said_no() -> None:
    one = playbook("{when: config.region == 'eu'}")

    tree = explain_ruled_out(one, EVENT, {"region": "us"}, NOW)
    assert (tree.answer, tree.reason) == (Answer.NO, 'config.region is "us"')
    tree = explain_ruled_out(one, EVENT, {"region": "eu"}, NOW)
    assert (tree.answer, tree.reason) == (
        Answer.NO,
        "the constants of config.yaml were others then",
    )
    aged = playbook("{max_age: 1m}")
    at = (EVENT.time or 0) / 1000 + 120
    assert explain_ruled_out(aged, EVENT, {}, at).reason == (
        "the event is 0:02:00 old (h:mm:ss), and `max_age` is 0:01:00"
    )
