"""Polling and free ports, for the tests that start something real."""

import socket
import time
from collections.abc import Callable


def wait_until(what: str, condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Poll until the condition holds; fail with a description of what was waited for."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"waited {seconds} s for {what}"
        time.sleep(0.01)


def free_socket() -> socket.socket:
    """Return a listening socket on a free port of the loopback address."""
    return socket.create_server(("127.0.0.1", 0))


def free_ports(count: int) -> list[int]:
    """Return ports that are free now."""
    listeners = [free_socket() for _ in range(count)]
    ports = [int(listener.getsockname()[1]) for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports
