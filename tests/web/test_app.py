"""Which path answers what; every answer is JSON."""

import json

import pytest
from starlette.testclient import TestClient

from tests.web.conftest import Post, Receiving


def test_healthz_says_that_it_is_alive(client: TestClient) -> None:
    answer = client.get("/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


def test_readyz_shows_how_the_rest_is(client: TestClient, receiving: Receiving) -> None:
    receiving.state = {"playbooks": {"count": 3}, "worker": "missing"}

    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "playbooks": {"count": 3},
        "worker": "missing",
    }


def test_readyz_is_red_when_nothing_can_be_committed(
    client: TestClient, receiving: Receiving
) -> None:
    receiving.refusing = "disk I/O error"
    receiving.state = {"worker": "missing"}

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json() == {
        "status": "not ready",
        "reason": "nothing can be committed: disk I/O error",
        "worker": "missing",
    }


def test_metrics_count_answers_by_status(client: TestClient, post: Post, example: bytes) -> None:
    post(example)
    post(b"{")

    text = client.get("/metrics").text

    assert 'engine_deliveries_total{source="custom-action",status="200"} 1.0' in text
    assert 'engine_deliveries_total{source="custom-action",status="400"} 1.0' in text


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/flashduty",
        "/flashduty/actions/",
        "/flashduty/actions/a/b",
        "/flashduty/actions/a/",
        "/flashduty/alerts/",
    ],
)
def test_an_unknown_path_is_told_where_events_go(client: TestClient, path: str) -> None:
    answer = client.post(path)

    assert answer.status_code == 404
    assert answer.json() == {
        "error": {
            "code": "not-found",
            "message": "events go to /flashduty/actions/{action}, /flashduty/incidents, "
            "/flashduty/alerts",
        }
    }


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_events_are_sent_by_post_alone(client: TestClient, method: str) -> None:
    answer = client.request(method, "/flashduty/actions/x")

    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert answer.json()["error"]["code"] == "method-not-allowed"


def test_an_answer_is_json_with_its_length(client: TestClient) -> None:
    answer = client.post("/flashduty/actions/x", content=b"x", headers={"x-engine-token": "no"})

    assert answer.headers["content-type"] == "application/json"
    assert int(answer.headers["content-length"]) == len(
        json.dumps(answer.json(), separators=(",", ":"))
    )
