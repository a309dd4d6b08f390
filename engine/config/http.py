"""`http` of config.yaml: where http steps may go, and how much of an answer is taken."""

import ipaddress
from typing import Annotated, Final

from pydantic import BeforeValidator, Field, field_validator
from pydantic_core import PydanticCustomError

from engine.outward.addresses import DENIED, Network
from engine.outward.policy import OutwardPolicy, Rule
from engine.playbooks.parameters import Model, Size

_METADATA: Final = DENIED[0]  # 169.254.0.0/16
_TARGETS: Final = "such as lb.internal, *.internal, lb.internal:8443 or 10.0.0.0/8"


def _network(value: object) -> object:
    try:
        return ipaddress.ip_network(str(value), strict=False)
    except ValueError as error:
        raise PydanticCustomError("network", "{said}", {"said": str(error)}) from None


def _rule(value: object) -> object:
    try:
        return Rule.read(str(value))
    except ValueError as error:
        context = {"said": str(error), "hint": _TARGETS}
        raise PydanticCustomError("target", "{said}", context) from None


NetworkField = Annotated[Network, BeforeValidator(_network)]
_RuleField = Annotated[Rule, BeforeValidator(_rule)]


class HttpConfig(Model):
    """Where http steps may go, and how much of an answer is taken.

    Loopback and private networks are not denied: a fleet's own tools live there.
    """

    deny: list[NetworkField] = Field(default_factory=lambda: list(DENIED))
    allow: list[_RuleField] = Field(default_factory=list)
    insecure: list[_RuleField] = Field(default_factory=list)
    max_response: Size = 1024 * 1024
    max_headers: Annotated[int, Field(ge=1, le=10_000)] = 128  # of an answer

    @field_validator("deny")
    @classmethod
    def _with_link_local(cls, value: list[Network]) -> list[Network]:
        """To deny one more network is no wish to open the metadata of clouds to event data."""
        if value and not any(network.overlaps(_METADATA) for network in value):
            raise PydanticCustomError(
                "deny-replaces",
                "this list replaces the default one, and leaves out {network}, where clouds hand "
                "out credentials",
                {"network": str(_METADATA), "hint": "add it, or write [] to deny nothing at all"},
            )
        return value

    @field_validator("insecure")
    @classmethod
    def _host_by_host(cls, value: list[Rule]) -> list[Rule]:
        for rule in value:
            if rule.network is not None and rule.network.num_addresses > 1:
                raise PydanticCustomError(
                    "insecure-network",
                    "certificates are checked, but for the hosts named here; {network} is many",
                    {"network": str(rule.network), "hint": "such as 10.0.0.7 or bmc.internal:8443"},
                )
        return value

    @property
    def policy(self) -> OutwardPolicy:
        """The same for who holds it."""
        return OutwardPolicy(tuple(self.deny), tuple(self.allow), tuple(self.insecure))
