"""`http` of config.yaml: what holds when nothing is written, and what cannot be written."""

from ipaddress import ip_network
from itertools import dropwhile, takewhile
from pathlib import Path

import pytest
from pydantic import ValidationError

from engine.config.http import HttpConfig
from engine.config.load import read_config
from engine.outward.addresses import DENIED
from engine.outward.policy import OutwardPolicy, Rule

SHIPPED = Path(__file__).parents[2] / "config.yaml"


def refusal(**value: object) -> tuple[str, str | None]:
    with pytest.raises(ValidationError) as caught:
        HttpConfig.model_validate(value)
    (error,) = caught.value.errors(include_url=False)
    return error["msg"], error.get("ctx", {}).get("hint")


def test_without_a_word_the_known_metadata_is_denied_and_the_rest_is_open() -> None:
    made = HttpConfig()
    assert made.policy == OutwardPolicy(deny=DENIED, allow=(), insecure=())
    assert (made.max_response, made.max_headers) == (1024**2, 128)


def test_what_is_written_is_what_holds() -> None:
    made = HttpConfig.model_validate(
        {
            "deny": ["169.254.0.0/16", "10.9.0.0/16"],
            "allow": ["*.internal", "10.0.0.0/8:443"],
            "insecure": ["bmc.internal", "10.0.0.7:8443"],
        }
    )
    assert made.policy == OutwardPolicy(
        deny=(ip_network("169.254.0.0/16"), ip_network("10.9.0.0/16")),
        allow=(Rule(name=".internal"), Rule(network=ip_network("10.0.0.0/8"), port=443)),
        insecure=(Rule(name="bmc.internal"), Rule(network=ip_network("10.0.0.7/32"), port=8443)),
    )


def test_to_deny_one_more_does_not_open_the_metadata_by_the_way() -> None:
    said, hint = refusal(deny=["10.9.0.0/16"])
    assert said == (
        "this list replaces the default one, and leaves out 169.254.0.0/16, where clouds hand out "
        "credentials"
    )
    assert hint == "add it, or write [] to deny nothing at all"


@pytest.mark.parametrize("deny", [[], ["169.254.169.254"], ["0.0.0.0/0", "::/0"]])
def test_who_says_it_may_open_or_close_all_of_it(deny: list[str]) -> None:
    assert len(HttpConfig.model_validate({"deny": deny}).deny) == len(deny)


@pytest.mark.parametrize("key", ["allow", "insecure"])
def test_what_is_no_target_is_refused_with_an_example(key: str) -> None:
    assert refusal(**{key: ["https://lb.internal/"]}) == (
        "'https://lb.internal/' is neither a host nor a network: no scheme, no path",
        "such as lb.internal, *.internal, lb.internal:8443 or 10.0.0.0/8",
    )


@pytest.mark.parametrize(
    ("all_hosts", "shown"),
    [("0.0.0.0/0", "0.0.0.0/0"), ("::/0", "::/0"), ("10.0.0.0/24", "10.0.0.0/24")],
)
def test_certificates_go_unchecked_host_by_host_only(all_hosts: str, shown: str) -> None:
    said, _ = refusal(insecure=[all_hosts])
    assert said == f"certificates are checked, but for the hosts named here; {shown} is many"


def test_not_even_all_names_can_go_unchecked() -> None:
    assert "neither a host nor a network" in refusal(insecure=["*"])[0]


@pytest.mark.parametrize("most", [0, -1, 10_001])
def test_headers_have_bounds(most: int) -> None:
    refusal(max_headers=most)


def test_the_shipped_file_shows_the_default_as_it_is() -> None:
    """Who copies it to add a line loses nothing."""
    lines = iter(SHIPPED.read_text(encoding="utf-8").splitlines())
    block = takewhile(bool, dropwhile(lambda line: line != "# http:", lines))
    text = "\n".join(line.removeprefix("# ") for line in block)
    assert text.count("\n") > 5
    assert read_config(text, SHIPPED, {}).http == HttpConfig()
