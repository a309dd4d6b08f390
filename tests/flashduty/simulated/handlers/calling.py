"""Calls operations of a simulated account as a test reads them."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from engine.flashduty.simulated.account import SimulatedAccount
from engine.flashduty.simulated.perform import perform
from engine.flashduty.simulated.refusal import RefusalError

NOW = 1_795_000_000
FIRST = "6551f3888713372ad1054d57"
SECOND = "6551f3888713372ad1054d58"


class FakeClock:
    now = float(NOW)

    def __call__(self) -> float:
        return self.now


@dataclass
class Calling:
    """Calls operations as the app key's own member, without HTTP."""

    account: SimulatedAccount
    clock: FakeClock

    def __call__(self, path: str, **parameters: Any) -> Any:
        return asyncio.run(perform(self.account, path, parameters))

    def refused(self, path: str, **parameters: Any) -> tuple[str, str]:
        """Give the code and the message of a call that must be refused."""
        with pytest.raises(RefusalError) as caught:
            self(path, **parameters)
        return caught.value.code, caught.value.message

    def missing(self, path: str, **parameters: Any) -> str:
        """Give what a call says that there is not."""
        code, message = self.refused(path, **parameters)
        assert code == "ResourceNotFound"
        return message.removeprefix("The resource you request is not found: ")

    def kinds(self, incident_id: str) -> list[str]:
        return [entry["type"] for entry in self.account.feed(incident_id)]

    def newest(self, incident_id: str) -> Mapping[str, Any]:
        return self.account.feed(incident_id)[-1]
