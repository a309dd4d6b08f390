"""What a dry-run plans is what a run performs: request by request, on real servers and processes.

Each playbook is carried out first; then it is rehearsed with what its steps returned as their
`example`, and the plans are held against what came. What can be copied from a dry-run is copied
into a shell: it has to send the same once more.
"""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import orjson
import pytest

from engine.cli.demo.presses import presses
from engine.config.load import read_config
from engine.events.event import Event
from engine.events.source import Request
from engine.flashduty.operations import operation_at
from engine.playbooks.load import Loader
from engine.playbooks.playbook import Playbook, Step
from engine.processes.mark import VARIABLE
from engine.rehearsal.dry_run import Rehearsal, rehearse
from engine.runs.run import RunState
from engine.store.sqlite import SqliteLedger
from engine.wiring.clocks import now
from engine.wiring.sources import sources
from tests.rehearsal.performing import SECRETS, Performed, a_stage
from tests.rehearsal.recording import Child, HttpRequest, World

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")

ROOT: Final = Path(__file__).parents[2]
SHIPPED: Final = sorted(
    file for file in (ROOT / "playbooks").glob("*.yaml") if not file.name.endswith(".test.yaml")
)
OWN: Final = sorted(
    file for file in (Path(__file__).parent / "playbooks").glob("*.yaml") if file.stem != "called"
)  # that one is called by another
FIXTURES: Final = ROOT / "tests/fixtures"
SIDE_BY_SIDE: Final = ("parallel:", "max_parallel:")  # has no order of its own
OFFLINE: Final = read_config("", Path("config.yaml"), {}, offline=True)


def event_for(playbook: Playbook) -> Event:
    """The press or the call that it is for."""
    name, path, action = "custom-action.vendor-page.json", "/flashduty/actions/{action}", "a"
    body = (FIXTURES / name).read_bytes()
    pressed = {press.action: press.payload for press in presses(now())}
    if playbook.trigger.answers:
        path, action = "/flashduty/labels/{action}", playbook.name
        body = (FIXTURES / "label-mapping.vendor-page.json").read_bytes()
        body = body.replace(b"service-A", b"engine")
    elif playbook.name in pressed:
        action, body = playbook.name, orjson.dumps(pressed[playbook.name])
    source = sources(OFFLINE)[path]
    event = source.read(Request(action, {}, {}, None), body, id_="01HEVENT", received=now())
    assert isinstance(event, Event)
    return replace(event, own=False)


def with_results(playbook: Playbook, results: Mapping[str, Any]) -> Playbook:
    """The playbook with what its steps returned as their examples; of items, that of the first."""

    def changed(step: Step) -> Step:
        known = next((results[at] for at in (step.path, f"{step.path}[0]") if at in results), None)
        called = step.called
        if called is not None and step.foreach is None:
            called = called.with_steps(changed)
        elif called is not None:
            inside = called.moved(step.path, f"{step.path}[0]").with_steps(changed)
            called = inside.moved(f"{step.path}[0]", step.path)
        return replace(
            step,
            example=step.example if known is None else known,
            branches=tuple(tuple(changed(one) for one in branch) for branch in step.branches),
            called=called,
        )

    return playbook.with_steps(changed)


def filled(value: Any) -> Any:
    """A plan's data with the secrets that its names stand for."""
    if isinstance(value, str):
        for name in sorted(SECRETS, key=len, reverse=True):
            value = value.replace(f"${name}", SECRETS[name])
        return value
    if isinstance(value, Mapping):
        return {key: filled(item) for key, item in value.items()}
    return [filled(item) for item in value] if isinstance(value, list) else value


def planned_request(details: Mapping[str, Any]) -> HttpRequest:
    """What the details of a plan say will arrive."""
    headers = dict(details.get("headers", {}))
    named = {name.lower() for name in headers}
    body, kind = b"", None
    if "json" in details:
        body, kind = orjson.dumps(details["json"]), "application/json"
    elif "form" in details:
        body, kind = urlencode(details["form"]).encode(), "application/x-www-form-urlencoded"
    elif "text" in details:
        body, kind = details["text"].encode(), "text/plain; charset=utf-8"
    if kind is not None and "content-type" not in named:
        headers["Content-Type"] = kind
    if "basic_auth" in details:
        headers["Authorization"] = "Basic ..."
    url = str(details["url"]).partition("#")[0].replace("http://", "", 1).partition("/")
    target = url[1] + url[2]
    if details.get("params"):
        joint = "&" if "?" in target else "?"
        target = f"{target}{joint}{urlencode(details['params'])}"
    return HttpRequest.of(details["method"], target, headers, body)


def without_password(request: HttpRequest) -> HttpRequest:
    """Basic credentials are masked in a plan; what is sent by hand is compared with them."""
    headers = [
        (name, "Basic ..." if value.startswith("Basic ") else value)
        for name, value in request.headers
    ]
    return replace(request, headers=tuple(headers))


def details_of(rehearsal: Rehearsal, type_: str) -> list[Mapping[str, Any]]:
    return [
        filled(step.plan.details)
        for step in rehearsal.steps
        if step.step.type == type_ and step.plan is not None and step.step.foreach is None
    ]


def commands_of(rehearsal: Rehearsal, type_: str) -> list[str]:
    commands = [
        step.as_json()["plan"]["command"]
        for step in rehearsal.steps
        if step.step.type == type_ and step.plan is not None and step.step.foreach is None
    ]
    assert None not in commands
    return commands


async def typed(world: World, commands: Sequence[str]) -> None:
    """Each is copied into a shell that has the secrets in its environment."""
    environ = {**world.environ, **SECRETS}
    for command in commands:
        process = await asyncio.create_subprocess_exec(
            *("/bin/sh", "-c", command),
            env=environ,
            cwd=world.folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await process.communicate()
        assert process.returncode == 0, (command, said.decode())


def ordered(playbook: Playbook, came: Sequence[Any]) -> list[Any]:
    """As they came, where the playbook gives them an order."""
    free = any(word in playbook.text for word in SIDE_BY_SIDE)
    return sorted(came, key=repr) if free else list(came)


def seen(child: Child) -> Child:
    """Without what belongs to the one who started it."""
    of_shell = {VARIABLE, "PWD", "OLDPWD", "SHLVL", "_", *SECRETS}
    return replace(
        child,
        env={name: value for name, value in child.env.items() if name not in of_shell},
        around=[],
    )


def files_of(file: Path) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """A playbook, and those beside it that it may call."""
    beside = [one for one in file.parent.glob("*.yaml") if one != file]
    return [(file.name, file.read_text())], [(one.name, one.read_text()) for one in beside]


async def compared(folder: Path, ledger: SqliteLedger, file: Path) -> Performed:
    """Perform, rehearse, compare."""
    own, beside = files_of(file)
    async with a_stage(folder) as stage:
        loader = Loader(stage.types)
        loaded = loader.load_all(own, lambda: beside)
        assert not loaded.problems
        playbook = loaded.playbooks[0]
        event = event_for(playbook)
        incident = event.payload.get("incident")
        if incident is not None:
            stage.account.add_incident({**incident, "progress": "Triggered"})

        performed = await stage.perform(ledger, playbook, event)
        rehearsal = rehearse(
            with_results(playbook, performed.results),
            event,
            config=stage.config,
            secrets=frozenset(SECRETS),
            step_types=stage.types,
        )

        assert rehearsal.unknown == ()
        assert (rehearsal.state, rehearsal.reason) == (performed.run.state, performed.run.reason)

        planned = [planned_request(one) for one in details_of(rehearsal, "http")]
        assert ordered(playbook, planned) == ordered(
            playbook, [without_password(one) for one in performed.http]
        )
        calls = [planned_call(one) for one in details_of(rehearsal, "flashduty")]
        assert ordered(playbook, calls) == ordered(playbook, performed.flashduty)
        expected = [planned_child(stage.world, one) for one in details_of(rehearsal, "shell")]
        assert ordered(playbook, expected) == ordered(
            playbook, [as_planned(one) for one in performed.children]
        )

        await typed(stage.world, commands_of(rehearsal, "http"))
        by_hand = stage.world.take_http()
        assert ordered(playbook, by_hand) == ordered(playbook, performed.http)
        assert ordered(playbook, [one.target for one in by_hand]) == ordered(
            playbook, [one.target for one in performed.http]
        )
        await typed(stage.world, commands_of(rehearsal, "shell"))
        children = [seen(one) for one in stage.world.take_children()]
        assert ordered(playbook, children) == ordered(
            playbook, [seen(one) for one in performed.children]
        )
    return performed


def planned_call(details: Mapping[str, Any]) -> tuple[str, Any]:
    """What the details of a plan say will arrive at Flashduty; in a query all is text."""
    path, body = details["call"], details["body"]
    if operation_at(path).method == "GET":
        return path, {name: str(value) for name, value in body.items()}
    return path, body


def planned_child(world: World, details: Mapping[str, Any]) -> Child:
    """What the details of a plan say a process will be given."""
    script = details.get("script")
    argv = [] if script is not None else ["record", *details["argv"][1:]]
    around = [] if script is None else ["/bin/sh", "-c", script]
    cwd = world.folder / details.get("cwd", ".")
    env = {**world.environ, **details.get("env", {})}
    return Child(argv, env, str(cwd), details.get("stdin", ""), around)


def as_planned(child: Child) -> Child:
    """A process as a plan can tell of it: of a script, not what the script does."""
    of_script = child.around[:2] == ["/bin/sh", "-c"]
    env = {name: value for name, value in child.env.items() if name != VARIABLE}
    if of_script:
        env = {name: value for name, value in env.items() if name not in ("PWD", "_")}
    return replace(
        child,
        argv=[] if of_script else child.argv,
        env=env,
        around=child.around if of_script else [],
    )


@pytest.mark.parametrize("file", [*SHIPPED, *OWN], ids=lambda file: file.stem)
def test_a_run_performs_what_was_planned(tmp_path: Path, ledger: SqliteLedger, file: Path) -> None:
    performed = asyncio.run(compared(tmp_path / "world", ledger, file))

    assert performed.http or performed.flashduty or performed.children
    fails = file.stem in ("stop-failed", "render-fails", "refused-early")
    assert performed.run.state is (RunState.FAILED if fails else RunState.SUCCEEDED)


def test_there_are_thirty_playbooks_and_those_that_are_shipped() -> None:
    assert len(OWN) > 30
    assert len(SHIPPED) >= 5
