"""The catalogue: the operations of Flashduty's Open API that a playbook about incidents can use.

Facts: the vendor's specification of 2026-05, the legacy one for what it dropped, and what changed
to 2026-08. Any other path may be called too; nothing is known of it then. No operation takes an
idempotency key.
"""

from collections.abc import Mapping
from typing import Final

from engine.flashduty.operations.account import ACCOUNT_OPERATIONS
from engine.flashduty.operations.alerts import ALERT_OPERATIONS
from engine.flashduty.operations.around_incidents import AROUND_INCIDENTS
from engine.flashduty.operations.changes import CHANGE_OPERATIONS
from engine.flashduty.operations.incidents import INCIDENT_OPERATIONS
from engine.flashduty.operations.operation import Operation
from engine.flashduty.operations.people import PEOPLE_OPERATIONS
from engine.flashduty.operations.status_pages import STATUS_PAGE_OPERATIONS

__all__ = ["OPERATIONS", "Operation", "operation_at"]

_ALL: Final = (
    *INCIDENT_OPERATIONS,
    *AROUND_INCIDENTS,
    *ALERT_OPERATIONS,
    *CHANGE_OPERATIONS,
    *STATUS_PAGE_OPERATIONS,
    *PEOPLE_OPERATIONS,
    *ACCOUNT_OPERATIONS,
)

OPERATIONS: Final[Mapping[str, Operation]] = {operation.path: operation for operation in _ALL}


def operation_at(path: str) -> Operation:
    """The operation of a path, with or without its leading slash; a plain POST when unknown.

    `spec` is None for what is not in the catalogue.
    """
    full = "/" + path.strip("/")
    return OPERATIONS.get(full, Operation(full))
