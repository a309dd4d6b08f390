"""Who can reach the receiver, and what they have to show."""

from collections.abc import Iterator
from typing import Final

from engine.cli.doctor.finding import Finding
from engine.config.config import Config
from engine.config.receiving import KINDS, tokens_of

SHORTEST_TOKEN: Final = 16  # characters; `openssl rand -hex 24` makes 48
MANY_PROXIES: Final = 2**16  # addresses


def look_at_receiving(config: Config) -> Iterator[Finding]:
    """Address, tokens, proxies and monitors; `config` is one whose variables are all set."""
    yield _address(config)
    yield from _tokens(config)
    yield from _proxies(config)
    yield _monitor(config)


def _address(config: Config) -> Finding:
    listen = config.listen
    if listen.is_loopback:
        return Finding("listen", "ok", f"{config.url}, for this machine alone")
    if config.tls is None:
        seen = f"{config.url} can be reached by others, and tokens come in readable on the way"
        todo = "set `tls`, or listen on 127.0.0.1 behind a reverse proxy that has HTTPS"
        return Finding("listen", "warn", seen, todo)
    return Finding("listen", "ok", f"{config.url} can be reached by others, by TLS")


def _tokens(config: Config) -> Iterator[Finding]:
    flashduty = config.flashduty
    asked = {kind: tokens_of(flashduty.webhook_token, flashduty.tokens, kind) for kind in KINDS}
    open_ = [kind for kind, (general, _) in asked.items() if general is None]
    if open_:
        seen = f"none is asked for by {', '.join(open_)}: any program of this machine may send"
        yield Finding("token", "warn", seen, "set flashduty.webhook_token: `openssl rand -hex 24`")
    places = {
        "flashduty.webhook_token": flashduty.webhook_token,
        **{f"flashduty.tokens of {name}": own for name, own in flashduty.tokens.items()},
        "monitor.token": config.monitor.token,
    }
    short = [name for name, own in places.items() if any(len(one) < SHORTEST_TOKEN for one in own)]
    if short:
        seen = f"{', '.join(short)} can be guessed: shorter than {SHORTEST_TOKEN} characters"
        yield Finding("token", "warn", seen, "make a longer one: `openssl rand -hex 24`")
    if not open_ and not short:
        several = " several are valid at once;" if len(flashduty.webhook_token) > 1 else ""
        addresses = "from any address" if not flashduty.allow_from else "from flashduty.allow_from"
        yield Finding("token", "ok", f"asked for by every endpoint;{several} {addresses}")


def _proxies(config: Config) -> Iterator[Finding]:
    trusted = config.trusted_proxies
    wide = [str(network) for network in trusted if network.num_addresses > MANY_PROXIES]
    if wide:
        seen = f"all of {', '.join(wide)} may say who sends, whatever is true"
        yield Finding("proxies", "warn", seen, "name the addresses of your proxies alone")
    elif trusted:
        named = ", ".join(str(network) for network in trusted)
        yield Finding("proxies", "ok", f"X-Forwarded-For counts from {named}")
    elif config.flashduty.allow_from and config.listen.is_loopback:
        seen = (
            "flashduty.allow_from is asked of the peer, which is this machine for what a proxy "
            "on it hands on"
        )
        yield Finding("proxies", "warn", seen, "set trusted_proxies: [127.0.0.1]")
    else:
        yield Finding("proxies", "ok", "none is trusted: the peer is who sends")


def _monitor(config: Config) -> Finding:
    monitor = config.monitor
    checks = [
        *(["monitor.token"] if monitor.token else []),
        *(["monitor.allow_from"] if monitor.allow_from else []),
    ]
    if not checks:
        return Finding("monitor", "ok", "/metrics is for this machine alone")
    return Finding("monitor", "ok", f"/metrics is for whoever passes {' and '.join(checks)}")
