"""A thousand comments over connections that break: none twice, none lost without being reported.

Runs, ledger, client and sockets are real; Flashduty is the simulated one, which breaks a tenth of
the connections after it has written the comment, and a few before.
"""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any, Final

from engine.flashduty.client import FlashdutyClient
from engine.flashduty.exchange import open_session
from engine.flashduty.limiter import Limiter
from engine.flashduty.simulated.account import SimulatedAccount
from engine.flashduty.simulated.faults import Fault, Faults
from engine.flashduty.simulator import create_simulator
from engine.playbooks.load import Loader
from engine.playbooks.playbook import Playbook
from engine.playbooks.step_type import StepType
from engine.runs.run import Outcome, Run, StepRecord
from engine.steps.flashduty import Flashduty
from engine.store.records import open_records
from engine.store.sqlite import SqliteLedger, open_ledger
from tests.flashduty.served import served
from tests.runs.fakes import NOW, Staged, an_event

RUNS: Final = 20
STEPS: Final = 50
KEY: Final = "canary0123456789"
INCIDENTS: Final = tuple(f"6551f3888713372ad1054d5{number}" for number in range(4))
OWN_MEMBER: Final = 3_790_925_372_131

FAULTS: Final = (
    Fault("cut-after", path="/incident/comment", probability=0.10),
    Fault("cut-before", path="/incident/comment", probability=0.03),
    Fault("error", path="/incident/comment", probability=0.02, status=503),
    Fault("too-frequent", path="/incident/comment", probability=0.05, retry_after=1),
    Fault("cut-before", path="/incident/feed", probability=0.10),
)


def comment_of(run: int, step: int) -> str:
    return f"run {run}, step {step}"


def playbook_of(run: int, types: dict[str, StepType[Any]]) -> Playbook:
    steps = [
        f"  - flashduty: {{call: incident/comment, comment: '{comment_of(run, step)}'}}\n"
        "    continue_on_error: true\n"
        "    retry: {attempts: 3, delay: 0s}\n"
        for step in range(STEPS)
    ]
    text = f"name: tell-{run}\ntrigger: {{}}\nsteps:\n{''.join(steps)}"
    return Loader(types).load(text, f"tell-{run}.yaml")


async def comment_a_thousand_times(
    account: SimulatedAccount, faults: Faults, ledger: SqliteLedger
) -> None:
    async def at_once(_: float) -> None:
        """Retries and look-ups need not wait for a simulation."""

    app = create_simulator(account, app_key=KEY, faults=faults)
    async with served(app) as base_url, open_session() as session:
        client = FlashdutyClient(
            lambda: session,
            base_url,
            KEY,
            limiter=Limiter(per_second=10_000, per_minute=100_000),
            own_member=lambda: OWN_MEMBER,
            sleep=at_once,
        )
        stage = Staged(ledger, types={"flashduty": Flashduty(client)})

        async def carry_out(number: int) -> Run:
            playbook = playbook_of(number, stage.step_types)
            about = {"incident_id": INCIDENTS[number % len(INCIDENTS)], "title": "es.nj.01"}
            event = an_event(f"EVENT{number}", payload={"incident": about})
            run = await stage.queue(playbook, event, f"RUN{number}")
            return await stage.carry_out(run, playbook, event)

        async with asyncio.TaskGroup() as tasks:
            for number in range(RUNS):
                tasks.create_task(carry_out(number))


def reported(database: Path) -> dict[str, StepRecord]:
    """What the ledger says of each comment: its last attempt."""
    steps: dict[str, StepRecord] = {}
    with open_records(database) as records:
        for run in range(RUNS):
            for step in records.run(f"RUN{run}").steps:
                steps[comment_of(run, int(step.path.split("/")[1]))] = step
    return steps


def test_no_comment_is_written_twice_and_none_is_lost_without_being_reported(
    tmp_path: Path,
) -> None:
    account = SimulatedAccount(lambda: NOW)
    member = {"member_id": OWN_MEMBER, "member_name": "Engine", "email": "engine@toutie.com"}
    account.add_member(member, owns_app_key=True)
    for incident in INCIDENTS:
        about = {"incident_id": incident, "incident_severity": "Critical", "title": "es.nj.01"}
        account.add_incident(about)
    faults = Faults(*FAULTS, seed=7)
    with open_ledger(tmp_path / "engine.db") as ledger:
        asyncio.run(comment_a_thousand_times(account, faults, ledger))

    written = Counter(
        entry["detail"]["comment"]
        for incident in INCIDENTS
        for entry in account.feed(incident)
        if entry["type"] == "i_comm"
    )
    steps = reported(tmp_path / "engine.db")
    outcomes = {text: step.outcome for text, step in steps.items()}
    found = [text for text, step in steps.items() if step.result.get("found_in_timeline")]
    lost = outcomes.keys() - written.keys()
    told = Counter(outcome.value for outcome in outcomes.values() if outcome)
    print(
        f"{len(outcomes)} comments; faults {faults.struck}; {written.total()} written, "
        f"{written.total() - len(written)} of them twice; reported {dict(told)}, "
        f"{len(found)} of them looked up; {len(lost)} lost"
    )
    cut_after = faults.struck["cut-after"]
    assert len(outcomes) == RUNS * STEPS
    assert cut_after >= 50, "connections were cut"
    assert [text for text, times in written.items() if times > 1] == []
    assert {outcomes[text] for text in lost} <= {Outcome.UNKNOWN, Outcome.FAILED}
    assert lost, "some were cut before"
    succeeded = {text for text, outcome in outcomes.items() if outcome is Outcome.SUCCEEDED}
    assert succeeded <= written.keys()
    unknown = {text for text, outcome in outcomes.items() if outcome is Outcome.UNKNOWN}
    # Each whose connection was cut after it was written was found, or is said to be unknown.
    assert len(found) + len(unknown & written.keys()) == cut_after
    assert len(found) >= cut_after / 2
    assert unknown | succeeded >= written.keys(), "what is said to have failed was not written"
