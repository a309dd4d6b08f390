"""The engine's certificate: whether it fits its key, and how long it is good."""

import ssl
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from engine.cli.doctor.finding import Finding
from engine.cli.tls import tls_context
from engine.config.config import Config
from engine.config.receiving import TlsConfig
from engine.playbooks.units import format_duration

SOON: Final = 21 * 86400.0  # seconds
_HOUR: Final = 3600
_FLIGHTS: Final = 10  # of a handshake; it takes fewer
_RENEW: Final = "put a renewed one in its place, and restart the engine"


def look_at_tls(config: Config, now: float) -> Iterator[Finding]:
    """None without `tls`. Raises EngineError for files that do not do."""
    if config.tls is None:
        return
    tls_context(config.tls)
    yield _own(config.tls, now)
    if config.tls.client_ca is not None:
        yield from _authorities(config.tls.client_ca, now)


def _own(tls: TlsConfig, now: float) -> Finding:
    try:
        until = _good_until(tls)
    except ssl.SSLCertVerificationError as error:
        return Finding("tls", "fail", f"{tls.cert}: {error.verify_message}", _RENEW)
    except ssl.SSLError as error:
        return Finding("tls", "fail", f"{tls.cert}: {error.reason}", _RENEW)
    return _judged(str(tls.cert), until, now)


def _authorities(path: Path, now: float) -> Iterator[Finding]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(path)
    ends = [
        ssl.cert_time_to_seconds(str(one["notAfter"]))
        for one in context.get_ca_certs()
        if "notAfter" in one
    ]
    if ends:
        yield _judged(str(path), min(ends), now)


def _judged(what: str, until: float, now: float) -> Finding:
    if until <= now:
        return Finding("tls", "fail", f"{what}: expired", _RENEW)
    left = until - now
    seen = f"{what}: good for {format_duration(left // _HOUR * _HOUR or left)} more"
    if left < SOON:
        return Finding("tls", "warn", seen, _RENEW)
    return Finding("tls", "ok", seen)


def _good_until(tls: TlsConfig) -> float:
    """Unix seconds. Raises ssl.SSLError, also for a certificate that is not good now.

    The standard library shows what is in a certificate to the other side of a connection alone: so
    one is made in memory, by a client that trusts nothing but this very certificate.
    """
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tls.cert, tls.key)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    client.load_verify_locations(tls.cert)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    near = client.wrap_bio(to_client, to_server)
    far = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(_FLIGHTS):
        for side in (near, far):
            with suppress(ssl.SSLWantReadError):
                side.do_handshake()
    shown = near.getpeercert() or {}
    return ssl.cert_time_to_seconds(str(shown["notAfter"]))
