"""The sample account with two incidents of one channel, each with an alert, and a way to call."""

import pytest

from engine.flashduty.simulated.organization import CHANNEL
from engine.flashduty.simulated.sample import sample_account
from tests.flashduty.simulated.handlers.calling import FIRST, NOW, SECOND, Calling, FakeClock


@pytest.fixture
def call() -> Calling:
    clock = FakeClock()
    account = sample_account(clock)
    for number, incident_id in enumerate((FIRST, SECOND)):
        account.add_incident(
            {
                "incident_id": incident_id,
                "alerts": [
                    {
                        "alert_id": f"{number:024x}",
                        "alert_key": f"key-{number}",
                        "alert_severity": "Critical",
                        "start_time": NOW - 60 + number,
                        "created_at": NOW - 60 + number,
                        "title": f"alert {number}",
                    }
                ],
                "channel_id": CHANNEL,
                "incident_severity": "Critical",
                "num": incident_id[-6:].upper(),
                "start_time": NOW - 60,
                "title": f"incident {number}",
            }
        )
    return Calling(account, clock)
