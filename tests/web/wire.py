"""The application under the real server, and clients that write bytes as they like."""

import asyncio
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp

from engine.cli.running import port_of
from engine.cli.serving import bind, server

PATIENCE = 60.0


@dataclass(frozen=True)
class Answer:
    """One answer, as it came."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str | None:
        error = self.json.get("error")
        return None if error is None else str(error["code"])


class Line:
    """One connection."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._read = b""

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self, *, has_body: bool = True) -> Answer | None:
        """The next answer; None when the connection was closed instead."""
        while b"\r\n\r\n" not in self._read:
            if not self._more():
                return None
        head, _, self._read = self._read.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        length = int(headers.get("content-length", 0)) if has_body else 0
        while len(self._read) < length:
            assert self._more(), "it was closed within an answer"
        body, self._read = self._read[:length], self._read[length:]
        return Answer(int(first.split(" ")[1]), headers, body)

    def is_closed(self) -> bool:
        """Waits for it to be."""
        return not self._more()

    def close(self) -> None:
        self.socket.close()

    def _more(self) -> bool:
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            return False
        self._read += data
        return data != b""


@dataclass(frozen=True)
class Served:
    """A server that runs in a thread of its own."""

    port: int
    lines: list[Line]

    def line(self) -> Line:
        made = Line(self.port)
        self.lines.append(made)
        return made

    def ask(self, request: bytes, *, has_body: bool = True) -> Answer:
        """One request on a connection of its own, and its answer."""
        line = self.line()
        line.send(request)
        answer = line.answer(has_body=has_body)
        assert answer is not None, "it was closed without an answer"
        return answer


@contextmanager
def served(
    app: ASGIApp, *, connections: int = 100, tls: ssl.SSLContext | None = None
) -> Iterator[Served]:
    """The server of `engine serve` over an application."""
    web = server(app, connections=connections, tls=tls)
    with bind("127.0.0.1", 0) as listener:
        port = port_of(listener)
        thread = threading.Thread(target=lambda: asyncio.run(web.serve([listener])))
        thread.start()
        made = Served(port, [])
        try:
            yield made
        finally:
            for line in made.lines:
                line.close()
            web.end()
            thread.join(PATIENCE)


def request(
    target: str = "/flashduty/actions/restart-host",
    body: bytes = b"",
    *,
    method: str = "POST",
    token: str | None = "web-test-token",  # noqa: S107
    host: str = "127.0.0.1",
    lines: tuple[str, ...] = (),
) -> bytes:
    """The bytes of a request."""
    head = [f"{method} {target} HTTP/1.1", f"Host: {host}", "Content-Type: application/json"]
    if token is not None:
        head.append(f"X-Engine-Token: {token}")
    if not any(line.lower().startswith("transfer-encoding") for line in lines):
        head.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*head, *lines, "", ""]).encode("latin-1") + body
