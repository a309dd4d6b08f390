"""A place with a config, a target that playbooks call, and the vendor's example of a press."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typing_extensions import override

from tests.e2e.real_engine import PATIENCE, Place, Target


@pytest.fixture
def target() -> Iterator[Target]:
    kept = Target()
    kept.released.set()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            kept.got.append((self.command, self.path, dict(self.headers.items()), body))
            kept.arrived.put(self.path)
            kept.released.wait(PATIENCE)
            try:
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", "11")
                self.end_headers()
                self.wfile.write(b'{"ok":true}')
            except OSError:
                pass  # the engine was killed meanwhile

        do_GET = do_POST = answer  # noqa: N815 - the names http.server calls

        @override
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    kept.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield kept
    kept.released.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def place(tmp_path: Path, flashduty: str) -> Iterator[Place]:
    made = Place(tmp_path / "place", flashduty)
    made.folder.mkdir()
    made.write(
        "config.yaml",
        """\
listen: 127.0.0.1:0
flashduty:
  app_key: ${E2E_KEY}
  webhook_token: ${E2E_TOKEN}
  base_url: ${E2E_FLASHDUTY}
""",
    )
    yield made
    for engine in made.engines:
        engine.close()


@pytest.fixture
def vendor_example() -> bytes:
    """The body of the vendor's page, byte for byte: `event_id` stands inside `incident`."""
    return (Path(__file__).parents[1] / "fixtures/custom-action.vendor-page.json").read_bytes()


@pytest.fixture
def field_table_example() -> bytes:
    """The same event in the shape of the page's table: `event_id` on top."""
    return (Path(__file__).parents[1] / "fixtures/custom-action.field-table.json").read_bytes()


@pytest.fixture
def another_press(vendor_example: bytes) -> Callable[[int], bytes]:
    """The vendor's example as the nth press of the same button."""

    def press(number: int) -> bytes:
        body = json.loads(vendor_example)
        body["incident"]["event_id"] = f"{number:032x}"
        return json.dumps(body).encode()

    return press
