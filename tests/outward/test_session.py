"""What is connected to has been judged by its address, whatever name led there."""

import asyncio
import ipaddress

import aiohttp
import pytest

from engine.outward.policy import OutwardPolicy, RefusedError
from engine.outward.session import open_session
from tests.outward.servers import FINE, Names, serving

METADATA = "169.254.169.254"
LOOPBACK_2 = OutwardPolicy(deny=(ipaddress.ip_network("127.0.0.2/32"),))


async def get(session: aiohttp.ClientSession, url: str) -> str:
    async with session.get(url) as response:
        return await response.text()


async def refused_by(session: aiohttp.ClientSession, url: str) -> str:
    with pytest.raises(aiohttp.ClientConnectorError) as refused:
        await get(session, url)
    assert isinstance(refused.value.os_error, RefusedError)
    return str(refused.value.os_error)


def test_a_name_that_comes_to_mean_another_address_is_refused() -> None:
    """DNS rebinding: the first answer is harmless, the second one is the metadata's."""

    async def story() -> None:
        names = Names({"rebind.example": [["127.0.0.1"], [METADATA]]})
        async with serving() as server, open_session(OutwardPolicy(), resolver=names) as session:
            url = f"http://rebind.example:{server.port}/"
            assert await get(session, url) == "fine"
            assert isinstance(session.connector, aiohttp.TCPConnector)
            session.connector.clear_dns_cache()  # as ten seconds do

            said = await refused_by(session, url)

            assert names.asked == ["rebind.example"] * 2
            assert f"rebind.example: its address is {METADATA}" in said
            assert server.connections == 1

    asyncio.run(story())


def test_the_address_that_was_judged_is_the_one_connected_to() -> None:
    """Between judging and connecting nobody is asked again: there is no time to change it."""

    async def story() -> None:
        names = Names({"once.example": [["127.0.0.1"], [METADATA]]})
        async with serving() as server, open_session(OutwardPolicy(), resolver=names) as session:
            assert await get(session, f"http://once.example:{server.port}/") == "fine"
            assert names.asked == ["once.example"]

    asyncio.run(story())


@pytest.mark.parametrize("addresses", [["127.0.0.1", METADATA], [METADATA, "127.0.0.1"]])
def test_one_denied_address_among_several_spoils_the_name(addresses: list[str]) -> None:
    async def story() -> None:
        names = Names({"both.example": [addresses]})
        async with serving() as server, open_session(OutwardPolicy(), resolver=names) as session:
            await refused_by(session, f"http://both.example:{server.port}/")
            assert server.connections == 0

    asyncio.run(story())


@pytest.mark.parametrize("host", ["127.0.0.2", "[::ffff:127.0.0.2]", "[::ffff:7f00:2]"])
def test_an_address_in_the_url_is_judged_at_the_connection_too(host: str) -> None:
    """Whoever forgot to judge the URL before still connects to nothing denied."""

    async def story() -> None:
        async with serving(host="127.0.0.2") as server, open_session(LOOPBACK_2) as session:
            assert "http.deny" in await refused_by(session, f"http://{host}:{server.port}/")
            assert server.connections == 0

    asyncio.run(story())


@pytest.mark.parametrize("host", ["2130706434", "0x7f000002", "0177.0.0.2", "127.2", "0x7f.0x2"])
def test_an_odd_address_leads_to_nothing_denied(host: str) -> None:
    """The machine's own resolver would read each of these as 127.0.0.2."""

    async def story() -> None:
        async with serving(host="127.0.0.2") as server, open_session(LOOPBACK_2) as session:
            with pytest.raises((aiohttp.ClientConnectorError, aiohttp.InvalidURL)):
                await get(session, f"http://{host}:{server.port}/")
            assert server.connections == 0

    asyncio.run(story())


def test_a_name_of_this_machines_own_resolver_is_judged() -> None:
    policy = OutwardPolicy(deny=(ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1")))

    async def story() -> None:
        async with serving() as server, open_session(policy) as session:
            said = await refused_by(session, f"http://localhost:{server.port}/")
            assert said.startswith("nothing was sent to localhost: its address is ")
            assert server.connections == 0

    asyncio.run(story())


def test_the_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async with (
            serving() as target,
            serving() as proxy,
            open_session(OutwardPolicy()) as session,
        ):
            for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
                monkeypatch.setenv(name, proxy.url)
            assert await get(session, f"{target.url}/") == "fine"
            assert (len(target.heads), proxy.connections) == (1, 0)

    asyncio.run(story())


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST", "PATCH"])
def test_a_broken_connection_is_no_reason_to_change_something_twice(method: str) -> None:
    async def story() -> None:
        async with serving(b"") as server, open_session(OutwardPolicy()) as session:
            with pytest.raises(aiohttp.ClientConnectionError):
                await session.request(method, server.url)
            assert len(server.heads) == 1

    asyncio.run(story())


def test_reading_is_tried_again_when_a_kept_connection_was_closed() -> None:
    answers = [b"", FINE]

    async def story() -> None:
        async with (
            serving(lambda _: answers.pop(0)) as server,
            open_session(OutwardPolicy()) as session,
        ):
            assert await get(session, server.url) == "fine"

    asyncio.run(story())
