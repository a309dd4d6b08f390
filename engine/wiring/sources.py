"""What is sent to the engine, by the path it is sent to."""

from engine.config.config import Config
from engine.config.receiving import tokens_of
from engine.events.event import Event
from engine.events.json_body import BodyLimits
from engine.events.kept import Kept
from engine.events.senders import Senders
from engine.events.source import Request
from engine.flashduty.reconciling.deliveries import Read
from engine.sources.flashduty import (
    AlertWebhookSource,
    CustomActionSource,
    FlashdutySource,
    IncidentWebhookSource,
    LabelMappingSource,
)
from engine.wiring.clocks import new_id, now


def sources(config: Config) -> dict[str, FlashdutySource]:
    """Every source, by the path it is sent to. A new one is one line here."""
    flashduty = config.flashduty
    kept = Kept.of(flashduty.keep_headers, config.tokens)
    limits = BodyLimits(config.limits.depth, config.limits.items)

    def senders(kind: str) -> Senders:
        general, by_action = tokens_of(flashduty.webhook_token, flashduty.tokens, kind)
        return Senders(general, by_action, flashduty.allow_from)

    return {
        "/flashduty/actions/{action}": CustomActionSource(senders("actions"), kept, limits),
        "/flashduty/incidents": IncidentWebhookSource(senders("incidents"), kept, limits),
        "/flashduty/alerts": AlertWebhookSource(senders("alerts"), kept, limits),
        "/flashduty/labels/{action}": LabelMappingSource(senders("labels"), kept, limits),
    }


def webhook_reader(config: Config) -> Read:
    """Reads a recorded body as the endpoint it was sent to would have."""
    known = sources(config)
    readers = {"incident": known["/flashduty/incidents"], "alert": known["/flashduty/alerts"]}

    def read(kind: str, body: bytes) -> Event | None:
        reader = readers.get(kind)
        if reader is None:
            return None
        event = reader.read(Request(None, {}, {}, None), body, id_=new_id(), received=now())
        return event if isinstance(event, Event) else None

    return read
