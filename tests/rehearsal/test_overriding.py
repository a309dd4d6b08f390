"""A case changes its event by paths; what no event has is a slip of the pen."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.rehearsal.overriding import overridden
from engine.samples.sample import SAMPLES, sample

KNOWN = [orjson.loads(one.body) for one in SAMPLES]


def body(name: str) -> Any:
    return orjson.loads(sample(name).body)


@pytest.mark.parametrize(
    ("name", "path", "place"),
    [
        ("custom-action", "labels.service", ("incident", "labels", "service")),
        ("custom-action", "severity", ("incident", "incident_severity")),
        ("custom-action", "status", ("incident", "incident_status")),
        ("custom-action", "title", ("incident", "title")),
        ("custom-action", "channel", ("incident", "channel_name")),
        ("custom-action", "fields.owner", ("incident", "fields", "owner")),
        ("custom-action", "incident.progress", ("incident", "progress")),
        ("custom-action", "alerts[0].labels.x", ("incident", "alerts", 0, "labels", "x")),
        ("custom-action", "person.person_name", ("person", "person_name")),
        ("custom-action", "event_time", ("event_time",)),
        ("custom-action", 'labels."app.io/name"', ("incident", "labels", "app.io/name")),
        ("custom-action", "labels.k8s-app", ("incident", "labels", "k8s-app")),
        ("custom-action", "incident.closer.email", ("incident", "closer", "email")),
        ("i_new", "person.person_name", ("person", "person_name")),
        ("i_new-by-hand", "labels.service", ("incident", "labels", "service")),
        ("a_new", "labels.service", ("alert", "labels", "service")),
        ("a_new", "severity", ("alert", "alert_severity")),
        ("label-mapping", "labels.service", ("event", "labels", "service")),
        ("label-mapping", "status", ("event", "event_status")),
        ("label-mapping", "result_label_keys[1]", ("result_label_keys", 1)),
    ],
)
def test_a_path_leads_to_a_place_of_the_body(
    name: str, path: str, place: tuple[str | int, ...]
) -> None:
    before = body(name)
    changed, complaints = overridden(before, {path: "new"}, KNOWN)
    assert complaints == []
    assert before == body(name)
    here: Any = changed
    for part in place:
        here = here[part]
    assert here == "new"


def test_null_takes_a_field_away() -> None:
    changes = {"person": None, "labels.resource": None, "alerts[0]": None, "labels.no_such": None}
    changed, complaints = overridden(body("custom-action"), changes, KNOWN)
    assert complaints == []
    assert "person" not in changed
    assert "resource" not in changed["incident"]["labels"]
    assert changed["incident"]["alerts"] == []


@pytest.mark.parametrize(
    ("path", "said", "hint"),
    [
        ("lables.service", "is a field that no such body has", "did you mean 'labels'?"),
        ("incident.progres", "is a field that no such body has", "did you mean 'progress'?"),
        ("incident.labels.a.b", "leads nowhere in this body", None),
        ("alerts[7].title", "leads nowhere in this body", None),
        ("incident[0]", "leads nowhere in this body", None),
        ("labels.", "is no path", "it is written like labels.resource or alerts[0].title"),
        ("", "is no path", "it is written like labels.resource or alerts[0].title"),
        ("labels service]", "is no path", "it is written like labels.resource or alerts[0].title"),
    ],
)
def test_what_leads_nowhere_is_said(path: str, said: str, hint: str | None) -> None:
    event = body("custom-action")
    event["incident"]["labels"]["a"] = "text"
    _, (complaint,) = overridden(event, {path: 1}, KNOWN)
    assert (complaint.message, complaint.hint, complaint.loc) == (said, hint, (path,))


@given(st.text(max_size=30), st.none() | st.integers() | st.text(max_size=3))
def test_no_path_breaks_it_and_only_good_ones_change_anything(path: str, value: object) -> None:
    event = body("custom-action")
    changed, complaints = overridden(event, {path: value}, KNOWN)
    assert event == body("custom-action")
    if complaints and complaints[0].message == "is no path":
        assert changed == event
