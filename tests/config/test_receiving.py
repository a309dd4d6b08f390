"""Who may send, by config.yaml; every check that is written there is made."""

import ipaddress
from pathlib import Path
from typing import Any

import pytest

from engine.config.config import Config
from engine.config.load import read_config
from engine.config.receiving import KINDS, tokens_of
from engine.problem import EngineError
from engine.wiring.sources import sources

CONFIG = Path("/etc/engine/config.yaml")


def read(text: str, **environ: str) -> Config:
    return read_config(text, CONFIG, environ)


def problems(text: str, **environ: str) -> list[str]:
    with pytest.raises(EngineError) as error:
        read(text, **environ)
    return [str(problem).removeprefix(f"{CONFIG}:") for problem in error.value.problems]


def flashduty(text: str, **environ: str) -> Any:
    return read(f"flashduty: {{{text}}}", **environ).flashduty


@pytest.mark.parametrize(
    ("written", "valid"),
    [
        ("a", ["a"]),
        ("' a '", ["a"]),
        ("'a\n\n'", ["a"]),
        ("[new, old]", ["new", "old"]),
        ("['${NEW}', '${OLD:-}']", ["n3w"]),
        ("['${NEW}', '${NEW}']", ["n3w", "n3w"]),
        ("''", []),
        ("[]", []),
        ("['', ' ']", []),
        ("'${EMPTY}'", []),
    ],
)
def test_a_token_is_a_text_or_a_list_of_them(written: str, valid: list[str]) -> None:
    made = flashduty(f"webhook_token: {written}", NEW="n3w", EMPTY="")
    assert made.webhook_token == valid


@pytest.mark.parametrize("written", ["{a: b}", "12345", "[a, 1]", "true", "~"])
def test_what_is_no_token_is_not_shown(written: str) -> None:
    [said] = problems(f"flashduty: {{webhook_token: {written}}}")
    assert said.startswith("1:28: token: a token is a text, or a list of texts that are all valid")
    assert "12345" not in said


def test_one_of_several_tokens_that_is_not_set_is_a_problem() -> None:
    [said] = problems("flashduty: {webhook_token: ['${NEW}', '${OLD}']}", NEW="n3w")
    assert "unset-variable: the environment variable OLD is not set" in said


SPECIAL = (
    "webhook_token: general, "
    "tokens: {actions/restart-host: [press, press-2], labels: label, labels/x: label-x}"
)

ALL = {"general", "press", "press-2", "label", "label-x", "monitor"}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("actions", (["general"], {"restart-host": ["press", "press-2"]})),
        ("incidents", (["general"], {})),
        ("alerts", (["general"], {})),
        ("labels", (["label"], {"x": ["label-x"]})),
    ],
)
def test_an_endpoint_has_its_own_tokens_or_the_general_ones(kind: str, expected: object) -> None:
    made = flashduty(SPECIAL)
    assert tokens_of(made.webhook_token, made.tokens, kind) == expected
    assert set(KINDS) == {"actions", "incidents", "alerts", "labels"}


def test_every_endpoint_is_handed_its_own_checks() -> None:
    text = f"flashduty: {{{SPECIAL}, allow_from: [10.0.0.0/8], keep_headers: [X-Team]}}\n"
    config = read(f"{text}limits: {{depth: 20, items: 500}}\nmonitor: {{token: monitor}}\n")
    made = sources(config)
    assert {path: source.senders.tokens for path, source in made.items()} == {
        "/flashduty/actions/{action}": ["general"],
        "/flashduty/incidents": ["general"],
        "/flashduty/alerts": ["general"],
        "/flashduty/labels/{action}": ["label"],
    }
    by_action = {path: source.senders.by_action for path, source in made.items()}
    assert by_action["/flashduty/actions/{action}"] == {"restart-host": ["press", "press-2"]}
    assert by_action["/flashduty/labels/{action}"] == {"x": ["label-x"]}
    for source in made.values():
        assert source.senders.allow_from == [ipaddress.ip_network("10.0.0.0/8")]
        assert (source.limits.depth, source.limits.items) == (20, 500)
        assert source.kept.tokens == ALL
        assert source.kept.headers({"x-team": "sre", "x-custom-a": "b"}) == {"x-team": "sre"}
    assert set(config.tokens) == ALL


@pytest.mark.parametrize(
    "endpoint",
    ["action", "actions/", "actions/a/b", "incidents/x", "/actions", "Actions", "actions/a b", ""],
)
def test_there_are_no_other_endpoints(endpoint: str) -> None:
    [said] = problems(f"flashduty: {{tokens: {{'{endpoint}': t}}}}")
    assert f"endpoint: there is no endpoint {endpoint}" in said
    assert "(such as actions, actions/restart-host, incidents, alerts or labels)" in said


@pytest.mark.parametrize("token", ["''", "[]", "'${T:-}'"])
def test_a_token_that_was_meant_and_is_empty_is_a_problem(token: str) -> None:
    text = f"flashduty:\n  webhook_token: g\n  tokens:\n    actions/restart-host: {token}\n"
    [said] = problems(text)
    assert said == (
        "4:27: empty-token: the token of actions/restart-host is empty: nobody could send there "
        "(set it, or leave the endpoint out to have the general one asked for)"
    )
    offline = read_config(text, CONFIG, {}, offline=True)
    assert offline.flashduty.tokens == {"actions/restart-host": []}


HOSTS = ["0.0.0.0", "[::]",  # noqa: S104 - only read
         "10.0.0.1", "engine.internal", "[fd00::1]", "127.0.0.1.evil.example",
         "[::ffff:10.0.0.1]", "127.1", "2130706433"]  # fmt: skip


@pytest.mark.parametrize("host", HOSTS)
def test_beyond_loopback_there_has_to_be_a_token_for_each_endpoint(host: str) -> None:
    shown = host.strip("[]")
    listen = f"listen: '{host}:8787'\n"
    general = (
        f"1:9: no-webhook-token: {shown} can be reached by others, and no webhook token is set"
    )
    hint = " (set flashduty.webhook_token, or listen on 127.0.0.1)"
    assert problems(listen) == [general + hint]
    assert problems(f"{listen}flashduty: {{webhook_token: ''}}") == [general + hint]
    one = "flashduty: {tokens: {actions/a: a, incidents: i, labels: l}}"
    assert problems(listen + one) == [f"{general} for actions, alerts{hint}"]
    read(f"{listen}flashduty: {{webhook_token: g}}")
    read(f"{listen}flashduty: {{tokens: {{actions: a, incidents: i, alerts: b, labels: l}}}}")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::1]", "localhost", "127.8.8.8", "[::ffff:127.0.0.1]"]
)
def test_on_loopback_there_need_not_be_one(host: str) -> None:
    assert read(f"listen: '{host}:8787'").listen.is_loopback


def test_an_ipv4_network_that_is_written_as_ipv6_is_one() -> None:
    made = flashduty("allow_from: ['::ffff:10.0.0.0/104', '::ffff:192.0.2.7', '::/0', 'fd00::/8']")
    assert list(map(str, made.allow_from)) == ["10.0.0.0/8", "192.0.2.7/32", "::/0", "fd00::/8"]


def test_whose_forwarded_addresses_count() -> None:
    made = read("trusted_proxies: [127.0.0.1, '::ffff:10.0.0.5', fd00::5]")
    assert list(map(str, made.trusted_proxies)) == ["127.0.0.1/32", "10.0.0.5/32", "fd00::5/128"]


@pytest.mark.parametrize("network", ["0.0.0.0/0", "::/0"])
def test_nobody_trusts_everybody(network: str) -> None:
    [said] = problems(f"trusted_proxies: ['{network}']")
    assert "trusted-proxy: who trusts every address believes whatever a sender says" in said


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        ("X Team", "header-name"),
        ("*", "header-name"),
        ("X-*-Team", "header-name"),
        ("", "header-name"),
        ("X-Team:", "header-name"),
        ("X-Api-Key", "secret-header"),
        ("X-Engine-Token", "secret-header"),
        ("Authorization", "secret-header"),
    ],
)
def test_what_no_event_keeps(pattern: str, code: str) -> None:
    [said] = problems(f"flashduty: {{keep_headers: ['{pattern}']}}")
    assert f": {code}: " in said


def test_files_of_tls_are_relative_to_the_config() -> None:
    made = read("tls: {cert: c.pem, key: /k.pem, client_ca: ca/ca.pem}")
    assert made.tls is not None
    paths = (made.tls.cert, made.tls.key, made.tls.client_ca)
    assert paths == (Path("/etc/engine/c.pem"), Path("/k.pem"), Path("/etc/engine/ca/ca.pem"))
    assert made.url == "https://127.0.0.1:8787"
    assert problems("tls: {cert: c.pem}") == ["1:6: missing-key: the key 'key' is missing"]


def test_limits_of_a_body_and_of_connections_have_bounds() -> None:
    made = read("{}").limits
    assert (made.body, made.depth, made.items, made.connections) == (4 << 20, 100, 100_000, 500)
    for wrong in ("depth: 101", "depth: 9", "items: 99", "connections: 9"):
        assert "wrong-value" in problems(f"limits: {{{wrong}}}")[0]


def test_no_token_is_shown_by_what_holds_it() -> None:
    config = read("flashduty: {webhook_token: s3cret, tokens: {alerts: s3cret}}\nmonitor: {token: s3cret}")  # fmt: skip
    assert "s3cret" not in repr(config)
    [said] = problems("monitor: {token: {s3cret: s3cret}}")
    assert "s3cret" not in said.partition(": ")[2]
