"""Who may look: /metrics, and what is behind the red and green of /readyz."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request as HttpRequest

from engine.events.senders import (
    Network,
    address_of,
    header_bytes,
    is_in,
    is_local,
    shows_one,
)
from engine.events.source import Refusal, Request
from engine.web.failures import Failures
from engine.web.head import read_head

_SCHEME: Final = "bearer "
_UNAUTHORIZED: Final = Refusal(
    401, "unauthorized", "send monitor.token in the header Authorization: Bearer TOKEN"
)


@dataclass(frozen=True, slots=True)
class Monitor:
    """Every check that is set has to pass; with none, it is this machine alone."""

    failures: Failures
    tokens: Sequence[str] = ()
    allow_from: Sequence[Network] = ()
    trusted_proxies: Sequence[Network] = ()

    def may_look(self, http: HttpRequest) -> bool:
        """Whether who asks may look. To ask without a token is no failure: probes have none."""
        return self._refusal(read_head(http, self.trusted_proxies)) is None

    def refusal(self, http: HttpRequest) -> Refusal | None:
        """None when who asks may look; who may not, and goes on asking, is refused sooner."""
        request = read_head(http, self.trusted_proxies)
        refusal = self._refusal(request)
        return None if refusal is None else self.failures.judge(request.client, refusal)[0]

    def _refusal(self, request: Request) -> Refusal | None:
        address = address_of(request.client)
        if self.allow_from and not is_in(address, self.allow_from):
            return Refusal(
                403, "address-not-allowed", f"{request.client} is not in monitor.allow_from"
            )
        if self.tokens:
            return None if self._shows_token(request) else _UNAUTHORIZED
        if self.allow_from or (address is not None and address.is_loopback and is_local(request)):
            return None
        return Refusal(
            403, "not-local", "only this machine may look: set monitor.token or monitor.allow_from"
        )

    def _shows_token(self, request: Request) -> bool:
        shown = request.headers.get("authorization", "")
        if not shown.lower().startswith(_SCHEME):
            return False
        return shows_one(self.tokens, header_bytes(shown[len(_SCHEME) :].strip()))
