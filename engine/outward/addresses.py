"""IP addresses as connections are made to them, and those no step has any business with."""

import ipaddress
import re
from collections.abc import Iterator
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# What clouds answer with credentials at, and what no router passes on. Loopback and private
# networks are not here: a fleet's own tools live there.
# Sources: cloud-init's documentation of its data sources, and the vendors' where one is named.
DENIED: Final[tuple[Network, ...]] = tuple(
    ipaddress.ip_network(text)
    for text in (
        # Link-local: RFC 3927, RFC 4291. The metadata of AWS, Google, Azure, Oracle, OpenStack,
        # Tencent, Huawei and others is at 169.254.169.254 (169.254.0.23, fe80::a9fe:a9fe, ...),
        # the credentials of ECS tasks and EKS pods at 169.254.170.2 and .23.
        "169.254.0.0/16",
        "fe80::/10",
        "100.100.100.200/32",  # Alibaba Cloud: ECS user guide, view instance metadata
        "fd00:100::100:200/128",  # the same over IPv6
        "100.96.0.96/32",  # Volcengine: volcengine/cello, credential server
        "100.80.80.80/32",  # UCloud: docs.ucloud.cn/uhost/guide/metadata/metadata-server
        "168.63.129.16/32",  # Azure: what-is-ip-address-168-63-129-16, the host's own agent
        "192.0.0.192/32",  # Oracle Cloud, the classic one
        "fd00:ec2::/32",  # AWS: ::254 instances, ::23 EKS pods (EC2 and EKS user guides)
        "fd20:ce::254/128",  # Google: Compute Engine, query VM metadata
        "fd00:c1::a9fe:a9fe/128",  # Oracle Cloud
        "fd00:a9fe:a9fe::1/128",  # Linode
        "fd00:42::42/128",  # Scaleway
    )
)

# IPv6 that carries an IPv4 address in its last 32 bits, and may lead there.
_CARRIERS: Final = tuple(
    ipaddress.IPv6Network(text)
    for text in (
        "::/96",  # RFC 4291, IPv4-compatible
        "::ffff:0:0/96",  # RFC 4291, IPv4-mapped
        "::ffff:0:0:0/96",  # RFC 2765, IPv4-translated
        "64:ff9b::/96",  # RFC 6052, NAT64
        "64:ff9b:1::/48",  # RFC 8215, NAT64 of one's own
    )
)
_THIS_HOST: Final[dict[Address, Address]] = {
    ipaddress.IPv4Address("0.0.0.0"): ipaddress.IPv4Address("127.0.0.1"),  # noqa: S104 - no listening
    ipaddress.IPv6Address("::"): ipaddress.IPv6Address("::1"),
}
_NUMBERS: Final = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+))*\.?", re.IGNORECASE)


def read_address(text: str) -> Address | None:
    """The address, in its one usual form, with or without a zone; None for anything else."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def is_odd_address(host: str) -> bool:
    """Whether it is an IPv4 address as only old C libraries read it: 2130706433, 0x7f.1, 127.1."""
    return _NUMBERS.fullmatch(host) is not None and read_address(host) is None


def stands_for(address: Address) -> Iterator[Address]:
    """The address itself, and every other one that it leads to."""
    yield address
    if address in _THIS_HOST:
        yield _THIS_HOST[address]
    elif isinstance(address, ipaddress.IPv6Address):
        if any(address in carrier for carrier in _CARRIERS):
            yield ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if address.sixtofour is not None:
            yield address.sixtofour
        if address.teredo is not None:
            yield from address.teredo
