"""Members, persons and teams."""

from collections.abc import Mapping
from typing import Any, Final

from engine.flashduty.simulated.account import SimulatedAccount
from engine.flashduty.simulated.handlers.paging import Call, Handler, in_order, page
from engine.flashduty.simulated.refusal import RefusalError

_PERSON: Final = (  # what PersonItem has of MemberItem
    *("account_id", "avatar", "locale", "time_zone", "email", "phone", "status"),
    *("phone_verified", "email_verified"),
)
_TEAM_NAMES: Final = ("team_id", "team_name", "ref_id")


def member_info(account: SimulatedAccount, _call: Call) -> dict[str, Any]:
    own = next((one for one in account.members() if one["member_id"] == account.own_member_id), {})
    return {**own, "account_id": account.account_id, "account_name": account.account_name}


def member_list(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    wanted = call.get("query", "").lower()
    found = [
        one
        for one in account.members()
        if wanted in one["member_name"].lower() or wanted in one["email"].lower()
        if call.get("role_id") is None or call["role_id"] in one["account_role_ids"]
    ]
    return _numbered(found, call, call.get("orderby") or "created_at", "member_id")


def person_infos(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    return {
        "items": [
            {
                **{name: one[name] for name in _PERSON},
                "person_id": one["member_id"],
                "person_name": one["member_name"],
                "as": "member",
            }
            for one in account.members()
            if one["member_id"] in call["person_ids"]
        ]
    }


def team_list(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    wanted = call.get("query", "").lower()
    person_id = call.get("person_id")
    found = [
        one
        for one in account.teams.all()
        if wanted in one["team_name"].lower() and (not person_id or person_id in one["person_ids"])
    ]
    return _numbered(found, call, call.get("orderby") or "created_at", "team_id")


def team_info(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    asked = {name: call[name] for name in _TEAM_NAMES if call.get(name)}
    if not asked:
        raise RefusalError.parameter("at least one of team_id, team_name, ref_id is required.")
    for team in account.teams.all():
        if all(team[name] == value for name, value in asked.items()):
            return team
    raise RefusalError.not_found(", ".join(f"{name} {value}" for name, value in asked.items()))


def team_infos(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    brief = ("team_id", "team_name", "person_ids")
    found = account.teams.some(call["team_ids"])
    return {"items": [{name: one[name] for name in brief} for one in found]}


def _numbered(items: list[dict[str, Any]], call: Call, by: str, id_name: str) -> dict[str, Any]:
    """Give a page that says its own number, as lists of members and teams do."""
    found = page(in_order(items, call, by, id_name), call)
    paging = {"p": call.get("p", 1), "limit": call.get("limit", 20)}
    return {**paging, "total": len(items), "items": found["items"]}


HANDLERS: Final[Mapping[str, Handler]] = {
    "/member/info": member_info,
    "/member/list": member_list,
    "/person/infos": person_infos,
    "/team/list": team_list,
    "/team/info": team_info,
    "/team/infos": team_infos,
}
