"""A service that says everything it was told in every way it can, and a Flashduty that does, too."""

import base64
import html
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, urlsplit

from typing_extensions import override


class _Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:  # noqa: C901 - one way of saying it each
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        told = f"{self.path} {dict(self.headers.items())} {body.decode(errors='replace')}"
        login = self.headers.get("Authorization", "").removeprefix("Basic ")
        with suppress(ValueError):
            told += base64.b64decode(login, validate=True).decode(errors="replace")
        path = urlsplit(self.path).path
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        given = {"told": told, "query": query, "headers": dict(self.headers.items())}
        match path.split("/")[1]:
            case "hang":
                threading.Event().wait(3)
                self.close_connection = True
            case "cut":
                self.close_connection = True
            case "redirect":
                self._say(302, "", Location=f"/echo?again={quote(told, safe='')}")
            case "away":
                self._say(302, "", Location=f"http://127.0.0.1:1/{quote(told, safe='')}")
            case "nonsense":
                self.wfile.write(b"220 " + told.encode() + b"\r\n\r\n")
                self.close_connection = True
            case "no-json":
                self._say(200, f'{{"told": "{told}', **{"Content-Type": "application/json"})
            case "fail":
                self._say(500, told)
            case "html":
                self._say(503, html.escape(told), **{"Content-Type": "text/html"})
            case "json":
                both = {**given, "again": json.dumps(given), "64": _encoded(told)}
                self._say(200, json.dumps(both), **{"Content-Type": "application/json"})
            case "incident" if "refuse" in told:  # Flashduty's Open API from here on
                error = {"code": "AccessDenied", "message": f"no: {told} {query}"}
                said = json.dumps({"request_id": query.get("app_key"), "error": error})
                self._say(401, said, **{"Content-Type": "application/json"})
            case "incident" if "break" in told:
                self._say(502, f"<p>{html.escape(told)}</p>")
            case _:
                said = json.dumps({"request_id": "R", "data": {"items": [], **given}})
                self._say(200, said, **{"Content-Type": "application/json"})

    def _say(self, status: int, text: str, **headers: str) -> None:
        data = text.encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.send_header("X-Told", quote(self.path, safe="/?=&"))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = answer  # noqa: N815 - the names http.server calls

    @override
    def log_message(self, *_: object) -> None:
        pass


def _encoded(text: str) -> str:
    return (
        base64.b64encode(text.encode()).decode() + base64.urlsafe_b64encode(text.encode()).decode()
    )


@contextmanager
def echoing() -> Iterator[str]:
    """Its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
