"""What looks like a secret is found, and what playbooks are full of is not."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.lint.likely_secret import (
    _FORMS,
    dense,
    in_arguments,
    in_script,
    looks_like,
    named,
)

DRAWN = "q8Zt3Vb9LmX2cR7yWd5sKf1GhJ4nPa6T"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE", "a private key"),
        ("-----BEGIN PRIVATE KEY-----", "a private key"),
        (f"ghp_{DRAWN}1234", "a token of GitHub"),
        (f"github_pat_{DRAWN}", "a token of GitHub"),
        ("glpat-abcdefghij0123456789", "a token of GitLab"),
        ("xoxb-" + "123456789012-abcdef", "a token of Slack"),
        ("https://hooks.slack.com/services/T000/B000/XXXX", "a webhook of Slack"),
        ("id AKIAABCDEFGHIJKLMNOP!", "an access key of AWS"),
        ("AIza" + "B1" * 17 + "C", "a key of Google"),
        ("sk_live_" + "a1" * 10, "a key of Stripe"),
        ("xapp-1-" + "a1" * 10, "a token of Slack"),
        ("id ASIAABCDEFGHIJKLMNO1!", "an access key of AWS"),
        (f"sk-{DRAWN}", "an API key"),
        (f"hvs.{DRAWN}", "an API key"),
        (f"SG.{DRAWN}.{DRAWN}", "an API key"),
        (f"npm_{DRAWN}", "an API key"),
        (f"dckr_pat_{DRAWN}", "an API key"),
        (f"dop_v1_{DRAWN}", "an API key"),
        (f"pypi-AgE{DRAWN}", "an API key"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVP", "a signed token (JWT)"),
        ("postgres://app:hunter2@db/x", "a password in a URL"),
        ("Authorization: Bearer 8d2f61c0e5b44a7f", "credentials"),
        ("basic ZW5naW5lOmh1bnRlcjI=", "credentials"),
    ],
)
def test_the_forms_of_known_tokens_are_found_wherever_they_stand(text: str, kind: str) -> None:
    assert looks_like(text) == kind
    assert looks_like(f"curl -H 'X: {text}' https://a") == kind


@given(st.data(), st.sampled_from(_FORMS))
def test_what_is_looked_for_first_is_in_every_text_of_the_form(
    data: st.DataObject, form: tuple[str, str, str]
) -> None:
    _, mark, expression = form
    assert mark in data.draw(st.from_regex(re.compile(expression))).casefold()


@pytest.mark.parametrize(
    "text",
    [
        "Bearer {{ secrets.LB_TOKEN }}",
        "the bearer of bad news was restarted",
        "https://{{ config.user }}:{{ secrets.PASSWORD }}@host/",
        "https://host:8443/a@b",
        "http://[::1]:80/x?a=b:c@d",
        "AKIA",
        "task-restarted",
        "-----BEGIN CERTIFICATE-----",
        "risk-of-a-very-long-word-that-goes-on",
        "es.nj.01",
        "",
    ],
)
def test_what_playbooks_are_full_of_is_not(text: str) -> None:
    assert looks_like(text) is None
    assert dense(text) is None


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("password", "x", "a password"),
        ("DB_PASSWORD", "hunter2", "a password"),
        ("PGPASSWORD", "hunter2", "a password"),
        ("token", "abc123", "a secret"),
        ("X-Api-Token", "abc123", "a secret"),
        ("app_key", "0c1d2e3f", "a secret"),
        ("apiKey", "0c1d2e3f", "a secret"),
        ("client_secret", "0c1d2e3f", "a secret"),
        ("Authorization", "Token 0c1d2e", "a secret"),
        ("token", "short", None),
        ("password", "{{ secrets.PASSWORD }}", None),
        ("password", "", None),
        ("password", "******", None),
        ("token", "/run/secrets/token", None),
        ("token", "$TOKEN_OF_LB", None),
        ("token", "${TOKEN_OF_LB}", None),
        ("token", "what a person has to show", None),
        ("Authorization", "Bearer {{ secrets.LB_TOKEN }}", None),
        ("token_url", "https://a/token", None),
        ("secret_name", "production", None),
        ("max_tokens", "100000", None),
        ("key", "labels.resource", None),
        ("tokenizer", "english", None),
    ],
)
def test_a_name_says_what_stands_under_it(name: str, value: str, kind: str | None) -> None:
    assert named(name, value) == kind


@pytest.mark.parametrize(
    ("argv", "found"),
    [
        (["login", "--password", "hunter2"], {2: "a password"}),
        (["login", "--token=abcdef0123"], {1: "a secret"}),
        (["curl", "-H", "X-Token: abcdef0123", "https://a"], {2: "a secret"}),
        (["login", "--password", "-x"], {}),
        (["login", "--password"], {}),
        (["login", "--password", 5], {}),
        (["login", "--token-file", "/run/token", "--user", "engine"], {}),
        (["login", "--token={{ secrets.TOKEN }}", "--password", "{{ secrets.P }}"], {}),
    ],
)
def test_arguments_follow_their_options(argv: list[object], found: dict[int, str]) -> None:
    kinds = in_arguments(argv)
    assert {at: kind for at, kind in enumerate(kinds) if kind is not None} == found


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        ("PASSWORD=hunter2 login", "a password"),
        ("export API_KEY='0c1d2e3f'; login", "a secret"),
        ("login --password hunter2", "a password"),
        ('login --password "$PASSWORD"', None),
        ('TOKEN="$(cat /run/token)" login', None),
        ("TOKEN=$TOKEN_OF_LB login", None),
        ('curl -H "X-Token: $TOKEN" https://a', None),
        ('df -h "$MOUNT" | tail -1', None),
    ],
)
def test_a_script_gives_variables_and_options_what_they_get(script: str, kind: str | None) -> None:
    assert in_script(script) == kind


def test_a_long_drawn_word_is_found_and_identifiers_are_not() -> None:
    assert dense(f"a {DRAWN}") == "a key"
    for text in (
        "01KC3GB9C6P3F7J0YZ2SEQT8MB01KC3GB9C6",
        "d41d8cd98f00b204e9800998ecf8427ed41d8cd98f00b204",
        "a-very-long-name-of-a-service-in-the-inventory-1A",
        "https://inventory.internal/api/v1/Hosts/search/all",
        "AAAAAAAAAAAAAAAAaaaaaaaaaaaaaaaa1111111111111111",
    ):
        assert dense(text) is None
