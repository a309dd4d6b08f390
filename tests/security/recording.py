"""A target that keeps every byte it gets, and answers with what would steer a terminal."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from tests.e2e.real_engine import PATIENCE

HOSTILE: Final = (
    "\x1b[2J\x1b]52;c;eA==\x07\x9b31;7;5m\u202e[red]forged[/red] {{ 31337*65537 }}\n"
    '✓ forged [steps/0, http] succeeded\n{"action": "forged"}\r\n'
)


@dataclass
class Recorder:
    """What came, a connection each."""

    url: str = ""
    got: list[bytes] = field(default_factory=list)


@contextmanager
def recording() -> Iterator[Recorder]:
    """One that reads until nothing more comes of what a request says it has."""
    listener = socket.create_server(("127.0.0.1", 0))
    recorder = Recorder(f"http://127.0.0.1:{listener.getsockname()[1]}")

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(PATIENCE)
            data = b""
            while b"\r\n\r\n" not in data and (more := connection.recv(65536)):
                data += more
            head, _, body = data.partition(b"\r\n\r\n")
            length = next(
                int(line.split(b":")[1])
                for line in [*head.lower().split(b"\r\n"), b"content-length: 0"]
                if line.startswith(b"content-length:")
            )
            while len(body) < length and (more := connection.recv(65536)):
                body += more
            said = HOSTILE.encode()
            answer = b"HTTP/1.1 200 \xe2\x80\xae[red]OK\r\nX-Odd: \xc2\x9b2J[red]\r\nContent-Length: %d\r\n\r\n"
            connection.sendall(answer % len(said) + said)
            connection.shutdown(socket.SHUT_WR)
            while more := connection.recv(65536):  # whatever else comes on the same connection
                body += more
            recorder.got.append(head + b"\r\n\r\n" + body)

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield recorder
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
