"""Every check of config.yaml is made by a real engine."""

import http.client
import json
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from engine.store.records import open_records
from tests.e2e.real_engine import PATIENCE, TOKEN, EngineProcess, Place

BODY = (Path(__file__).parents[1] / "fixtures/custom-action.vendor-page.json").read_bytes()
CONFIG = """\
listen: 127.0.0.1:0
trusted_proxies: [127.0.0.1]
flashduty:
  app_key: ${E2E_KEY}
  base_url: ${E2E_FLASHDUTY}
  webhook_token: [new-general-4410, "${E2E_TOKEN}"]
  tokens: {actions/restart-host: [new-special-77ab, old-special-77ab]}
  allow_from: [198.51.100.0/24, "2001:db8::/32"]
  keep_headers: [X-Team]
limits: {depth: 20, items: 200, body: 8KiB}
monitor: {token: monitor-9d21, allow_from: [198.51.100.0/24]}
"""
FLASHDUTY = "198.51.100.9"


@pytest.fixture
def place(tmp_path: Path, flashduty: str) -> Iterator[Place]:
    made = Place(tmp_path / "place", flashduty)
    made.folder.mkdir()
    made.write("playbooks/none.yaml", "name: none\ntrigger: {}\nsteps: [{wait: 1ms}]\n")
    yield made
    for engine in made.engines:
        engine.close()


def send(
    engine: EngineProcess, path: str, token: str, sender: str = FLASHDUTY, body: bytes = BODY
) -> tuple[int, str]:
    headers = {
        "Content-Type": "application/json",
        "X-Engine-Token": token,
        "X-Forwarded-For": f"198.51.100.66, {sender}",
        "X-Team": "sre",
        "X-Custom-Other": "x",
    }
    status, answer = engine.request("POST", path, body, headers)
    return status, answer.get("error", {}).get("code", "")


def test_what_config_says_of_senders_is_asked_of_them(place: Place) -> None:
    place.write("config.yaml", CONFIG)
    engine = place.start()
    restart, other = "/flashduty/actions/restart-host", "/flashduty/actions/other"
    assert send(engine, other, TOKEN) == (200, "")
    assert send(engine, other, "new-general-4410", "2001:db8::9") == (200, "")
    assert send(engine, restart, "new-special-77ab") == (200, "")
    assert send(engine, restart, "old-special-77ab", "::ffff:198.51.100.9") == (200, "")
    for path, token in ((restart, TOKEN), (other, "new-special-77ab"), (other, "monitor-9d21")):
        assert send(engine, path, token) == (401, "unauthorized")
    for stranger in ("203.0.113.9", "127.0.0.1x", "unknown", "2001:db9::9"):
        assert send(engine, other, TOKEN, stranger) == (403, "address-not-allowed")
    for body, refused in (
        (b'{"incident": {}, "incident": {"event_id": "x"}}', (400, "duplicate-key")),
        (b'{"incident": ' + b"[" * 30 + b"]" * 30 + b"}", (400, "too-deep")),
        (b'{"incident": {"alerts": [' + b"0," * 300 + b"0]}}", (413, "too-many-items")),
        (b'{"incident": {"event_id": "a\\u0000"}}', (400, "nul")),
        (b" " * 9000, (413, "too-large")),
    ):
        assert send(engine, other, TOKEN, body=body) == refused
    with open_records(place.folder / "engine.db") as records:
        kept = [item.event.headers for item in records.events(9, None).items]
    assert kept == [{"x-team": "sre"}] * len(kept)
    assert kept


def test_what_config_says_of_who_may_look_is_asked_of_them(place: Place) -> None:
    place.write("config.yaml", CONFIG)
    engine = place.start()

    def look(path: str, token: str | None, sender: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", engine.port, timeout=PATIENCE)
        headers = {"X-Forwarded-For": sender}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    status, text = look("/metrics", "monitor-9d21", FLASHDUTY)
    assert (status, "engine_deliveries" in text) == (200, True)
    assert look("/metrics", None, FLASHDUTY)[0] == 401
    assert look("/metrics", TOKEN, FLASHDUTY)[0] == 401
    assert look("/metrics", "monitor-9d21", "203.0.113.9")[0] == 403
    assert "playbooks" in json.loads(look("/readyz", "monitor-9d21", FLASHDUTY)[1])
    assert look("/readyz", None, "203.0.113.9") == (200, '{"status":"ready"}')


def test_no_token_is_in_the_log_the_database_or_an_answer(place: Place) -> None:
    place.write("config.yaml", CONFIG)
    engine = place.start()
    known = ["new-general-4410", "new-special-77ab", "old-special-77ab", "monitor-9d21"]
    accepted = 0
    for token in known:
        target = f"/flashduty/actions/restart-host?token={token}&copy=x{token}x"
        answers = [
            send(engine, target, token),
            send(engine, f"/flashduty/actions/{token}/{token}", token),
            engine.request("POST", f"/flashduty/{token}", b"", {"X-Engine-Token": token}),
            engine.request("GET", target, b"", {"Host": token, "Cookie": token}),
        ]
        assert token not in json.dumps(answers)
        accepted += answers[0][0] == 200
    assert accepted == 2
    assert engine.terminate() == 0
    engine.close()
    log = json.dumps([*engine.log, *iter(engine._lines.get_nowait, None)])  # noqa: SLF001
    assert "delivery_refused" in log
    written = b"".join(path.read_bytes() for path in place.folder.glob("engine.db*"))
    assert b"restart-host" in written
    for token in known:
        assert token not in log
        assert token.encode() not in written


def test_tls_and_the_certificates_of_senders_are_asked_for(place: Place) -> None:
    own, senders = trustme.CA(), trustme.CA()
    issued = own.issue_cert("127.0.0.1")
    issued.cert_chain_pems[0].write_to_path(place.folder / "cert.pem")
    issued.private_key_pem.write_to_path(place.folder / "key.pem")
    senders.cert_pem.write_to_path(place.folder / "ca.pem")
    tls = "tls: {cert: cert.pem, key: key.pem, client_ca: ca.pem}\n"
    place.write("config.yaml", f"{tls}listen: 127.0.0.1:0\nflashduty: {{webhook_token: {TOKEN}}}\n")
    engine = place.start()

    def press(certificate: trustme.LeafCert | None) -> int:
        context = ssl.create_default_context()
        own.configure_trust(context)
        if certificate is not None:
            certificate.configure_cert(context)
        connection = http.client.HTTPSConnection(
            "127.0.0.1", engine.port, timeout=PATIENCE, context=context
        )
        try:
            headers = {"Content-Type": "application/json", "X-Engine-Token": TOKEN}
            connection.request("POST", "/flashduty/actions/go", BODY, headers)
            return connection.getresponse().status
        finally:
            connection.close()

    assert press(senders.issue_cert("flashduty@example.com")) == 200
    for refused in (None, own.issue_cert("flashduty@example.com")):
        with pytest.raises(OSError):  # noqa: PT011 - how TLS says no depends on its version
            press(refused)


def test_a_certificate_that_cannot_be_used_ends_it_before_it_listens(place: Place) -> None:
    place.write("config.yaml", "tls: {cert: none.pem, key: none.pem}\nlisten: 127.0.0.1:0\n")
    done = place.process("serve")
    assert done.returncode == 2
    assert "none.pem: No such file or directory" in done.stderr
