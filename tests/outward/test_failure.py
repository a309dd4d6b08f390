"""No exception of the HTTP library tells a URL, a key in its query, or a header."""

import asyncio
import socket
from pathlib import Path

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver
from yarl import URL

from engine.outward.exchange import ask
from engine.outward.failure import NoAnswerError, why_no_answer
from engine.outward.policy import OutwardPolicy
from engine.outward.request import Request
from engine.outward.session import open_session
from tests.outward.servers import FINE, Names, made_certificate, redirect, serving

CANARY = "canary-7f3a"
QUERY = f"/{CANARY}?app_key={CANARY}"
HEADERS = {"Authorization": f"Bearer {CANARY}", "X-Api-Key": CANARY}


async def failing(url: str, resolver: AbstractResolver | None = None) -> NoAnswerError:
    async with open_session(OutwardPolicy(), resolver=resolver) as session:
        request = Request("POST", URL(url), HEADERS, CANARY)
        with pytest.raises(NoAnswerError) as failed:
            await ask(session, OutwardPolicy(), request, follow=True, limit=1000)
    assert CANARY not in str(failed.value)
    assert CANARY not in repr(failed.value)
    assert failed.value.__cause__ is None
    assert failed.value.__context__ is None or failed.value.__suppress_context__
    return failed.value


OK = b"HTTP/1.1 200 OK\r\n"
SET = f"Set-Cookie: {CANARY}\r\n".encode()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"", "{place} closed the connection without an answer"),
        (OK, "{place} closed the connection without an answer"),
        (f"SSH-2.0-{CANARY}\r\n\r\n".encode(), "the answer of {place} is not HTTP"),
        (b"HTTP/1.1 200 OK\r\nBad Header\r\n" + SET + b"\r\n", "the answer of {place} is not HTTP"),
        (
            OK + b"Content-Length: 1\r\nContent-Length: 2\r\n" + SET + b"\r\nab",
            "the answer of {place} is not HTTP",
        ),
        (
            OK + SET + b"Transfer-Encoding: chunked\r\n\r\n" + CANARY.encode() + b"\r\n",
            "the answer of {place} is not HTTP",
        ),
        (
            OK + SET + b"Content-Length: 100\r\n\r\nhalf",
            "the answer of {place} broke off before its end",
        ),
        (
            OK + SET + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
            "the answer of {place} broke off before its end",
        ),
        (
            OK + SET + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
            "the answer of {place} cannot be unpacked",
        ),
        (
            redirect(f"http://[{CANARY}/"),
            "redirected to what is no URL",
        ),
        (
            redirect(f"ftp://{CANARY}/"),
            (
                "redirected, and not followed: "
                "the new URL has to begin with http:// or https://, not with ftp:"
            ),
        ),
        (redirect(QUERY), "redirected more than 10 times"),
    ],
)
def test_a_server_that_fails_is_told_of_without_what_was_asked(answer: bytes, said: str) -> None:
    async def story() -> None:
        async with serving(answer) as server:
            failed = await failing(server.url + QUERY)
            assert str(failed) == said.format(place=f"127.0.0.1:{server.port}")

    asyncio.run(story())


def test_a_connection_that_is_refused(refusing_port: int) -> None:
    failed = asyncio.run(failing(f"http://127.0.0.1:{refusing_port}{QUERY}"))
    assert str(failed).startswith(f"no connection to 127.0.0.1:{refusing_port}: ")
    assert failed.may_pass


def test_a_connection_that_is_reset() -> None:
    async def story() -> None:
        async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0"
            )
            writer.close()

        async with await asyncio.start_server(reset, "127.0.0.1", 0) as server:
            place = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
            failed = await failing(f"http://{place}{QUERY}")
            assert str(failed).startswith(
                (f"the connection to {place} broke: ", f"{place} closed ")
            )
            assert failed.may_pass

    asyncio.run(story())


def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tls=made_certificate(tmp_path)) as server:
            failed = await failing(server.url + QUERY)
            assert str(failed).startswith(
                f"the certificate of 127.0.0.1:{server.port} is not trusted: "
            )
            assert server.heads == []

    asyncio.run(story())


def test_tls_that_the_other_side_does_not_speak() -> None:
    async def story() -> None:
        async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(FINE)
            await writer.drain()
            writer.close()

        async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
            place = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
            failed = await failing(f"https://{place}{QUERY}")
            assert str(failed).startswith(f"no connection to {place}: ")

    asyncio.run(story())


def test_a_name_that_nobody_knows() -> None:
    failed = asyncio.run(failing(f"http://no-such-host.invalid{QUERY}"))
    assert str(failed).startswith("no connection to no-such-host.invalid:80: ")


def test_a_name_without_an_address() -> None:
    names = Names({"none.example": [[]]})
    failed = asyncio.run(failing(f"http://none.example{QUERY}", names))
    assert str(failed) == "no connection to none.example:80: it has no address"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (aiohttp.InvalidURL(f"http://a/{CANARY}"), "nothing was sent: url is no URL"),
        (aiohttp.ClientError(CANARY), "the connection to lb:80 broke: ClientError"),
        (
            aiohttp.ConnectionTimeoutError(CANARY),
            "the connection to lb:80 broke: ConnectionTimeoutError",
        ),
        (OSError(104, "Connection reset"), "the connection to lb:80 broke: Connection reset"),
        (ValueError(CANARY), "this request cannot be sent: ValueError"),
        (
            UnicodeEncodeError("utf-8", f"{CANARY}\ud800", 12, 13, "surrogates not allowed"),
            "this request cannot be sent: there is half a character in it",
        ),
        (UnicodeError(CANARY), "this request cannot be sent: no host can have such a name"),
        (TypeError(CANARY), "this request cannot be sent: TypeError"),
    ],
)
def test_whatever_the_library_says_is_not_said_on(error: Exception, said: str) -> None:
    assert str(why_no_answer(error, "lb:80")) == said
