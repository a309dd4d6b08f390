"""Redirects, caps and certificates, with real servers that note every byte they get."""

import asyncio
import gzip
import ipaddress
import tracemalloc
import zlib
from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver
from yarl import URL

from engine.outward.exchange import Reply, ask
from engine.outward.failure import NoAnswerError
from engine.outward.policy import OutwardPolicy, Rule
from engine.outward.request import Request
from engine.outward.session import open_session
from tests.outward.servers import FINE, Names, Server, made_certificate, redirect, serving

LIMIT = 64 * 1024
CANARY = "canary-7f3a"
OPEN = OutwardPolicy()
SECRETS = {
    "Authorization": f"Bearer {CANARY}",
    "Cookie": f"session={CANARY}",
    "X-Api-Key": CANARY,
    "X-Ordinary": f"a {CANARY} b",
    "Accept": "application/json",
}


async def asking(
    url: str,
    method: str = "GET",
    *,
    policy: OutwardPolicy = OPEN,
    resolver: AbstractResolver | None = None,
    headers: Mapping[str, str] = SECRETS,
    body: str | None = None,
    limit: int = LIMIT,
) -> Reply:
    async with open_session(policy, resolver=resolver) as session:
        request = Request(method, URL(url), headers, body)
        return await ask(session, policy, request, follow=True, limit=limit)


async def failing(url: str, method: str = "GET", **given: Any) -> NoAnswerError:
    with pytest.raises(NoAnswerError) as failed:
        await asking(url, method, **given)
    return failed.value


def run(story: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await story()

    asyncio.run(main())


# Redirects


def test_a_redirect_within_one_origin_takes_everything_along() -> None:
    async def story() -> None:
        async with serving(lambda head: FINE if " /new " in head else redirect("/new")) as server:
            reply = await asking(server.url)
            assert reply.body == b"fine"
            assert all(CANARY in head for head in server.heads)

    run(story)


def test_a_redirect_to_another_origin_leaves_every_secret_behind() -> None:
    async def story() -> None:
        async with serving() as other, serving(redirect(f"{other.url}/x")) as first:
            reply = await asking(f"{first.url}/?key={CANARY}")
            assert (reply.status, reply.asked.place) == (200, f"127.0.0.1:{other.port}")
            assert first.only.count(CANARY) == 5
            assert CANARY not in other.only
            assert "Accept: application/json" in other.only

    run(story)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_change_is_not_sent_on_to_another_origin(method: str, status: int) -> None:
    async def story() -> None:
        async with serving() as other, serving(redirect(other.url, status)) as first:
            failed = await failing(first.url, method, body=f"token={CANARY}")
            assert str(failed) == (
                f"redirected to {other.url}, and not followed: "
                f"a {method} is sent to another origin only if the playbook names it"
            )
            assert not failed.may_pass
            assert (len(first.heads), other.connections) == (1, 0)

    run(story)


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_post_that_becomes_a_get_leaves_its_body_behind(status: int) -> None:
    async def story() -> None:
        async with serving() as other, serving(redirect(other.url, status)) as first:
            reply = await asking(first.url, "POST", body=f"token={CANARY}")
            assert reply.body == b"fine"
            assert other.only.startswith("GET / HTTP/1.1\r\n")
            assert "content-" not in other.only.lower()
            assert CANARY not in other.only

    run(story)


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:169.254.169.254]/",
        "http://[fd00:ec2::254]/",
        "http://[fe80::1%25lo]/",
        "http://2852039166/",
        "http://0xa9.0xfe.0xa9.0xfe/",
        "http://metadata.example/",
        "//metadata.example/",
    ],
)
def test_a_redirect_to_a_denied_address_ends_there(target: str) -> None:
    async def story() -> None:
        names = Names({"metadata.example": [["169.254.169.254"]]})
        async with serving(redirect(target)) as first:
            failed = await failing(first.url, resolver=names)
            assert str(failed).startswith("redirected, and nothing was sent to ")
            assert not failed.may_pass

    run(story)


def test_a_redirect_is_judged_by_what_is_allowed() -> None:
    async def story() -> None:
        async with serving() as other, serving(redirect(other.url)) as first:
            policy = OutwardPolicy(allow=(Rule.read(f"127.0.0.1:{first.port}"),))
            failed = await failing(first.url, policy=policy)
            assert str(failed) == (
                f"redirected, and nothing was sent to 127.0.0.1:{other.port}: "
                "it is not in http.allow of config.yaml"
            )
            assert other.connections == 0

    run(story)


def test_the_same_name_may_not_turn_to_a_denied_address_between_two_requests() -> None:
    """A target that redirects to itself until its name means something else."""

    async def story() -> None:
        names = Names({"rebind.example": [["127.0.0.1"], ["169.254.169.254"]]})

        def answer(_: str) -> bytes:
            assert isinstance(session.connector, aiohttp.TCPConnector)
            session.connector.clear_dns_cache()  # as ten seconds do
            return redirect("/again")

        async with serving(answer) as server, open_session(OPEN, resolver=names) as session:
            request = Request("GET", URL(f"http://rebind.example:{server.port}/"), SECRETS)
            with pytest.raises(NoAnswerError, match=r"redirected, and .* 169\.254\.169\.254"):
                await ask(session, OPEN, request, follow=True, limit=LIMIT)
            assert server.connections == 1

    run(story)


def test_a_circle_of_redirects_ends() -> None:
    async def story() -> None:
        async with serving(lambda _: redirect(f"/?key={CANARY}")) as server:
            failed = await failing(server.url)
            assert str(failed) == "redirected more than 10 times"
            assert len(server.heads) == 11

    run(story)


def test_from_tls_it_does_not_go_on_without(tmp_path: Path) -> None:
    async def story() -> None:
        tls = made_certificate(tmp_path)
        async with serving() as plain, serving(redirect(plain.url), tls=tls) as first:
            policy = OutwardPolicy(insecure=(Rule.read("127.0.0.1"),))
            failed = await failing(first.url, policy=policy)
            assert str(failed) == (
                f"redirected to {plain.url}, and not followed: "
                "what was asked over TLS is not asked without it"
            )
            assert plain.connections == 0

    run(story)


# Certificates


def test_a_certificate_goes_unchecked_for_a_host_that_config_names(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tls=made_certificate(tmp_path)) as server:
            named = OutwardPolicy(insecure=(Rule.read(f"localhost:{server.port}"),))
            reply = await asking(f"https://localhost:{server.port}/", policy=named)
            assert reply.body == b"fine"
            failed = await failing(f"https://127.0.0.1:{server.port}/", policy=named)
            assert str(failed).endswith(
                "; nothing was sent "
                "(http.insecure of config.yaml names hosts whose certificates are not checked)"
            )
            assert len(server.heads) == 1

    run(story)


def test_a_redirect_to_a_host_that_is_not_named_is_checked(tmp_path: Path) -> None:
    async def story() -> None:
        tls = made_certificate(tmp_path)
        async with serving(tls=tls) as other, serving(redirect(other.url), tls=tls) as first:
            policy = OutwardPolicy(insecure=(Rule.read(f"127.0.0.1:{first.port}"),))
            failed = await failing(first.url, policy=policy)
            assert "is not trusted" in str(failed)
            assert other.heads == []

    run(story)


# What comes back


def packed_answer(encoding: str, packed: bytes) -> bytes:
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(packed)}\r\n\r\n"
    )
    return head.encode() + packed


def bomb(encoding: str, megabytes: int) -> bytes:
    """Zeros, about a thousandth of their size."""
    if encoding == "gzip":
        packer = zlib.compressobj(9, wbits=31)
    elif encoding == "deflate":
        packer = zlib.compressobj(9)
    elif encoding == "br":
        zeros = b"\0" * (megabytes << 20)
        return bytes(import_module("brotli").compress(zeros, quality=5))
    else:
        zeros = b"\0" * (megabytes << 20)
        return bytes(import_module("backports.zstd").compress(zeros))
    packed = [packer.compress(b"\0" * (1 << 20)) for _ in range(megabytes)]
    return b"".join([*packed, packer.flush()])


def needs(module: str) -> pytest.MarkDecorator:
    try:
        missing = find_spec(module) is None
    except ModuleNotFoundError:
        missing = True
    return pytest.mark.skipif(missing, reason=f"{module} is not installed: it is not asked for")


@pytest.mark.parametrize(
    "encoding",
    [
        "gzip",
        "deflate",
        pytest.param("br", marks=needs("brotli")),
        pytest.param("zstd", marks=needs("backports.zstd")),
    ],
)
def test_a_bomb_is_unpacked_as_far_as_the_limit_and_no_further(encoding: str) -> None:
    megabytes = 200
    answer = packed_answer(encoding, bomb(encoding, megabytes))

    async def story() -> None:
        async with serving(answer) as server:
            tracemalloc.start()
            try:
                reply = await asking(server.url)
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
        assert (len(reply.body), reply.cut) == (LIMIT, True)
        assert peak < 4 << 20

    run(story)


def test_a_packed_answer_of_the_usual_kind_is_unpacked() -> None:
    async def story() -> None:
        async with serving(packed_answer("gzip", gzip.compress(b"up" * 1000))) as server:
            reply = await asking(server.url)
            assert (reply.body, reply.cut) == (b"up" * 1000, False)

    run(story)


def test_what_is_packed_twice_is_unpacked_by_nobody() -> None:
    twice = gzip.compress(gzip.compress(b"\0" * 1000))

    async def story() -> None:
        async with serving(packed_answer("gzip, gzip", twice)) as server:
            assert (await asking(server.url)).body == twice

    run(story)


def headed(*lines: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", *lines, "Content-Length: 0", "", ""]).encode()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            headed(*(f"X-{n}: {CANARY}" for n in range(200))),
            "has more headers than http.max_headers of config.yaml",
        ),
        (headed(f"X-Long: {CANARY}{'a' * 9000}"), "has a header of more than 8190 bytes"),
        (f"HTTP/1.1 200 {CANARY * 1000}\r\n\r\n".encode(), "has a header of more than 8190 bytes"),
    ],
)
def test_an_answer_may_have_so_many_headers_and_no_longer_ones(answer: bytes, said: str) -> None:
    async def story() -> None:
        async with serving(answer) as server:
            failed = await failing(server.url)
            assert str(failed) == f"the answer of 127.0.0.1:{server.port} {said}"

    run(story)


def test_how_many_headers_is_for_config_to_say() -> None:
    async def story() -> None:
        async with serving(headed("X-A: 1", "X-B: 1", "X-C: 1")) as server:
            async with open_session(OPEN, max_headers=2) as session:
                request = Request("GET", URL(server.url), {})
                with pytest.raises(NoAnswerError, match=r"more headers than http\.max_headers"):
                    await ask(session, OPEN, request, follow=False, limit=LIMIT)
            assert (await asking(server.url)).status == 200

    run(story)


def test_a_body_without_end_is_not_waited_for() -> None:
    async def story() -> None:
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        endless = head + b"10000\r\n" + b"x" * 0x10000 + b"\r\n"  # and never the last chunk
        async with serving(endless) as server:
            reply = await asking(server.url, limit=100)
            assert (len(reply.body), reply.cut) == (100, True)

    run(story)


# By which addresses


def test_a_name_is_asked_at_those_of_its_addresses_that_are_allowed() -> None:
    async def story() -> None:
        names = Names({"two.example": [["127.0.0.2", "127.0.0.1"]]})
        policy = OutwardPolicy(allow=(Rule.read("127.0.0.1"),))
        async with serving() as server, serving(host="127.0.0.2", port=server.port) as other:
            url = f"http://two.example:{server.port}/"
            assert (await asking(url, policy=policy, resolver=names)).body == b"fine"
            assert (server.connections, other.connections) == (1, 0)

    run(story)


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/", "http://name.example:{port}/"])
def test_nothing_reaches_a_server_that_is_denied(url: str) -> None:
    policy = OutwardPolicy(deny=(ipaddress.ip_network("127.0.0.0/8"),))

    async def story() -> None:
        names = Names({"name.example": [["127.0.0.1"]]})
        async with serving() as server:
            at = url.format(port=server.port)
            failed = await failing(at, policy=policy, resolver=names)
            assert "http.deny of config.yaml" in str(failed)
            assert not failed.may_pass
            assert server.connections == 0

    run(story)


def test_a_server_says_what_reached_it() -> None:
    """The guard of these tests: a server that notes nothing would let all of them pass."""

    async def story() -> None:
        async with serving() as server:
            await asking(server.url)
            assert isinstance(server, Server)
            assert CANARY in server.only
            assert server.connections == 1

    run(story)
