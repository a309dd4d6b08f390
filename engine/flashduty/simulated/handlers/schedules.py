"""Schedules: who is on call, and when.

The account keeps of each schedule its `schedule_id`, `schedule_name`, `team_id`, `description`, the
`groups` of person ids that take turns, the seconds of a `shift`, and `since` when they do.
"""

from collections.abc import Mapping
from typing import Any, Final

from engine.flashduty.simulated.account import SimulatedAccount
from engine.flashduty.simulated.handlers.paging import DAY, Call, Handler, page, window

_LONGEST: Final = 45 * DAY
_LONGEST_OWN: Final = 30 * DAY
_ROLE: Final = 1


def list_(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    start, end = call.get("start"), call.get("end")
    if start and end:
        window(call, start="start", end="end", longest=_LONGEST)
    wanted = call.get("query", "").lower()
    found = [
        schedule_item(account, one, start or 0, end or 0)
        for one in account.schedules.all()
        if wanted in one["schedule_name"].lower()
        and (not call.get("team_ids") or one["team_id"] in call["team_ids"])
        # The key's member is in no team.
        and not call.get("is_my_team")
        and not call.get("is_my_manage")
    ]
    shown = page(found, call, size=10)
    return {"items": shown["items"], "total": shown["total"]}


def info(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    start, end = window(call, start="start", end="end", longest=_LONGEST)
    return schedule_item(account, account.schedules.find(call["schedule_id"]), start, end)


def infos(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    found = account.schedules.some(call["schedule_ids"])
    return {"items": [schedule_item(account, one, 0, 0) for one in found]}


def self_(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    start, end = call.get("start", 0), call.get("end", 0)
    if start and end:
        window(call, start="start", end="end", longest=_LONGEST_OWN)
    mine = [
        one
        for one in account.schedules.all()
        if any(account.own_member_id in group for group in one["groups"])
    ]
    return {"items": [schedule_item(account, one, start, end) for one in mine]}


def preview(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    # What layers in the making come to is not computed: the answer has no shifts.
    start, end = window(call, start="start", end="end", longest=_LONGEST)
    unsaved = {
        "schedule_id": call.get("schedule_id", 0),
        "schedule_name": None,
        "team_id": None,
        "description": None,
        "groups": [],
        "shift": DAY,
        "since": start,
    }
    nothing = dict.fromkeys(("id", "name", "group_id", "disabled", "status"))
    return {**schedule_item(account, unsaved, start, end), **nothing}


def on_call(account: SimulatedAccount, schedule_id: int) -> list[int]:
    """Give the people who are on call now. Raises RefusalError for an unknown schedule."""
    shift = _shift_at(account.schedules.find(schedule_id), int(account.clock()))
    return list(shift["group"]["members"][0]["person_ids"]) if shift else []


def schedule_item(
    account: SimulatedAccount, schedule: Mapping[str, Any], start: int, end: int
) -> dict[str, Any]:
    """Make the API's ScheduleItem, with the shifts between `start` and `end`."""
    now = int(account.clock())
    current = _shift_at(schedule, now)
    following = _shift_at(schedule, current["end"]) if current else None
    shifts = []
    at = start
    while at < end and (shift := _shift_at(schedule, at)):
        shifts.append(shift)
        at = shift["end"]
    rotation = {"layer_name": "Rotation", "name": "rotation", "mode": 0, "schedules": shifts}
    since = schedule["since"]
    return {
        "id": schedule["schedule_id"],
        "name": schedule["schedule_name"],
        "group_id": schedule["team_id"],
        "disabled": 0,
        "status": 0,
        "account_id": account.account_id,
        **dict.fromkeys(("create_at", "update_at"), since),
        **dict.fromkeys(("create_by", "update_by"), 0),
        "layers": [],
        "schedule_layers": [rotation],
        "layer_schedules": [rotation],
        "final_schedule": rotation,
        "start": start,
        "end": end,
        "notify": {
            "fixed_time": {"cycle": "", "start": ""},
            "by": {"follow_preference": True, "personal_channels": []},
            "webhooks": [],
        },
        **{
            name: schedule[name]
            for name in ("schedule_id", "schedule_name", "team_id", "description")
        },
        "cur_oncall": {**current, "update_at": since, "weight": 0} if current else None,
        "next_oncall": {**following, "update_at": since, "weight": 0} if following else None,
    }


def _shift_at(schedule: Mapping[str, Any], at: int) -> dict[str, Any] | None:
    groups, shift, since = (schedule[name] for name in ("groups", "shift", "since"))
    if not groups or at < since:
        return None
    turn = (at - since) // shift
    start, place = since + turn * shift, turn % len(groups)
    name = f"Group {place + 1}"
    members = [{"role_id": _ROLE, "person_ids": list(groups[place])}]
    group = {"group_name": name, "name": name, "members": members}
    times = {"start": start, "end": start + shift}
    return {**times, "group": {**group, **times}, "index": place}


HANDLERS: Final[Mapping[str, Handler]] = {
    "/schedule/list": list_,
    "/schedule/info": info,
    "/schedule/infos": infos,
    "/schedule/self": self_,
    "/schedule/preview": preview,
}
