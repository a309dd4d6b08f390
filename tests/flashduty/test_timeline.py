"""A comment is found by its text, its time and its writer, on whatever page it stands."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from aiohttp import web

from engine.flashduty.client import FlashdutyClient, Patience
from engine.flashduty.exchange import open_session
from engine.flashduty.timeline import Found, SentComment, look_up
from tests.flashduty.servers import serving

INCIDENT: Final = "6551f3888713372ad1054d57"
OTHER: Final = "6551f3888713372ad1054d58"
SINCE: Final = 1_795_000_000.0
ME: Final = 2_476_444_212_131
TEXT: Final = "Restarted es.nj.01"


def entry(
    text: object = TEXT, *, at: float = SINCE + 1, by: int = ME, **more: Any
) -> dict[str, Any]:
    return {
        "ref_id": "r",
        "type": "i_comm",
        "detail": {"comment": text, "mute_reply": True},
        "creator_id": by,
        "created_at": int(at * 1000),
        **more,
    }


@dataclass
class Feed:
    """The timelines of incidents; `later` is put on top of all of them before that look."""

    entries: dict[str, list[Any]]
    later: dict[int, Any] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)
    paths: set[str] = field(default_factory=set)

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        self.paths.add(request.path)
        asked = json.loads(await request.read())
        self.asked.append(asked)
        entries = self.entries[asked["incident_id"]]
        if len(self.asked) in self.later:
            entries.insert(0, self.later[len(self.asked)])
        start = (asked["p"] - 1) * asked["limit"]
        items = entries[start : start + asked["limit"]]
        more = start + asked["limit"] < len(entries)
        return web.json_response(
            {"request_id": f"r{len(self.asked)}", "data": {"items": items, "has_next_page": more}}
        )


def look(
    handler: Any,
    *incidents: str,
    member: int | None = ME,
    text: str = TEXT,
    slept: list[float] | None = None,
    limit: float | None = None,
) -> Found:
    async def sleep(seconds: float) -> None:
        if slept is not None:
            slept.append(seconds)

    async def story() -> Found:
        async with serving(handler) as base_url, open_session() as session:
            client = FlashdutyClient(
                lambda: session,
                base_url,
                "canary0123456789",
                own_member=lambda: member,
                patience=Patience(retries=0),
                sleep=sleep,
            )
            comment = SentComment(incidents or (INCIDENT,), text, SINCE)
            deadline = client.deadline_in(limit)
            return await look_up(client, comment, caller="run-1", deadline=deadline)

    return asyncio.run(story())


def test_a_comment_that_is_there_is_found_at_the_first_look() -> None:
    slept: list[float] = []
    feed = Feed({INCIDENT: [entry("another"), entry()]})
    assert look(feed, slept=slept) == Found((), "r1")
    assert slept == []
    assert feed.paths == {"/incident/feed"}
    assert feed.asked == [
        {"incident_id": INCIDENT, "types": ["i_comm"], "asc": False, "limit": 100, "p": 1}
    ]


@pytest.mark.parametrize(
    "stands",
    [
        entry("Restarted es.nj.02"),
        entry(f"{TEXT}!"),
        entry(TEXT.lower()),
        entry(by=17),
        entry(at=SINCE - 60),
        entry(type="i_r_desc"),
        entry(detail=None),
        entry(detail="text"),
        entry(created_at=None),
        entry(None),
        entry(17),
        None,
        "text",
        {},
    ],
)
def test_what_is_not_the_comment_is_not_taken_for_it(stands: Any) -> None:
    slept: list[float] = []
    feed = Feed({INCIDENT: [stands]})
    assert look(feed, slept=slept) == Found((INCIDENT,), "r3")
    assert slept == [1.0, 3.0], "it looked three times"


def test_as_long_as_nobody_knows_the_own_member_anybodys_comment_counts() -> None:
    assert look(Feed({INCIDENT: [entry(by=17)]}), member=None).missing == ()


def test_clocks_may_be_a_few_seconds_apart() -> None:
    assert look(Feed({INCIDENT: [entry(at=SINCE - 4)]})).missing == ()
    assert look(Feed({INCIDENT: [entry(at=SINCE - 6)]})).missing == (INCIDENT,)


@pytest.mark.parametrize("at_look", [2, 3])
def test_a_comment_that_comes_late_is_found_at_a_later_look(at_look: int) -> None:
    assert look(Feed({INCIDENT: []}, {at_look: entry()})) == Found((), f"r{at_look}")


def test_every_incident_has_to_have_it_and_what_is_found_is_not_looked_up_again() -> None:
    feed = Feed({INCIDENT: [entry()], OTHER: []})
    assert look(feed, INCIDENT, OTHER).missing == (OTHER,)
    assert [asked["incident_id"] for asked in feed.asked] == [INCIDENT, OTHER, OTHER, OTHER]
    assert look(Feed({INCIDENT: [entry()], OTHER: [entry()]}), INCIDENT, OTHER).missing == ()


def test_it_reads_page_by_page_to_where_the_comment_would_be_older() -> None:
    newer = [entry(f"{number}", at=SINCE + 9) for number in range(250)]
    feed = Feed({INCIDENT: [*newer, entry()]})
    assert look(feed) == Found((), "r3")
    assert [asked["p"] for asked in feed.asked] == [1, 2, 3]

    feed = Feed({INCIDENT: [*newer[:150], *[entry("old", at=SINCE - 60)] * 500]})
    assert look(feed).missing == (INCIDENT,)
    assert [asked["p"] for asked in feed.asked] == [1, 2] * 3


def test_a_timeline_that_begins_with_the_oldest_is_read_to_its_end() -> None:
    older = [entry("another", at=SINCE - 9000 + number) for number in range(250)]
    feed = Feed({INCIDENT: [*older, entry()]})
    assert look(feed) == Found((), "r3")


def test_it_does_not_read_for_ever() -> None:
    feed = Feed({INCIDENT: [entry("another", at=SINCE + 9)] * 5000})
    assert look(feed).missing == (INCIDENT,)
    assert len(feed.asked) == 60


@pytest.mark.parametrize("data", [None, [], {}, {"items": None}, {"items": []}, "text"])
def test_a_timeline_of_any_shape_is_read(data: Any) -> None:
    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        return web.json_response({"data": data})

    assert look(answer).missing == (INCIDENT,)


def test_a_timeline_that_cannot_be_read_is_said_to_be() -> None:
    async def refuse(_: web.BaseRequest) -> web.StreamResponse:
        return web.json_response({"error": {"code": "AccessDenied", "message": "no"}}, status=403)

    assert look(refuse) == Found((INCIDENT,), None, "AccessDenied: no")


def test_it_looks_no_more_when_its_time_is_over() -> None:
    slept: list[float] = []
    feed = Feed({INCIDENT: []})
    assert look(feed, slept=slept, limit=2.0).missing == (INCIDENT,)
    assert (slept, len(feed.asked)) == ([1.0], 2)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"incident_ids": [INCIDENT]},
        {"comment": TEXT},
        {"incident_ids": [], "comment": TEXT},
        {"incident_ids": INCIDENT, "comment": TEXT},
        {"incident_ids": None, "comment": TEXT},
        {"incident_ids": [INCIDENT], "comment": 17},
        {"incident_ids": [INCIDENT], "comment": "  "},
    ],
)
def test_what_is_no_comment_cannot_be_looked_up(parameters: dict[str, Any]) -> None:
    assert SentComment.of(parameters, SINCE) is None


def test_the_server_trims_a_comment_and_so_does_who_looks_for_it() -> None:
    comment = SentComment.of({"incident_ids": [INCIDENT], "comment": f" {TEXT}\n"}, SINCE)
    assert comment == SentComment((INCIDENT,), TEXT, SINCE)
