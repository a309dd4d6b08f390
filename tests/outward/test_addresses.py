"""An address is known in whatever form it comes, and by all it leads to."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.outward.addresses import DENIED, is_odd_address, read_address, stands_for


@pytest.mark.parametrize(
    "metadata",
    [
        "169.254.169.254",
        "169.254.170.2",
        "169.254.170.23",
        "169.254.0.23",
        "100.100.100.200",
        "100.96.0.96",
        "100.80.80.80",
        "168.63.129.16",
        "192.0.0.192",
        "fe80::a9fe:a9fe",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",
        "fd00:c1::a9fe:a9fe",
        "fd00:a9fe:a9fe::1",
        "fd00:42::42",
        "fd00:100::100:200",
    ],
)
def test_the_metadata_of_the_known_clouds_is_denied_by_default(metadata: str) -> None:
    assert any(ipaddress.ip_address(metadata) in network for network in DENIED)


@pytest.mark.parametrize("fleet", ["127.0.0.1", "10.0.0.5", "192.168.1.1", "172.16.0.1", "::1"])
def test_where_a_fleet_lives_is_not_denied_by_default(fleet: str) -> None:
    assert not any(ipaddress.ip_address(fleet) in network for network in DENIED)


def test_a_zone_is_part_of_an_address() -> None:
    for text in ("fe80::1%eth0", "fe80::1%25eth0"):
        address = read_address(text)
        assert address is not None
        assert any(address in network for network in DENIED)


@pytest.mark.parametrize(
    "text",
    [
        "2852039166",
        "0xa9fea9fe",
        "0251.0376.0251.0376",
        "169.254.43518",
        "127.1",
        "0x7f.1",
        "0x",
        "1.2.3.4.",
    ],
)
def test_what_only_old_libraries_read_as_an_address_is_odd(text: str) -> None:
    assert is_odd_address(text)
    assert read_address(text) is None


@pytest.mark.parametrize("text", ["10.0.0.1", "::1", "web-1", "1.2.3.4.example", "0xbeef.example"])
def test_usual_addresses_and_names_are_not_odd(text: str) -> None:
    assert not is_odd_address(text)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_inside_an_ipv6_one_is_found(inner: ipaddress.IPv4Address) -> None:
    number = int(inner)
    forms = [
        f"::ffff:{inner}",
        f"::ffff:0:{inner}",
        f"64:ff9b::{inner}",
        f"64:ff9b:1::{inner}",
        f"2002:{number >> 16:x}:{number & 0xFFFF:x}::1",
        f"2001:0:{number >> 16:x}:{number & 0xFFFF:x}::1",
    ]
    if number > 1:  # :: and ::1 are something else
        forms.append(f"::{inner}")
    for form in forms:
        assert inner in list(stands_for(ipaddress.ip_address(form))), form


@pytest.mark.parametrize(("any_host", "loopback"), [("0.0.0.0", "127.0.0.1"), ("::", "::1")])  # noqa: S104 - only read
def test_the_address_of_no_host_leads_to_this_one(any_host: str, loopback: str) -> None:
    assert ipaddress.ip_address(loopback) in list(stands_for(ipaddress.ip_address(any_host)))


@given(st.text())
def test_any_text_can_be_asked(text: str) -> None:
    assert read_address(text) is None or not is_odd_address(text)
