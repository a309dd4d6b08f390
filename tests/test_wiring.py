"""What the parts are handed: a session, proxy and rate of Flashduty's own, and a name to know processes by."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from engine.config.config import Config
from engine.config.load import load_config
from engine.events.event import Event
from engine.events.source import Request
from engine.runs.fact import Settled
from engine.runs.happening import Happening, RunMoved, StepSettled, Trouble
from engine.runs.ledger import LedgerError, Memory
from engine.runs.redaction import Redactor
from engine.runs.reloading import Found
from engine.runs.run import Outcome
from engine.store.sqlite import SqliteLedger, open_ledger
from engine.wiring.clocks import elapsed, new_id, now, steady
from engine.wiring.engine import wired
from engine.wiring.sources import sources
from engine.wiring.warden import warden_over
from tests.flashduty.test_proxy import ANSWER, NAMES, Proxy
from tests.outward.servers import serving
from tests.runs.fakes import PATIENCE

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
    settled: list[Settled] = []

    async def story() -> None:
        async with proxy.serving() as port, asyncio.timeout(PATIENCE):
            monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
            settled.extend(await carried_out(config, PLAYBOOK))

    asyncio.run(story())
    assert [fact.outcome for fact in settled] == [Outcome.SUCCEEDED, Outcome.FAILED]
    (head,) = proxy.heads
    assert head.startswith("POST http://flashduty.invalid/incident/comment?app_key=")


async def carried_out(config: Config, playbook: str) -> list[Settled]:
    """How the steps of the playbook end in an engine of this config."""
    settled: list[Settled] = []
    over = asyncio.Event()

    def tell(happening: Happening) -> None:
        if isinstance(happening, StepSettled):
            settled.append(happening.fact)
        if isinstance(happening, RunMoved) and happening.run.state.settled:
            over.set()

    files = [("tell.yaml", playbook)]
    event = sources(config)["/flashduty/actions/{action}"].read(
        Request("tell", {}, {}, None), PRESS.read_bytes(), id_=new_id(), received=now()
    )
    assert isinstance(event, Event)
    with open_ledger(config.database, tell) as ledger:
        await ledger.accept(event)
        async with (
            wired(
                config, ledger, lambda: Found(files), environ={}, redactor=Redactor(), tell=tell
            ) as parts,
            asyncio.TaskGroup() as tasks,
        ):
            tasks.create_task(parts.crew.worker.work())
            await over.wait()
            parts.crew.worker.stop()
    return settled


@pytest.mark.parametrize(
    ("http", "host", "said"),
    [
        (  # by the step
            "allow: [lb.internal]",
            "127.0.0.1",
            "nothing was sent to 127.0.0.1:{port}: it is not in http.allow of config.yaml",
        ),
        (  # by the session
            "deny: [169.254.0.0/16, 127.0.0.0/8, '::1']",
            "localhost",
            "nothing was sent to localhost: its address is ",
        ),
        ("max_headers: 1", "127.0.0.1", "has more headers than http.max_headers of config.yaml"),
    ],
)
def test_where_http_steps_may_go_is_what_config_says(
    tmp_path: Path, http: str, host: str, said: str
) -> None:
    (tmp_path / "config.yaml").write_text(f"http: {{{http}}}")
    config = load_config(tmp_path / "config.yaml", {})

    async def story() -> None:
        async with serving() as server, asyncio.timeout(PATIENCE):
            step = f"http: 'http://{host}:{server.port}/'"
            playbook = f"name: ask\ntrigger: {{}}\nsteps: [{{{step}}}]\n"
            (fact,) = await carried_out(config, playbook)
            assert fact.outcome is Outcome.FAILED
            assert said.format(port=server.port) in str(fact.error)

    asyncio.run(story())


async def installation_of(memory: Memory, told: list[Happening]) -> str:
    async with warden_over(memory, told.append) as warden:
        return warden.mark("R", "steps/0", 1).partition(":")[0]


def test_processes_of_one_database_are_known_by_one_name_over_restarts(
    ledger: SqliteLedger,
) -> None:
    told: list[Happening] = []
    first, again = (asyncio.run(installation_of(ledger, told)) for _ in range(2))
    assert first == again
    assert len(first) == 26
    assert told == []


def test_a_database_that_cannot_be_written_is_told_and_steps_are_known_by_another_name() -> None:
    class Full(Memory):
        @override
        async def remember(self, name: str, value: Any) -> None:
            raise LedgerError("disk full")

        @override
        async def recall(self, name: str) -> Any:
            return None

    told: list[Happening] = []
    assert len(asyncio.run(installation_of(Full(), told))) == 26
    said = "what it is known by could not be kept: disk full"
    assert told == [Trouble("warden", said)]


def test_a_steady_clock_begins_with_the_machines_and_does_not_follow_when_that_is_set() -> None:
    walls, passed = iter([1_795_000_000.0]), iter([50.0, 50.0, 51.5])
    clock = steady(lambda: next(walls), lambda: next(passed))
    assert (clock(), clock()) == (1_795_000_000.0, 1_795_000_001.5)


def test_what_has_elapsed_never_goes_back() -> None:
    first = elapsed()
    assert elapsed() >= first
