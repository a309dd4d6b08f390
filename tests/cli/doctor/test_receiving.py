"""Who can reach the receiver, by what config.yaml says."""

from pathlib import Path

import pytest

from engine.cli.doctor.receiving import look_at_receiving
from engine.config.load import read_config

LONG = "t" * 32
TOKEN = f"flashduty: {{webhook_token: {LONG}}}\n"


@pytest.mark.parametrize(
    ("text", "check", "level", "said"),
    [
        (TOKEN, "listen", "ok", "for this machine alone"),
        (TOKEN + "listen: 0.0.0.0:8787", "listen", "warn", "tokens come in readable on the way"),
        (
            TOKEN + "listen: 0.0.0.0:8787\ntls: {cert: a, key: b}",
            "listen",
            "ok",
            "https://0.0.0.0:8787 can be reached by others, by TLS",
        ),
        ("", "token", "warn", "none is asked for by actions, incidents, alerts, labels"),
        (
            "flashduty: {tokens: {actions: " + LONG + "}}",
            "token",
            "warn",
            "none is asked for by incidents, alerts, labels",
        ),
        (
            "flashduty: {webhook_token: short, tokens: {actions/x: [" + LONG + ", s]}}",
            "token",
            "warn",
            "flashduty.webhook_token, flashduty.tokens of actions/x can be guessed",
        ),
        (TOKEN + "monitor: {token: short}", "token", "warn", "monitor.token can be guessed"),
        (TOKEN, "token", "ok", "asked for by every endpoint; from any address"),
        (
            f"flashduty: {{webhook_token: [{LONG}, {LONG}x], allow_from: [10.0.0.0/8]}}",
            "token",
            "ok",
            "several are valid at once; from flashduty.allow_from",
        ),
        ("trusted_proxies: [10.0.0.0/8]", "proxies", "warn", "all of 10.0.0.0/8 may say who"),
        ("trusted_proxies: ['fd00::/64']", "proxies", "warn", "all of fd00::/64 may say who"),
        ("trusted_proxies: [10.1.2.3]", "proxies", "ok", "counts from 10.1.2.3/32"),
        ("flashduty: {allow_from: [10.0.0.0/8]}", "proxies", "warn", "asked of the peer"),
        ("", "proxies", "ok", "none is trusted"),
        ("", "monitor", "ok", "for this machine alone"),
        (f"monitor: {{token: {LONG}, allow_from: [10.0.0.0/8]}}", "monitor", "ok", "and monitor."),
    ],
)
def test_what_is_said_of_it(text: str, check: str, level: str, said: str) -> None:
    found = [
        one for one in look_at_receiving(read_config(text, Path("x"), {})) if one.check == check
    ]
    assert [(one.level, said in one.seen) for one in found] == [(level, True)], found
    assert all((one.todo is None) == (one.level == "ok") for one in found)
    assert LONG not in repr(found)
