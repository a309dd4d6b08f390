"""Sample events are what Flashduty documents, and what the engine takes."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from engine.config.load import read_config
from engine.events.document import document_of
from engine.events.event import Event
from engine.events.source import Request
from engine.flashduty.simulated.webhooks import ALERT_EVENTS, INCIDENT_EVENTS
from engine.problem import EngineError
from engine.samples.sample import SAMPLES, Sample, sample
from engine.wiring.sources import sources

FIXTURES = Path(__file__).parents[1] / "fixtures"
CONFIG = read_config("", Path("config.yaml"), {}, offline=True)
# Documented, and not in the vendor's example of a body.
SOMETIMES = {
    "custom-action": {"closer", "creator", "event_id"},
    "incident-webhook": {"fields", "closer", "creator", "assigned_to", "labels"},
    "alert-webhook": {"incident"},
    "label-mapping": set(),
}
ABOUT = {
    "custom-action": "incident",
    "incident-webhook": "incident",
    "alert-webhook": "alert",
    "label-mapping": "event",
}

every_sample = pytest.mark.parametrize("one", SAMPLES, ids=lambda one: one.name)


def read(one: Sample) -> Event:
    source = sources(CONFIG)[one.endpoint]
    event = source.read(Request("press", {}, {}, None), one.body, id_="E", received=1.0)
    assert isinstance(event, Event), event
    return event


@every_sample
def test_each_is_taken_by_the_source_it_is_for(one: Sample) -> None:
    event = read(one)
    document = document_of(event, {})
    assert event.source == one.source
    assert event.type == {"custom-action": "i_custom", "label-mapping": "label_mapping"}.get(
        one.name, one.name.partition("-")[0]
    )
    assert document["severity"] in ("Critical", "Warning", "Info")
    assert document["labels"].get("resource") == (
        None if one.name == "i_new-by-hand" else "es.nj.01"
    )


@every_sample
def test_each_has_the_fields_of_the_vendors_example_and_no_others(one: Sample) -> None:
    def shape(body: dict[str, Any]) -> set[str]:
        return {*body[ABOUT[one.source]]}

    vendors = json.loads((FIXTURES / f"{one.source}.vendor-page.json").read_text())
    assert shape(vendors) ^ shape(json.loads(one.body)) <= SOMETIMES[one.source]


def test_there_is_one_for_each_event_that_flashduty_sends() -> None:
    names = [one.name for one in SAMPLES]
    assert {*INCIDENT_EVENTS, *ALERT_EVENTS, "custom-action", "label-mapping"} <= {*names}
    stored = [item.name for item in files("engine.samples").iterdir()]
    assert sorted(names) == sorted(
        name.removesuffix(".json") for name in stored if name.endswith(".json")
    )


def test_two_deliveries_are_never_taken_for_one() -> None:
    assert len({read(one).key for one in SAMPLES}) == len(SAMPLES)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(EngineError) as error:
        sample("i_rsolv")
    assert str(error.value) == (
        "no-such-sample: there is no sample event 'i_rsolv' (did you mean 'i_rslv'?)"
    )
