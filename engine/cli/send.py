"""`engine send`: delivers an event to the engine as Flashduty would."""

import http.client
import os
import time
import urllib.error
import urllib.request
import uuid
from typing import Final

import click
import orjson

from engine.cli.event_files import endpoint_of, is_call, read_bytes
from engine.cli.options import config_option, format_option, load
from engine.cli.screen import print_json
from engine.cli.visible import clean
from engine.config.config import Config
from engine.config.receiving import tokens_of
from engine.problem import EngineError, Location, Problem

TIMEOUT: Final = 2.0  # seconds, as Flashduty; it repeats once, on errors of the connection alone
ATTEMPTS: Final = 2


@click.command()
@click.argument("file")
@click.option("--to", metavar="URL", help="The engine.  [default: config.yaml's `listen`]")
@click.option(
    "--action",
    help="The button: the last part of /flashduty/actions/{action}, or /flashduty/labels/{action}."
    "  [default: test]",
)
@click.option("--token", envvar="ENGINE_TOKEN", help="The webhook token.  [default: the config's]")
@click.option(
    "--fresh",
    is_flag=True,
    help="Make it a new event, as a further press would be, or the call about another alert.",
)
@config_option
@format_option
def send(
    *,
    file: str,
    to: str | None,
    action: str | None,
    token: str | None,
    fresh: bool,
    config_path: str | None,
    format_: str,
) -> int:
    """Send the event in FILE (- for stdin) as Flashduty would: POST, two seconds, one retry.

    A press goes to /flashduty/actions/ACTION, a call for labels to /flashduty/labels/ACTION, other
    events of an incident to /flashduty/incidents, those of an alert to /flashduty/alerts.

    \b
      engine send press.json --action restart-host
      engine send press.json --to https://engine.example.com --token s3cret
    """  # noqa: D301 - \b is click's mark for lines to be kept
    body = _with_new_id(read_bytes(file), file) if fresh else read_bytes(file)
    endpoint = endpoint_of(body, action).format(action=action or "test")
    if to is None or (token is None and (config_path or os.path.exists("config.yaml"))):  # noqa: PTH110
        config = load(config_path)
        to = to or config.url
        token = token or _token_for(config, endpoint)
    url = to if "/flashduty/" in to else f"{to.rstrip('/')}{endpoint}"
    headers = {"Content-Type": "application/json"}
    if token:
        headers["X-Engine-Token"] = token
    began = time.monotonic()
    status, text = _deliver(url, body, headers)
    elapsed = round((time.monotonic() - began) * 1000, 1)
    if format_ == "json":
        print_json({"url": url, "status": status, "body": text, "milliseconds": elapsed})
    else:
        click.echo(f"{status} in {elapsed} ms: {clean(text)}")
    return 0 if status == http.client.OK else 1


def _token_for(config: Config, endpoint: str) -> str | None:
    """The first of those that are valid there; the newest, where a new one is put first."""
    kind, _, action = endpoint.removeprefix("/flashduty/").partition("/")
    general, by_action = tokens_of(config.flashduty.webhook_token, config.flashduty.tokens, kind)
    return next(iter(by_action.get(action, general) or []), None)


def _with_new_id(body: bytes, file: str) -> bytes:
    try:
        payload = orjson.loads(body)
        if is_call(payload) and isinstance(payload.get("event"), dict):
            payload["event"]["alert_key"] = uuid.uuid4().hex  # such a call has no event_id
            return orjson.dumps(payload)
        return orjson.dumps({**payload, "event_id": uuid.uuid4().hex})
    except (orjson.JSONDecodeError, TypeError) as error:
        raise EngineError(Problem("not-json", f"no JSON object: {error}", Location(file))) from None


def _deliver(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    if not url.startswith(("http://", "https://")):
        raise EngineError(Problem("bad-url", f"'{url}' is no http:// or https:// URL"))
    for attempt in range(1, ATTEMPTS + 1):
        request = urllib.request.Request(url, data=body, headers=headers, method="POST")  # noqa: S310 - checked above
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310
                return answer.status, answer.read().decode(errors="replace")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            refused = isinstance(reason, ConnectionRefusedError)
            if refused or attempt == ATTEMPTS:
                raise EngineError(
                    Problem(
                        "not-delivered",
                        f"{url}: {reason}",
                        None,
                        "is `engine serve` running, and listening there?",
                    )
                ) from None
    raise AssertionError  # pragma: no cover (the loop answers or raises)
