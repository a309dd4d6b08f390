"""`engine send`: as Flashduty would."""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from typing_extensions import override

from engine.cli import send
from tests.cli.conftest import Type
from tests.e2e.real_engine import PATIENCE


class Receiver:
    """Answers with `status`, and keeps what came."""

    def __init__(self) -> None:
        self.status = 200
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.url = ""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.got.append((self.path, dict(self.headers.items()), body))
            self.send_response(kept.status)
            self.end_headers()
            self.wfile.write(b'{"event":"E"}\x1b[2J')

        @override
        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    kept.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield kept
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A receiver on a busy machine is no receiver that does not answer."""
    assert send.TIMEOUT == 2
    monkeypatch.setattr(send, "TIMEOUT", PATIENCE)


def test_it_posts_the_file_to_the_button_with_the_token(
    receiver: Receiver, press: Path, type_: Type
) -> None:
    outcome = type_("send", press, "--to", receiver.url, "--action", "go", "--token", "t0ken")

    [(path, headers, body)] = receiver.got
    assert (path, body) == ("/flashduty/actions/go", press.read_bytes())
    assert (headers["Content-Type"], headers["X-Engine-Token"]) == ("application/json", "t0ken")
    assert outcome.code == 0
    assert outcome.out.startswith("200 in ")
    assert outcome.out.endswith('ms: {"event":"E"}\\x1b[2J\n')  # made visible, not obeyed


def test_a_refusal_is_1(receiver: Receiver, press: Path, type_: Type) -> None:
    receiver.status = 401

    outcome = type_("send", press, "--to", receiver.url, "--token", "x", "--format", "json")

    assert outcome.code == 1
    assert json.loads(outcome.out)["status"] == 401


def test_fresh_is_a_further_press(receiver: Receiver, press: Path, type_: Type) -> None:
    for _ in range(2):
        type_("send", press, "--to", receiver.url, "--token", "x", "--fresh")

    bodies = [json.loads(body) for _, _, body in receiver.got]
    assert len({body["event_id"] for body in bodies}) == 2
    assert bodies[0]["incident"] == json.loads(press.read_bytes())["incident"]


def test_the_config_says_where_to_and_with_which_token(
    receiver: Receiver, press: Path, place: Path, type_: Type
) -> None:
    config = place / "config.yaml"
    config.write_text(f"listen: {receiver.url[7:]}\nflashduty: {{webhook_token: of-the-config}}\n")

    assert type_("send", press, "--config", config).code == 0
    assert receiver.got[0][1]["X-Engine-Token"] == "of-the-config"


@pytest.mark.parametrize(
    ("action", "token"), [("restart-host", "newest"), ("enrich", "general"), (None, "general")]
)
def test_a_button_with_a_token_of_its_own_is_sent_the_newest_of_them(
    receiver: Receiver, press: Path, place: Path, type_: Type, action: str | None, token: str
) -> None:
    (place / "config.yaml").write_text(
        f"listen: {receiver.url[7:]}\n"
        "flashduty: {webhook_token: [general, old], tokens: {actions/restart-host: [newest, old]}}\n"
    )
    named = () if action is None else ("--action", action)
    assert type_("send", press, *named, "--config", place / "config.yaml").code == 0
    assert receiver.got[0][1]["X-Engine-Token"] == token


def test_an_engine_that_is_not_there_is_2_with_a_question(
    press: Path, type_: Type, refusing_port: int
) -> None:
    url = f"http://127.0.0.1:{refusing_port}"

    outcome = type_("send", press, "--to", url, "--token", "x")

    assert outcome.code == 2
    assert outcome.err == (
        f"not-delivered: {url}/flashduty/actions/test: "
        "[Errno 111] Connection refused (is `engine serve` running, and listening there?)\n"
    )


def test_a_connection_that_is_closed_is_tried_once_more(press: Path, type_: Type) -> None:
    accepted = 0
    with socket.create_server(("127.0.0.1", 0)) as server:

        def close_each() -> None:
            nonlocal accepted
            for _ in range(2):
                connection, _ = server.accept()
                connection.close()
                accepted += 1

        thread = threading.Thread(target=close_each)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        outcome = type_("send", press, "--to", url, "--token", "x")
        thread.join()

    assert outcome.code == 2
    assert accepted == 2


def test_what_is_no_url_and_no_json_is_said(press: Path, tmp_path: Path, type_: Type) -> None:
    text = tmp_path / "text"
    text.write_text("no json")

    assert type_("send", press, "--to", "ftp://x", "--token", "x").err == (
        "bad-url: 'ftp://x/flashduty/actions/test' is no http:// or https:// URL\n"
    )
    assert type_("send", text, "--fresh", "--to", "http://x", "--token", "x").code == 2


@pytest.fixture
def call() -> Path:
    return Path(__file__).parents[1] / "fixtures/label-mapping.vendor-page.json"


def test_a_call_for_labels_goes_to_labels(receiver: Receiver, call: Path, type_: Type) -> None:
    type_("send", call, "--to", receiver.url, "--action", "add-labels", "--token", "x")
    type_("send", call, "--to", receiver.url, "--token", "x")

    assert [path for path, _, _ in receiver.got] == [
        "/flashduty/labels/add-labels",
        "/flashduty/labels/test",
    ]
    assert receiver.got[0][2] == call.read_bytes()


def test_a_fresh_call_is_about_another_alert(receiver: Receiver, call: Path, type_: Type) -> None:
    for _ in range(2):
        type_("send", call, "--to", receiver.url, "--token", "x", "--fresh")

    one, other = (json.loads(body) for _, _, body in receiver.got)
    assert one["event"].pop("alert_key") != other["event"].pop("alert_key")
    assert one == other
