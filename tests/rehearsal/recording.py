"""A world that playbooks act on for real, and that keeps what came: request by request."""

import json
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson
from aiohttp import web
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.flashduty.served import served
from tests.flashduty.servers import serving

RECORD: Final = """\
#!{python} -IS
import json, os, sys, time
with open(f"/proc/{{os.getppid()}}/cmdline") as parent:
    around = parent.read().split("\\0")[:-1]
kept = {{
    "argv": ["record", *sys.argv[1:]],
    "env": dict(os.environ),
    "cwd": os.getcwd(),
    "stdin": sys.stdin.read(),
    "around": around,
}}
name = f"{folder}/{{time.monotonic_ns()}}-{{os.getpid()}}"
with open(f"{{name}}.part", "w") as file:
    json.dump(kept, file)
os.rename(f"{{name}}.part", f"{{name}}.json")
print(json.dumps({answer}))
"""
ANSWER: Final = {
    "ok": True,
    "id": 7,
    "name": "es nj/01",
    "items": ["a b", {"k": [1]}],
    "state": "up",
}
_OF_THE_CLIENT: Final = frozenset(
    ("host", "user-agent", "accept-encoding", "content-length", "connection", "idempotency-key")
)


@dataclass(frozen=True)
class HttpRequest:
    """One as it arrived, without what belongs to the client that sent it."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: tuple[tuple[str, str], ...]
    body: Any
    target: str = field(default="", compare=False)  # path and query as they came

    @classmethod
    def of(cls, method: str, url: str, headers: Mapping[str, str], body: bytes) -> "HttpRequest":
        parts = urlsplit(url)
        kept = {name.lower(): value for name, value in headers.items()}
        kind = kept.get("content-type", "")
        read: Any = body.decode()
        if kind.endswith("json"):
            read = orjson.loads(body)
        elif kind == "application/x-www-form-urlencoded":
            read = parse_qsl(read, keep_blank_values=True)
        elif not body:  # with none, its type says nothing
            kept.pop("content-type", None)
        if kept.get("accept") == "*/*":
            del kept["accept"]
        return cls(
            method,
            unquote(parts.path) or "/",
            tuple(parse_qsl(parts.query, keep_blank_values=True)),
            tuple(sorted((k, v) for k, v in kept.items() if k not in _OF_THE_CLIENT)),
            read,
            url,
        )


@dataclass(frozen=True)
class Child:
    """A process as it saw itself."""

    argv: list[str]
    env: dict[str, str]
    cwd: str
    stdin: str
    around: list[str]  # the command line of who started it


@dataclass
class World:
    """What came, in the order it came; each is emptied by whoever looks at it."""

    folder: Path  # of the config
    http: list[HttpRequest] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)  # the Idempotency-Key of each
    flashduty: list[tuple[str, Any]] = field(default_factory=list)  # path, body
    url: str = ""
    flashduty_url: str = ""
    targets_url: str = ""

    def make(self) -> None:
        """The folder, with the program `record` in it."""
        for name in ("bin", "children", "a b"):
            (self.folder / name).mkdir(parents=True)
        program = self.folder / "bin/record"
        text = RECORD.format(python=sys.executable, folder=self.folder / "children", answer=ANSWER)
        program.write_text(text)
        program.chmod(0o700)

    @property
    def environ(self) -> dict[str, str]:
        """What every command gets."""
        return {
            "PATH": f"{self.folder / 'bin'}:/usr/bin:/bin",
            "HOME": "/nowhere",
            "LC_ALL": "C.UTF-8",
        }

    def take_children(self) -> list[Child]:
        """Those that ran since somebody looked, in the order in which they began."""
        files = sorted((self.folder / "children").glob("*.json"))
        children = [Child(**json.loads(file.read_text())) for file in files]
        for file in files:
            file.unlink()
        return children

    def take_http(self) -> list[HttpRequest]:
        taken, self.http, self.keys = self.http, [], []
        return taken

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """An answer of its own to each path; the same again for all but two of them."""
        came = HttpRequest.of(
            request.method, request.raw_path, request.headers, await request.read()
        )
        if request.path == "/there":  # where the target itself sends its callers
            return web.json_response(ANSWER)
        before = self.http.count(came)
        self.http.append(came)
        self.keys.append(request.headers.get("Idempotency-Key", ""))
        if request.path == "/once-unavailable" and not before:
            return web.Response(status=503)
        if request.path == "/moved":
            return web.Response(status=302, headers={"Location": "/there"})
        state = "down" if request.path == "/eventually" and not before else "up"
        return web.json_response({**ANSWER, "state": state})

    def recorded(self, app: ASGIApp, keep: Callable[[Scope, bytes], None]) -> ASGIApp:
        """An application that behaves as a real one would, and of which each request is kept."""

        async def recording(scope: Scope, receive: Receive, send: Send) -> None:
            message = await receive()
            body = bytearray(message.get("body", b""))
            while message.get("more_body"):
                message = await receive()
                body += message.get("body", b"")
            keep(scope, bytes(body))
            whole: list[Message] = [{"type": "http.request", "body": bytes(body)}]

            async def again() -> Message:
                return whole.pop() if whole else await receive()

            await app(scope, again, send)

        return recording

    def keep_call(self, scope: Scope, body: bytes) -> None:
        """One of Flashduty's Open API."""
        query = dict(parse_qsl(scope["query_string"].decode()))
        query.pop("app_key", None)
        self.flashduty.append((scope["path"], orjson.loads(body) if body else query))

    def keep_request(self, scope: Scope, body: bytes) -> None:
        """One to another target."""
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        query = scope["query_string"].decode()
        url = scope["raw_path"].decode() + (f"?{query}" if query else "")
        self.http.append(HttpRequest.of(scope["method"], url, headers, body))
        self.keys.append(headers.get("idempotency-key", ""))


@asynccontextmanager
async def a_world(folder: Path, flashduty: ASGIApp, targets: ASGIApp) -> AsyncIterator[World]:
    """All of it on ports of this machine, until the block ends."""
    world = World(folder)
    world.make()
    async with (
        serving(world.answer) as world.url,
        served(world.recorded(flashduty, world.keep_call)) as world.flashduty_url,
        served(world.recorded(targets, world.keep_request)) as world.targets_url,
    ):
        yield world
