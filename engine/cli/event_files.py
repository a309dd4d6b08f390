"""Reads an event from a file or stdin, as the receiver would from a request."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from engine.config.config import Config
from engine.events.event import Event
from engine.events.source import Refusal, Request
from engine.problem import EngineError, Location, Problem
from engine.wiring.clocks import new_id, now
from engine.wiring.sources import sources


def read_bytes(file: str) -> bytes:
    """A file's content; `-` is stdin. Raises EngineError."""
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise EngineError(
            Problem(
                "unreadable",
                f"{file}: {error.strerror}",
                None,
                "an event is a JSON file as Flashduty would send it",
            )
        ) from None


def read_incident(file: str) -> dict[str, Any]:
    """The incident of an event in a file. Raises EngineError."""
    try:
        incident = orjson.loads(read_bytes(file))["incident"]
        if isinstance(incident, dict) and isinstance(incident.get("incident_id"), str):
            return incident
    except (orjson.JSONDecodeError, KeyError, TypeError):
        pass
    raise EngineError(Problem("no-incident", "there is no incident in this file", Location(file)))


def is_call(payload: object) -> bool:
    """Whether a body is one of the label-mapping API."""
    return isinstance(payload, dict) and "result_label_keys" in payload


def endpoint_of(body: bytes, action: str | None) -> str:
    """Where Flashduty would send this body: a button if one is named, else by what it is about."""
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError:
        payload = None
    if is_call(payload):
        return "/flashduty/labels/{action}"
    if action is None and isinstance(payload, dict):
        if isinstance(payload.get("alert"), dict):
            return "/flashduty/alerts"
        if payload.get("event_type", "i_custom") != "i_custom":
            return "/flashduty/incidents"
    return "/flashduty/actions/{action}"


def read_event(file: str, config: Config, action: str | None, type_: str | None) -> Event:
    """The event in a file, as if it had been delivered. Raises EngineError."""
    body = read_bytes(file)
    if type_ is not None:
        try:
            payload = orjson.loads(body)
            body = orjson.dumps({**payload, "event_type": type_})
        except (orjson.JSONDecodeError, TypeError):
            pass  # the source says what is wrong with it
    return replace(
        event_in(body, endpoint_of(body, action), action, config, Location(file)),
        id=new_id(),
        received=now(),
        own=False,
    )


def event_in(
    body: bytes, endpoint: str, action: str | None, config: Config, where: Location
) -> Event:
    """The event in a body that comes by an endpoint. Raises EngineError for none, with `where`."""
    source = sources(config)[endpoint]
    event = source.read(Request(action, {}, {}, None), body, id_="rehearsal", received=0.0)
    if isinstance(event, Refusal):
        raise EngineError(Problem(event.code, event.message, where))
    return event
