"""What an answer says of the operation: whether it took effect, and whether to ask again."""

from typing import Any

import orjson
import pytest

from engine.flashduty.answer import Answer, FlashdutyError, read_answer
from engine.flashduty.operations import Operation

PLAIN = Operation("/incident/comment")
ACTION = Operation("/incident/custom-action/do", message_is_failure=True)


def read(
    body: object, status: int = 200, operation: Operation = PLAIN, **headers: str
) -> Answer | FlashdutyError:
    text = body if isinstance(body, bytes) else orjson.dumps(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        return read_answer(operation, status, named, text, lambda said: said)
    except FlashdutyError as error:
        return error


def failure(
    body: object, status: int = 200, operation: Operation = PLAIN, **headers: str
) -> FlashdutyError:
    answer = read(body, status, operation, **headers)
    assert isinstance(answer, FlashdutyError)
    return answer


def refusal(code: object) -> dict[str, Any]:
    return {"error": {"code": code, "message": "no"}}


@pytest.mark.parametrize(
    ("body", "status", "took_effect"),
    [
        (refusal("InvalidParameter"), 400, "no"),
        (refusal("ResourceNotFound"), 400, "no"),
        (refusal("RequestLocked"), 423, "no"),
        (refusal("RequestTooFrequently"), 429, "no"),
        (refusal("NeverHeardOf"), 200, "no"),
        (b"<html>not here</html>", 404, "no"),
        (b"<html>elsewhere</html>", 307, "no"),
        ({}, 418, "no"),
        (refusal("InternalError"), 500, "unknown"),
        (refusal("ServiceUnavailable"), 503, "unknown"),
        (refusal("InternalError"), 200, "unknown"),
        (refusal("NeverHeardOf"), 502, "unknown"),
        ({}, 504, "unknown"),
        (b"<html>bad gateway</html>", 502, "unknown"),
        (b"", 200, "unknown"),
        (b"[]", 200, "unknown"),
        (b'{"request_id": "r1", "da', 200, "unknown"),
        ({"error": "boom"}, 200, "unknown"),
    ],
)
def test_a_refusal_took_no_effect_and_what_nobody_can_read_may_have(
    body: object, status: int, took_effect: str
) -> None:
    assert failure(body, status).took_effect == took_effect


@pytest.mark.parametrize("code", [17, ["a"], {"a": 1}, True, 1.5])
def test_a_code_of_any_type_is_a_failure(code: object) -> None:
    assert failure(refusal(code)).code == str(code)


@pytest.mark.parametrize("message", [None, "", 0, [], {}])
def test_a_message_may_be_missing(message: object) -> None:
    assert failure({"error": {"code": "A", "message": message}}).message == "no message"


@pytest.mark.parametrize("request_id", [17, ["a"], {"a": 1}])
def test_a_request_id_of_any_type_is_kept_as_a_text(request_id: object) -> None:
    assert read({"request_id": request_id, "data": 1}) == Answer(1, str(request_id))


def test_a_request_id_that_could_not_be_written_down_is_mended() -> None:
    answer = read({"data": 1}, Flashcat_Request_Id="r\udcff")
    assert answer == Answer(1, "r\ufffd")
    assert read({"data": 1, "request_id": "r" * 10_000}) == Answer(1, "r" * 200)


@pytest.mark.parametrize("data", [None, {}, [], [1, {"a": None}], "text", 0])
def test_data_of_any_shape_is_handed_on(data: object) -> None:
    assert read({"data": data}) == Answer(data, None)


def test_a_custom_action_that_says_a_message_has_failed_with_http_200() -> None:
    error = failure({"request_id": "r1", "data": {"message": "connect refused"}}, 200, ACTION)
    assert str(error) == "ActionFailed: connect refused"
    assert (error.status, error.request_id, error.took_effect) == (200, "r1", "no")
    assert not error.may_pass, "who was pressed may have begun before it answered badly"


@pytest.mark.parametrize("data", [None, {}, {"message": ""}, {"message": None}, [], "message"])
def test_a_custom_action_without_a_message_has_succeeded(data: object) -> None:
    assert read({"data": data}, 200, ACTION) == Answer(data, None)


def test_a_message_of_another_operation_is_no_failure() -> None:
    assert read({"data": {"message": "hello"}}) == Answer({"message": "hello"}, None)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry_After": "7"}, 7.0),
        ({"Retry_After": " 0 "}, 0.0),
        ({"Retry_After": "9" * 400}, 999_999_999.0),
        ({"Retry_After": "-1"}, None),
        ({"Retry_After": "1.5"}, None),
        ({"Retry_After": "soon"}, None),
        ({"Retry_After": "\u0663"}, None),
        ({"Retry_After": "Fri, 31 Dec 2027 23:59:59 GMT"}, None),
        (
            {
                "Retry_After": "Fri, 31 Dec 2027 23:59:59 GMT",
                "Date": "Fri, 31 Dec 2027 23:59:29 GMT",
            },
            30.0,
        ),
        (
            {
                "Retry_After": "Fri, 31 Dec 2027 23:59:29 GMT",
                "Date": "Fri, 31 Dec 2027 23:59:59 GMT",
            },
            0.0,
        ),
    ],
)
def test_retry_after_is_seconds_or_a_date_against_the_answers_own(
    headers: dict[str, str], seconds: float | None
) -> None:
    for status in (429, 503):
        assert failure(refusal("A"), status, PLAIN, **headers).retry_after == seconds


@pytest.mark.parametrize(
    ("code", "status", "soon"),
    [
        ("NoConnection", None, True),
        ("BrokenExchange", None, True),
        ("TimedOut", None, True),
        ("RequestTooFrequently", 429, True),
        ("RequestTooFrequently", 200, True),
        ("HTTP429", 429, True),
        ("InternalError", 500, True),
        ("NotJson", 502, True),
        ("RequestLocked", 423, False),
        ("InvalidParameter", 400, False),
        ("NeverHeardOf", 200, False),
        ("AnswerTooLong", 200, False),
        ("NotJson", 200, False),
        ("InvalidURL", None, False),
        ("NoTurn", None, False),
    ],
)
def test_the_network_and_the_servers_faults_pass_soon(
    code: str, status: int | None, *, soon: bool
) -> None:
    assert FlashdutyError(code, "said", status=status).passes_soon is soon


@pytest.mark.parametrize(
    ("code", "status", "may_pass"),
    [
        ("InvalidParameter", 400, False),
        ("ResourceNotFound", 400, False),
        ("Unauthorized", 401, False),
        ("AccessDenied", 403, False),
        ("RequestLocked", 423, True),
        ("RequestTooFrequently", 429, True),
        ("InternalError", 500, True),
        ("ServiceUnavailable", 503, True),
        ("NoConnection", None, True),
        ("BrokenExchange", None, True),
        ("SomethingNew", 200, True),
        ("NoAppKey", None, False),
        ("InvalidURL", None, False),
        ("NoIntegrationKey", None, False),
        ("ActionFailed", 200, False),
        ("NoTurn", None, True),
    ],
)
def test_only_what_may_pass_is_worth_another_attempt(
    code: str, status: int | None, *, may_pass: bool
) -> None:
    assert FlashdutyError(code, "said", status=status).may_pass is may_pass
