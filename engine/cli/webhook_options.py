"""Reads which webhooks and buttons `engine simulate` is to have, and where they go."""

import re
from collections.abc import Sequence
from typing import Final, cast, get_args
from urllib.parse import urlsplit

from engine.flashduty.simulated.account import SimulatedAccount
from engine.flashduty.simulated.refusal import RefusalError
from engine.flashduty.simulated.webhooks import Kind, Webhook
from engine.problem import EngineError, Problem, nearest

_KINDS: Final = tuple(kind for kind in get_args(Kind) if kind != "action")
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def add_webhooks(
    account: SimulatedAccount,
    webhooks: Sequence[str],
    buttons: Sequence[str],
    headers: Sequence[str],
    labels: Sequence[str],
) -> None:
    """Let the account call out to what the options say. Raises EngineError."""
    for webhook in read_webhooks(webhooks, buttons, headers, labels):
        try:
            account.add_webhook(webhook)
        except RefusalError as refusal:
            hint = "Flashduty recommends names like X-Custom-Token"
            raise _wrong(refusal.message.rstrip("."), hint) from None


def read_webhooks(
    webhooks: Sequence[str], buttons: Sequence[str], headers: Sequence[str], labels: Sequence[str]
) -> list[Webhook]:
    """Make webhooks of KIND=URL, buttons of NAME=URL, all with the headers.

    `labels` are the keys that label mapping asks for. Raises EngineError.
    """
    sent = _headers(headers)
    found = []
    for given in webhooks:
        kind, url = _named_url(given, "--webhook", f"KIND=URL, KIND one of {', '.join(_KINDS)}")
        if kind not in _KINDS:
            raise _wrong(
                f"--webhook {given}: there is no kind '{kind}', but {', '.join(_KINDS)}",
                nearest(kind, _KINDS),
            )
        asked = tuple(labels) if kind == "labels" else ()
        found.append(Webhook(cast("Kind", kind), url, headers=sent, result_label_keys=asked))
    asks = any(one.kind == "labels" for one in found)
    if asks and not labels:
        raise _wrong(
            "--webhook labels=URL asks for no label",
            "name each label it is to ask for: --label owner_team",
        )
    if labels and not asks:
        raise _wrong(
            f"--label {labels[0]} is asked of nobody", "say where to ask: --webhook labels=URL"
        )
    names: set[str] = set()
    for given in buttons:
        name, url = _named_url(given, "--button", "NAME=URL")
        if name in names:
            raise _wrong(f"--button {given}: there is a button '{name}' already")
        names.add(name)
        found.append(Webhook("action", url, name, headers=sent))
    if sent and not found:
        raise _wrong(
            f"--header {headers[0]} is sent to nobody", "add a --webhook or a --button it is for"
        )
    return found


def _headers(given: Sequence[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for one in given:
        name, colon, value = (part.strip() for part in one.partition(":"))
        if not colon or not _HEADER.fullmatch(name) or not value.isprintable():
            raise _wrong(f"--header {one}: this is no header", "write 'X-Engine-Token: s3cret'")
        if name.lower() in map(str.lower, headers):
            raise _wrong(f"--header {one}: {name} is there twice")
        headers[name] = value
    return headers


def _named_url(given: str, option: str, shape: str) -> tuple[str, str]:
    name, equals, url = given.partition("=")
    if not name or not equals:
        raise _wrong(f"{option} {given}: it is written {shape}")
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        sound = False
    if not sound:
        raise _wrong(
            f"{option} {given}: '{url}' is no http:// or https:// URL",
            "the engine's are like http://127.0.0.1:8787/flashduty/incidents",
        )
    return name, url


def _wrong(message: str, hint: str | None = None) -> EngineError:
    return EngineError(Problem("bad-option", message, None, hint))
