"""Sends presses over kept-alive connections and times each answer. Run as a process of its own."""

import argparse
import asyncio
import json
import time
from pathlib import Path

PLACE = b"fac0599a2a25529ba2362c0c184b6cfb"  # the event_id of the vendor's example


def request(host: str, path: str, token: str, body: bytes) -> bytes:
    """One request, with the vendor's event_id still in its body."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"X-Engine-Token: {token}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def connection(
    host: str, port: int, template: bytes, first: int, count: int, times: list[float]
) -> None:
    """One client: an event after the other, each with an event_id of its own."""
    reader, writer = await asyncio.open_connection(host, port)
    for number in range(first, first + count):
        sent = template.replace(PLACE, f"{number:032x}".encode())
        began = time.perf_counter()
        writer.write(sent)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        )
        await reader.readexactly(length)
        times.append(time.perf_counter() - began)
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(head.decode())
    writer.close()
    await writer.wait_closed()


async def main() -> None:
    """Print {"seconds": ..., "times": [...]}."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", required=True)
    parser.add_argument("--body", required=True)
    parser.add_argument("--token", default="")
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--first", type=int, default=1)
    options = parser.parse_args()
    body = Path(options.body).read_bytes()  # noqa: ASYNC240 - before anything is timed
    template = request("127.0.0.1", options.path, options.token, body)
    times: list[float] = []
    each = options.count // options.connections
    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for number in range(options.connections):
            first = options.first + number * each
            tasks.create_task(connection("127.0.0.1", options.port, template, first, each, times))
    print(json.dumps({"seconds": time.perf_counter() - began, "times": times}))


if __name__ == "__main__":
    asyncio.run(main())
