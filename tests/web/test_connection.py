"""Connections before there is a request: how many, how long, how large. Over real sockets."""

from collections.abc import Iterator
from contextlib import suppress

import pytest
from starlette.applications import Starlette

from engine.web import body, connection
from tests.web.conftest import Receiving
from tests.web.wire import Served, request, served


@pytest.fixture
def web(app: Starlette) -> Iterator[Served]:
    with served(app, connections=4) as made:
        yield made


def still_answers(web: Served, example: bytes) -> bool:
    return web.ask(request(body=example)).status == 200


@pytest.mark.parametrize(
    "sent",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 50,  # TLS, to a plain port
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"post /flashduty/incidents HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST  HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /a b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nX-A: a\x00b\r\n\r\n",
        b"POST / HTTP/1.1\r\nX-A : b\r\n\r\n",
        b"POST / HTTP/1.1\r\nX-A: b\r\n folded\r\n\r\n",
        b"POST / HTTP/1.1\nHost: x\n\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1e3\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: \xb2\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    ],
)
def test_what_is_no_request_is_a_400_in_json_and_the_end_of_the_connection(
    web: Served, example: bytes, sent: bytes
) -> None:
    line = web.line()
    line.send(sent)
    answer = line.answer()
    assert answer is not None
    assert (answer.status, answer.code) == (400, "not-http")
    assert line.is_closed()
    assert still_answers(web, example)


@pytest.mark.parametrize(
    "lines",
    [
        ("X-A: " + "a" * connection.LARGEST,),
        tuple(f"X-{number}: {'a' * 400}" for number in range(90)),
        tuple(f"X-{number}: a" for number in range(connection.MOST_HEADERS)),
    ],
    ids=["one", "some", "many"],
)
@pytest.mark.parametrize("piece", [1000, 1_000_000])
def test_a_large_head_is_refused_in_whichever_pieces_it_comes(
    web: Served, example: bytes, lines: tuple[str, ...], piece: int
) -> None:
    sent = request(lines=lines)
    line = web.line()
    with suppress(ConnectionError):  # it may be refused before all of it was sent
        for start in range(0, len(sent), piece):
            line.send(sent[start : start + piece])
    answer = line.answer()
    assert answer is not None
    assert (answer.status, answer.code) == (431, "head-too-large")
    assert line.is_closed()
    assert still_answers(web, example)


def test_a_head_that_never_ends_is_refused_long_before_the_memory_does(web: Served) -> None:
    line = web.line()
    line.send(b"POST / HTTP/1.1\r\nX-A: ")
    sent = 0
    with pytest.raises(ConnectionError):  # noqa: PT012 - it is closed at some time in between
        for _ in range(1000):
            line.send(b"a" * 65536)
            sent += 65536
    assert sent < 64_000_000


def test_a_head_of_almost_that_size_is_taken(web: Served, example: bytes) -> None:
    lines = tuple(f"X-{number}: {'a' * 600}" for number in range(45))
    assert web.ask(request(body=example, lines=lines)).status == 200
    line = web.line()
    for byte in request(body=example):
        line.send(bytes([byte]))
    answer = line.answer()
    assert answer is not None
    assert answer.status == 200


@pytest.mark.parametrize("sent", [b"", b"POST /flashduty/incidents HTTP/1.1\r\nX-A: "])
def test_a_head_that_does_not_come_is_given_up(
    web: Served, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(connection, "PATIENCE", 0.05)
    line = web.line()
    line.send(sent)
    answer = line.answer()
    assert answer is not None
    assert (answer.status, answer.code) == (408, "too-slow")
    assert line.is_closed()


def test_a_second_head_that_does_not_come_is_given_up_as_the_first(
    web: Served, example: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = web.line()
    line.send(request(body=example))
    first = line.answer()
    monkeypatch.setattr(connection, "PATIENCE", 0.05)
    line.send(b"POST /")
    second = line.answer()
    assert first is not None
    assert second is not None
    assert (first.status, second.status) == (200, 408)
    assert line.is_closed()


def test_a_body_that_does_not_come_is_given_up(
    web: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "PATIENCE", 0.05)
    line = web.line()
    line.send(request(body=b"x" * 100)[:-50])
    answer = line.answer()
    assert answer is not None
    assert (answer.status, answer.code) == (408, "too-slow")


def test_the_rest_of_a_body_that_was_refused_is_not_waited_for(
    web: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = web.line()
    line.send(request(token="wrong", body=b"x" * 100_000)[:-50_000])
    answer = line.answer()
    assert answer is not None
    assert answer.status == 401
    monkeypatch.setattr(connection, "PATIENCE", 0.05)
    line.send(b"x")
    assert line.is_closed()


def test_a_body_that_is_too_large_is_refused_without_being_kept(
    web: Served, example: bytes
) -> None:
    chunk = b"8000\r\n" + b" " * 0x8000 + b"\r\n"
    line = web.line()
    line.send(request(lines=("Transfer-Encoding: chunked",)) + chunk * 3)
    answer = line.answer()
    assert answer is not None
    assert (answer.status, answer.code) == (413, "too-large")
    assert web.ask(request(body=b" " * 65537)).status == 413
    assert still_answers(web, example)


def test_who_has_said_nothing_the_longest_makes_room_for_a_delivery(
    web: Served, example: bytes
) -> None:
    silent = [web.line() for _ in range(4)]
    half = web.line()
    half.send(b"POST /flashduty/incidents HTTP/1.1\r\n")
    for _ in range(10):
        assert still_answers(web, example)
    assert all(line.is_closed() for line in silent)


def test_idle_connections_make_room_too(web: Served, example: bytes) -> None:
    idle = [web.line() for _ in range(4)]
    for line in idle:
        line.send(request(body=example))
        answer = line.answer()
        assert answer is not None
        assert answer.status == 200
    assert still_answers(web, example)
    assert idle[0].is_closed()


def test_where_all_are_busy_one_more_is_told_so(
    web: Served, example: bytes, receiving: Receiving
) -> None:
    busy = [web.line() for _ in range(4)]
    for line in busy:
        line.send(request(lines=("Expect: 100-continue",), body=example)[: -len(example)])
        answer = line.answer()
        assert answer is not None
        assert answer.status == 100  # so it is being read
    answer = web.line().answer()
    assert answer is not None
    assert (answer.status, answer.code) == (503, "too-many-connections")
    for line in busy:
        line.send(example)
        answer = line.answer()
        assert answer is not None
        assert answer.status == 200
    assert receiving.faults == []


def test_nobody_is_upgraded_to_anything(web: Served, example: bytes) -> None:
    for protocol in ("websocket", "h2c"):
        answer = web.ask(
            request(body=example, lines=("Connection: Upgrade", f"Upgrade: {protocol}"))
        )
        assert (answer.status, answer.code) == (400, "no-upgrade")
    assert still_answers(web, example)


def test_several_requests_at_once_are_answered_in_their_order(web: Served, example: bytes) -> None:
    line = web.line()
    line.send(request(body=example) + request(token="wrong") + request(body=b"{") * 2)
    assert [getattr(line.answer(), "status", None) for _ in range(4)] == [200, 401, 400, 400]
