"""Who is there and who is on call: members, persons, teams, schedules."""

from typing import Final

from engine.flashduty.operations.operation import IN_WORDS, Operation, reads
from engine.flashduty.parameters import Anything, Choice, Flag, Integer, ListOf, Text

_INTEGERS: Final = ListOf(item=Integer())
_NOT_CHECKED: Final = "not looked into: a schedule is drawn in the console, a playbook reads it"

_MEMBERS_AND_TEAMS: Final[tuple[Operation, ...]] = (
    reads("/member/info"),  # the member that owns the app key
    reads(
        "/member/list",
        {
            "role_id": Integer(least=0),
            "p": Integer(least=1),
            "limit": Integer(least=1, most=100),
            "orderby": Choice(one_of=("created_at", "updated_at")),
            "asc": Flag(),
            "query": Text(),
        },
    ),
    reads("/person/infos", {"person_ids": ListOf(required=True, item=Integer(least=0))}),
    reads(
        "/team/list",
        {
            "p": Integer(least=1),
            "limit": Integer(least=1, most=100),
            "orderby": Choice(one_of=("created_at", "updated_at", "team_name")),
            "asc": Flag(),
            "person_id": Integer(least=0),
            "query": Text(),
        },
    ),
    reads("/team/info", {"team_id": Integer(least=0), "team_name": Text(), "ref_id": Text()}),
    reads(
        "/team/infos",
        {"team_ids": ListOf(required=True, item=Integer(least=0), most=100)},
        differs={"team_ids most": IN_WORDS},
    ),
)

_SCHEDULES: Final[tuple[Operation, ...]] = (
    reads(
        "/schedule/list",
        {
            "query": Text(),
            "p": Integer(),
            "limit": Integer(most=100),
            "is_my_team": Flag(),
            "is_my_manage": Flag(),
            "team_ids": _INTEGERS,
            "start": Integer(),
            "end": Integer(),
        },
    ),
    reads(
        "/schedule/info",  # at most 45 days
        {
            "schedule_id": Integer(required=True),
            "start": Integer(required=True),
            "end": Integer(required=True),
        },
    ),
    reads("/schedule/infos", {"schedule_ids": ListOf(required=True, item=Integer())}),
    reads("/schedule/self", {"start": Integer(), "end": Integer()}),
    reads(
        "/schedule/preview",
        {
            "schedule_id": Integer(),
            "schedule_name": Text(most=40),
            "name": Text(most=40),
            "description": Text(most=500),
            "team_id": Integer(),
            "layers": ListOf(item=Anything()),
            "notify": Anything(),
            "start": Integer(required=True),
            "end": Integer(required=True),
        },
        differs={
            "layers[] type": _NOT_CHECKED,
            "notify type": _NOT_CHECKED,
            "start required": IN_WORDS,
            "end required": IN_WORDS,
        },
    ),
)

PEOPLE_OPERATIONS: Final = (*_MEMBERS_AND_TEAMS, *_SCHEDULES)
