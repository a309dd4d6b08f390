"""The table of operations goes with the vendor's specification, and no body breaks a handler."""

import json
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from engine.flashduty.operations import OPERATIONS as CATALOGUE
from engine.flashduty.simulated.operations import OPERATIONS
from engine.flashduty.simulated.parameters import check_parameters
from engine.flashduty.simulated.sample import sample_account
from engine.flashduty.simulator import create_simulator

NOW = 1_795_000_000
ID = "6551f3888713372ad1054d57"
PAGE = 5750613685214
FACTS: Final = Path(__file__).parents[4] / "shared" / "flashduty"

needs_facts = pytest.mark.skipif(
    not FACTS.is_dir(), reason="the vendor's specifications are not beside the repository"
)


def methods_by_path() -> dict[str, set[str]]:
    """Give what the three lists of the vendor's operations know."""
    known: dict[str, set[str]] = {}
    for name in ("openapi.en.json", "openapi.legacy.zh.json"):
        paths: dict[str, dict[str, Any]] = json.loads((FACTS / name).read_bytes())["paths"]
        for path, methods in paths.items():
            known.setdefault(path, set()).update(method.upper() for method in methods)
    table = (FACTS / "operations-2026-08.tsv").read_text("utf-8").splitlines()
    for method, path, *_ in (line.split("\t") for line in table[1:]):
        known.setdefault(path, set()).add(method)
    return known


@needs_facts
def test_every_operation_is_one_of_the_vendors() -> None:
    known = methods_by_path()
    strange = {
        path
        for path, operation in OPERATIONS.items()
        if operation.method not in known.get(path, set())
    }
    # The push addresses are on pages of their own, in no specification (reference 2.9).
    assert strange == {"/event/push/alert/standard", "/event/push/change/standard"}


@needs_facts
def test_the_vendors_example_requests_are_let_through() -> None:
    examples = [
        json.loads(file.read_bytes())
        for file in sorted((FACTS / "samples" / "openapi").glob("[!_]*.json"))
    ]
    ours = [one for one in examples if one["path"] in OPERATIONS and one["request"] is not None]
    for example in ours:
        check_parameters(OPERATIONS[example["path"]].parameters, example["request"])
    assert len(ours) >= 20


def test_every_operation_of_the_catalogue_is_answered() -> None:
    assert OPERATIONS.keys() == CATALOGUE.keys()


# Values that are right somewhere, so that the fuzz below comes past the rules to the handlers.
API = "01KC3GB4T2XQ8D1M7R5VWN0HKA"
LIKELY: Final[dict[str, list[Any]]] = {
    "change_status": ["Done"],
    "comment": ["Hello.", " ", "\U0001f600"],
    "component_changes": [[{"component_id": API, "status": "operational"}], []],
    "description": ["Watching."],
    "end_time": [NOW],
    "event_status": ["Critical", "Ok"],
    "field_name": ["priority", "impacted_services", "owner"],
    "incident_id": [ID],
    "incident_ids": [[ID]],
    "incident_severity": ["Info", "Critical"],
    "minutes": [1],
    "page_id": [PAGE],
    "person_ids": [[1552048792504]],
    "start_time": [NOW - 3600],
    "status": ["investigating", "resolved", "scheduled"],
    "title": ["A title"],
    "type": ["incident", "maintenance"],
    "updates": [
        [{"component_changes": [{"component_id": API, "status": status}]}]
        for status in ("operational", "degraded", "under_maintenance")
    ],
}
plausible = st.sampled_from([ID, [ID], PAGE, NOW, 1, 0, -1, 2**63 - 1, True, None, "", "P1", "("])
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@pytest.mark.parametrize("path", OPERATIONS)
def test_whatever_is_sent_the_answer_is_an_envelope_and_no_traceback(path: str) -> None:
    operation = OPERATIONS[path]
    account = sample_account(lambda: NOW)
    account.add_incident({"incident_id": ID, "channel_id": 7, "start_time": NOW - 60})
    keys = {"app_key": "k", "integration_key": "sample-change-integration"}
    likely = {
        name: st.sampled_from(LIKELY[name]) if name in LIKELY else plausible
        for name in operation.parameters
    }
    needed = {name: likely[name] for name, rule in operation.parameters.items() if rule.required}
    optional = {name: one for name, one in likely.items() if name not in needed}
    right = st.fixed_dictionaries(needed, optional=optional)
    wrong = st.fixed_dictionaries(
        {}, optional=dict.fromkeys(operation.parameters, plausible | anything)
    )

    # The client raises what the app raises: a traceback fails the test by itself.
    with TestClient(create_simulator(account, app_key="k")) as client:
        post = partial(client.post, path, params=keys)

        @settings(max_examples=25, deadline=None)
        @given(st.builds(dict.__or__, right, st.just({}) | wrong))
        def send(body: dict[str, Any]) -> None:
            if operation.method == "GET":
                texts = {name: str(value) for name, value in body.items()}
                answer = client.get(path, params={**texts, **keys})
            else:
                answer = post(json=body)
            assert answer.status_code in (200, 400)
            assert answer.json().keys() <= {"request_id", "data", "error"}

        send()
