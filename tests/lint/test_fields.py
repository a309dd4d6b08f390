"""What lint takes for the fields of an event is what Flashduty's own examples have."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.events.document import NAMES, document_of
from engine.events.event import Event
from engine.events.source import Request
from engine.lint.fields import ANY, ELEMENT, OF_EVENTS, TEXT, WORDS, Fields, follow, words_of
from engine.sources.flashduty import (
    AlertWebhookSource,
    CustomActionSource,
    FlashdutySource,
    IncidentWebhookSource,
    LabelMappingSource,
)
from tests.runs.fakes import an_event

FIXTURES = Path(__file__).parents[1] / "fixtures"
SHARED = Path(__file__).parents[3] / "shared/flashduty/samples"
SOURCES: dict[str, type[FlashdutySource]] = {
    "alert-webhook": AlertWebhookSource,
    "custom-action": CustomActionSource,
    "incident-webhook": IncidentWebhookSource,
    "label-mapping": LabelMappingSource,
    "label-mapping-api": LabelMappingSource,
}
DOCUMENT = Fields(OF_EVENTS)


def paths(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from paths(item, (*path, key))
    elif isinstance(value, list):
        for item in value:
            yield from paths(item, (*path, ELEMENT))


def unknown(file: Path) -> set[str]:
    source = SOURCES[file.name.split(".")[0]]()
    request = Request("press", {}, {}, None)
    event = source.read(request, file.read_bytes(), id_="e", received=0.0)
    assert isinstance(event, Event), event
    document = {k: v for k, v in document_of(event, {}).items() if k != "config"}
    return {".".join(path) for path in paths(document) if follow(DOCUMENT, path)[1] != len(path)}


@pytest.mark.parametrize("file", sorted(FIXTURES.glob("*-*.json")), ids=lambda file: file.stem)
def test_every_field_of_the_vendors_pages_is_known(file: Path) -> None:
    assert unknown(file) == set()


def test_every_field_of_every_sample_is_known() -> None:
    if not SHARED.is_dir():
        pytest.skip("the folder with all of Flashduty's samples is not beside this checkout")
    files = [
        file
        for file in sorted(SHARED.glob("*.json"))
        if "custom-request-body" not in file.name and "response" not in file.name
    ]
    assert len(files) > 20
    assert {file.name: unknown(file) for file in files if unknown(file)} == {}


def test_every_name_of_the_document_is_known_here_or_checked_by_itself() -> None:
    checked_by_themselves = {"config", "vars", "steps", "inputs"}
    assert set(NAMES) - checked_by_themselves <= OF_EVENTS.keys()
    assert document_of(an_event(), {}).keys() <= {*OF_EVENTS, "config"}


def test_a_path_is_followed_as_far_as_it_is_known() -> None:
    assert follow(DOCUMENT, ("incident", "title")) == (TEXT, 2)
    assert follow(DOCUMENT, ("incident", "titel"))[1] == 1
    assert follow(DOCUMENT, ("alerts", ELEMENT, "labels", "any")) == (TEXT, 4)
    assert follow(DOCUMENT, ("payload", "x", "y")) == (ANY, 3)
    assert follow(DOCUMENT, ("title", "x"))[1] == 2


def test_every_value_with_few_words_is_a_text_that_is_known() -> None:
    for path in WORDS:
        assert follow(DOCUMENT, path) == (TEXT, len(path)), path
    assert words_of(("steps", "any", "outcome")) == ("succeeded", "failed", "skipped", "unknown")
    assert words_of(("labels", "severity")) is None
