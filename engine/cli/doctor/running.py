"""Whether an engine works there, and answers."""

import http.client
import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import closing
from http import HTTPStatus
from typing import Any, Final

from engine.cli.doctor.finding import Finding
from engine.config.config import Config

PATIENCE: Final = 3.0  # seconds
_ANY: Final[Mapping[str, str]] = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - to ask, not to listen


def look_at_running(config: Config, worker: int | None, receiver: int | None) -> Iterator[Finding]:
    """By the processes that hold the ledger: one in both roles, or one in each; None: none does."""
    if worker == receiver:
        yield from _look_at(config, worker, "engine", "works")
        return
    yield _worker(config, worker)
    if receiver is None:
        seen = f"none receives for {config.database}: what is sent now is lost"
        yield Finding("receiver", "fail", seen, "`engine serve --no-worker` starts one")
        return
    yield from _look_at(config, receiver, "receiver", "receives")


def _worker(config: Config, process: int | None) -> Finding:
    if process is not None:
        return Finding("worker", "ok", f"process {process} works on {config.database}")
    seen = "none is running: events are kept, and wait for one"
    return Finding("worker", "fail", seen, "`engine work` starts one")


def _look_at(config: Config, process: int | None, check: str, does: str) -> Iterator[Finding]:
    if config.listen.port == 0:
        yield _unseen(process, check, does, "which port it listens on, the system chooses")
        return
    try:
        status, answer = _ask(config, "/healthz")
    except (OSError, http.client.HTTPException) as error:
        yield _silent(config, process, check, does, error)
        return
    if status != HTTPStatus.OK or answer.get("status") != "alive":
        seen = f"what listens on {config.listen.authority} is no engine (HTTP {status})"
        yield Finding(check, "fail", seen, "stop it, or set another `listen`")
    elif process is None:
        seen = f"one answers on {config.listen.authority}, and none works on {config.database}"
        yield Finding("engine", "warn", seen, "see which --config it was started with")
    else:
        yield Finding(check, "ok", f"process {process} {does}, and answers on {config.url}")
        yield from _ready(config)


def _ready(config: Config) -> Iterator[Finding]:
    status, answer = _ask(config, "/readyz")
    problems = answer.get("problems") or []
    if status != HTTPStatus.OK:
        seen = f"it cannot take events: {answer.get('reason') or f'HTTP {status}'}"
        yield Finding("ready", "fail", seen, "its log says why, and when it began")
    elif problems:
        first = problems[0]
        seen = f"it takes events, with {len(problems)} problems: {first.get('message')}"
        yield Finding("ready", "warn", seen, "mend what `engine lint` shows; it is taken at once")
    else:
        yield Finding("ready", "ok", "it takes events")


def _unseen(process: int | None, check: str, does: str, why: str) -> Finding:
    if process is None:
        return _none()
    return Finding(check, "ok", f"process {process} {does}; {why}")


def _none() -> Finding:
    return Finding("engine", "warn", "none works on this database", "`engine serve` starts one")


def _silent(
    config: Config, process: int | None, check: str, does: str, error: Exception
) -> Finding:
    if process is None:
        return _none()
    asks = config.tls is not None and config.tls.client_ca is not None
    if asks and not isinstance(error, ConnectionRefusedError):
        return _unseen(
            process, check, does, "it answers who shows a certificate, and there is none here"
        )
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    seen = f"process {process} holds the database, and {config.listen.authority}: {said}"
    return Finding(check, "fail", seen, "see its log; `listen` may have changed since its start")


def _ask(config: Config, path: str) -> tuple[int, Mapping[str, Any]]:
    """Raises OSError and http.client.HTTPException. No secret is sent, so nobody has to prove."""
    host, port = _ANY.get(config.listen.host, config.listen.host), config.listen.port
    connection = http.client.HTTPConnection(host, port, timeout=PATIENCE)
    if config.tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(host, port, timeout=PATIENCE, context=context)
    with closing(connection):
        connection.request("GET", path)
        answer = connection.getresponse()
        try:
            read = json.loads(answer.read(1024 * 1024))
        except ValueError:
            read = None
        return answer.status, read if isinstance(read, dict) else {}
