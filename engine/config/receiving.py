"""What config.yaml says of who may send, how the connection is made, and who may look."""

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from engine.config.http import NetworkField
from engine.events.kept import looks_secret
from engine.events.senders import Network
from engine.playbooks.parameters import Model

KINDS: Final = ("actions", "incidents", "alerts", "labels")  # endpoints under /flashduty/
_BUTTONS: Final = ("actions", "labels")  # those whose URL has one more part
_ENDPOINT: Final = re.compile(r"(actions|labels)(/[^/\s]+)?|incidents|alerts")
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'+.^_`|~-]+\*?")
_MAPPED: Final = ipaddress.IPv6Network("::ffff:0:0/96")


def _tokens(value: object) -> object:
    """A token, or a list of them that are all valid; an empty one is none at all.

    Spaces around it could not be sent in a header.
    """
    given: list[object] = value if isinstance(value, list) else [value]
    tokens = [token.strip() for token in given if isinstance(token, str)]
    if len(tokens) < len(given):
        raise PydanticCustomError(
            "token",
            "a token is a text, or a list of texts that are all valid",
            {"hint": "write it in quotes, or take it from the environment: ${NAME}"},
        )
    return [token for token in tokens if token]


def _endpoint(value: str) -> str:
    if not _ENDPOINT.fullmatch(value):
        raise PydanticCustomError(
            "endpoint",
            "there is no endpoint {value}",
            {
                "value": value,
                "hint": "such as actions, actions/restart-host, incidents, alerts or labels",
            },
        )
    return value


def _ipv4_where_it_is(network: Network) -> Network:
    """A network of IPv4 addresses that is written as one of IPv6."""
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED):
        mapped = network.network_address.ipv4_mapped
        return ipaddress.ip_network(f"{mapped}/{network.prefixlen - 96}")
    return network


def _not_everybody(network: Network) -> Network:
    if network.prefixlen == 0:
        raise PydanticCustomError(
            "trusted-proxy",
            "who trusts every address believes whatever a sender says of itself",
            {"hint": "name the addresses of your proxies"},
        )
    return network


def _header(value: str) -> str:
    if not _HEADER.fullmatch(value):
        raise PydanticCustomError(
            "header-name",
            "'{value}' is no name of a header",
            {"value": value, "hint": "such as X-Team, or X-Custom-* for all that begin so"},
        )
    if looks_secret(value):
        raise PydanticCustomError(
            "secret-header",
            "{value} looks like a secret, and none is ever kept",
            {"value": value, "hint": "give the header another name if it holds none"},
        )
    return value


Tokens = Annotated[list[str], BeforeValidator(_tokens)]
SenderNetwork = Annotated[NetworkField, AfterValidator(_ipv4_where_it_is)]
ProxyNetwork = Annotated[SenderNetwork, AfterValidator(_not_everybody)]
Endpoint = Annotated[str, AfterValidator(_endpoint)]
HeaderPattern = Annotated[str, AfterValidator(_header)]


def tokens_of(
    general: list[str], special: Mapping[str, list[str]], kind: str
) -> tuple[list[str] | None, dict[str, list[str]]]:
    """The tokens of one kind of endpoint, None where none is asked for, and of single actions."""
    tokens = special.get(kind, general or None)
    own = {
        endpoint.partition("/")[2]: given
        for endpoint, given in special.items()
        if endpoint.startswith(f"{kind}/")
    }
    return tokens, own if kind in _BUTTONS else {}


class TlsConfig(Model):
    """A certificate of the engine's own, and whose certificates senders have to show."""

    cert: Path
    key: Path
    client_ca: Path | None = None

    def within(self, folder: Path) -> "TlsConfig":
        """The same with absolute paths."""
        client_ca = None if self.client_ca is None else folder / self.client_ca
        return TlsConfig(cert=folder / self.cert, key=folder / self.key, client_ca=client_ca)


class MonitorConfig(Model):
    """Who may read /metrics, and more than red or green in /readyz.

    Every check that is set has to pass; with none, it is this machine alone.
    """

    token: Tokens = Field(default_factory=list, repr=False)
    allow_from: list[SenderNetwork] = Field(default_factory=list)
