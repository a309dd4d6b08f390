"""What an operation answered, or how it failed. Reads Flashduty's envelope; no answer crashes it.

Facts: the vendor's reference. Success is the absence of `error.code`, whatever the HTTP status
says; `ResourceNotFound` is HTTP 400. `data` may be null, {} or absent; any day a new code may come.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final, Literal

import orjson

from engine.flashduty.operations import Operation

Effect = Literal["no", "unknown"]
Shown = Callable[[str], str]

MAX_ANSWER: Final = 10 * 1024 * 1024  # as the vendor's own client
_NO_FAILURE: Final = ("", "0", "ok")
_FIRST_FAILURE: Final = 300
_SERVERS_FAULT: Final = ("InternalError", "ServiceUnavailable")
_LOST: Final = ("TimedOut", "BrokenExchange")  # it was sent, and no answer came
_TOO_FREQUENT: Final = "RequestTooFrequently"
_NEVER_PASSES: Final = frozenset(
    # What is wrong here stays wrong; and who was pressed and answered badly may have begun.
    {"NoAppKey", "NoIntegrationKey", "InvalidURL", "InvalidProxy", "NotJsonParameters"}
    | {"ActionFailed"}
)
_LONGEST_ID: Final = 200  # characters of a request id that are kept


@dataclass(frozen=True, slots=True)
class Answer:
    """What an operation answered."""

    data: Any
    request_id: str | None


class FlashdutyError(Exception):
    """An operation that did not succeed. `code` is Flashduty's, or ours for a failed exchange.

    `took_effect` is `no` where Flashduty refused it or never heard of it, and `unknown` where it
    may have been carried out all the same. `retry_after` is in seconds.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        took_effect: Effect = "unknown",
        status: int | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.took_effect = took_effect
        self.status = status
        self.request_id = request_id
        self.retry_after = retry_after

    @property
    def may_pass(self) -> bool:
        """Whether another attempt could succeed: not where what was asked is wrong.

        Fact: HTTP 400 to 409 are refusals of the request itself; 423 and 429 ask for patience.
        """
        if self.code in _NEVER_PASSES:
            return False
        patience = (HTTPStatus.LOCKED, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT)
        refused = HTTPStatus.BAD_REQUEST <= (self.status or 0) < HTTPStatus.INTERNAL_SERVER_ERROR
        return not refused or self.status in patience

    @property
    def passes_soon(self) -> bool:
        """Whether the client asks again by itself: the network, a 5xx, or too many requests."""
        status = self.status or 0
        return (
            self.code in ("NoConnection", "BrokenExchange", "TimedOut", *_SERVERS_FAULT)
            or self.code == _TOO_FREQUENT
            or status == HTTPStatus.TOO_MANY_REQUESTS
            or status >= HTTPStatus.INTERNAL_SERVER_ERROR
        )


def read_answer(
    operation: Operation, status: int, headers: Mapping[str, str], text: bytes, shown: Shown
) -> Answer:
    """The answer in the envelope. `shown` masks what is quoted. Raises FlashdutyError."""
    request_id = _request_id(headers.get("Flashcat-Request-Id"), shown)
    refused = _FIRST_FAILURE <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    retry_after = _retry_after(headers)

    def no_envelope(code: str, said: str) -> FlashdutyError:
        return FlashdutyError(
            code,
            f"HTTP {status} with {said}",
            took_effect="no" if refused else "unknown",
            status=status,
            request_id=request_id,
            retry_after=retry_after,
        )

    if len(text) > MAX_ANSWER:
        raise no_envelope("AnswerTooLong", f"more than {MAX_ANSWER} bytes")
    try:
        envelope = orjson.loads(text)
    except orjson.JSONDecodeError:
        said = shown(text.decode(errors="replace"))[:100]
        raise no_envelope("NotJson", repr(said)) from None
    if not isinstance(envelope, dict):
        raise no_envelope("NotAnEnvelope", "no object")
    request_id = _request_id(envelope.get("request_id"), shown) or request_id
    error = envelope.get("error") or {}
    if not isinstance(error, dict):
        raise no_envelope("NotAnEnvelope", shown(f"the error {error!r}"))
    code = shown(str(error.get("code") or ""))
    fine = code.lower() in _NO_FAILURE
    if not fine or status >= _FIRST_FAILURE:
        raise FlashdutyError(
            f"HTTP{status}" if fine else code,
            shown(str(error.get("message") or "no message")),
            took_effect=effect_of(code, status),
            status=status,
            request_id=request_id,
            retry_after=retry_after,
        )
    data = envelope.get("data")
    if operation.message_is_failure and isinstance(data, dict) and data.get("message"):
        # Fact: a custom action whose own HTTP call failed is answered with 200 and no error.
        said = shown(str(data["message"]))
        raise FlashdutyError(
            "ActionFailed", said, took_effect="no", status=status, request_id=request_id
        )
    return Answer(data, request_id)


def effect_of(code: str, status: int) -> Effect:
    """Whether what was answered with an error may have been carried out all the same."""
    servers = status >= HTTPStatus.INTERNAL_SERVER_ERROR or code in _SERVERS_FAULT
    return "unknown" if servers or code in _LOST else "no"


def _request_id(value: object, shown: Shown) -> str | None:
    if not value:
        return None
    # A header that is no UTF-8 arrives as lone surrogates, which nothing could write down.
    text = str(value).encode(errors="surrogateescape").decode(errors="replace")
    return shown(text)[:_LONGEST_ID]


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds. Fact: the vendor's servers send delta-seconds, and promise nothing.

    A date counts from the answer's own `Date`: so nobody's clock has to be right.
    """
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        later = parsedate_to_datetime(text)
        seconds = (later - parsedate_to_datetime(headers.get("Date", ""))).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, seconds)
