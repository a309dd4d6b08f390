"""How the simulated Flashduty says no: an error code and a sentence.

The real API's answer is `error.code` beside an HTTP status that is "informational" (reference 2.2).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

HTTP_STATUS: Final[Mapping[str, int]] = {
    "InvalidParameter": 400,
    "InvalidContentType": 400,
    # "Historical choice": the vendor answers 400, never 404, for a thing that does not exist.
    "ResourceNotFound": 400,
    "Unauthorized": 401,
    "RouteNotFound": 404,
    "MethodNotAllowed": 405,
    "RequestTooFrequently": 429,
    "InternalError": 500,
    "ServiceUnavailable": 503,
}


class RefusalError(Exception):
    """A call that is refused, in the vendor's terms; `code` is a key of `HTTP_STATUS`."""

    def __init__(
        self, code: str, message: str, *, headers: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.headers = headers

    @classmethod
    def parameter(cls, message: str) -> "RefusalError":
        return cls("InvalidParameter", message)

    @classmethod
    def not_found(cls, what: str) -> "RefusalError":
        return cls("ResourceNotFound", f"The resource you request is not found: {what}.")
