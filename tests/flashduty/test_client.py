"""The client asks again where that is safe, within its time, and never sends twice what does harm."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from aiohttp import web
from typing_extensions import override

from engine.flashduty.client import FOREVER, Answer, FlashdutyClient, FlashdutyError, Patience
from engine.flashduty.exchange import open_session
from engine.flashduty.limiter import Limiter
from tests.flashduty.servers import cutting, serving

READ: Final = "incident/info"
COMMENT: Final = "incident/comment"
GOOD: Final = {"request_id": "r9", "data": {"a": 1}}
FREQUENT: Final = {"error": {"code": "RequestTooFrequently", "message": "slow down"}}
BROKEN: Final = {"error": {"code": "InternalError", "message": "oops"}}
CUT: Final = "cut"

Laid = str | tuple[object, int] | tuple[object, int, dict[str, str]]


@dataclass
class Server:
    """Answers what was laid out, in turn; "cut" cuts the connection. Then it answers well."""

    laid_out: list[Laid]
    asked: list[str] = field(default_factory=list)

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        await request.read()
        self.asked.append(request.path)
        if not self.laid_out:
            return web.json_response(GOOD)
        laid = self.laid_out.pop(0)
        if isinstance(laid, str):
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        body, status, *headers = laid
        return web.Response(
            text=body if isinstance(body, str) else json.dumps(body),
            status=status,
            headers=headers[0] if headers else {},
        )


@dataclass
class Times:
    """A clock that sleeping moves, and randomness that answers the most it may."""

    now: float = 50.0
    slept: list[float] = field(default_factory=list)
    drawn: list[tuple[float, float]] = field(default_factory=list)
    least: bool = False

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def uniform(self, low: float, high: float) -> float:
        self.drawn.append((low, high))
        return low if self.least else high


def told(
    handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
    path: str,
    times: Times,
    *,
    deadline: float = FOREVER,
    patience: Patience | None = None,
) -> Answer | FlashdutyError:
    async def story() -> Answer:
        async with serving(handler) as base_url:
            return await ask(base_url, path, times, deadline, patience)

    return settled(story)


async def ask(
    base_url: str, path: str, times: Times, deadline: float, patience: Patience | None = None
) -> Answer:
    async with open_session() as session:
        client = FlashdutyClient(
            lambda: session,
            base_url,
            "canary0123456789",
            patience=patience,
            sleep=times.sleep,
            monotonic=times.monotonic,
            uniform=times.uniform,
        )
        return await client.call(path, {}, deadline=deadline)


def settled(story: Callable[[], Any]) -> Answer | FlashdutyError:
    try:
        answer: Answer = asyncio.run(story())
    except FlashdutyError as error:
        return error
    return answer


def failed(outcome: Answer | FlashdutyError) -> FlashdutyError:
    assert isinstance(outcome, FlashdutyError), outcome
    return outcome


@pytest.mark.parametrize(
    "trouble",
    [CUT, (BROKEN, 500), (BROKEN, 503), ("<html>bad gateway", 502), (FREQUENT, 429), ("{}", 429)],
)
def test_what_is_harmless_is_asked_again_until_it_is_answered(trouble: Laid) -> None:
    server, times = Server([trouble] * 3), Times()
    assert told(server, READ, times) == Answer({"a": 1}, "r9")
    assert len(server.asked) == 4
    assert times.slept == [1.0, 2.0, 4.0]


def test_after_three_retries_the_last_error_is_told() -> None:
    server, times = Server([CUT, CUT, CUT, (BROKEN, 503), (GOOD, 200)]), Times()
    assert str(failed(told(server, READ, times))) == "InternalError: oops"
    assert len(server.asked) == 4


@pytest.mark.parametrize("path", [READ, COMMENT])
@pytest.mark.parametrize(
    "refusal",
    [
        ({"error": {"code": "ResourceNotFound"}}, 400),
        ({"error": {"code": "AccessDenied"}}, 403),
        ({"error": {"code": "RequestLocked"}}, 423),
        ({"error": {"code": "NeverHeardOf"}}, 200),
        ("<html>", 404),
        ({}, 302),
    ],
)
def test_a_refusal_is_not_asked_again(path: str, refusal: Laid) -> None:
    server, times = Server([refusal]), Times()
    assert failed(told(server, path, times)).took_effect == "no"
    assert (len(server.asked), times.slept) == (1, [])


@pytest.mark.parametrize(
    "trouble",
    [CUT, (BROKEN, 500), (BROKEN, 200), ("<html>bad gateway", 502), ("", 200), ({}, 504)],
)
def test_what_does_harm_twice_is_not_sent_again_where_nobody_knows(trouble: Laid) -> None:
    server, times = Server([trouble]), Times()
    assert failed(told(server, COMMENT, times)).took_effect == "unknown"
    assert (len(server.asked), times.slept) == (1, [])


def test_what_does_harm_twice_is_sent_again_where_it_was_refused_for_its_frequency() -> None:
    server, times = Server([(FREQUENT, 429), (FREQUENT, 200)]), Times()
    assert told(server, COMMENT, times) == Answer({"a": 1}, "r9")
    assert len(server.asked) == 3


def test_what_does_harm_twice_is_sent_again_where_there_was_no_connection(
    refusing_port: int,
) -> None:
    server, times = Server([]), Times()

    async def story() -> Answer:
        """Somebody listens on the port from the second retry on."""
        listening = web.ServerRunner(web.Server(server))
        await listening.setup()

        async def sleep(seconds: float) -> None:
            await times.sleep(seconds)
            if len(times.slept) == 2:
                await web.TCPSite(listening, "127.0.0.1", refusing_port).start()

        try:
            async with open_session() as session:
                client = FlashdutyClient(
                    lambda: session,
                    f"http://127.0.0.1:{refusing_port}",
                    "canary0123456789",
                    sleep=sleep,
                    monotonic=times.monotonic,
                    uniform=times.uniform,
                )
                return await client.call(COMMENT, {})
        finally:
            await listening.cleanup()

    assert settled(story) == Answer({"a": 1}, "r9")
    assert (times.slept, server.asked) == ([1.0, 2.0], ["/incident/comment"])


def test_an_answer_that_never_comes_is_waited_for_as_long_as_an_exchange_may_take() -> None:
    times, arrived = Times(), 0

    async def story() -> Answer:
        done = asyncio.Event()

        async def never(_: web.BaseRequest) -> web.StreamResponse:
            nonlocal arrived
            arrived += 1
            await done.wait()
            return web.Response()

        async with serving(never) as base_url:
            try:
                return await ask(base_url, READ, times, FOREVER, Patience(exchange=0.05))
            finally:
                done.set()

    assert failed(settled(story)).code == "TimedOut"
    assert arrived == 4


# How long it waits


def test_the_wait_is_drawn_from_nothing_to_twice_as_much_each_time() -> None:
    times = Times(least=True)
    told(Server([CUT] * 3), READ, times)
    assert times.drawn == [(0.0, 1.0), (0.0, 2.0), (0.0, 4.0)]
    assert times.slept == [0.0, 0.0, 0.0]


def test_a_wait_is_never_longer_than_the_longest() -> None:
    patience = Patience(retries=9)
    error = FlashdutyError("TimedOut", "")
    waits = [patience.before_retry(n, error, lambda _, high: high) for n in range(1, 10)]
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0, 30.0]


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "0"}, 1.0),
        ({"Retry-After": "86400"}, 30.0),
        ({"Retry-After": "soon"}, 1.0),
        (
            {
                "Retry-After": "Fri, 31 Dec 2027 23:59:59 GMT",
                "Date": "Fri, 31 Dec 2027 23:59:51 GMT",
            },
            8.0,
        ),
    ],
)
@pytest.mark.parametrize("path", [READ, COMMENT])
def test_retry_after_is_honoured_within_reason(
    path: str, headers: dict[str, str], wait: float
) -> None:
    times = Times()
    assert isinstance(told(Server([(FREQUENT, 429, headers)]), path, times), Answer)
    assert times.slept == [wait]


def test_it_fails_rather_than_to_sleep_past_its_deadline() -> None:
    server, times = Server([(FREQUENT, 429)] * 3), Times()
    error = failed(told(server, READ, times, deadline=times.now + 3.0))
    assert error.code == "RequestTooFrequently"
    assert (times.slept, len(server.asked)) == ([1.0], 2), "1 s and then 2 s would reach it"


def test_it_does_not_begin_what_it_has_no_time_for() -> None:
    server, times = Server([]), Times()
    error = failed(told(server, COMMENT, times, deadline=times.now - 1))
    assert str(error) == "NoTime: its time was over before it was sent"
    assert (error.took_effect, error.may_pass, server.asked) == ("no", True, [])


def test_a_deadline_is_a_little_before_the_limit() -> None:
    times = Times()
    client = FlashdutyClient(open_session, "http://a", None, monotonic=times.monotonic)
    assert client.deadline_in(60.0) == times.now + 59.0
    assert client.deadline_in(1.0) == times.now + 0.9
    assert client.deadline_in(None) == FOREVER
    assert client.is_over(times.now)
    assert not client.is_over(times.now + 0.1)


# Turns


class Gate(Limiter):
    """Counts who came, and can be shut."""

    def __init__(self, *, shut: bool = False) -> None:
        super().__init__()
        self.came: list[str] = []
        self.shut = shut

    @override
    async def turn(self, caller: str) -> None:
        self.came.append(caller)
        if self.shut:
            await asyncio.Event().wait()


def through(gate: Gate, handler: Server, deadline: float) -> Answer | FlashdutyError:
    times = Times()

    async def story() -> Answer:
        async with serving(handler) as base_url, open_session() as session:
            client = FlashdutyClient(
                lambda: session,
                base_url,
                "canary0123456789",
                limiter=gate,
                sleep=times.sleep,
                monotonic=times.monotonic,
            )
            return await client.call(READ, {}, caller="run-1", deadline=times.now + deadline)

    return settled(story)


def test_every_attempt_takes_a_turn() -> None:
    gate = Gate()
    assert isinstance(through(gate, Server([CUT, CUT]), 1000.0), Answer)
    assert gate.came == ["run-1"] * 3


def test_who_gets_no_turn_in_time_has_sent_nothing() -> None:
    server = Server([])
    error = failed(through(Gate(shut=True), server, 0.1))
    assert (error.code, error.took_effect, error.may_pass) == ("NoTurn", "no", True)
    assert "flashduty.per_second" in error.message
    assert server.asked == []


def test_a_broken_exchange_tells_no_key_though_it_was_tried_again() -> None:
    async def story() -> Answer:
        async with cutting(b"") as base_url:
            return await ask(base_url, READ, Times(), FOREVER)

    error = failed(settled(story))
    assert error.code == "BrokenExchange"
    assert "canary" not in f"{error!r} {vars(error)}"
    assert error.__cause__ is None
    assert error.__suppress_context__
