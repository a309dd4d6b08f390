"""Flashduty is asked through the proxy that the environment names, and nothing else goes along."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from engine.flashduty.answer import Answer, FlashdutyError
from engine.flashduty.client import FlashdutyClient, Patience
from engine.flashduty.exchange import open_session
from engine.flashduty.proxy import proxy_for

NAMES: Final = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")
KEY: Final = "canary0123456789"
ANSWER: Final = b'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"data": "a"}'


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


@dataclass
class Proxy:
    """Keeps the head of each request, and gives the same answer whatever it is asked."""

    answer: bytes
    heads: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[int]:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
            writer.write(self.answer)
            await writer.drain()
            writer.close()
            await writer.wait_closed()

        async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
            yield server.sockets[0].getsockname()[1]


async def ask(base_url: str) -> Answer:
    async with open_session() as session:
        client = FlashdutyClient(
            lambda: session,
            base_url,
            KEY,
            proxy=proxy_for(base_url),
            patience=Patience(retries=0),
        )
        return await client.call("incident/comment", {})


def refused(base_url: str) -> FlashdutyError:
    with pytest.raises(FlashdutyError) as caught:
        asyncio.run(ask(base_url))
    assert KEY not in f"{caught.value!r} {vars(caught.value)}"
    return caught.value


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY"])
@pytest.mark.parametrize("scheme", ["http://", ""])
def test_a_plain_base_url_is_asked_through_the_proxy(
    environment: pytest.MonkeyPatch, name: str, scheme: str
) -> None:
    proxy = Proxy(ANSWER)

    async def story() -> Answer:
        async with proxy.serving() as port:
            environment.setenv(name, f"{scheme}127.0.0.1:{port}")
            return await ask("http://flashduty.invalid/base")

    assert asyncio.run(story()) == Answer("a", None)
    (head,) = proxy.heads
    url = f"http://flashduty.invalid/base/incident/comment?app_key={KEY}"
    assert head.startswith(f"POST {url} HTTP/1.1\r\n")


def test_behind_tls_the_proxy_learns_the_host_and_not_the_key(
    environment: pytest.MonkeyPatch,
) -> None:
    proxy = Proxy(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

    async def story() -> None:
        async with proxy.serving() as port:
            environment.setenv("https_proxy", f"http://me:pass%2Fword@127.0.0.1:{port}")
            await ask("https://flashduty.invalid")

    with pytest.raises(FlashdutyError) as caught:
        asyncio.run(story())
    (head,) = proxy.heads
    assert head.startswith("CONNECT flashduty.invalid:443 HTTP/1.1\r\n")
    assert KEY not in head
    login = base64.b64encode(b"me:pass/word").decode()
    assert f"Proxy-Authorization: Basic {login}\r\n" in head
    assert (caught.value.code, caught.value.took_effect) == ("NoConnection", "no")
    assert caught.value.message == (
        "https://flashduty.invalid: the proxy that the environment names refused with HTTP 407"
    )


def test_what_netrc_holds_goes_neither_to_flashduty_nor_to_the_proxy(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(
        "machine flashduty.invalid login me password secret\ndefault login a password b\n"
    )
    netrc.chmod(0o600)
    environment.setenv("NETRC", str(netrc))
    proxy = Proxy(ANSWER)

    async def story() -> None:
        async with proxy.serving() as port:
            environment.setenv("http_proxy", f"http://127.0.0.1:{port}")
            await ask("http://flashduty.invalid")

    asyncio.run(story())
    assert "authorization" not in proxy.heads[0].lower()


def test_a_proxy_that_is_not_there_is_named_and_nothing_was_sent(
    environment: pytest.MonkeyPatch, refusing_port: int
) -> None:
    environment.setenv("http_proxy", f"http://127.0.0.1:{refusing_port}")
    error = refused("http://flashduty.invalid")
    assert (error.code, error.took_effect) == ("NoConnection", "no")
    assert error.message.startswith(
        "http://flashduty.invalid: the proxy that the environment names: "
    )


def test_a_proxy_of_another_kind_is_refused_and_not_passed_by(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("https_proxy", "socks5://me:secret@127.0.0.1:1080")
    error = refused("https://flashduty.invalid")
    assert (error.code, error.took_effect, error.may_pass) == ("InvalidProxy", "no", False)
    assert "secret" not in error.message


@pytest.mark.parametrize(
    ("variables", "base_url", "proxy"),
    [
        ({}, "https://api.flashcat.cloud", None),
        ({"https_proxy": "http://p:1"}, "https://api.flashcat.cloud", "http://p:1"),
        ({"https_proxy": "p:1"}, "https://api.flashcat.cloud", "http://p:1"),
        ({"http_proxy": "http://p:1"}, "https://api.flashcat.cloud", None),
        (
            {"https_proxy": "http://p:1", "no_proxy": "flashcat.cloud"},
            "https://api.flashcat.cloud",
            None,
        ),
        ({"https_proxy": "http://p:1", "no_proxy": "*"}, "https://api.flashcat.cloud", None),
        ({"http_proxy": "http://p:1"}, "http://localhost:9000", None),
        ({"http_proxy": "http://p:1"}, "http://127.0.0.1:9000", None),
        ({"http_proxy": "http://p:1"}, "http://[::1]:9000", None),
        ({"http_proxy": "http://p:1"}, "http://10.0.0.1:9000", "http://p:1"),
        ({"http_proxy": "http://p:1"}, "http://[::1", None),
        ({"http_proxy": ""}, "http://a", None),
    ],
)
def test_which_proxy_a_base_url_has(
    environment: pytest.MonkeyPatch,
    variables: dict[str, str],
    base_url: str,
    proxy: str | None,
) -> None:
    for name, value in variables.items():
        environment.setenv(name, value)
    assert proxy_for(base_url) == proxy
