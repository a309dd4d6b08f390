"""One HTTP exchange with Flashduty: bounded, and never telling a key.

The key travels in the URL's query, so no exception of the HTTP library, which may quote the URL,
ever leaves this file. What does leave says whether the operation can have taken effect.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Final

import aiohttp
import orjson

from engine.flashduty.answer import MAX_ANSWER, Answer, FlashdutyError, read_answer
from engine.flashduty.operations import Operation
from engine.playbooks.units import format_duration
from engine.runs.redaction import Redactor

CONNECTIONS: Final = 50  # at once: what an account may send in a second
# Shorter than servers keep an idle connection, as a rule: what is sent on one that is being closed
# is lost, and nobody knows whether it was read.
KEPT_IDLE: Final = 4.0  # seconds
_HEADERS: Final = {
    "Content-Type": "application/json",
    "Accept": "application/json",
    "User-Agent": "flashduty-engine",
}


@dataclass(slots=True)
class _Progress:
    """How far a request came. Without somebody who watches it counts as sent."""

    sent: bool = True


def open_session(connections: int = CONNECTIONS) -> aiohttp.ClientSession:
    """The session of Flashduty's client alone: one pool, no cookies, no time of its own.

    It watches whether a request was begun to be sent. `trust_env` stays off: with it the library
    would also send what ~/.netrc holds for the host (or as its default) to Flashduty.
    """

    async def connecting(_: Any, context: SimpleNamespace, __: Any) -> None:
        _progress(context).sent = False

    async def sending(_: Any, context: SimpleNamespace, __: Any) -> None:
        _progress(context).sent = True

    watched = aiohttp.TraceConfig()
    watched.on_request_start.append(connecting)
    watched.on_request_headers_sent.append(sending)  # said before the first byte goes out
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections, keepalive_timeout=KEPT_IDLE),
        timeout=aiohttp.ClientTimeout(total=None),
        cookie_jar=aiohttp.DummyCookieJar(),
        trace_configs=[watched],
    )


def _progress(context: SimpleNamespace) -> _Progress:
    progress = context.trace_request_ctx
    return progress if isinstance(progress, _Progress) else _Progress()


class Exchange:
    """Exchanges of one account. `session` gives the shared session, `proxy` is a URL.

    `heard` is told the headers of each answer, whatever it says.
    """

    def __init__(
        self,
        session: Callable[[], aiohttp.ClientSession],
        base_url: str,
        app_key: str | None,
        proxy: str | None,
        heard: Callable[[Mapping[str, str]], None] = lambda _: None,
    ) -> None:
        self._session = session
        self._heard = heard
        self._base_url = base_url.rstrip("/")
        self._app_key = app_key
        self._proxy = proxy
        self._redactor = _redactor(app_key)

    async def once(
        self, operation: Operation, parameters: Mapping[str, Any], seconds: float
    ) -> Answer:
        """Ask once, for as long as `seconds`. Raises FlashdutyError."""
        key, parameters = self._credential(operation, dict(parameters))
        query, body = _query_and_body(operation, parameters)
        # What somebody between here and Flashduty wrote may quote the URL.
        shown = (self._redactor if key == self._app_key else _redactor(self._app_key, key)).text
        progress = _Progress()
        try:
            async with (
                asyncio.timeout(seconds),
                self._session().request(
                    operation.method,
                    f"{self._base_url}{operation.path}",
                    params={**query, operation.credential: key},
                    data=body,
                    headers=_HEADERS,
                    allow_redirects=False,
                    proxy=self._checked_proxy(),
                    trace_request_ctx=progress,
                ) as response,
            ):
                self._heard(response.headers)
                text = await response.content.read(MAX_ANSWER + 1)
                while len(text) <= MAX_ANSWER and not response.content.at_eof():
                    text += await response.content.read(MAX_ANSWER + 1 - len(text))
                return read_answer(operation, response.status, response.headers, text, shown)
        except (aiohttp.InvalidURL, UnicodeError):
            said = f"flashduty.base_url is no URL: {self._base_url}"
            raise FlashdutyError("InvalidURL", said, took_effect="no") from None
        except (TimeoutError, aiohttp.ClientError, asyncio.IncompleteReadError, OSError) as error:
            raise self._failure(error, operation, seconds, progress) from None

    def _failure(
        self, error: Exception, operation: Operation, seconds: float, progress: _Progress
    ) -> FlashdutyError:
        """What becomes of an exception that nobody else may see: it may quote the URL."""
        never_sent = not progress.sent or isinstance(error, aiohttp.ClientConnectorError)
        if never_sent:
            said = f"{self._base_url}: {self._why_no_connection(error, seconds)}"
            return FlashdutyError("NoConnection", said, took_effect="no")
        if isinstance(error, TimeoutError):
            said = f"no answer of {operation.path} within {format_duration(seconds)}"
            return FlashdutyError("TimedOut", said)
        said = f"{type(error).__name__} while calling {operation.path}, once it was being sent"
        return FlashdutyError("BrokenExchange", said)

    @staticmethod
    def _why_no_connection(error: Exception, seconds: float) -> str:
        match error:
            case aiohttp.ClientConnectorCertificateError():
                reason = getattr(error.certificate_error, "verify_message", "") or "no reason"
                return f"its certificate is not trusted: {reason}"
            case aiohttp.ClientProxyConnectionError():
                reason = error.os_error.strerror or type(error.os_error).__name__
                return f"the proxy that the environment names: {reason}"
            case aiohttp.ClientConnectorError():
                return error.os_error.strerror or type(error.os_error).__name__
            case aiohttp.ClientHttpProxyError():
                return f"the proxy that the environment names refused with HTTP {error.status}"
            case TimeoutError():
                return f"no connection within {format_duration(seconds)}"
            case _:
                return f"{type(error).__name__} before anything was sent"

    def _credential(
        self, operation: Operation, parameters: dict[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        """The key that goes into the query, and the parameters without it."""
        if operation.credential == "integration_key":
            key = parameters.pop("integration_key", None)
            if not key:
                said = f"{operation.path} needs the parameter integration_key"
                raise FlashdutyError("NoIntegrationKey", said, took_effect="no")
            return str(key), parameters
        if self._app_key is None:
            said = "flashduty.app_key is not set in config.yaml"
            raise FlashdutyError("NoAppKey", said, took_effect="no")
        return self._app_key, parameters

    def _checked_proxy(self) -> str | None:
        if self._proxy is None or self._proxy.startswith(("http://", "https://")):
            return self._proxy
        # Not quoted: a proxy's URL may hold a password.
        said = "the proxy that the environment names does not begin with http:// or https://"
        raise FlashdutyError("InvalidProxy", said, took_effect="no")


def _redactor(*secrets: str | None) -> Redactor:
    redactor = Redactor()
    for secret in secrets:
        if secret is not None:
            redactor.learn(secret)
    return redactor


def _query_and_body(
    operation: Operation, parameters: Mapping[str, Any]
) -> tuple[dict[str, str], bytes | None]:
    if operation.method == "GET":
        given = {name: value for name, value in parameters.items() if value is not None}
        return {name: _query_text(value) for name, value in given.items()}, None
    try:
        return {}, orjson.dumps(parameters)
    except TypeError as error:
        said = f"its parameters: {error}"
        raise FlashdutyError("NotJsonParameters", said, took_effect="no") from None


def _query_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
