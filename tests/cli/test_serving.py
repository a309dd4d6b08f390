"""Sockets, who may send, the order in which things stop, and what must not stop anything."""

import asyncio
import gc
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette

from engine.cli import serving
from engine.cli.running import port_of
from engine.cli.serving import (
    SELDOM,
    bind,
    collecting_seldom,
    server,
    spare_collector,
    stopped_by_signals,
    woken_by_signal,
)
from engine.problem import EngineError
from engine.store.records import open_records
from tests.e2e.real_engine import PATIENCE, TOKEN, Place

BODY = (Path(__file__).parents[1] / "fixtures/custom-action.vendor-page.json").read_bytes()
CONFIG = """\
listen: 127.0.0.1:{port}
flashduty:
  app_key: ${{E2E_KEY}}
  webhook_token: ${{E2E_TOKEN}}
  base_url: ${{E2E_FLASHDUTY}}
"""


@pytest.fixture
def place(tmp_path: Path, flashduty: str) -> Iterator[Place]:
    made = Place(tmp_path / "place", flashduty)
    made.folder.mkdir()
    made.write("config.yaml", CONFIG.format(port=0))
    yield made
    for engine in made.engines:
        engine.close()


def test_an_address_that_is_taken_is_said_with_what_to_do() -> None:
    with bind("127.0.0.1", 0) as first:
        with pytest.raises(EngineError) as error:
            bind("127.0.0.1", port_of(first))

        assert str(error.value) == (
            f"cannot-listen: 127.0.0.1:{port_of(first)}: Address already in use "
            "(another process listens there, perhaps an engine; stop it, or set another "
            "`listen` in config.yaml)"
        )


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("192.0.2.1", "it is no address of this machine; set another `listen` in config.yaml"),
        ("no-such-host.invalid", "set another `listen` in config.yaml"),
    ],
)
def test_an_address_that_cannot_be_had_is_not_said_to_be_taken(host: str, said: str) -> None:
    with pytest.raises(EngineError, match=r"^cannot-listen: ") as error:
        bind(host, 0)

    assert str(error.value).endswith(f" ({said})")


def test_a_server_sleeps_a_second_at_a_time_and_ends_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    web = server(Starlette())
    ticks: list[float] = []
    tick = web.on_tick

    async def counted(counter: int) -> bool:
        ticks.append(time.monotonic())
        if len(ticks) == 2:
            monkeypatch.setattr(serving, "TICK", 2 * PATIENCE)  # this one it does not sleep out
            asyncio.get_running_loop().call_soon(web.end)
        return await tick(counter)

    web.on_tick = counted  # type: ignore[method-assign]
    with bind("127.0.0.1", 0) as listener:
        asyncio.run(asyncio.wait_for(web.serve([listener]), PATIENCE))
    began, slept, _ended = ticks  # at its start, when it is told to end, and when it sees that
    assert slept - began >= 1


def test_a_server_that_is_ended_before_it_serves_does_not() -> None:
    web = server(Starlette())
    web.end()
    with bind("127.0.0.1", 0) as listener:
        asyncio.run(web.serve([listener]))
    assert web.should_exit


def test_garbage_is_looked_for_seldom_and_not_among_what_is_there_already() -> None:
    usual = gc.get_threshold()
    with collecting_seldom():
        assert gc.get_threshold() == SELDOM
        assert gc.get_freeze_count() > len(gc.get_objects())  # all that was imported
        circle: list[object] = []
        circle.append(circle)
        del circle
        assert gc.collect() >= 1  # it is found all the same
        there: list[object] = []
        spare_collector()
        assert not any(one is there for one in gc.get_objects())
    assert (gc.get_threshold(), gc.get_freeze_count()) == (usual, 0)


def test_what_is_accepted_answers_without_delay() -> None:
    """asyncio switches Nagle off only where the socket names its protocol."""
    with bind("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP


def test_ipv6_is_an_address_too() -> None:
    with bind("::1", 0) as listener:
        assert listener.family == socket.AF_INET6


def test_uvicorn_believes_no_header_about_who_sends() -> None:
    assert server(Starlette()).config.proxy_headers is False


def test_a_header_that_claims_another_address_lets_nobody_in(place: Place) -> None:
    allowed = "203.0.113.7"
    place.write("config.yaml", CONFIG.format(port=0) + f"  allow_from: ['{allowed}']\n")
    place.write("playbooks/none.yaml", "name: none\ntrigger: {}\nsteps: [{wait: 1s}]\n")
    engine = place.start()
    sent = {"Content-Type": "application/json", "X-Engine-Token": TOKEN}
    claims = [
        {},
        {"X-Forwarded-For": allowed},
        {"X-Forwarded-For": f"{allowed}, 127.0.0.1"},
        {"X-Real-IP": allowed, "Forwarded": f"for={allowed}"},
    ]
    for claim in claims:
        status, _ = engine.request("POST", "/flashduty/actions/go", BODY, {**sent, **claim})
        assert status == 403, claim
    assert place.json("events", "list")["items"] == []


def test_who_is_allowed_is_let_in_whatever_a_header_claims(place: Place) -> None:
    place.write("config.yaml", CONFIG.format(port=0) + "  allow_from: ['127.0.0.1']\n")
    place.write("playbooks/none.yaml", "name: none\ntrigger: {}\nsteps: [{wait: 1s}]\n")
    engine = place.start()
    sent = {"Content-Type": "application/json", "X-Engine-Token": TOKEN}
    claim = {"X-Forwarded-For": "203.0.113.7"}
    assert engine.request("POST", "/flashduty/actions/go", BODY, {**sent, **claim})[0] == 200


def test_a_secret_that_a_step_prints_before_any_step_used_it_is_masked(place: Place) -> None:
    secret = "never-named-7c1d"
    place.write("config.yaml", CONFIG.format(port=0) + "secrets: {S: {file: s.txt}}\n")
    place.write("s.txt", f"{secret}\n")
    script = "{ printf %290s x; cat s.txt; printf %2000s x; } >&2; exit 1"
    place.write(
        "playbooks/prints.yaml",
        "name: prints\ntrigger: {action: go}\nsteps:\n"
        "  - shell: [cat, s.txt]\n"
        f"  - shell: {{script: '{script}'}}\n",
    )
    engine = place.start()
    engine.press("go", BODY)
    engine.wait_for("run_failed")
    [run] = place.json("runs", "list")["items"]
    first, second = place.json("runs", "show", run["id"])["steps"]
    assert first["result"]["stdout"] == "******\n"
    assert "x******\n" in second["error"]
    assert engine.terminate() == 0
    written = b"".join(
        path.read_bytes() for path in place.folder.iterdir() if path.name.startswith("engine")
    )
    assert written
    for part in (secret, secret[:7], secret[-8:]):
        assert part.encode() not in written
        assert part not in json.dumps(engine.log)


def test_a_log_that_cannot_be_written_stops_nothing(place: Place, refusing_port: int) -> None:
    place.write("config.yaml", CONFIG.format(port=refusing_port))
    place.write(
        "playbooks/touch.yaml",
        "name: touch\ntrigger: {action: go}\nsteps: [{shell: [touch, done]}]\n",
    )
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "engine",
                "serve",
                "--config",
                str(place.folder / "config.yaml"),
            ],
            stderr=full,
            env={**os.environ, **place.environ},
        )
    try:
        deadline = time.monotonic() + PATIENCE
        answer = None
        while answer is None:
            assert time.monotonic() < deadline
            assert process.poll() is None
            answer = _pressed(refusing_port)
        assert answer == 200
        while not (place.folder / "done").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.terminate()
        process.wait(PATIENCE)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(PATIENCE)
    assert process.returncode != -signal.SIGKILL
    with open_records(place.folder / "engine.db") as records:
        [run] = records.runs(9, None, None, None).items
    assert run.ended is None or run.reason is None


def _pressed(port: int) -> int | None:
    """The status of a press, once somebody listens."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        headers = {"Content-Type": "application/json", "X-Engine-Token": TOKEN}
        connection.request("POST", "/flashduty/actions/go", BODY, headers)
        return connection.getresponse().status
    except ConnectionRefusedError:
        time.sleep(0.05)
        return None
    finally:
        connection.close()


def test_the_first_signal_asks_and_the_second_hurries() -> None:
    told: list[int] = []

    async def story() -> None:
        with stopped_by_signals(told.append) as stopping:
            assert (stopping.asked.is_set(), stopping.hurried.is_set()) == (False, False)
            os.kill(os.getpid(), signal.SIGTERM)
            await stopping.asked.wait()
            assert not stopping.hurried.is_set()
            os.kill(os.getpid(), signal.SIGINT)
            await stopping.hurried.wait()

    asyncio.run(asyncio.wait_for(story(), PATIENCE))
    assert told == [signal.SIGTERM]


def test_a_signal_wakes_and_is_ignored_again_afterwards() -> None:
    async def story() -> None:
        woken = asyncio.Event()
        with woken_by_signal(woken.set):
            os.kill(os.getpid(), signal.SIGURG)
            await woken.wait()

    asyncio.run(asyncio.wait_for(story(), PATIENCE))
    assert signal.getsignal(signal.SIGURG) is signal.SIG_DFL
