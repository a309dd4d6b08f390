"""Where a step may go: the words a person reads when it may not, and that nothing slips by."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.outward.policy import OutwardPolicy, RefusedError, Rule

DEFAULT = OutwardPolicy()


def refusal(policy: OutwardPolicy, host: str, port: int = 80) -> str:
    with pytest.raises(RefusedError) as refused:
        policy.check_target(host, port)
    return str(refused.value)


def allowing(*rules: str) -> OutwardPolicy:
    return OutwardPolicy(allow=tuple(Rule.read(rule) for rule in rules))


@pytest.mark.parametrize(
    ("host", "said"),
    [
        (
            "169.254.169.254",
            "nothing was sent to 169.254.169.254: 169.254.0.0/16 is in http.deny of config.yaml",
        ),
        (
            "::ffff:a9fe:a9fe",
            (
                "nothing was sent to ::ffff:a9fe:a9fe: its address is 169.254.169.254, and "
                "169.254.0.0/16 is in http.deny of config.yaml"
            ),
        ),
        (
            "fe80::1%eth0",
            "nothing was sent to fe80::1%eth0: fe80::/10 is in http.deny of config.yaml",
        ),
        (
            "2852039166",
            "nothing was sent to 2852039166: an address has to be written as usual, such as 10.0.0.1",
        ),
    ],
)
def test_a_denied_address_is_refused_with_the_key_that_denies_it(host: str, said: str) -> None:
    assert refusal(DEFAULT, host) == said


def test_a_name_with_a_denied_address_is_refused_with_that_address() -> None:
    with pytest.raises(RefusedError) as refused:
        DEFAULT.chosen("metadata.example", 80, ["93.184.216.34", "169.254.169.254"])
    assert str(refused.value) == (
        "nothing was sent to metadata.example: its address is 169.254.169.254, and "
        "169.254.0.0/16 is in http.deny of config.yaml"
    )


@given(st.integers(0, 2**16 - 1), st.integers(0, 3))
def test_no_form_of_a_link_local_address_passes(last: int, which: int) -> None:
    address = ipaddress.IPv4Address("169.254.0.0") + last
    low = int(address) & 0xFFFF
    form = (
        str(address),
        f"::ffff:a9fe:{low:x}",
        f"64:ff9b::a9fe:{low:x}",
        f"2002:a9fe:{low:x}::",
    )[which]
    assert "http.deny" in refusal(DEFAULT, form)
    with pytest.raises(RefusedError):
        DEFAULT.chosen("x.example", 80, [form])
    with pytest.raises(RefusedError):
        DEFAULT.check_connection(form)


def test_what_is_no_address_is_not_connected_to() -> None:
    with pytest.raises(RefusedError, match="which is no address"):
        DEFAULT.check_connection("2852039166")


def test_loopback_under_another_name_is_denied_with_it() -> None:
    policy = OutwardPolicy(deny=(ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1")))
    for host in ("127.0.0.1", "0.0.0.0", "::", "::1", "::ffff:127.0.0.1"):  # noqa: S104 - only read
        assert "http.deny" in refusal(policy, host)


@pytest.mark.parametrize(
    ("rule", "host", "port"),
    [
        ("lb.internal", "lb.internal", 80),
        ("lb.internal", "LB.internal.", 8443),
        ("lb.internal:8443", "lb.internal", 8443),
        ("*.internal", "a.b.internal", 80),
        ("10.0.0.0/8", "10.1.2.3", 80),
        ("10.0.0.5", "10.0.0.5", 80),
        ("10.0.0.0/8:443", "10.1.2.3", 443),
        ("fd00::/8", "fd00::1", 80),
        ("[fd00::1]:8443", "fd00::1", 8443),
        ("bücher.example", "xn--bcher-kva.example", 80),
        ("lb_1.internal", "lb_1.internal", 80),
    ],
)
def test_what_is_allowed_by_name_or_network_is_asked(rule: str, host: str, port: int) -> None:
    allowing(rule).check_target(host, port)


@pytest.mark.parametrize(
    ("rule", "host", "port"),
    [
        ("lb.internal", "evil.example", 80),
        ("lb.internal", "xlb.internal", 80),
        ("lb.internal", "lb.internal.evil.example", 80),
        ("lb.internal", "10.0.0.5", 80),
        ("lb.internal:8443", "lb.internal", 443),
        ("*.internal", "internal", 80),
        ("*.internal", "evilinternal", 80),
        ("10.0.0.0/8", "11.0.0.1", 80),
        ("10.0.0.0/8:443", "10.0.0.1", 80),
        ("10.0.0.0/8:443", "lb.internal", 80),
        ("10.0.0.0/8", "2002:a00:1::", 80),
    ],
)
def test_what_is_not_allowed_is_refused_by_name(rule: str, host: str, port: int) -> None:
    said = f"nothing was sent to {host}:{port}: it is not in http.allow of config.yaml"
    assert refusal(allowing(rule), host, port) == said


def test_of_a_names_addresses_the_allowed_ones_are_taken() -> None:
    chosen = allowing("10.0.0.0/8").chosen("lb.internal", 80, ["2001:db8::5", "10.0.0.5"])
    assert chosen == {"10.0.0.5"}


def test_a_name_with_no_allowed_address_is_refused() -> None:
    with pytest.raises(RefusedError) as refused:
        allowing("10.0.0.0/8").chosen("evil.example", 80, ["93.184.216.34", "2001:db8::5"])
    assert str(refused.value) == (
        "nothing was sent to evil.example:80: neither it nor its address 93.184.216.34 and "
        "2001:db8::5 is in http.allow of config.yaml"
    )


def test_an_allowed_name_may_have_any_address_but_a_denied_one() -> None:
    policy = allowing("lb.internal")
    assert policy.chosen("lb.internal", 80, ["93.184.216.34"]) == {"93.184.216.34"}
    with pytest.raises(RefusedError, match=r"http\.deny"):
        policy.chosen("lb.internal", 80, ["169.254.169.254"])


def test_deny_comes_before_allow() -> None:
    assert "http.deny" in refusal(allowing("169.254.169.254"), "169.254.169.254")


@pytest.mark.parametrize(
    ("rule", "host", "port", "verified"),
    [
        ("bmc.internal", "bmc.internal", 443, False),
        ("bmc.internal", "other.internal", 443, True),
        ("bmc.internal:8443", "bmc.internal", 443, True),
        ("10.0.0.7", "10.0.0.7", 443, False),
        ("10.0.0.7", "10.0.0.8", 443, True),
    ],
)
def test_only_a_named_hosts_certificate_goes_unchecked(
    rule: str, host: str, port: int, verified: bool
) -> None:
    policy = OutwardPolicy(insecure=(Rule.read(rule),))
    assert policy.verifies(host, port) is verified


@pytest.mark.parametrize(
    "written",
    [
        "",
        "*",
        "*.",
        "https://lb.internal",
        "lb.internal/path",
        "a b",
        "lb:",
        "[lb]",
        "127.1",
        "a@b",
        "10.0.0.0/33",
    ],
)
def test_what_is_no_target_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="neither a host nor a network"):
        Rule.read(written)


@pytest.mark.parametrize("port", [0, 65536, 99999])
def test_a_port_that_is_none_is_refused(port: int) -> None:
    with pytest.raises(ValueError, match="has to be from 1 to 65535"):
        Rule.read(f"lb.internal:{port}")


@given(st.text())
def test_any_text_is_a_rule_or_a_sentence(text: str) -> None:
    try:
        rule = Rule.read(text)
    except ValueError as error:
        assert "\n" not in str(error)  # noqa: PT017 - either will do
    else:
        assert bool(rule.name) != (rule.network is not None)
