"""`engine doctor` as it is typed: exit codes, words, JSON, and no secret in any of it."""

import base64
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.flashduty.simulated.sample import sample_account
from engine.flashduty.simulator import create_simulator
from engine.wiring.clocks import now
from tests.cli.conftest import Type
from tests.e2e.real_engine import KEY, TOKEN, Place
from tests.web.wire import served

APP_KEY = "canary-app-key-90e1"
WEBHOOK = "canary-webhook-token-55c0"
SECRET = "canary-secret-1b7d"
CONFIG = """\
listen: 127.0.0.1:0
flashduty:
  base_url: {base_url}
  app_key: ${{DOCTOR_KEY}}
  webhook_token: ${{DOCTOR_TOKEN}}
secrets: {{TOKEN: {{file: token}}}}
"""


@pytest.fixture
def deployed(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A config, the secrets it asks for, and a Flashduty that knows its key."""
    (place / "token").write_text(SECRET)
    (place / "token").chmod(0o600)
    monkeypatch.setenv("DOCTOR_KEY", APP_KEY)
    monkeypatch.setenv("DOCTOR_TOKEN", WEBHOOK)
    with served(create_simulator(sample_account(now), app_key=APP_KEY)) as web:
        config = CONFIG.format(base_url=f"http://127.0.0.1:{web.port}")
        (place / "config.yaml").write_text(config)
        yield place


def looked(place: Path, type_: Type, *options: str) -> tuple[int, list[dict[str, Any]]]:
    outcome = type_("doctor", "--format", "json", "--config", place / "config.yaml", *options)
    for canary in (APP_KEY, WEBHOOK, SECRET):
        for form in (canary, base64.b64encode(canary.encode()).decode()):
            assert form not in outcome.out + outcome.err
    shown = json.loads(outcome.out)
    assert shown["next"] is None
    items: list[dict[str, Any]] = shown["items"]
    assert all(item.keys() == {"check", "level", "seen", "todo"} for item in items)
    return outcome.code, items


def test_where_nothing_fails_it_is_0(deployed: Path, type_: Type) -> None:
    code, items = looked(deployed, type_)
    assert [item for item in items if item["level"] == "fail"] == []
    assert code == 0
    checks = {item["check"] for item in items}
    assert checks >= {"config", "listen", "token", "proxies", "monitor", "secrets", "private"}
    assert checks >= {"writable", "room", "database", "playbooks", "flashduty", "app_key", "clock"}
    assert not (deployed / "engine.db").exists()


def test_what_fails_makes_it_1_and_says_what_to_do(deployed: Path, type_: Type) -> None:
    (deployed / "token").unlink()
    (deployed / "playbooks/look.yaml").write_text("name: look\n")
    outcome = type_("doctor", "--config", deployed / "config.yaml")
    assert outcome.code == 1
    assert "✗ secrets       secret TOKEN: " in outcome.out
    assert "                → put it where the engine is started; steps that need it" in outcome.out
    assert "✗ playbooks     " in outcome.out
    assert outcome.out.splitlines()[-1].endswith("1 warn, 2 fail")


def test_offline_asks_nothing_of_flashduty(deployed: Path, type_: Type) -> None:
    code, items = looked(deployed, type_, "--offline")
    assert (code, {"flashduty", "app_key", "clock"} & {item["check"] for item in items}) == (
        0,
        set(),
    )


def test_what_is_not_set_is_said_and_the_rest_is_looked_at(
    deployed: Path, type_: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DOCTOR_KEY")
    code, items = looked(deployed, type_)
    assert code == 2
    assert items[0]["seen"].endswith("the environment variable DOCTOR_KEY is not set")
    assert "give this command the environment that the engine is started with" in items[0]["todo"]
    assert {"database", "playbooks", "writable"} <= {item["check"] for item in items}


def test_a_config_that_cannot_be_read_is_said_whole(place: Path, type_: Type) -> None:
    (place / "config.yaml").write_text("lissten: 1\nlimits: {body: x}\n")
    code, items = looked(place, type_)
    assert (code, [(item["check"], item["level"]) for item in items]) == (
        2,
        [("config", "fail")] * 2,
    )
    (place / "config.yaml").write_text("a: [")
    assert looked(place, type_)[0] == 2
    (place / "config.yaml").unlink()
    assert looked(place, type_)[1][0]["todo"] == "name one with --config or ENGINE_CONFIG"


def test_what_cannot_be_looked_at_is_a_finding_too(deployed: Path, type_: Type) -> None:
    (deployed / "engine.db").mkdir()
    code, items = looked(deployed, type_, "--offline")
    assert (code, "database" in {item["check"] for item in items if item["level"] == "fail"}) == (
        1,
        True,
    )


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows what it was started with")
def test_beside_a_running_engine_it_goes_by_its_environment(
    place: Path, type_: Type, refusing_port: int
) -> None:
    engine_place = Place(place)
    engine_place.write(
        "config.yaml",
        f"listen: 127.0.0.1:{refusing_port}\n"
        "flashduty: {app_key: '${E2E_KEY}', webhook_token: '${E2E_TOKEN}'}\n",
    )
    try:
        engine = engine_place.start()
        code, items = looked(place, type_, "--offline")
        process = engine.process.pid
        found = {item["check"]: item for item in items}
        assert code == 0
        assert found["config"]["seen"].endswith(f", with the environment of process {process}")
        assert found["engine"]["seen"].startswith(f"process {process} works, and answers on ")
        assert found["ready"]["level"] == "ok"
        assert found["commit"]["level"] == "ok"
        assert TOKEN not in repr(items)
        assert KEY not in repr(items)
    finally:
        for one in engine_place.engines:
            one.close()
