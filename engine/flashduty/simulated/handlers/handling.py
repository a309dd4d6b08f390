"""Incidents: what responders do with them."""

from collections.abc import Awaitable, Mapping
from typing import Any, Final

from engine.flashduty.simulated.account import SimulatedAccount
from engine.flashduty.simulated.delivery import press
from engine.flashduty.simulated.handlers.paging import Call, Handler
from engine.flashduty.simulated.handlers.schedules import on_call
from engine.flashduty.simulated.refusal import RefusalError


def create(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    assigned_to = call.get("assigned_to")
    if assigned_to is not None:
        _people_of(account, assigned_to)
    if call.get("channel_id"):
        account.channels.find(call["channel_id"])
    return {"incident_id": account.create_incident(call), "title": call.get("title", "")}


def ack(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    account.acknowledge(call["incident_ids"])
    return {}


def unack(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    account.unacknowledge(call["incident_ids"])
    return {}


def resolve(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    texts = {name: call.get(name, "") for name in ("root_cause", "resolution")}
    account.resolve(call["incident_ids"], **texts)
    return {}


def reopen(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    account.reopen(call["incident_ids"], call.get("reason", ""))
    return {}


def snooze(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    account.snooze(call["incident_ids"], call["minutes"])
    return {}


def wake(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    account.wake(call["incident_ids"])
    return {}


def assign(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    ids = call.get("incident_ids") or [call.get("incident_id", "")]
    if ids == [""]:
        raise RefusalError.parameter("incident_id or incident_ids is required.")
    people = _people_of(account, call["assigned_to"])
    # "Left empty, the backend may label it `reassign`" (reference 2.5).
    assigned_to = {"type": "reassign", "layer_idx": 0, **call["assigned_to"]}
    for incident in account.cases.incidents(ids):
        incident.assign(account.actor, assigned_to, people)
    return {}


def responder_add(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    incident = account.cases.incident(call["incident_id"])
    _check_people(account, call["person_ids"])
    incident.add_responders(account.actor, call["person_ids"])
    return {}


def merge(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    target = account.cases.incident(call["target_incident_id"])
    sources = [
        one for one in account.cases.incidents(call["source_incident_ids"]) if one is not target
    ]
    target.absorb(account.actor, sources, call)
    if call.get("remove_source_incidents"):
        for source in sources:
            account.cases.remove(source.incident_id)
    return {}


def disable_merge(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    account.cases.incidents(call["incident_ids"])  # nothing that can be read shows it
    return {}


def remove(account: SimulatedAccount, call: Call) -> dict[str, Any]:
    for incident in account.cases.incidents(call["incident_ids"]):
        account.cases.remove(incident.incident_id)
    return {}


def custom_action_do(account: SimulatedAccount, call: Call) -> Awaitable[dict[str, Any]]:
    # Who acts is known now, and no longer when it is awaited.
    return _press(account, call, account.actor)


async def _press(account: SimulatedAccount, call: Call, person_id: int) -> dict[str, Any]:
    # A push that failed is HTTP 200 all the same (trap 22).
    message = await press(account, call["incident_id"], call["integration_id"], person_id=person_id)
    return {"message": message} if message else {}


def _people_of(account: SimulatedAccount, assigned_to: Mapping[str, Any]) -> list[int]:
    """Give whom an assignment is for: people, or those of a level of an escalation rule."""
    if "person_ids" in assigned_to:
        _check_people(account, assigned_to["person_ids"])
        return list(assigned_to["person_ids"])
    if "escalate_rule_id" not in assigned_to:
        raise RefusalError.parameter("assigned_to must have person_ids or escalate_rule_id.")
    rule = account.escalation_rules.find(assigned_to["escalate_rule_id"])
    place = assigned_to.get("layer_idx", 0)
    if not 0 <= place < len(rule["layers"]):
        raise RefusalError.parameter(f"assigned_to.layer_idx {place} is no level of this rule.")
    target = rule["layers"][place]["target"]
    people = list(target.get("person_ids", []))
    for team in account.teams.some(target.get("team_ids", [])):
        people += team["person_ids"]
    for schedule_id in target.get("schedule_to_role_ids", {}):
        people += on_call(account, int(schedule_id))
    return list(dict.fromkeys(people))


def _check_people(account: SimulatedAccount, person_ids: list[int]) -> None:
    known = {one["member_id"] for one in account.members()}
    for person_id in person_ids:
        if person_id not in known:
            raise RefusalError.not_found(f"person_id {person_id}")


HANDLERS: Final[Mapping[str, Handler]] = {
    "/incident/create": create,
    "/incident/ack": ack,
    "/incident/unack": unack,
    "/incident/resolve": resolve,
    "/incident/reopen": reopen,
    "/incident/snooze": snooze,
    "/incident/wake": wake,
    "/incident/assign": assign,
    "/incident/responder/add": responder_add,
    "/incident/merge": merge,
    "/incident/disable-merge": disable_merge,
    "/incident/remove": remove,
    "/incident/custom-action/do": custom_action_do,
}
