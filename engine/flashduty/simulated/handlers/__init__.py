"""What the simulated Open API does on a call: one short function an operation, a file a noun."""

from collections.abc import Mapping
from typing import Final

from engine.flashduty.simulated.handlers import (
    account,
    alerts,
    around_incidents,
    changes,
    channels,
    handling,
    incidents,
    people,
    schedules,
    status_pages,
)
from engine.flashduty.simulated.handlers.paging import Handler

__all__ = ["HANDLERS", "Handler"]

HANDLERS: Final[Mapping[str, Handler]] = {
    **incidents.HANDLERS,
    **handling.HANDLERS,
    **around_incidents.HANDLERS,
    **alerts.HANDLERS,
    **changes.HANDLERS,
    **status_pages.HANDLERS,
    **people.HANDLERS,
    **schedules.HANDLERS,
    **channels.HANDLERS,
    **account.HANDLERS,
}
