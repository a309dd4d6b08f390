"""TLS of the engine's own: real certificates, real handshakes."""

import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from engine.cli.tls import tls_context
from engine.config.receiving import TlsConfig
from engine.problem import EngineError
from tests.web.wire import PATIENCE, Served, served


async def scheme(request: Request) -> PlainTextResponse:
    return PlainTextResponse(request.scope["scheme"])


APP = Starlette(routes=[Route("/", scheme)])
HINT = "(`tls` takes PEM files: cert with its whole chain, its key, and client_ca)"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def files(tmp_path: Path, authority: trustme.CA) -> TlsConfig:
    own = authority.issue_cert("127.0.0.1", "localhost")
    own.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    own.private_key_pem.write_to_path(tmp_path / "key.pem")
    return TlsConfig(cert=tmp_path / "cert.pem", key=tmp_path / "key.pem")


@pytest.fixture
def web(files: TlsConfig) -> Iterator[Served]:
    with served(APP, tls=tls_context(files)) as made:
        yield made


def client(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def get(web: Served, context: ssl.SSLContext) -> str:
    with urllib.request.urlopen(
        f"https://127.0.0.1:{web.port}/", timeout=PATIENCE, context=context
    ) as answer:
        text: str = answer.read().decode()
        return text


def test_the_engine_shows_its_certificate(web: Served, authority: trustme.CA) -> None:
    assert get(web, client(authority)) == "https"
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        get(web, client(trustme.CA()))


def test_without_tls_nobody_is_answered(web: Served) -> None:
    line = web.line()
    line.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert line.answer() is None


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # that is what is tried here
def test_nothing_older_than_tls_1_2_is_spoken(web: Served, authority: trustme.CA) -> None:
    old = client(authority)
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(urllib.error.URLError):
        get(web, old)


def test_with_a_client_ca_only_its_certificates_are_let_in(
    files: TlsConfig, authority: trustme.CA, tmp_path: Path
) -> None:
    senders = trustme.CA()
    senders.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = tls_context(files.model_copy(update={"client_ca": tmp_path / "ca.pem"}))
    with served(APP, tls=context) as web:
        known, stranger, own, nobody = (client(authority) for _ in range(4))
        senders.issue_cert("flashduty@example.com").configure_cert(known)
        trustme.CA().issue_cert("flashduty@example.com").configure_cert(stranger)
        authority.issue_cert("127.0.0.1").configure_cert(own)
        assert get(web, known) == "https"
        for refused in (stranger, own, nobody):
            with pytest.raises((OSError, urllib.error.URLError)):
                get(web, refused)
        assert get(web, known) == "https"


def test_a_handshake_that_fails_stops_nobody_else(web: Served, authority: trustme.CA) -> None:
    for sent in (b"", b"\x16\x03\x01\xff\xff", b"\x00" * 1000, b"GET / HTTP/1.1\r\n\r\n"):
        line = web.line()
        line.send(sent)
        line.close()
    assert get(web, client(authority)) == "https"


def said(tls: TlsConfig) -> str:
    with pytest.raises(EngineError) as error:
        tls_context(tls)
    return str(error.value)


def test_what_is_wrong_with_the_files_is_said_before_anything_starts(
    files: TlsConfig, tmp_path: Path
) -> None:
    missing, empty, text = (tmp_path / name for name in ("none.pem", "empty.pem", "text.pem"))
    empty.touch()
    text.write_text("no certificate\n")
    other = trustme.CA().issue_cert("localhost")
    other.private_key_pem.write_to_path(tmp_path / "other.pem")

    def changed(**paths: Path) -> str:
        return said(files.model_copy(update=paths))

    assert changed(cert=missing) == f"bad-tls: {missing}: No such file or directory {HINT}"
    assert changed(key=missing) == f"bad-tls: {missing}: No such file or directory {HINT}"
    assert changed(client_ca=missing) == f"bad-tls: {missing}: No such file or directory {HINT}"
    assert changed(key=tmp_path / "other.pem").startswith(
        f"bad-tls: {files.cert} with {tmp_path}/other.pem: key values mismatch"
    )
    for wrong in (empty, text, tmp_path):
        assert changed(cert=wrong).startswith(f"bad-tls: {wrong}")
        assert changed(client_ca=wrong).startswith(f"bad-tls: {wrong}")


def test_a_daemon_asks_nobody_for_a_password(files: TlsConfig, tmp_path: Path) -> None:
    key = load_pem_private_key(files.key.read_bytes(), None)
    locked = tmp_path / "locked.pem"
    locked.write_bytes(
        key.private_bytes(
            Encoding.PEM, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(b"x")
        )
    )
    assert said(files.model_copy(update={"key": locked})) == (
        f"bad-tls: {files.cert} with {locked}: the key is encrypted, and nobody is there to type "
        f"a password {HINT}"
    )


def test_paths_are_relative_to_the_config(tmp_path: Path) -> None:
    assert TlsConfig(cert=Path("a"), key=Path("/b"), client_ca=Path("c")).within(tmp_path) == (
        TlsConfig(cert=tmp_path / "a", key=Path("/b"), client_ca=tmp_path / "c")
    )
