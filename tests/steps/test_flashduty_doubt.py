"""What a flashduty step does where nobody knows whether what it sent took effect."""

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from aiohttp import web

from engine.flashduty.client import FlashdutyClient, Patience
from engine.flashduty.exchange import open_session
from engine.playbooks.load import Loader
from engine.playbooks.step_type import Call, Failed, Report, Succeeded, Uncertain
from engine.runs.run import Outcome, RunState
from engine.steps.flashduty import Flashduty, FlashdutyParameters
from engine.store.records import open_records
from engine.store.sqlite import open_ledger
from tests import jumping_time
from tests.flashduty.servers import serving
from tests.runs.fakes import NOW, PATIENCE, Staged, an_event

INCIDENT: Final = "6551f3888713372ad1054d57"
CANARY: Final = "canary0123456789abcdef"
STARTED: Final = 1_795_000_000.0
CALL: Final = Call("run-1", "steps/0", 1, INCIDENT, started=STARTED, limit=60.0)
AGAIN: Final = Call("run-1", "steps/0", 1, INCIDENT, started=STARTED, limit=60.0, again=True)


@dataclass
class Flaky:
    """Commits what it is asked, or not, and cuts the connection; a look-up it answers well."""

    commits: bool
    cuts: bool = True
    feed_works: bool = True
    written: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append(request.path)
        body = json.loads(await request.read())
        if request.path == "/incident/feed":
            if not self.feed_works:
                return web.json_response({"error": {"code": "AccessDenied"}}, status=403)
            entries = [
                {"type": "i_comm", "detail": {"comment": text}, "created_at": int(STARTED * 1000)}
                for text in self.written
            ]
            return web.json_response({"request_id": "feed-1", "data": {"items": entries}})
        if self.commits:
            self.written.append(str(body.get("comment")).strip())
        if self.cuts:
            assert request.transport is not None
            request.transport.abort()
        return web.json_response({"request_id": "r1", "data": {}})


async def at_once(_: float) -> None:
    """Sleep as long as a test likes to wait."""


def perform(
    server: Flaky, call: Call, path: str = "incident/comment", /, **given: Any
) -> tuple[Report, list[str]]:
    async def story() -> Report:
        async with serving(server) as base_url, open_session() as session:
            client = FlashdutyClient(lambda: session, base_url, CANARY, sleep=at_once)
            parameters = FlashdutyParameters.model_validate({"call": path, **given})
            return await Flashduty(client).perform(parameters, call)

    report = asyncio.run(story())
    assert CANARY not in repr(report)
    return report, server.asked


def doubt_of(report: Report) -> str:
    assert isinstance(report, Uncertain), report
    return report.error


FOUND: Final = {"data": None, "request_id": "feed-1", "found_in_timeline": True}


def test_a_comment_whose_answer_was_lost_is_found_in_the_timeline() -> None:
    report, asked = perform(Flaky(commits=True), CALL, comment=" Restarted ")
    assert report == Succeeded(FOUND)
    assert asked == ["/incident/comment", "/incident/feed"]


def test_a_comment_that_is_not_in_the_timeline_is_unknown_and_not_written_again() -> None:
    report, asked = perform(Flaky(commits=False), CALL, comment="Restarted")
    assert doubt_of(report) == (
        "BrokenExchange: ServerDisconnectedError while calling /incident/comment, once it was "
        f"being sent; it is not in the timeline of {INCIDENT}, and may still come: look there "
        "before writing it again"
    )
    assert isinstance(report, Uncertain)
    assert report.result["code"] == "BrokenExchange"
    assert asked == ["/incident/comment", *["/incident/feed"] * 3]


def test_a_comment_whose_timeline_cannot_be_read_is_unknown() -> None:
    report, asked = perform(Flaky(commits=True, feed_works=False), CALL, comment="Restarted")
    said = "the timeline could not be looked up (AccessDenied: no message): look there before"
    assert said in doubt_of(report)
    assert asked.count("/incident/comment") == 1


@pytest.mark.parametrize(
    "path",
    ["incident/create", "incident/assign", "incident/custom-action/do", "incident/new-thing"],
)
@pytest.mark.parametrize("commits", [True, False])
def test_what_cannot_be_looked_up_is_unknown_at_once(path: str, *, commits: bool) -> None:
    report, asked = perform(Flaky(commits=commits), CALL, path)
    assert doubt_of(report).endswith(
        f"look in Flashduty whether /{path} took effect before doing it again"
    )
    assert asked == [f"/{path}"]


def test_what_is_harmless_is_a_plain_failure_after_its_retries() -> None:
    report, asked = perform(Flaky(commits=True), CALL, "incident/ack")
    assert isinstance(report, Failed)
    assert report.retryable
    assert asked == ["/incident/ack"] * 4


# After a stop of the engine


def test_a_comment_that_was_on_its_way_when_the_engine_stopped_is_looked_up_first() -> None:
    server = Flaky(commits=True, cuts=False, written=["Restarted"])
    report, asked = perform(server, AGAIN, comment="Restarted")
    assert report == Succeeded(FOUND)
    assert asked == ["/incident/feed"]


def test_a_comment_that_is_not_there_after_a_stop_is_unknown_and_not_sent() -> None:
    server = Flaky(commits=True, cuts=False, written=["something else"])
    report, asked = perform(server, AGAIN, comment="Restarted")
    assert doubt_of(report).startswith(
        "Interrupted: the engine stopped while this was on its way, and does not send it twice; "
        f"it is not in the timeline of {INCIDENT}"
    )
    assert set(asked) == {"/incident/feed"}


@pytest.mark.parametrize("path", ["incident/create", "incident/new-thing"])
def test_what_does_harm_twice_is_not_sent_after_a_stop(path: str) -> None:
    report, asked = perform(Flaky(commits=True, cuts=False), AGAIN, path)
    assert doubt_of(report).startswith("Interrupted: ")
    assert asked == []


@pytest.mark.parametrize("path", ["incident/ack", "incident/info"])
def test_what_is_harmless_is_simply_done_again_after_a_stop(path: str) -> None:
    report, asked = perform(Flaky(commits=True, cuts=False), AGAIN, path)
    assert isinstance(report, Succeeded)
    assert asked == [f"/{path}"]


# When the time is over


def cut_by_the_runner(path: str, seconds: float) -> Report:
    """The request is cut on its way when so many seconds have passed on the client's clock."""
    now = 0.0

    async def story() -> Report:
        nonlocal now
        arrived, done = asyncio.Event(), asyncio.Event()

        async def never(_: web.BaseRequest) -> web.StreamResponse:
            arrived.set()
            await done.wait()
            return web.Response()

        async with serving(never) as base_url, open_session() as session:
            client = FlashdutyClient(lambda: session, base_url, CANARY, monotonic=lambda: now)
            step = Flashduty(client)
            given = {"call": path, "comment": "Restarted"}
            parameters = FlashdutyParameters.model_validate(given)
            performed = asyncio.ensure_future(step.perform(parameters, CALL))
            async with asyncio.timeout(PATIENCE):
                await arrived.wait()
            now = seconds
            performed.cancel()
            try:
                return await performed
            finally:
                done.set()

    return asyncio.run(story())


def test_what_was_cut_at_the_end_of_its_time_is_unknown() -> None:
    report = cut_by_the_runner("incident/comment", 59.5)
    assert doubt_of(report) == (
        "TimedOut: its time was over while it was on its way; "
        "look in Flashduty whether /incident/comment took effect before doing it again"
    )


@pytest.mark.parametrize(("path", "after"), [("incident/comment", 1.0), ("incident/ack", 59.5)])
def test_what_the_engines_end_cuts_stays_open(path: str, after: float) -> None:
    with pytest.raises(asyncio.CancelledError):
        cut_by_the_runner(path, after)


def never_answered(call: Call, patience: Patience, *, commits: bool) -> tuple[Report, list[str]]:
    """A comment that Flashduty takes, or not, and says nothing to; time passes while it does."""
    asked: list[str] = []

    async def story() -> Report:
        done = asyncio.Event()

        async def swallow(request: web.BaseRequest) -> web.StreamResponse:
            asked.append(request.path)
            if request.path == "/incident/comment":
                await done.wait()
            entry = {"type": "i_comm", "detail": {"comment": "Restarted"}}
            entries = [{**entry, "created_at": int(STARTED * 1000)}] if commits else []
            return web.json_response({"request_id": "feed-1", "data": {"items": entries}})

        async with serving(swallow) as base_url, open_session() as session:
            client = FlashdutyClient(
                lambda: session,
                base_url,
                CANARY,
                patience=patience,
                sleep=at_once,
                monotonic=asyncio.get_running_loop().time,
            )
            given = {"call": "incident/comment", "comment": "Restarted"}
            parameters = FlashdutyParameters.model_validate(given)
            try:
                return await Flashduty(client).perform(parameters, call)
            finally:
                done.set()

    return jumping_time.run(story()), asked


def test_a_comment_that_is_never_answered_is_given_up_after_an_exchange_and_looked_up() -> None:
    report, asked = never_answered(CALL, Patience(exchange=20.0), commits=False)
    assert doubt_of(report).startswith("TimedOut: no answer of /incident/comment within 20s; ")
    assert asked == ["/incident/comment", *["/incident/feed"] * 3]


def test_where_time_is_short_some_of_it_is_left_for_the_look_up() -> None:
    short = CALL._replace(limit=3.0)
    report, asked = never_answered(short, Patience(exchange=20.0), commits=True)
    assert report == Succeeded(FOUND)
    assert asked == ["/incident/comment", "/incident/feed"]


def test_a_run_that_goes_on_after_a_stop_finds_its_comment_and_writes_none(tmp_path: Path) -> None:
    """The engine is stopped between the commit of a comment and its answer, and started again."""
    written: list[str] = []
    asked: list[str] = []

    async def story() -> None:
        arrived, done = asyncio.Event(), asyncio.Event()

        async def commits_and_hangs(request: web.BaseRequest) -> web.StreamResponse:
            asked.append(request.path)
            body = json.loads(await request.read())
            if request.path == "/incident/comment":
                written.append(body["comment"])
                arrived.set()
                await done.wait()
            entries = [
                {"type": "i_comm", "detail": {"comment": text}, "created_at": int(NOW * 1000)}
                for text in written
            ]
            return web.json_response({"data": {"items": entries}})

        async with serving(commits_and_hangs) as base_url, open_session() as session:
            types = {
                "flashduty": Flashduty(FlashdutyClient(lambda: session, base_url, CANARY)),
            }
            stage = Staged(ledger, types=types)
            text = (
                "name: p\ntrigger: {}\nsteps: [{flashduty: {call: incident/comment, comment: Hi}}]"
            )
            playbook, event = Loader(types).load(text, "p.yaml"), an_event()
            run = await stage.queue(playbook, event)
            going = asyncio.ensure_future(stage.carry_out(run, playbook, event))
            async with asyncio.timeout(PATIENCE):
                await arrived.wait()
            going.cancel()
            with pytest.raises(asyncio.CancelledError):
                await going
            done.set()
            (unfinished,) = await stage.ledger.unfinished()
            over = await stage.carry_out(unfinished, playbook, event)
            assert over.state is RunState.SUCCEEDED

    with open_ledger(tmp_path / "engine.db") as ledger:
        asyncio.run(story())
    with open_records(tmp_path / "engine.db") as records:
        (step,) = records.run("RUN1").steps
    assert (step.attempt, step.repeats, step.outcome) == (1, 1, Outcome.SUCCEEDED)
    assert step.result == {"data": None, "request_id": None, "found_in_timeline": True}
    assert written == ["Hi"]
    assert asked == ["/incident/comment", "/incident/feed"]
