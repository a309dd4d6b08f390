"""Breaks the connection a call came in by, as a network or a dying server does."""

from starlette.types import Receive


async def cut(receive: Receive) -> None:
    """Close the connection of this request without an answer; its client sees it broken.

    ASGI has no message for that. Under uvicorn `receive` belongs to an object that has the
    transport, whichever of its two HTTP parsers is at work. Where there is no connection, as in
    Starlette's test client, the caller gets a ConnectionResetError.
    """
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionResetError("The simulated Open API broke the connection.")
    transport.abort()
    # Until it knows that the peer is gone, uvicorn would complain of an answer that is missing.
    while (await receive())["type"] != "http.disconnect":
        pass
