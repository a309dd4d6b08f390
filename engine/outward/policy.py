"""Where http steps may go. It decides; the session and the exchange hold it.

A name is judged twice: as it is written, and by every address it resolves to.
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from engine.outward.addresses import (
    DENIED,
    Address,
    Network,
    is_odd_address,
    read_address,
    stands_for,
)

_WITH_PORT: Final = re.compile(r"(?:\[(?P<v6>[^]]*)\]|(?P<other>[^:]*))(?::(?P<port>[0-9]{1,5}))?")
_NAME: Final = re.compile(r"(\*\.)?[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_])?")
_HIGHEST_PORT: Final = 65535


class RefusedError(OSError):
    """Nothing was sent: what, where to, and what would allow it.

    An OSError, because of others the HTTP library forgets that they kept it from a connection.
    """


@dataclass(frozen=True, slots=True)
class Rule:
    """Which targets an entry of a list names: a network, or hosts; with a port, on that one alone.

    `name` is a host, or `.example.com` for all hosts below that one.
    """

    name: str = ""
    network: Network | None = None
    port: int | None = None

    @classmethod
    def read(cls, written: str) -> "Rule":
        """From `lb.internal`, `*.internal`, `10.0.0.0/8`, `lb.internal:8443`, `[fd00::1]:8443`.

        Raises ValueError with a sentence.
        """
        text = written.strip().lower()
        address = f"[{text}]" if text.count(":") > 1 and not text.startswith("[") else text
        match = _WITH_PORT.fullmatch(address)
        if match is None:
            raise ValueError(f"{written!r} is neither a host nor a network: no scheme, no path")
        port = int(match["port"]) if match["port"] else None
        if port is not None and not 0 < port <= _HIGHEST_PORT:
            raise ValueError(f"the port of {written!r} has to be from 1 to {_HIGHEST_PORT}")
        named = match["v6"] or match["other"] or ""
        try:
            return cls(network=ipaddress.ip_network(named, strict=False), port=port)
        except ValueError:
            name = _ascii(named)
        if match["v6"] is not None or not _NAME.fullmatch(name) or is_odd_address(name):
            raise ValueError(f"{written!r} is neither a host nor a network: no scheme, no path")
        return cls(name=name.removeprefix("*"), port=port)

    def holds_name(self, host: str, port: int) -> bool:
        """Whether it names the host, which is no address."""
        if not self.name or self.port not in (None, port):
            return False
        host = host.lower().removesuffix(".")
        return host.endswith(self.name) if self.name.startswith(".") else host == self.name

    def holds_address(self, address: Address, port: int) -> bool:
        """Whether the address, and not just what it stands for, is in its network."""
        return self.network is not None and self.port in (None, port) and address in self.network


@dataclass(frozen=True, slots=True)
class OutwardPolicy:
    """The lists of config.yaml's `http`: `deny` comes first; `allow` means nothing else, if any."""

    deny: tuple[Network, ...] = DENIED
    allow: tuple[Rule, ...] = ()
    insecure: tuple[Rule, ...] = ()

    def check_target(self, host: str, port: int) -> None:
        """Judge a host as a URL names it. Raises RefusedError."""
        address = read_address(host)
        if address is not None:
            self._check_denied(address, host)
            if self.allow and not any(rule.holds_address(address, port) for rule in self.allow):
                raise _refused(f"{host}:{port}", "it is not in http.allow of config.yaml")
        elif is_odd_address(host):
            raise _refused(host, "an address has to be written as usual, such as 10.0.0.1")
        elif self.allow and not self._may_be_allowed(host, port):
            raise _refused(f"{host}:{port}", "it is not in http.allow of config.yaml")

    def chosen(self, host: str, port: int, resolved: Iterable[str]) -> frozenset[str]:
        """Those of a name's addresses that may be connected to. Raises RefusedError for none.

        One that is denied spoils the rest: who answers so is not asked what else there is.
        """
        addresses = {text: self._check_resolved(host, text) for text in resolved}
        if not self.allow or any(rule.holds_name(host, port) for rule in self.allow):
            return frozenset(addresses)
        kept = frozenset(
            text
            for text, address in addresses.items()
            if any(rule.holds_address(address, port) for rule in self.allow)
        )
        if addresses and not kept:
            its = " and ".join(addresses)
            said = f"neither it nor its address {its} is in http.allow of config.yaml"
            raise _refused(f"{host}:{port}", said)
        return kept

    def check_connection(self, address: str) -> None:
        """Judge what is about to be connected to, however that came about. Raises RefusedError."""
        self._check_resolved(address, address)

    def verifies(self, host: str, port: int) -> bool:
        """Whether the certificate of this host has to be a good one."""
        address = read_address(host)
        if address is not None:
            return not any(rule.holds_address(address, port) for rule in self.insecure)
        return not any(rule.holds_name(host, port) for rule in self.insecure)

    def _may_be_allowed(self, host: str, port: int) -> bool:
        """Whether a name is allowed, or would be with the right address."""
        return any(
            rule.holds_name(host, port) or (rule.network is not None and rule.port in (None, port))
            for rule in self.allow
        )

    def _check_resolved(self, host: str, text: str) -> Address:
        address = read_address(text)
        if address is None:
            raise _refused(host, f"it leads to {text}, which is no address")
        self._check_denied(address, host)
        return address

    def _check_denied(self, address: Address, host: str) -> None:
        for real in stands_for(address):
            for network in self.deny:
                if real in network:
                    its = "" if read_address(host) == real else f"its address is {real}, and "
                    raise _refused(host, f"{its}{network} is in http.deny of config.yaml")


def _refused(target: str, why: str) -> RefusedError:
    return RefusedError(f"nothing was sent to {target}: {why}")


def _ascii(name: str) -> str:
    try:
        return name.encode("idna").decode("ascii")
    except UnicodeError:
        return name
