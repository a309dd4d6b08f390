"""Who fails again and again is refused sooner; a right token is never asked after."""

import pytest
from starlette.testclient import TestClient

from engine.events.source import Refusal
from engine.web.failures import ADDRESSES, MOST, Failures
from tests.web.conftest import Post, Receiving

WRONG = Refusal(401, "unauthorized", "...")
LATER = Refusal(
    429,
    "too-many-failures",
    "192.0.2.1 was refused 20 times within a minute: check its token and address",
)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def fail(failures: Failures, times: int, client: str | None = "192.0.2.1") -> Refusal:
    answer = WRONG
    for _ in range(times):
        answer, _told = failures.judge(client, WRONG)
    return answer


def test_after_so_many_failures_in_a_minute_the_answer_is_another_one_and_the_log_hears_it_once() -> (
    None
):
    clock = Clock()
    failures = Failures(clock)
    assert fail(failures, MOST) == WRONG
    assert failures.judge("192.0.2.1", WRONG) == (LATER, True)
    assert [failures.judge("192.0.2.1", WRONG) for _ in range(100)] == [(LATER, False)] * 100
    clock.now += 59.9
    assert failures.judge("192.0.2.1", WRONG) == (LATER, False)
    clock.now += 0.2
    assert failures.judge("192.0.2.1", WRONG) == (WRONG, True)


def test_each_address_fails_by_itself() -> None:
    failures = Failures(Clock())
    fail(failures, MOST + 1)
    assert failures.judge("192.0.2.2", WRONG) == (WRONG, True)
    assert failures.judge(None, WRONG) == (WRONG, True)
    assert failures.judge("::ffff:192.0.2.1", WRONG)[0].code == "too-many-failures"


def test_all_of_an_ipv6_network_is_one_sender() -> None:
    failures = Failures(Clock())
    for number in range(MOST):
        failures.judge(f"2001:db8::{number:x}", WRONG)
    assert failures.judge("2001:db8::ffff:1", WRONG)[0].status == 429
    assert failures.judge("2001:db8:0:1::1", WRONG) == (WRONG, True)


@pytest.mark.parametrize("status", [400, 408, 413, 415, 422, 503])
def test_what_is_wrong_with_a_body_is_said_however_often(status: int) -> None:
    failures = Failures(Clock())
    refusal = Refusal(status, "x", "...")
    assert [failures.judge("192.0.2.1", refusal) for _ in range(MOST * 2)] == [
        (refusal, True)
    ] * MOST * 2


def test_no_more_addresses_are_remembered_than_fit() -> None:
    failures = Failures(Clock())
    fail(failures, MOST + 1)
    for number in range(ADDRESSES * 3):
        failures.judge(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", WRONG)
        assert len(failures._of) <= ADDRESSES  # noqa: SLF001 - this is the bound
    assert failures.judge("192.0.2.1", WRONG) == (WRONG, True)


def test_who_still_fails_is_not_forgotten_for_those_who_did_once() -> None:
    failures = Failures(Clock())
    fail(failures, MOST)
    for number in range(ADDRESSES - 1):
        failures.judge(f"10.0.{number >> 8}.{number & 255}", WRONG)
        assert fail(failures, 1).status == 429


def test_a_right_token_comes_through_whoever_failed_behind_the_same_proxy(
    post: Post, client: TestClient, receiving: Receiving, example: bytes
) -> None:
    answers = [post(example, x_engine_token="wrong") for _ in range(MOST * 3)]
    assert [status for status, _ in answers] == [401] * MOST + [429] * MOST * 2
    assert post(example) == (200, {"event": "EVENT1", "duplicate": False})
    assert receiving.refusals == [("custom-action", "unauthorized")] * MOST + [
        ("custom-action", "too-many-failures")
    ]
    answer = client.post("/flashduty/incidents", content=example)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
    assert answer.headers["connection"] == "close"
