"""How long a certificate is good, by real ones."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from engine.cli.doctor.certificates import look_at_tls
from engine.cli.doctor.finding import Finding, surviving
from engine.config.load import read_config
from engine.wiring import now

DAY = 86400.0


def looked(
    folder: Path, days: float, *, key: trustme.LeafCert | None = None, ca: bool = False
) -> list[Finding]:
    authority = trustme.CA()
    until = datetime.fromtimestamp(now(), UTC) + timedelta(days=days)
    begin = until - timedelta(days=400)
    own = authority.issue_cert("engine.example", not_before=begin, not_after=until)
    own.private_key_pem.write_to_path(folder / "key.pem")
    if key is not None:
        key.private_key_pem.write_to_path(folder / "key.pem")
    for number, blob in enumerate(own.cert_chain_pems):
        blob.write_to_path(folder / "cert.pem", append=number > 0)
    authority.cert_pem.write_to_path(folder / "ca.pem")
    more = ", client_ca: ca.pem" if ca else ""
    config = read_config(f"tls: {{cert: cert.pem, key: key.pem{more}}}", folder / "config.yaml", {})
    return list(surviving("tls", lambda: look_at_tls(config, now())))


@pytest.mark.parametrize(
    ("days", "level", "said"),
    [
        (90.5, "ok", "cert.pem: good for 90d11h"),
        (10.5, "warn", "cert.pem: good for 10d11h"),
        (-1, "fail", "cert.pem: certificate has expired"),
    ],
)
def test_how_long_it_is_good_is_said(tmp_path: Path, days: float, level: str, said: str) -> None:
    [found] = looked(tmp_path, days)
    assert (found.check, found.level) == ("tls", level)
    assert said in found.seen
    assert (found.todo is None) == (level == "ok")


def test_a_key_of_another_certificate_fails(tmp_path: Path) -> None:
    [found] = looked(tmp_path, 90, key=trustme.CA().issue_cert("other.example"))
    assert found.level == "fail"
    assert "key values mismatch" in found.seen


def test_the_authority_of_senders_has_an_end_too(tmp_path: Path) -> None:
    own, authority = looked(tmp_path, 90, ca=True)
    assert own.level == authority.level == "ok"
    assert authority.seen.startswith(f"{tmp_path}/ca.pem: good for ")


def test_an_authority_that_is_over_lets_nobody_in(tmp_path: Path) -> None:
    looked(tmp_path, 90, ca=True)
    config = read_config(
        "tls: {cert: cert.pem, key: key.pem, client_ca: ca.pem}", tmp_path / "config.yaml", {}
    )
    far = now() + 500_000 * DAY
    assert [one.level for one in look_at_tls(config, far)] == ["fail", "fail"]


def test_without_tls_there_is_nothing_to_say() -> None:
    assert list(look_at_tls(read_config("", Path("config.yaml"), {}), now())) == []
