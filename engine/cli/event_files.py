"""Reads an event from a file or stdin, as the receiver would from a request."""

import sys
from pathlib import Path

import orjson

from engine.config.config import Config
from engine.events.event import Event
from engine.events.source import Refusal, Request
from engine.problem import EngineError, Location, Problem
from engine.wiring import custom_actions, new_id, now


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


def read_event(file: str, config: Config, action: str | None, type_: str | None) -> Event:
    """The event in a file, as if its button had been pressed. Raises EngineError."""
    body = read_bytes(file)
    if type_ is not None:
        try:
            payload = orjson.loads(body)
            body = orjson.dumps({**payload, "event_type": type_})
        except (orjson.JSONDecodeError, TypeError):
            pass  # the source says what is wrong with it
    event = custom_actions(config).read(
        Request(action, {}, {}, None), body, id_=new_id(), received=now()
    )
    if isinstance(event, Refusal):
        raise EngineError(Problem(event.code, event.message, Location(file)))
    return event
