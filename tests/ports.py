"""Ports that nobody listens on, kept so that nobody else begins to."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def held_port() -> Iterator[int]:
    """Of 127.0.0.1: refused, until somebody listens on just this one, as an engine may.

    The system gives a port that is bound to none of the many tests at the same time that ask for
    any port, or connect from one. One that was merely free a moment ago it may.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]
