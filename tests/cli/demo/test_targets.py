"""The demo's targets really change when they are acted on, and say no in sentences."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from engine.cli.demo.targets import TargetRequest, Targets, create_targets


class FakeClock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1_795_000_000.0

    def __call__(self) -> float:
        return self.now


TOKEN = {"Authorization": "Bearer demo"}
ROLLBACK = {"service": "checkout", "change": "deploy-4812", "to_version": "2026.11.22-5"}
EVENT = {
    "title": "Checkout fails",
    "status": "investigating",
    "body": "We are looking into it.",
    "components": ["Checkout"],
    "external_id": "inc-1",
}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def targets(clock: FakeClock) -> Targets:
    return create_targets(clock)


@pytest.fixture
def client(targets: Targets) -> Iterator[TestClient]:
    with TestClient(targets.app) as client:
        yield client


def test_a_host_is_up_until_somebody_reboots_it(client: TestClient) -> None:
    assert client.get("/inventory/hosts/es.nj.01").json() == {
        "host": "es.nj.01",
        "role": "search",
        "owner": "team-search",
        "rack": "nj-a07",
        "protected": False,
        "state": "up",
        "boots": 0,
    }


def test_a_reboot_takes_one_and_a_half_seconds_and_counts_as_a_boot(
    client: TestClient, clock: FakeClock
) -> None:
    answer = client.post("/inventory/hosts/es.nj.01/reboot")
    assert (answer.status_code, answer.json()) == (202, {"task": "reboot-1", "state": "rebooting"})

    clock.now += 1.4
    during = client.get("/inventory/hosts/es.nj.01").json()
    assert (during["state"], during["boots"]) == ("rebooting", 0)

    clock.now += 0.2
    after = client.get("/inventory/hosts/es.nj.01").json()
    assert (after["state"], after["boots"]) == ("up", 1)
    assert client.get("/inventory/hosts/es.nj.02").json()["boots"] == 0


def test_the_same_idempotency_key_reboots_once(client: TestClient, clock: FakeClock) -> None:
    key = {"Idempotency-Key": "run-1:steps/0"}
    first = client.post("/inventory/hosts/es.nj.01/reboot", headers=key)
    clock.now += 60
    again = client.post("/inventory/hosts/es.nj.01/reboot", headers=key)

    assert again.status_code == 202
    assert again.json() == first.json()
    assert client.get("/inventory/hosts/es.nj.01").json()["boots"] == 1


def test_another_idempotency_key_reboots_again(client: TestClient, clock: FakeClock) -> None:
    for attempt in ("run-1:steps/0", "run-2:steps/0"):
        client.post("/inventory/hosts/es.nj.01/reboot", headers={"Idempotency-Key": attempt})
        clock.now += 60

    assert client.get("/inventory/hosts/es.nj.01").json()["boots"] == 2


def test_a_host_that_is_rebooting_is_not_rebooted(client: TestClient) -> None:
    client.post("/inventory/hosts/es.nj.01/reboot")
    answer = client.post("/inventory/hosts/es.nj.01/reboot")
    assert answer.status_code == 409
    assert answer.json() == {"error": "The host es.nj.01 is rebooting already."}


def test_a_protected_host_is_shown_as_such_and_never_rebooted(
    client: TestClient, clock: FakeClock
) -> None:
    answer = client.post("/inventory/hosts/db.nj.01/reboot")
    clock.now += 60
    host = client.get("/inventory/hosts/db.nj.01").json()

    assert answer.status_code == 403
    assert answer.json() == {
        "error": "The host db.nj.01 is protected: it is rebooted by hand only."
    }
    assert (host["protected"], host["boots"]) == (True, 0)


def test_traces_of_a_service_are_limited(client: TestClient) -> None:
    answer = client.get("/tracing/api/traces?service=checkout&limit=1")
    assert answer.json() == {
        "items": [
            {
                "trace_id": "a3f1c2d4e5b60718293a4b5c6d7e8f90",
                "duration_ms": 2204,
                "error": True,
                "root": "POST /checkout",
                "url": "https://tracing.example.com/trace/a3f1c2d4e5b60718293a4b5c6d7e8f90",
            }
        ]
    }
    assert len(client.get("/tracing/api/traces?service=engine").json()["items"]) == 3


def test_a_log_search_takes_a_level_and_counts_past_its_limit(client: TestClient) -> None:
    answer = client.get("/logging/api/search?service=checkout&level=error&limit=1")
    assert answer.json() == {
        "total": 1275,
        "items": [
            {
                "time": "2026-11-18T11:06:05+00:00",
                "level": "error",
                "message": "KeyError: 'currency' in price_lines",
                "count": 964,
            }
        ],
    }
    assert len(client.get("/logging/api/search?service=checkout").json()["items"]) == 3


def test_the_topology_knows_owner_tier_and_neighbours(client: TestClient) -> None:
    assert client.get("/topology/api/services/checkout").json() == {
        "service": "checkout",
        "owner": "team-checkout",
        "tier": 0,
        "upstream": ["web-console"],
        "downstream": ["payment", "order"],
    }


def test_a_rollback_puts_the_older_version_in_service(client: TestClient, clock: FakeClock) -> None:
    answer = client.post("/deploy/api/rollbacks", json=ROLLBACK, headers=TOKEN)
    assert answer.status_code == 202
    assert answer.json() == {"rollback_id": "rollback-1", "state": "running"}
    during = client.get("/deploy/api/rollbacks/rollback-1").json()
    assert during == {
        "rollback_id": "rollback-1",
        "service": "checkout",
        "change": "deploy-4812",
        "from_version": "2026.11.23-2",
        "to_version": "2026.11.22-5",
        "state": "running",
    }
    assert client.get("/deploy/api/services/checkout").json()["version"] == "2026.11.23-2"

    clock.now += 1.6
    assert client.get("/deploy/api/rollbacks/rollback-1").json() == {**during, "state": "done"}
    assert client.get("/deploy/api/services/checkout").json() == {
        "service": "checkout",
        "version": "2026.11.22-5",
    }


def test_the_same_idempotency_key_rolls_back_once(client: TestClient, clock: FakeClock) -> None:
    headers = {**TOKEN, "Idempotency-Key": "run-1:steps/3"}
    first = client.post("/deploy/api/rollbacks", json=ROLLBACK, headers=headers)
    clock.now += 60
    again = client.post("/deploy/api/rollbacks", json=ROLLBACK, headers=headers)
    assert (again.status_code, again.json()) == (202, first.json())
    assert client.get("/deploy/api/rollbacks/rollback-2").status_code == 404


def test_an_idempotency_key_with_another_body_is_refused(client: TestClient) -> None:
    headers = {**TOKEN, "Idempotency-Key": "run-1:steps/3"}
    client.post("/deploy/api/rollbacks", json=ROLLBACK, headers=headers)
    other = {**ROLLBACK, "to_version": "2026.11.21-1"}
    answer = client.post("/deploy/api/rollbacks", json=other, headers=headers)
    assert answer.status_code == 422
    assert answer.json() == {"error": "This Idempotency-Key was used with another body before."}


def test_one_rollback_of_a_service_runs_at_a_time_and_must_change_something(
    client: TestClient, clock: FakeClock
) -> None:
    client.post("/deploy/api/rollbacks", json=ROLLBACK, headers=TOKEN)
    during = client.post("/deploy/api/rollbacks", json=ROLLBACK, headers=TOKEN)
    clock.now += 60
    after = client.post("/deploy/api/rollbacks", json=ROLLBACK, headers=TOKEN)

    assert during.status_code == after.status_code == 409
    assert during.json() == {"error": "A rollback of checkout is running already."}
    assert after.json() == {"error": "checkout is at 2026.11.22-5 already."}


def test_an_event_of_the_status_page_is_made_found_and_updated(client: TestClient) -> None:
    made = client.post("/status/api/events", json=EVENT, headers=TOKEN)
    assert (made.status_code, made.json()) == (201, {"id": "event-1"})
    assert client.get("/status/api/events?external_id=inc-2").json() == {"items": []}
    first = {"status": "investigating", "body": "We are looking into it."}
    assert client.get("/status/api/events?external_id=inc-1").json() == {
        "items": [{"id": "event-1", **EVENT, "updates": [first]}]
    }

    update = {"status": "resolved", "body": "Checkout works again."}
    changed = client.patch("/status/api/events/event-1", json=update, headers=TOKEN)
    assert changed.status_code == 200
    assert client.get("/status/api/events").json() == {
        "items": [{"id": "event-1", **EVENT, **update, "updates": [first, update]}]
    }


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/deploy/api/rollbacks"),
        ("POST", "/status/api/events"),
        ("PATCH", "/status/api/events/event-1"),
    ],
)
@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer "}, {"Authorization": "Basic x"}])
def test_a_call_that_changes_something_needs_a_bearer_token(
    client: TestClient, method: str, path: str, header: dict[str, str]
) -> None:
    answer = client.request(method, path, json={}, headers=header)
    assert answer.status_code == 401
    assert answer.json() == {"error": "This call needs a bearer token."}
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/inventory/hosts/es.nj.99", "The inventory has no host es.nj.99."),
        ("/tracing/api/traces?service=passport", "Nothing is known of a service passport."),
        ("/logging/api/search?service=passport", "Nothing is known of a service passport."),
        ("/topology/api/services/passport", "Nothing is known of a service passport."),
        ("/deploy/api/services/passport", "The deployment platform has no service passport."),
        ("/deploy/api/rollbacks/rollback-9", "There is no rollback rollback-9."),
        ("/nowhere", "Not Found"),
    ],
)
def test_what_is_unknown_is_a_404_with_a_sentence(
    client: TestClient, path: str, sentence: str
) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json()) == (404, {"error": sentence})


def test_an_unknown_event_or_host_cannot_be_changed(client: TestClient) -> None:
    update = {"status": "resolved", "body": "Well again."}
    event = client.patch("/status/api/events/event-9", json=update, headers=TOKEN)
    assert (event.status_code, event.json()) == (404, {"error": "There is no event event-9."})
    assert client.post("/inventory/hosts/es.nj.99/reboot").status_code == 404


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("", "The query parameter service is required."),
        ("?service=engine&limit=0", "The query parameter limit must be from 1 to 100."),
        ("?service=engine&limit=many", "The query parameter limit must be from 1 to 100."),
        ("?service=engine&limit=101", "The query parameter limit must be from 1 to 100."),
    ],
)
def test_a_bad_query_is_a_400_with_a_sentence(
    client: TestClient, query: str, sentence: str
) -> None:
    for path in ("/tracing/api/traces", "/logging/api/search"):
        answer = client.get(path + query)
        assert (answer.status_code, answer.json()) == (400, {"error": sentence})


@pytest.mark.parametrize(
    ("body", "start"),
    [
        (b"", "In the body: Invalid JSON"),
        (b"\xff", "In the body: Invalid JSON"),
        (b"[]", "In the body: Input should be an object"),
        (b'{"title": "x", "status": "broken", "body": "y"}', "In status: Input should be"),
        (b'{"title": " ", "status": "resolved", "body": "y"}', "In title: String should have"),
        (b'{"title": "x", "status": "resolved"}', "In body: Field required."),
        (
            b'{"title": "x", "status": "resolved", "body": "y", "components": [7]}',
            "In components.0: Input should be a valid string.",
        ),
    ],
)
def test_a_bad_body_is_a_422_that_names_the_place(
    client: TestClient, body: bytes, start: str
) -> None:
    answer = client.post("/status/api/events", content=body, headers=TOKEN)
    assert answer.status_code == 422
    assert answer.json()["error"].startswith(start)


def test_every_request_is_kept_without_its_token(client: TestClient, targets: Targets) -> None:
    client.get("/tracing/api/traces?service=engine")
    headers = {**TOKEN, "Idempotency-Key": "run-1:steps/3"}
    client.post("/deploy/api/rollbacks", json=ROLLBACK, headers=headers)
    client.post("/nowhere", content=b"not json")

    assert targets.requests == [
        TargetRequest(
            method="GET",
            path="/tracing/api/traces",
            query="service=engine",
            idempotency_key=None,
            authorized=False,
            json=None,
        ),
        TargetRequest(
            method="POST",
            path="/deploy/api/rollbacks",
            query="",
            idempotency_key="run-1:steps/3",
            authorized=True,
            json=ROLLBACK,
        ),
        TargetRequest(
            method="POST",
            path="/nowhere",
            query="",
            idempotency_key=None,
            authorized=False,
            json=None,
        ),
    ]
    assert "demo" not in repr(targets.requests)
