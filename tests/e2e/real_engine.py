"""A real engine process, and a real service for it to call."""

import http.client
import io
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from engine.cli.main import run

PATIENCE = 60.0  # seconds until a test gives up waiting for something that should be there at once
TOKEN = "e2e-token-91f3"
KEY = "e2e-key-5d21"


class EngineProcess:
    """`engine serve`, or a half of it, as a child; its log is what tests wait for."""

    def __init__(
        self,
        config: Path,
        environ: dict[str, str],
        inherited: Sequence[int] = (),
        command: Sequence[str] = ("serve",),
    ) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "engine", *command, "--config", str(config)],
            stderr=subprocess.PIPE,
            env={**os.environ, **environ},
            text=True,
            encoding="utf-8",
            pass_fds=inherited,
        )
        self.log: list[dict[str, Any]] = []
        self.raw: list[str] = []  # all that it wrote, also where nobody waited for it
        self._counts: Counter[str] = Counter()  # of the actions in it
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.raw.append(line)
            self._lines.put(line)
        self._lines.put(None)

    def wait_for(self, action: str, **expected: object) -> dict[str, Any]:
        """The next line of the log with this action."""
        while True:
            entry = self._next(action)
            if entry.get("action") == action and expected.items() <= entry.items():
                return entry

    def wait_until(self, enough: Callable[[Counter[str]], bool]) -> None:
        """Until the log, from its beginning, has enough of each action."""
        while not enough(self._counts):
            self._next("there was enough of it")

    def _next(self, awaited: str) -> dict[str, Any]:
        try:
            line = self._lines.get(timeout=PATIENCE)
        except queue.Empty:
            raise AssertionError(f"the engine said no more before {awaited}: {self.log}") from None
        if line is None:
            raise AssertionError(f"the engine ended before {awaited}: {self.log}")
        try:
            entry: dict[str, Any] = json.loads(line)
        except ValueError:
            entry = {"action": "no JSON", "text": line}
        self.log.append(entry)
        self._counts[str(entry.get("action"))] += 1
        return entry

    @property
    def port(self) -> int:
        return int(next(entry["port"] for entry in self.log if entry["action"] == "listening"))

    def request(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def press(self, action: str, body: bytes) -> tuple[int, Any]:
        headers = {"Content-Type": "application/json", "X-Engine-Token": TOKEN}
        return self.request("POST", f"/flashduty/actions/{action}?a=a", body, headers)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE)

    def terminate(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        if self.process.poll() is None:
            self.kill()
        self._reader.join(PATIENCE)
        if self.process.stderr is not None:
            self.process.stderr.close()


@dataclass
class Target:
    """A service that playbooks call. While it holds, requests wait; it keeps all it got."""

    url: str = ""
    got: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    arrived: "queue.Queue[str]" = field(default_factory=queue.Queue)
    released: threading.Event = field(default_factory=threading.Event)

    def wait_for_request(self) -> str:
        """The path of the next request, once it is there."""
        return self.arrived.get(timeout=PATIENCE)


@dataclass
class Place:
    """A folder with a config and playbooks, and the engines that were started on it."""

    folder: Path
    flashduty: str = ""  # the URL of one, for `${E2E_FLASHDUTY}`
    engines: list[EngineProcess] = field(default_factory=list)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def start(self, inherited: Sequence[int] = ()) -> EngineProcess:
        return self._started("listening", inherited, "serve")

    def start_receiver(self) -> EngineProcess:
        return self._started("listening", (), "serve", "--no-worker")

    def start_worker(self) -> EngineProcess:
        return self._started("working", (), "work")

    def _started(self, action: str, inherited: Sequence[int], *command: str) -> EngineProcess:
        engine = EngineProcess(self.folder / "config.yaml", self.environ, inherited, command)
        self.engines.append(engine)
        engine.wait_for(action)
        return engine

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another `engine` command on the same config. The engine's process is another one."""
        out, err = io.StringIO(), io.StringIO()
        with patch.dict(os.environ, self.environ), redirect_stdout(out), redirect_stderr(err):
            code = run([*arguments, *self._config])
        return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())

    def process(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The same in a process of its own, until it ends."""
        return subprocess.run(
            [sys.executable, "-m", "engine", *arguments, *self._config],
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=PATIENCE,
            check=False,
            env={**os.environ, **self.environ},
        )

    @property
    def environ(self) -> dict[str, str]:
        """What its config asks of the environment."""
        return {"E2E_TOKEN": TOKEN, "E2E_KEY": KEY, "E2E_FLASHDUTY": self.flashduty}

    @property
    def _config(self) -> tuple[str, str]:
        return "--config", str(self.folder / "config.yaml")

    def json(self, *arguments: str) -> Any:
        done = self.command(*arguments, "--format", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)
