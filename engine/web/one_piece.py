"""Sends the head of an answer together with its body: uvicorn writes one, and then the other.

It is half as much for the system to do, and for the peer, and the other threads of the engine take
their turns where one is sent.
"""

import asyncio
from collections.abc import Iterable
from typing import Any, Final

from typing_extensions import override

_HEAD: Final = b"HTTP/1.1 "
_GO_ON: Final = b"HTTP/1.1 100 "  # what asks for the body; nothing follows it


class OnePiece(asyncio.Transport):
    """A transport that holds a head until there is more to write, or it is told to let it go."""

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__()
        self._transport = transport
        self._held = b""

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._held:
            data, self._held = b"".join((self._held, data)), b""
        elif isinstance(data, bytes) and data.startswith(_HEAD) and not data.startswith(_GO_ON):
            self._held = data
            return
        self._transport.write(data)

    @override
    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.write(b"".join(list_of_data))

    def let_go(self) -> None:
        """Nothing follows what is held."""
        if self._held:
            held, self._held = self._held, b""
            self._transport.write(held)

    @override
    def close(self) -> None:
        self.let_go()
        self._transport.close()

    @override
    def abort(self) -> None:
        self._transport.abort()

    @override
    def is_closing(self) -> bool:
        return self._transport.is_closing()

    @override
    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    @override
    def pause_reading(self) -> None:
        self._transport.pause_reading()

    @override
    def resume_reading(self) -> None:
        self._transport.resume_reading()
