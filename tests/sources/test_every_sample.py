"""Each delivery that the vendor documents is accepted, and reads as one would expect.

The samples of the whole platform lie beside a developer's checkout; without them the two examples
of the vendor's pages in tests/fixtures have to do.
"""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from engine.events.document import document_of
from engine.events.event import Event
from engine.events.source import Request
from engine.sources.flashduty import (
    AlertWebhookSource,
    CustomActionSource,
    FlashdutySource,
    IncidentWebhookSource,
    LabelMappingSource,
)

FIXTURES: Final = Path(__file__).parents[1] / "fixtures"
SAMPLES: Final = Path(__file__).parents[3] / "shared" / "flashduty" / "samples"
SOURCES: Final[dict[str, FlashdutySource]] = {
    "custom-action": CustomActionSource(),
    "incident-webhook": IncidentWebhookSource(),
    "alert-webhook": AlertWebhookSource(),
    "label-mapping": LabelMappingSource(),
}


def read(path: Path) -> tuple[Event, dict[str, Any]]:
    source = SOURCES[path.name.split(".")[0]]
    event = source.read(Request(None, {}, {}, None), path.read_bytes(), id_="E", received=1.0)
    assert isinstance(event, Event), event
    return event, document_of(event, {})


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.json")), ids=lambda path: path.stem)
def test_every_fixture_is_accepted(path: Path) -> None:
    event, document = read(path)

    assert event.source == path.name.split(".")[0]
    assert document["title"]


def test_an_incident_webhook_reads_as_its_incident() -> None:
    event, document = read(FIXTURES / "incident-webhook.vendor-page.json")
    incident = event.payload["incident"]

    assert (event.type, event.key) == ("i_new", event.payload["event_id"])
    assert event.incident_id == incident["incident_id"]
    assert document["severity"] == incident["incident_severity"]
    assert document["status"] == incident["incident_status"]
    assert document["labels"] == incident["labels"]
    assert document["channel"] == incident["channel_name"]
    assert (document["alert"], document["alerts"], document["fields"]) == (None, [], {})


def test_an_alert_webhook_reads_as_its_alert_and_names_its_incident() -> None:
    event, document = read(FIXTURES / "alert-webhook.vendor-page.json")
    alert = event.payload["alert"]

    assert (event.type, event.key) == ("a_merge", "ffcf1d47a8d853dc800d000c87e5568b")
    assert event.incident_id == "645db17c9759374196929314"
    assert document["severity"] == document["status"] == "Warning"
    assert document["labels"]["alert_type"] == "sls_alert"
    assert (document["title"], document["channel"]) == (alert["title"], "Order System")
    assert document["alerts"] == [alert]
    assert document["incident"] == alert["incident"]


def test_a_call_for_labels_reads_as_the_alert_that_is_being_ingested() -> None:
    event, document = read(FIXTURES / "label-mapping.vendor-page.json")
    asked = event.payload["event"]

    assert (event.source, event.type, event.time) == (
        "label-mapping",
        "label_mapping",
        1_678_886_400_000,
    )
    assert event.asked == {"owner_team", "service_tier", "host_ip"}
    assert (event.subject, event.incident_id, event.person_id) == (None, None, None)
    assert document["severity"] == document["status"] == "Critical"
    assert document["labels"] == asked["labels"]
    assert document["title"] == asked["title"]
    alert = {**asked, "alert_severity": "Critical", "alert_status": "Critical"}
    assert (document["alert"], document["alerts"]) == (alert, [alert])
    absent = ("incident", "channel", "person")
    assert [document[name] for name in absent] == [None, None, None]
    assert document["fields"] == {}


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples of the platform are not beside us")
def test_the_fixture_of_such_a_call_is_the_platforms_sample() -> None:
    sample = json.loads((SAMPLES / "label-mapping-api.request.json").read_bytes())
    assert json.loads((FIXTURES / "label-mapping.vendor-page.json").read_bytes()) == sample


def test_a_body_of_ones_own_is_taken_with_whatever_it_has() -> None:
    body = {"event_id": "own-1", "summary": "{{incident.nope}}", "severity": {"level": 3}}

    event = IncidentWebhookSource().read(
        Request(None, {}, {}, None), json.dumps(body).encode(), id_="E", received=1.0
    )

    assert isinstance(event, Event)
    assert (event.key, event.type, event.incident_id) == ("own-1", "unknown", None)
    document = document_of(event, {})
    assert document["payload"] == body
    assert (document["incident"], document["severity"], document["labels"]) == (None, None, {})


def test_a_body_of_ones_own_without_any_identity_is_refused_with_the_reason() -> None:
    answer = IncidentWebhookSource().read(
        Request(None, {}, {}, None), b'{"summary": "x"}', id_="E", received=1.0
    )

    assert not isinstance(answer, Event)
    assert (answer.status, answer.code) == (422, "no-identity")


def test_an_alert_without_event_id_is_known_by_its_alert_and_time() -> None:
    body = {
        "event_time": 7,
        "event_type": "a_new",
        "alert": {"alert_id": "A", "incident": {"incident_id": "I"}},
    }

    event = AlertWebhookSource().read(
        Request(None, {}, {}, None), json.dumps(body).encode(), id_="E", received=1.0
    )

    assert isinstance(event, Event)
    assert event.key == "a_new:7:A:None"


# What each delivery of the platform's samples reads as. Those of one kind differ in what their event
# implies, and the document has to show that: severity, status, channel, labels, alerts, fields.
ALERT: Final = ("Warning", "Warning", "Order System", 12, 1, 0)
PRESS: Final = ("Critical", "Critical", "lim_test", 7, 1, 2)
INCIDENT: Final = ("Critical", "Critical", "Reduce Noise", 1, 0, 0)
TABLE: Final[dict[str, tuple[str | None, str, tuple[Any, ...]]]] = {
    # file: person, title, what it shows
    "alert-webhook.a_close": ("Flashcat", "Test sending to Flash", ALERT),
    "alert-webhook.a_merge.docs-en": ("Flashcat", "Test sending to Flash", ALERT),
    "alert-webhook.a_new": (None, "Test sending to Flash", ALERT),
    "alert-webhook.a_update": (
        *(None, "Test sending to Flash"),
        ("Critical", "Critical", "Order System", 12, 1, 0),
    ),
    "custom-action.i_custom.docs-en": ("zhangsan", "nj / es.nj.01 - Custom", PRESS),
    "custom-action.i_custom.docs-zh": ("zhangsan", "nj / es.nj.01", PRESS),
    "custom-action.i_custom.event-id-top-level": ("zhangsan", "nj / es.nj.01", PRESS),
    "incident-webhook.i_new.docs-en": ("TouTie", "ysy028", INCIDENT),
    "incident-webhook.i_new.docs-zh": ("头铁", "ysy028", INCIDENT),
    "incident-webhook.i_new.auto": (
        *(None, "nj / es.nj.01 - cpu"),
        ("Critical", "Critical", "Reduce Noise", 4, 0, 0),
    ),
    "incident-webhook.i_r_field": (
        *("TouTie", "ysy028"),
        ("Critical", "Critical", "Reduce Noise", 1, 0, 2),
    ),
    "incident-webhook.i_r_severity": (
        *("TouTie", "ysy028"),
        ("Warning", "Critical", "Reduce Noise", 1, 0, 0),
    ),
    "incident-webhook.i_r_title": ("TouTie", "ysy028 (updated)", INCIDENT),
    **{
        f"incident-webhook.{type_}": ("TouTie", "ysy028", INCIDENT)
        for type_ in (
            *("i_a_rspd", "i_ack", "i_assign", "i_comm", "i_custom", "i_merge", "i_r_desc"),
            *("i_r_impact", "i_r_rc", "i_r_rsltn", "i_reopen", "i_rslv", "i_snooze", "i_unack"),
            "i_wake",
        )
    },
}


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples of the platform are not beside us")
@pytest.mark.parametrize("name", sorted(TABLE))
def test_a_sample_of_the_platform_reads_as_the_table_says(name: str) -> None:
    event, document = read(SAMPLES / f"{name}.json")
    person, title, shown = TABLE[name]

    assert (event.source, event.type) == tuple(name.split(".")[:2])
    assert len(event.key) == 32, "the id that the sample names, wherever it stands"
    assert (document["person"] or {}).get("person_name") == person
    assert document["title"].startswith(title)
    assert shown == (
        *(document["severity"], document["status"], document["channel"]),
        *(len(document["labels"]), len(document["alerts"]), len(document["fields"])),
    )
    about = "alert" if event.source == "alert-webhook" else "incident"
    assert document["labels"] == event.payload[about].get("labels", {})
    assert event.subject == f"{about}:{event.payload[about][f'{about}_id']}"


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples of the platform are not beside us")
def test_the_table_has_every_delivery_among_the_samples() -> None:
    names = {path.stem for path in SAMPLES.glob("*.json") if path.name.split(".")[0] in SOURCES}
    assert names - set(TABLE) == {"incident-webhook.custom-request-body.template"}
