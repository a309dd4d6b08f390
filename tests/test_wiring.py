"""What the parts are handed: Flashduty's client has its own session, proxy and rate."""

import asyncio
from pathlib import Path

import pytest

from engine.config.load import load_config
from engine.events.event import Event
from engine.events.source import Request
from engine.runs.happening import Happening, RunMoved, StepSettled
from engine.runs.redaction import Redactor
from engine.runs.run import Outcome
from engine.wiring import new_id, now, wired
from tests.flashduty.test_proxy import ANSWER, NAMES, Proxy

PLAYBOOK = """\
name: tell
trigger: {}
steps:
  - flashduty: {call: incident/comment, comment: Restarted}
  - {id: direct, http: http://elsewhere.invalid/, continue_on_error: true}
"""
PRESS = Path(__file__).parent / "fixtures/custom-action.vendor-page.json"


def test_flashduty_is_asked_through_the_proxy_of_the_environment_and_http_steps_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (*NAMES, *map(str.upper, NAMES)):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "config.yaml").write_text(
        "flashduty: {base_url: 'http://flashduty.invalid', app_key: canary0123456789}"
    )
    config = load_config(tmp_path / "config.yaml", {})
    proxy = Proxy(ANSWER)
    outcomes: list[Outcome] = []

    async def story() -> None:
        over = asyncio.Event()

        def tell(happening: Happening) -> None:
            if isinstance(happening, StepSettled):
                outcomes.append(happening.fact.outcome)
            if isinstance(happening, RunMoved) and happening.run.state.settled:
                over.set()

        files = [("tell.yaml", PLAYBOOK)]
        async with (
            proxy.serving() as port,
            asyncio.timeout(30),
        ):
            monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
            async with wired(config, files, environ={}, redactor=Redactor(), tell=tell) as parts:
                event = parts.sources["/flashduty/actions/{action}"].read(
                    Request("tell", {}, {}, None), PRESS.read_bytes(), id_=new_id(), received=now()
                )
                assert isinstance(event, Event)
                await parts.ledger.accept(event)
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(parts.crew.worker.work())
                    await over.wait()
                    parts.crew.worker.stop()

    asyncio.run(story())
    assert outcomes == [Outcome.SUCCEEDED, Outcome.FAILED]
    (head,) = proxy.heads
    assert head.startswith("POST http://flashduty.invalid/incident/comment?app_key=")
