"""Teams, channels, schedules, templates, integrations and the audit log can be asked about."""

from itertools import pairwise
from typing import Any

import pytest

from engine.flashduty.simulated.organization import (
    CHANNEL,
    ESCALATION_RULE,
    MESSENGER,
    PRESET_TEMPLATE,
    SCHEDULE,
    TEAM,
    TEMPLATE,
)
from engine.flashduty.simulated.webhooks import Webhook
from tests.flashduty.simulated.handlers.calling import FIRST, NOW, Calling

ZHANGSAN, LISI = 1234648032504, 1999632289504
WEEK = 7 * 86400
UNKNOWN = "0" * 23 + "f"


# Schedules ----------------------------------------------------------------------------------


def on_call(item: dict[str, Any], when: str = "cur_oncall") -> list[int]:
    ids: list[int] = item[when]["group"]["members"][0]["person_ids"]
    return ids


def test_who_is_on_call_changes_with_the_shift(call: Calling) -> None:
    asked = {"schedule_id": SCHEDULE, "start": NOW, "end": NOW + 3600}
    first = call("/schedule/info", **asked)
    assert first["cur_oncall"]["start"] <= NOW < first["cur_oncall"]["end"]
    assert {*on_call(first), *on_call(first, "next_oncall")} == {ZHANGSAN, LISI}
    call.clock.now += WEEK
    assert on_call(call("/schedule/info", **asked)) == on_call(first, "next_oncall")


def test_the_shifts_of_a_window_follow_each_other_and_cover_it(call: Calling) -> None:
    item = call("/schedule/info", schedule_id=SCHEDULE, start=NOW, end=NOW + 3 * WEEK)
    shifts = item["final_schedule"]["schedules"]
    assert shifts[0]["start"] <= NOW
    assert shifts[-1]["end"] >= NOW + 3 * WEEK
    assert all(one["end"] == after["start"] for one, after in pairwise(shifts))


@pytest.mark.parametrize(
    ("path", "days"), [("/schedule/info", 45), ("/schedule/preview", 45), ("/schedule/self", 30)]
)
def test_a_window_of_a_schedule_is_bounded(call: Calling, path: str, days: int) -> None:
    asked = {"schedule_id": SCHEDULE, "start": NOW, "end": NOW + days * 86400 + 1}
    assert call.refused(path, **asked)[1] == f"end must be at most {days} days after start."
    assert call.refused(path, **{**asked, "end": NOW})[1] == "end must be greater than start."


def test_schedules_are_listed_and_missed(call: Calling) -> None:
    (listed,) = call("/schedule/list", query="PRODUCTION")["items"]
    assert listed["schedule_id"] == SCHEDULE
    assert call("/schedule/list", query="other")["total"] == 0
    assert call("/schedule/list", team_ids=[1])["items"] == []
    assert len(call("/schedule/infos", schedule_ids=[SCHEDULE, 1])["items"]) == 1
    assert call("/schedule/self")["items"] == []
    assert call.missing("/schedule/info", schedule_id=1, start=1, end=2) == "schedule_id 1."
    assert call("/schedule/preview", start=NOW, end=NOW + 60)["cur_oncall"] is None


def test_who_is_on_call_is_in_the_schedules_of_their_own(call: Calling) -> None:
    call.account.schedules.put(
        {
            **call.account.schedules.find(SCHEDULE),
            "schedule_id": 1,
            "groups": [[call.account.own_member_id]],
        }
    )
    mine = call("/schedule/self", start=NOW, end=NOW + 60)["items"]
    assert [one["schedule_id"] for one in mine] == [1]


# Teams and channels -------------------------------------------------------------------------


def test_a_team_is_found_by_any_of_its_names(call: Calling) -> None:
    for asked in ({"team_id": TEAM}, {"team_name": "SRE"}, {"ref_id": "sre"}):
        assert call("/team/info", **asked)["team_id"] == TEAM
    assert call.missing("/team/info", team_name="Ops") == "team_name Ops."
    assert (
        call.refused("/team/info")[1] == "at least one of team_id, team_name, ref_id is required."
    )
    assert call("/team/infos", team_ids=[TEAM, 1])["items"] == [
        {"team_id": TEAM, "team_name": "SRE", "person_ids": [1552048792504, ZHANGSAN, LISI]}
    ]
    assert call("/team/list", person_id=LISI, query="sr")["total"] == 1
    assert call("/team/list", person_id=7)["items"] == []


def test_a_channel_is_found(call: Calling) -> None:
    assert call("/channel/info", channel_id=CHANNEL)["team_id"] == TEAM
    assert call.missing("/channel/info", channel_id=1) == "channel_id 1."
    short = [{"channel_id": CHANNEL, "channel_name": "lim_test", "status": "enabled"}]
    assert call("/channel/infos", channel_ids=[CHANNEL, 1])["items"] == short
    brief = call("/channel/list", is_brief=True, query="production")["items"]
    assert brief == [{**short[0], "description": "Production services"}]
    for nothing in ({"channel_name": "lim"}, {"team_ids": [1]}, {"is_my_team": True}):
        assert call("/channel/list", **nothing)["items"] == []
    assert call("/channel/list", channel_name="lim_test", query="nothing")["total"] == 1
    both = call.refused("/channel/list", is_my_team=True, is_my_starred=True)
    assert both[1] == "is_my_starred and is_my_team exclude each other."


def test_the_incidents_of_a_team_are_those_of_its_channels(call: Calling) -> None:
    window = {"start_time": NOW - 3600, "end_time": NOW}
    assert call("/incident/list", **window, team_ids=[TEAM])["total"] == 2
    assert call("/incident/list", **window, team_ids=[1])["total"] == 0


def test_escalation_rules_belong_to_a_channel(call: Calling) -> None:
    (rule,) = call("/channel/escalate/rule/list", channel_id=CHANNEL)["items"]
    asked = {"channel_id": CHANNEL, "rule_id": ESCALATION_RULE}
    assert call("/channel/escalate/rule/info", **asked) == rule
    assert call.missing("/channel/escalate/rule/list", channel_id=1) == "channel_id 1."
    elsewhere = call.missing("/channel/escalate/rule/info", **{**asked, "channel_id": 1})
    assert elsewhere == f"rule_id {ESCALATION_RULE} of this channel."


# Templates, integrations, the audit log -----------------------------------------------------


def test_templates_are_read(call: Calling) -> None:
    listed = call("/template/list", query="prod")["items"]
    assert [one["template_id"] for one in listed] == [TEMPLATE]
    assert call("/template/info", template_id=PRESET_TEMPLATE)["template_name"] == "Preset"
    assert call.missing("/template/info", template_id=UNKNOWN) == f"template_id {UNKNOWN}."


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("{{.Title}} is {{ .IncidentSeverity }}", ("incident 0 is Critical", True, "")),
        ("{{.Colour}}", ("", False, "can't evaluate field Colour")),
    ],
)
def test_a_template_is_previewed(
    call: Calling, content: str, expected: tuple[str, bool, str]
) -> None:
    found = call("/template/preview", content=content, type="email", incident_id=FIRST)
    assert (found["content"], found["success"], found["message"]) == expected


def test_without_an_incident_a_preview_is_of_an_invented_one(call: Calling) -> None:
    found = call("/template/preview", content="{{.Title}}", type="email")
    assert found["content"] == "Mock incident"


def test_integrations_are_a_bare_list(call: Calling) -> None:
    call.account.add_webhook(Webhook("action", "http://e/", "Restart", 77))
    webhooks = call("/datasource/list", category="webhook")
    assert [(one["integration_id"], one["name"]) for one in webhooks] == [(77, "Restart")]
    assert [one["integration_id"] for one in call("/datasource/list", category="im")] == [MESSENGER]
    alerts = call("/datasource/list", category="event.alert")
    assert [one["integration_key"] for one in alerts] == ["sample-alert-integration"]
    assert call("/datasource/list", name="nothing") == []
