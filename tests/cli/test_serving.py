"""Sockets, and the order in which things stop."""

import socket

import pytest

from engine.cli.running import port_of
from engine.cli.serving import bind
from engine.problem import EngineError


def test_an_address_that_is_taken_is_said_with_what_to_do() -> None:
    with bind("127.0.0.1", 0) as first:
        with pytest.raises(EngineError) as error:
            bind("127.0.0.1", port_of(first))

        assert str(error.value) == (
            f"cannot-listen: 127.0.0.1:{port_of(first)}: Address already in use "
            "(another process listens there; set another `listen` in config.yaml)"
        )


def test_what_is_accepted_answers_without_delay() -> None:
    """asyncio switches Nagle off only where the socket names its protocol."""
    with bind("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP


def test_ipv6_is_an_address_too() -> None:
    with bind("::1", 0) as listener:
        assert listener.family == socket.AF_INET6
