"""How soon after an event is acknowledged its run's first step takes effect, on an idle engine.

Presses come one at a time, some way apart. The step is a request to a server of ours, so that what is
measured ends outside the engine: the event is judged, the run and the start of its step are committed.
"""

import http.client
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.benchmarks.figure import Bar, Figure, quantile, require
from tests.benchmarks.load import BODY, PLACE, event_id
from tests.benchmarks.served import lay_out, serving
from tests.e2e.real_engine import TOKEN

APART: Final = 0.05  # seconds from one press to the next: the engine is idle again by then
PLAYBOOK: Final = """\
trigger: {action: go}
steps:
  - http: {url: "{{ config.target }}/{{ incident.event_id }}"}
"""
_ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@contextmanager
def listening(arrived: dict[str, float]) -> Iterator[str]:
    """A server that answers 200, and keeps when it was asked for which path."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer(connection: socket.socket) -> None:
            with connection:
                while came := connection.recv(65536):
                    at = time.perf_counter()
                    arrived[came.split(b" ", 2)[1].decode().strip("/")] = at
                    connection.sendall(_ANSWER)

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=answer, args=(connection,), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def measure(*, quick: bool) -> Iterator[Figure]:
    presses = 50 if quick else 300
    arrived: dict[str, float] = {}
    sent: list[float] = []
    answered: list[float] = []
    body, headers = BODY.read_bytes(), {"Content-Type": "application/json", "X-Engine-Token": TOKEN}
    with tempfile.TemporaryDirectory() as name, listening(arrived) as target:
        folder = Path(name)
        lay_out(folder, {"go": PLAYBOOK}, target=target)
        with serving(folder) as engine:
            client = http.client.HTTPConnection("127.0.0.1", engine.port)
            client.connect()
            client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for number in range(presses):
                press = body.replace(PLACE, event_id(number).encode())
                sent.append(time.perf_counter())
                client.request("POST", "/flashduty/actions/go", press, headers)
                answer = client.getresponse()
                answer.read()
                answered.append(time.perf_counter())
                require(answer.status == 200, f"answered {answer.status}")
                time.sleep(APART)
            client.close()
            engine.until("SELECT count(*) FROM runs WHERE state = 'succeeded'", presses)
    require(len(arrived) == presses, f"{len(arrived)} of {presses} steps arrived")
    waits = [(arrived[event_id(number)] - answered[number]) * 1000 for number in range(1, presses)]
    answers = [(end - begin) * 1000 for begin, end in zip(sent[1:], answered[1:], strict=True)]
    usual, answer_time = statistics.median(waits), statistics.median(answers)
    yield Figure(
        *("acknowledged to first step, p50", usual, "ms"),
        "from the 200 to the step's request on the wire; idle, one event at a time",
        Bar(10),
        *(usual / answer_time, f"the acknowledgement itself, {answer_time:.1f} ms"),
    )
    yield Figure(
        *("acknowledged to first step, p99", quantile(waits, 0.99), "ms", "the same"),
    )
