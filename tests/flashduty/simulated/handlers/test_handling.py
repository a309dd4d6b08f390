"""Incidents are assigned, merged and removed by the vendor's rules."""

import pytest

from engine.flashduty.simulated.organization import ESCALATION_RULE
from tests.flashduty.simulated.handlers.calling import FIRST, NOW, SECOND, Calling

ME = 3790925372131
TOUTIE, ZHANGSAN, LISI = 1552048792504, 1234648032504, 1999632289504
UNKNOWN = "0" * 23 + "f"


def people(call: Calling, incident_id: str) -> list[int]:
    return [one["person_id"] for one in call.account.incident(incident_id)["responders"]]


def test_assigning_replaces_the_responders_and_is_in_the_timeline(call: Calling) -> None:
    call(
        "/incident/assign",
        incident_id=FIRST,
        assigned_to={"person_ids": [TOUTIE], "type": "assign"},
    )
    call("/incident/assign", incident_ids=[FIRST], assigned_to={"person_ids": [LISI]})
    assert people(call, FIRST) == [LISI]
    assert call.account.incident(FIRST)["assigned_to"]["assigned_at"] == NOW
    first, second = call.account.feed(FIRST)[1:]
    assert (first["type"], first["detail"]["type"], first["detail"]["to"]) == (
        *("i_assign", "assign", [TOUTIE]),
    )
    # "Left empty, the backend may label it `reassign`."
    assert second["detail"]["type"] == "reassign"


def test_an_escalation_rule_names_who_is_on_call(call: Calling) -> None:
    rule = {"escalate_rule_id": ESCALATION_RULE}
    call("/incident/assign", incident_id=FIRST, assigned_to=rule)
    assert people(call, FIRST) in ([ZHANGSAN], [LISI])
    call("/incident/assign", incident_id=FIRST, assigned_to={**rule, "layer_idx": 1})
    assert people(call, FIRST) == [TOUTIE]
    assert call.refused(
        "/incident/assign", incident_id=FIRST, assigned_to={**rule, "layer_idx": 2}
    ) == (*("InvalidParameter", "assigned_to.layer_idx 2 is no level of this rule."),)


def test_an_assignment_needs_an_incident_and_people(call: Calling) -> None:
    path, to = "/incident/assign", {"person_ids": [LISI]}
    assert call.refused(path, assigned_to=to)[1] == "incident_id or incident_ids is required."
    assert call.refused(path, incident_id=FIRST, assigned_to={})[1] == (
        "assigned_to must have person_ids or escalate_rule_id."
    )
    assert call.missing(path, incident_id=UNKNOWN, assigned_to=to) == f"incident_id {UNKNOWN}."
    assert call.missing(path, incident_id=FIRST, assigned_to={"person_ids": [7]}) == "person_id 7."
    rule = {"escalate_rule_id": UNKNOWN}
    assert call.missing(path, incident_id=FIRST, assigned_to=rule) == f"rule_id {UNKNOWN}."


def test_responders_are_added_to_the_ones_there_are(call: Calling) -> None:
    call("/incident/ack", incident_ids=[FIRST])
    call("/incident/responder/add", incident_id=FIRST, person_ids=[LISI, LISI])
    assert people(call, FIRST) == [ME, LISI]
    assert (call.newest(FIRST)["type"], call.newest(FIRST)["detail"]["to"]) == (
        *("i_a_rspd", [LISI, LISI]),
    )
    assert (
        call.missing("/incident/responder/add", incident_id=FIRST, person_ids=[7]) == "person_id 7."
    )


@pytest.mark.parametrize("removed", [True, False])
def test_merging_takes_the_alerts_and_ends_the_sources(call: Calling, *, removed: bool) -> None:
    call(
        "/incident/merge",
        source_incident_ids=[SECOND, FIRST],
        target_incident_id=FIRST,
        title="Both",
        comment="One cause.",
        remove_source_incidents=removed,
    )
    target = call.account.incident(FIRST)
    assert (target["title"], target["alert_cnt"], target["progress"]) == ("Both", 2, "Triggered")
    assert [one["alert_id"][-1] for one in call.account.alerts(FIRST)] == ["0", "1"]
    detail = call.newest(FIRST)["detail"]
    assert (call.newest(FIRST)["type"], detail["comment"]) == ("i_merge", "One cause.")
    assert [one["incident_id"] for one in detail["source_incidents"]] == [SECOND]
    if removed:
        assert call.missing("/incident/info", incident_id=SECOND) == f"incident_id {SECOND}."
    else:
        assert call.account.incident(SECOND)["progress"] == "Closed"
        assert call.account.alerts(SECOND) == []


def test_merging_into_or_from_what_is_not_there_changes_nothing(call: Calling) -> None:
    for source, target in ((UNKNOWN, FIRST), (FIRST, UNKNOWN)):
        merged = {"source_incident_ids": [SECOND, source], "target_incident_id": target}
        assert call.missing("/incident/merge", **merged) == f"incident_id {UNKNOWN}."
    assert call.kinds(SECOND) == ["i_new"]


def test_a_removed_incident_is_gone(call: Calling) -> None:
    call("/incident/disable-merge", incident_ids=[FIRST])
    assert (
        call.missing("/incident/remove", incident_ids=[FIRST, UNKNOWN]) == f"incident_id {UNKNOWN}."
    )
    call("/incident/remove", incident_ids=[FIRST])
    assert [one["incident_id"] for one in call.account.incidents()] == [SECOND]


def test_a_closed_incident_takes_no_responders(call: Calling) -> None:
    call("/incident/resolve", incident_ids=[FIRST])
    call("/incident/assign", incident_id=FIRST, assigned_to={"person_ids": [LISI]})
    call("/incident/responder/add", incident_id=FIRST, person_ids=[LISI])
    assert call.kinds(FIRST) == ["i_new", "i_rslv"]
