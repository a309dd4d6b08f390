"""A storm: the same few hosts again and again, and each of them is acted on once."""

import asyncio
import json
from collections import Counter
from typing import Final

import aiohttp

from engine.store.records import open_records
from tests.e2e.real_engine import PATIENCE, TOKEN, Place

EVENTS, HOSTS, RATE = 5000, 50, 30
PLAYBOOK: Final = f"""\
name: restart
trigger: {{action: restart}}
guard: {{key: labels.resource, cooldown: 10m, rate: {RATE} per 1h}}
steps:
  - shell: {{script: 'echo "$HOST" >> restarted', env: {{HOST: "{{{{ labels.resource }}}}"}}}}
"""


def test_a_storm_of_presses_is_answered_and_starts_just_what_the_guard_allows(
    place: Place, vendor_example: bytes
) -> None:
    place.write("playbooks/restart.yaml", PLAYBOOK)
    engine = place.start()

    async def storm() -> Counter[int]:
        url = f"http://127.0.0.1:{engine.port}/flashduty/actions/restart"
        headers = {"Content-Type": "application/json", "X-Engine-Token": TOKEN}
        places = asyncio.Semaphore(10)
        timeout = aiohttp.ClientTimeout(total=PATIENCE)

        async def press(number: int) -> int:
            body = json.loads(vendor_example)
            body["incident"]["event_id"] = f"{number:032x}"
            body["incident"]["labels"]["resource"] = f"host-{number % HOSTS}"
            async with (
                places,
                client.post(url, json=body, headers=headers, timeout=timeout) as answer,
            ):
                return answer.status

        async with aiohttp.ClientSession() as client:
            return Counter(await asyncio.gather(*(press(number) for number in range(EVENTS))))

    assert asyncio.run(storm()) == {200: EVENTS}
    engine.wait_until(lambda log: log["event_judged"] >= EVENTS and log["run_succeeded"] >= RATE)

    with open_records(place.folder / "engine.db") as records:
        runs = records.runs(2 * EVENTS, None, None, None).items
    states = Counter(run.state.value for run in runs)
    reasons = Counter(str(run.reason).split(":")[0] for run in runs if run.state.value == "skipped")
    assert states == {"succeeded": RATE, "skipped": EVENTS - RATE}
    assert set(reasons) <= {"single", "cooldown", "rate"}
    assert reasons["rate"] == (HOSTS - RATE) * EVENTS // HOSTS
    restarted = (place.folder / "restarted").read_text().split()
    assert len(restarted) == len(set(restarted)) == RATE
    assert engine.process.poll() is None
