"""An answer leaves in one piece, and nothing is held back for good."""

import asyncio
from collections.abc import Callable

import pytest
from starlette.applications import Starlette
from typing_extensions import override

from engine.web.one_piece import OnePiece
from tests.web.wire import request, served


class Sent(asyncio.Transport):
    """A transport that keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []
        self.closed = False

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.closed
        self.pieces.append(bytes(data))

    @override
    def close(self) -> None:
        self.closed = True


HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"


def test_a_head_waits_for_its_body() -> None:
    sent = Sent()
    out = OnePiece(sent)
    out.write(HEAD)
    assert sent.pieces == []
    out.write(b"{}")
    out.writelines([HEAD, b"[]"])
    out.let_go()
    assert sent.pieces == [HEAD + b"{}", HEAD + b"[]"]


def test_what_is_no_head_goes_at_once() -> None:
    sent = Sent()
    out = OnePiece(sent)
    for piece in (b"HTTP/1.1 100 Continue\r\n\r\n", b"more", b""):
        out.write(piece)
        assert sent.pieces[-1] == piece


@pytest.mark.parametrize("end", [OnePiece.let_go, OnePiece.close])
def test_a_head_without_a_body_goes_at_the_end(end: Callable[[OnePiece], None]) -> None:
    sent = Sent()
    out = OnePiece(sent)
    out.write(HEAD)
    end(out)
    assert sent.pieces == [HEAD]


def test_over_a_socket_it_is_one_piece(app: Starlette, example: bytes) -> None:
    with served(app) as web:
        line = web.line()
        for _ in range(3):
            line.send(request(body=example))
            got = line.socket.recv(65536)
            assert got.startswith(b"HTTP/1.1 200 OK")
            assert got.endswith(b"}")


def test_a_head_that_was_all_there_is_to_say_does_not_wait(app: Starlette) -> None:
    with served(app) as web:
        line = web.line()
        for _ in range(3):
            line.send(request("/healthz", method="HEAD"))
            assert line.socket.recv(65536).startswith(b"HTTP/1.1 200 OK")
