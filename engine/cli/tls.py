"""The engine's certificate, and whose certificates senders have to show."""

import ssl
from collections.abc import Callable
from pathlib import Path

from engine.config.receiving import TlsConfig
from engine.problem import EngineError, Problem


def tls_context(tls: TlsConfig) -> ssl.SSLContext:
    """TLS 1.2 or newer. Raises EngineError with what is wrong with which file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    for path in (tls.cert, tls.key):
        _reading(path, path.read_bytes)
    # A daemon asks nobody for a password at a terminal.
    _reading(
        f"{tls.cert} with {tls.key}",
        lambda: context.load_cert_chain(tls.cert, tls.key, password=_no_password),
    )
    if tls.client_ca is not None:
        client_ca = tls.client_ca
        _reading(client_ca, lambda: context.load_verify_locations(client_ca))
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _reading(what: Path | str, read: Callable[[], object]) -> None:
    try:
        read()
    except ssl.SSLError as error:
        said = (error.reason or "no certificate in it").lower().replace("_", " ")
    except OSError as error:
        said = error.strerror or str(error)
    except _EncryptedError:
        said = "the key is encrypted, and nobody is there to type a password"
    else:
        return
    hint = "`tls` takes PEM files: cert with its whole chain, its key, and client_ca"
    raise EngineError(Problem("bad-tls", f"{what}: {said}", None, hint)) from None


class _EncryptedError(Exception):
    """The key wants a password."""


def _no_password() -> str:
    raise _EncryptedError
