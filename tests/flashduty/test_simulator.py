"""The simulated Open API answers as the specification says, and refuses what it must refuse."""

from collections.abc import Iterator, Mapping
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from engine.flashduty.simulated.account import SimulatedAccount
from engine.flashduty.simulated.limits import RateLimits
from engine.flashduty.simulated.operations import OPERATIONS
from engine.flashduty.simulated.sample import sample_account
from engine.flashduty.simulator import create_simulator

NOW = 1_795_000_000
KEY = "0123456789abcdef"
ME = 3790925372131
ID = "6551f3888713372ad1054d57"
UNKNOWN = "000000000000000000000001"
INCIDENT: Mapping[str, Any] = {
    "incident_id": ID,
    "alerts": [
        {"alert_id": f"{number:024x}", "alert_severity": severity, "alert_status": severity}
        for number, severity in enumerate(("Critical", "Ok"))
    ],
    "channel_id": 1973372625504,
    "incident_severity": "Critical",
    "num": "054D57",
    "progress": "Triggered",
    "start_time": NOW - 600,
    "title": "nj / es.nj.01",
}


class Api:
    """Calls the simulator as the engine's client does."""

    def __init__(self, client: TestClient) -> None:
        self.client = client

    def post(self, path: str, body: Any) -> httpx2.Response:
        return self.client.post(path, json=body, params={"app_key": KEY})

    def get(self, path: str, **query: str | int) -> httpx2.Response:
        return self.client.get(path, params={"app_key": KEY, **query})

    def data(self, path: str, body: Any) -> Any:
        """Give `data` of a call that must succeed."""
        answer = self.post(path, body)
        assert answer.status_code == 200, answer.text
        assert answer.json().keys() == {"request_id", "data"}
        return answer.json()["data"]

    def error(self, path: str, body: Any) -> tuple[int, str, str]:
        """Give status, code and message of a call that must be refused."""
        return refusal(self.post(path, body))


def refusal(answer: httpx2.Response) -> tuple[int, str, str]:
    content = answer.json()
    assert content.keys() == {"request_id", "error"}
    return answer.status_code, content["error"]["code"], content["error"]["message"]


@pytest.fixture
def account() -> SimulatedAccount:
    account = sample_account(lambda: NOW)
    account.add_incident(INCIDENT)
    return account


@pytest.fixture
def api(account: SimulatedAccount) -> Iterator[Api]:
    with TestClient(create_simulator(account, app_key=KEY)) as client:
        yield Api(client)


# Before any operation -----------------------------------------------------------------------


def test_every_answer_carries_its_request_id_in_a_header_too(api: Api) -> None:
    for answer in (
        api.post("/member/info", {}),
        api.post("/incident/info", {}),
        api.post("/nowhere", {}),
        api.get("/member/info"),
    ):
        assert answer.headers["Flashcat-Request-Id"] == answer.json()["request_id"]
        assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("path", OPERATIONS)
@pytest.mark.parametrize("query", ["", "?app_key=", "?app_key=wrong", "?integration_key=wrong"])
def test_a_missing_or_wrong_key_is_unauthorized(api: Api, path: str, query: str) -> None:
    operation = OPERATIONS[path]
    answer = api.client.request(operation.method, path + query, json={})
    message = f"You are unauthorized: {operation.credential} is wrong."
    assert refusal(answer) == (401, "Unauthorized", message)


@pytest.mark.parametrize("path", OPERATIONS)
def test_the_wrong_method_is_not_allowed(api: Api, path: str) -> None:
    wrong = "GET" if OPERATIONS[path].method == "POST" else "POST"
    answer = api.client.request(wrong, path, params={"app_key": KEY})
    assert refusal(answer) == (405, "MethodNotAllowed", "This path takes another method.")


@pytest.mark.parametrize("path", ["/", "/incident", "/incident/info/", "/incident/label/add"])
def test_an_unknown_path_is_not_routed(api: Api, path: str) -> None:
    expected = (404, "RouteNotFound", "There is no operation at this path.")
    assert api.error(path, {}) == expected


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/jsonx", "text/json"])
def test_a_body_of_another_content_type_is_refused(api: Api, content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    answer = api.client.post(f"/member/info?app_key={KEY}", content=b"{}", headers=headers)
    message = "The Content-Type must be application/json."
    assert refusal(answer) == (400, "InvalidContentType", message)


def test_a_content_type_may_name_its_charset(api: Api) -> None:
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    answer = api.client.post(f"/member/info?app_key={KEY}", content=b"{}", headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xff",
        b'{"a": NaN}',
        b'{"a": 1e999}',
        b"[" * 5000,
        b'{"a":' + b"[" * 900 + b"]" * 900 + b"}",
    ],
)
def test_a_body_that_is_no_sound_json_object_is_refused(api: Api, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = api.client.post(f"/member/info?app_key={KEY}", content=body, headers=headers)
    status, code, message = refusal(answer)
    assert (status, code) == (400, "InvalidParameter")
    assert message.startswith("The body must be ")


def test_one_call_too_many_is_refused_where_limits_are_wanted(account: SimulatedAccount) -> None:
    limits = RateLimits(lambda: NOW)
    with TestClient(create_simulator(account, app_key=KEY, limits=limits)) as client:
        api = Api(client)
        assert [api.post("/member/info", {}).status_code for _ in range(50)] == [200] * 50
        expected = (429, "RequestTooFrequently", "Request too frequently.")
        assert api.error("/incident/info", {}) == expected
        # A wrong key is told so, and what is pushed counts for the integration.
        assert client.post("/member/info?app_key=wrong", json={}).status_code == 401
        push = "/event/push/change/standard?integration_key=sample-change-integration"
        assert client.post(push, json={}).status_code == 400


# Incidents ----------------------------------------------------------------------------------


def test_an_incident_is_shown(api: Api, account: SimulatedAccount) -> None:
    assert api.data("/incident/info", {"incident_id": ID}) == account.incident(ID)


@pytest.mark.parametrize(
    "path",
    [
        path
        for path, operation in OPERATIONS.items()
        if {"incident_id", "incident_ids"} & operation.parameters.keys()
        and path not in ("/incident/list", "/incident/list-by-ids")  # they leave out what is not
    ],
)
def test_an_incident_that_does_not_exist_is_http_400(api: Api, path: str) -> None:
    body = {"incident_id": UNKNOWN, "incident_ids": [ID, UNKNOWN], "comment": "x", "minutes": 5}
    body |= {"field_name": "owner", "field_value": "me", "title": "A title", "integration_id": 1}
    body |= {"assigned_to": {"person_ids": [ME]}, "person_ids": [ME], "alert_ids": [f"{0:024x}"]}
    body |= {"content": "{{.Title}}", "type": "email"}
    message = f"The resource you request is not found: incident_id {UNKNOWN}."
    assert api.error(path, body) == (400, "ResourceNotFound", message)


def test_incidents_are_listed_newest_first_page_by_page(
    api: Api, account: SimulatedAccount
) -> None:
    other = "6551f3888713372ad1054d58"
    account.add_incident({**INCIDENT, "incident_id": other, "start_time": NOW - 60})
    window = {"start_time": NOW - 3600, "end_time": NOW}

    first = api.data("/incident/list", {**window, "limit": 1})
    assert [one["incident_id"] for one in first["items"]] == [other]
    assert (first["total"], first["has_next_page"], first["search_after_ctx"]) == (2, True, other)

    by_page = api.data("/incident/list", {**window, "limit": 1, "p": 2})
    by_cursor = api.data("/incident/list", {**window, "limit": 1, "search_after_ctx": other})
    for second in (by_page, by_cursor):
        assert [one["incident_id"] for one in second["items"]] == [ID]
        assert not second["has_next_page"]
    ascending = api.data("/incident/list", {**window, "asc": True})
    assert [one["incident_id"] for one in ascending["items"]] == [ID, other]


@pytest.mark.parametrize(
    ("fits", "fits_not"),
    [
        ({"progress": "Triggered,Processing"}, {"progress": "Closed"}),
        ({"incident_severity": "Critical"}, {"incident_severity": "Info,Warning"}),
        ({"query": "ES.NJ"}, {"query": "checkout"}),
        ({"channel_ids": [1973372625504]}, {"channel_ids": [0]}),
        ({"responder_ids": [ME]}, {"responder_ids": [7]}),
        ({"acker_ids": []}, {"acker_ids": [ME]}),
        ({"creator_ids": [0]}, {"creator_ids": [ME]}),
        ({"closer_ids": [0]}, {"closer_ids": [ME]}),
        ({"incident_ids": [ID.upper()]}, {"incident_ids": [UNKNOWN]}),
        ({"nums": ["054D57"]}, {"nums": ["054D58"]}),
        ({"is_snoozed": False}, {"is_snoozed": True}),
        ({"is_rare": True, "ever_muted": False}, {"ever_muted": True}),
        ({"is_my_team": False, "team_ids": []}, {"team_ids": [1]}),
        ({"is_my_channel": False}, {"is_my_channel": True}),
    ],
)
def test_incidents_are_filtered(
    api: Api, account: SimulatedAccount, fits: dict[str, Any], fits_not: dict[str, Any]
) -> None:
    responder = {"person_id": ME, "assigned_at": NOW, "acknowledged_at": 0}
    account.add_incident({**INCIDENT, "responders": [responder]})
    window = {"start_time": NOW - 3600, "end_time": NOW}
    assert api.data("/incident/list", {**window, **fits})["total"] == 1
    assert api.data("/incident/list", {**window, **fits_not})["items"] == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"end_time": NOW}, "start_time is required."),
        ({"start_time": NOW, "end_time": NOW}, "end_time must be greater than start_time."),
        (
            {"start_time": NOW - 32 * 86400, "end_time": NOW},
            "end_time must be at most 31 days after start_time.",
        ),
        (
            {"start_time": 1, "end_time": 2, "limit": 100, "p": 101},
            "p times limit must be at most 10000.",
        ),
        (
            {"start_time": 1, "end_time": 2, "search_after_ctx": "x"},
            "search_after_ctx is no cursor of this list.",
        ),
        (
            {"start_time": 1, "end_time": 2, "progress": "Open"},
            "progress must have words of Triggered, Processing, Closed only.",
        ),
    ],
)
def test_a_list_of_incidents_needs_a_sound_window_and_page(
    api: Api, body: dict[str, Any], message: str
) -> None:
    assert api.error("/incident/list", body) == (400, "InvalidParameter", message)


def test_incidents_are_listed_by_their_ids(api: Api, account: SimulatedAccount) -> None:
    assert api.data("/incident/list-by-ids", {"incident_ids": [UNKNOWN, ID]}) == {
        "items": [account.incident(ID)],
        "total": 1,
        "has_next_page": False,
    }


def test_a_comment_is_trimmed_and_in_the_feed(api: Api) -> None:
    body = {"incident_ids": [ID], "comment": "  Restarted.\n", "mute_reply": True}
    assert api.data("/incident/comment", body) == {}

    feed = api.data("/incident/feed", {"incident_id": ID, "types": ["i_comm"]})
    assert feed == {
        "has_next_page": False,
        "items": [
            {
                "ref_id": ID,
                "type": "i_comm",
                "detail": {"comment": "Restarted.", "mute_reply": True},
                "account_id": 74058170041504,
                "creator_id": ME,
                "created_at": NOW * 1000,
                "updated_at": NOW * 1000,
            }
        ],
    }


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        (None, "comment is required."),
        ("", "comment is required and must not be empty."),
        (" \n\t", "comment is required and must not be blank."),
        ("x" * 1025, "comment must have at most 1024 characters."),
        (["x"], "comment must be a string."),
    ],
)
def test_a_comment_has_1_to_1024_characters(
    api: Api, account: SimulatedAccount, comment: object, message: str
) -> None:
    body = {"incident_ids": [ID], "comment": comment}
    assert api.error("/incident/comment", body) == (400, "InvalidParameter", message)
    assert len(account.feed(ID)) == 1


def test_the_feed_is_newest_first_unless_asked_otherwise(api: Api) -> None:
    api.data("/incident/ack", {"incident_ids": [ID]})
    newest = api.data("/incident/feed", {"incident_id": ID, "limit": 1})
    oldest = api.data("/incident/feed", {"incident_id": ID, "limit": 1, "asc": True})
    assert (newest["items"][0]["type"], newest["has_next_page"]) == ("i_ack", True)
    assert (oldest["items"][0]["type"], oldest["has_next_page"]) == ("i_new", True)


def test_a_custom_field_is_set_and_deleted(api: Api, account: SimulatedAccount) -> None:
    field = {"incident_id": ID, "field_name": "impacted_services"}
    api.data("/incident/field/reset", {**field, "field_value": ["checkout", "order"]})
    assert account.incident(ID)["fields"] == {"impacted_services": ["checkout", "order"]}
    api.data("/incident/field/reset", field)
    assert account.incident(ID)["fields"] == {}
    assert [entry["detail"] for entry in account.feed(ID)[1:]] == [
        {"field_name": "impacted_services", "to": ["checkout", "order"]},
        {"field_name": "impacted_services", "to": None},
    ]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"field_name": "nobody"}, "field_name nobody is no custom field of this account."),
        (
            {"field_name": "priority", "field_value": "P9"},
            "field_value of priority must be one of P1, P2, P3, P4, P5.",
        ),
        ({"field_value": "P1"}, "field_name is required."),
    ],
)
def test_a_field_that_is_not_defined_so_is_refused(
    api: Api, body: dict[str, Any], message: str
) -> None:
    expected = (400, "InvalidParameter", message)
    assert api.error("/incident/field/reset", {"incident_id": ID, **body}) == expected


def test_texts_and_severity_are_reset(api: Api, account: SimulatedAccount) -> None:
    body = {"title": "Disk full", "description": "", "incident_severity": "Info"}
    api.data("/incident/reset", {"incident_id": ID, **body})
    shown = account.incident(ID)
    assert (shown["title"], shown["incident_severity"]) == ("Disk full", "Info")
    assert [entry["type"] for entry in account.feed(ID)] == ["i_new", "i_r_title", "i_r_severity"]


# The audit log ------------------------------------------------------------------------------


def test_every_call_that_was_answered_is_in_the_audit_log(api: Api) -> None:
    answer = api.post("/incident/comment", {"incident_ids": [ID], "comment": "Restarted."})
    api.error("/incident/comment", {})
    api.data("/incident/info", {"incident_id": ID})
    window = {"start_time": NOW - 60, "end_time": NOW}

    (comment,) = api.data("/audit/search", {**window, "is_write": True})["docs"]
    assert comment["request_id"] == answer.json()["request_id"]
    assert (comment["operation"], comment["member_id"]) == ("incident:comment", ME)
    assert "Restarted." in comment["body"]
    operations = api.data("/audit/operation/list", {})["items"]
    assert {"incident:comment", "incident:info"} <= {one["name"] for one in operations}
    assert api.data("/audit/search", {**window, "operations": ["incident:ack"]})["docs"] == []
    first = api.data("/audit/search", {**window, "limit": 1})
    cursor = {"search_after_ctx": first["search_after_ctx"]}
    rest = api.data("/audit/search", {**window, **cursor})
    assert first["docs"][0] not in rest["docs"]
    assert api.error("/audit/search", {**window, "search_after_ctx": "x"}) == (
        *(400, "InvalidParameter", "search_after_ctx is no cursor of this list."),
    )
