"""What is known of one operation of Flashduty's Open API, and the four ways to write it down."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypedDict, Unpack

from engine.flashduty.parameters import Text
from engine.flashduty.rule import Rule

Method = Literal["GET", "POST"]
IncidentKey = Literal["incident_id", "incident_ids"]
Credential = Literal["app_key", "integration_key"]
Source = Literal["2026-05", "legacy", "2026-08", "vendor page"]
Parameters = Mapping[str, Rule]

# What makes an entry demand another thing than its specification marks.
IN_WORDS: Final = "not marked, but in the words beside it"
NEWER: Final = "2026-08: from the help of the vendor's command line"
AN_ID: Final = "not marked; an id as the other operations have it"
SINCE_ZERO: Final = "not marked; counts or begins from 0"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation.

    `spec` says where it is from: `2026-05` is the vendor's present specification, `legacy` the one
    before it for what the present one dropped, `2026-08` the vendor's command line, `vendor page`
    a page of its documentation. None: it is not in the catalogue, and nothing is known of it.

    `differs` explains each difference from the specification, as in `{"comment required": "..."}`.
    """

    path: str
    method: Method = "POST"
    incident: IncidentKey | None = None  # the parameter that takes the event's incident
    repeatable: bool = False  # twice is the same as once
    parameters: Parameters = field(default_factory=dict)
    open: bool = False  # it may have more parameters than are known
    credential: Credential = "app_key"  # what its query carries
    message_is_failure: bool = False  # it fails with HTTP 200 and `data.message`
    spec: Source | None = None
    differs: Mapping[str, str] = field(default_factory=dict)

    @property
    def takes(self) -> Parameters:
        """What a call gives: the parameters, and an integration's key where one is needed."""
        if self.credential == "integration_key":
            return {"integration_key": Text(required=True, cuttable=False), **self.parameters}
        return self.parameters


class _More(TypedDict, total=False):
    incident: IncidentKey
    open: bool
    credential: Credential
    message_is_failure: bool
    spec: Source
    differs: Mapping[str, str]


_NONE: Final[Parameters] = {}


def reads(path: str, parameters: Parameters = _NONE, **more: Unpack[_More]) -> Operation:
    """Changes nothing."""
    return _operation(path, parameters, more, repeatable=True)


def gets(path: str, parameters: Parameters = _NONE, **more: Unpack[_More]) -> Operation:
    """Changes nothing, and takes its parameters in the query."""
    return _operation(path, parameters, more, repeatable=True, method="GET")


def sets(path: str, parameters: Parameters = _NONE, **more: Unpack[_More]) -> Operation:
    """Writes a state that a second call would write again."""
    return _operation(path, parameters, more, repeatable=True)


def adds(path: str, parameters: Parameters = _NONE, **more: Unpack[_More]) -> Operation:
    """Does something once more each time: a comment, a notification, a longer snooze."""
    return _operation(path, parameters, more, repeatable=False)


def _operation(
    path: str, parameters: Parameters, more: _More, *, repeatable: bool, method: Method = "POST"
) -> Operation:
    known: _More = {"spec": "2026-05", **more}
    return Operation(path, method, repeatable=repeatable, parameters=parameters, **known)
