"""Why there is no answer, in words that tell no URL and no header.

The HTTP library's exceptions quote both, so none of them may leave the exchange.
"""

import aiohttp
from aiohttp.http_exceptions import ContentEncodingError

from engine.outward.policy import RefusedError
from engine.outward.session import LONGEST_HEADER, SentOnceError


class NoAnswerError(Exception):
    """Why there is no answer. `may_pass`: another attempt could end differently."""

    def __init__(self, said: str, *, may_pass: bool = True) -> None:
        super().__init__(said)
        self.may_pass = may_pass


def why_no_answer(error: Exception, place: str) -> NoAnswerError:
    """What becomes of an exception that nobody else may see. `place`: the host and the port."""
    if isinstance(error, SentOnceError) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    match error:
        case RefusedError():
            return NoAnswerError(str(error), may_pass=False)
        case aiohttp.ClientConnectorError():
            return _no_connection(error, place)
        case aiohttp.InvalidURL():
            return NoAnswerError("nothing was sent: url is no URL", may_pass=False)
        case aiohttp.ClientError() | OSError():
            return NoAnswerError(_broken(error, place))
        case _:
            return NoAnswerError(f"this request cannot be sent: {_unsent(error)}", may_pass=False)


def _unsent(error: Exception) -> str:
    match error:
        case UnicodeEncodeError(encoding="utf-8"):
            return "there is half a character in it"
        case UnicodeError():  # of IDNA
            return "no host can have such a name"
        case _:
            return type(error).__name__


def _no_connection(error: aiohttp.ClientConnectorError, place: str) -> NoAnswerError:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        reason = getattr(error.certificate_error, "verify_message", "") or "no reason was given"
        return NoAnswerError(
            f"the certificate of {place} is not trusted: {reason}; nothing was sent "
            "(http.insecure of config.yaml names hosts whose certificates are not checked)"
        )
    if isinstance(error.os_error, RefusedError):
        return why_no_answer(error.os_error, place)
    reason = error.os_error.strerror or str(error.os_error) or "no reason was given"
    return NoAnswerError(f"no connection to {place}: {reason}")


def _broken(error: aiohttp.ClientError | OSError, place: str) -> str:
    match error:
        case aiohttp.ServerDisconnectedError():
            return f"{place} closed the connection without an answer"
        case aiohttp.ClientPayloadError():
            packed = isinstance(error.__cause__, ContentEncodingError)
            how = "cannot be unpacked" if packed else "broke off before its end"
            return f"the answer of {place} {how}"
        case aiohttp.ClientResponseError():
            return f"the answer of {place} {_no_http(error.message)}"
        case _:
            reason = getattr(error, "strerror", None) or type(error).__name__
            return f"the connection to {place} broke: {reason}"


def _no_http(message: str) -> str:
    """By the words of the library, which has no classes for this and quotes what it read."""
    if "Too many headers" in message:
        return "has more headers than http.max_headers of config.yaml"
    if "Got more than" in message:
        return f"has a header of more than {LONGEST_HEADER} bytes"
    if "content-encoding" in message:
        return "cannot be unpacked"
    return "is not HTTP"
