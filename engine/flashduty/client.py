"""Calls Flashduty's Open API.

Facts: the vendor's reference. The key travels in the URL's query, so no exception of the HTTP
library, which may quote the URL, ever leaves this file. Success is the absence of `error.code`,
whatever the HTTP status says; `ResourceNotFound` is HTTP 400. `data` may be null, {} or absent.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import aiohttp
import orjson

from engine.flashduty.operations import operation_at
from engine.runs.redaction import Redactor

MAX_ANSWER: Final = 10 * 1024 * 1024  # as the vendor's own client
_NO_FAILURE: Final = ("", "0", "ok")
_USER_AGENT: Final = "flashduty-engine"


@dataclass(frozen=True, slots=True)
class Answer:
    """What an operation answered."""

    data: Any
    request_id: str | None


class FlashdutyError(Exception):
    """An operation that did not succeed. `code` is Flashduty's, or ours for a failed exchange."""

    def __init__(
        self, code: str, message: str, *, status: int | None = None, request_id: str | None = None
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.request_id = request_id

    @property
    def may_pass(self) -> bool:
        """Whether another attempt could succeed: not where what was asked is wrong.

        Fact: HTTP 400 to 409 are refusals of the request itself; 423 and 429 ask for patience.
        """
        if self.code in ("NoAppKey", "InvalidURL", "NotJsonParameters"):
            return False
        patience = (HTTPStatus.LOCKED, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT)
        refused = HTTPStatus.BAD_REQUEST <= (self.status or 0) < HTTPStatus.INTERNAL_SERVER_ERROR
        return not refused or self.status in patience


class FlashdutyClient:
    """One account. `session` gives the shared HTTP session."""

    def __init__(
        self, session: Callable[[], aiohttp.ClientSession], base_url: str, app_key: str | None
    ) -> None:
        self._session = session
        self._base_url = base_url.rstrip("/")
        self._app_key = app_key
        self._redactor = Redactor()
        if app_key is not None:
            self._redactor.learn(app_key)

    async def call(self, path: str, parameters: Mapping[str, Any]) -> Answer:
        """Call an operation once. Raises FlashdutyError."""
        if self._app_key is None:
            raise FlashdutyError("NoAppKey", "flashduty.app_key is not set in config.yaml")
        operation = operation_at(path)
        url = f"{self._base_url}{operation.path}"
        query = {"app_key": self._app_key}
        body: bytes | None = None
        if operation.method == "GET":
            given = {name: value for name, value in parameters.items() if value is not None}
            query |= {name: _query_text(value) for name, value in given.items()}
        else:
            try:
                body = orjson.dumps(dict(parameters))
            except TypeError as error:
                raise FlashdutyError("NotJsonParameters", f"its parameters: {error}") from None
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "User-Agent": _USER_AGENT,
        }
        try:
            async with self._session().request(
                operation.method,
                url,
                params=query,
                data=body,
                headers=headers,
                allow_redirects=False,
            ) as response:
                text = await response.content.read(MAX_ANSWER + 1)
                while len(text) <= MAX_ANSWER and not response.content.at_eof():
                    text += await response.content.read(MAX_ANSWER + 1 - len(text))
                return _answer(response.status, response.headers, text, self._shown)
        except (aiohttp.InvalidURL, UnicodeError):
            raise FlashdutyError(
                "InvalidURL", f"flashduty.base_url is no URL: {self._base_url}"
            ) from None
        except aiohttp.ClientConnectorCertificateError as error:
            reason = getattr(error.certificate_error, "verify_message", "") or "no reason"
            raise FlashdutyError(
                "NoConnection", f"{self._base_url}: its certificate is not trusted: {reason}"
            ) from None
        except aiohttp.ClientConnectorError as error:
            reason = error.os_error.strerror or type(error.os_error).__name__
            raise FlashdutyError("NoConnection", f"{self._base_url}: {reason}") from None
        except (aiohttp.ClientError, asyncio.IncompleteReadError, OSError) as error:
            raise FlashdutyError(
                "BrokenExchange",
                f"{type(error).__name__} while calling {operation.path}; "
                "whether it took effect is not known",
            ) from None

    def _shown(self, text: str) -> str:
        """What somebody between here and Flashduty wrote may quote the URL."""
        return self._redactor.text(text)


def _answer(
    status: int, headers: Mapping[str, str], text: bytes, shown: Callable[[str], str]
) -> Answer:
    request_id = headers.get("Flashcat-Request-Id")
    if len(text) > MAX_ANSWER:
        raise FlashdutyError(
            "AnswerTooLong",
            f"HTTP {status} with more than {MAX_ANSWER} bytes",
            status=status,
            request_id=request_id,
        )
    try:
        envelope = orjson.loads(text)
    except orjson.JSONDecodeError:
        said = shown(text.decode(errors="replace"))[:100]
        raise FlashdutyError(
            "NotJson", f"HTTP {status} with {said!r}", status=status, request_id=request_id
        ) from None
    if not isinstance(envelope, dict):
        raise FlashdutyError(
            "NotAnEnvelope", f"HTTP {status} with no object", status=status, request_id=request_id
        )
    request_id = envelope.get("request_id") or request_id
    error = envelope.get("error") or {}
    if not isinstance(error, dict):
        error = {"code": "NotAnEnvelope", "message": f"HTTP {status} with the error {error!r}"}
    code = str(error.get("code") or "")
    lowest_failure = 300
    if code.lower() not in _NO_FAILURE or status >= lowest_failure:
        failed = f"HTTP{status}" if code.lower() in _NO_FAILURE else shown(code)
        message = shown(str(error.get("message") or "no message"))
        raise FlashdutyError(failed, message, status=status, request_id=request_id)
    return Answer(envelope.get("data"), request_id)


def _query_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
