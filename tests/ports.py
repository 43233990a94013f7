"""Free ports of the loopback interface, for whatever a test starts.

The kernel chooses them: it knows what is in use, and draws at random from its ephemeral range, some 28,000
ports on Linux. A port is free only until somebody takes it, and the program that it is for does so a moment
later: within one process, no port is handed out a second time meanwhile, or ever. Two processes of
pytest-xdist know nothing of each other: that the other one draws the same port in that moment has a chance of
one in thousands.
"""

from __future__ import annotations

import contextlib
import socket

LOOPBACK = "127.0.0.1"

_given: set[int] = set()


def free_ports(count: int, given: set[int] = _given) -> list[int]:
    """Return ports that nobody has and that were not returned before, all different.

    `given` holds those that were returned, and is added to.
    """
    found: list[int] = []
    with contextlib.ExitStack() as held:  # what is held is not drawn again
        while len(found) < count:
            port = int(held.enter_context(bound()).getsockname()[1])
            if port not in given:
                given.add(port)
                found.append(port)
    return found


def free_port() -> int:
    """Return one such port."""
    return free_ports(1)[0]


def bound() -> socket.socket:
    """Return a socket that has a port and does not listen: connections to it are refused."""
    found = socket.socket()
    found.bind((LOOPBACK, 0))
    return found


def listening() -> socket.socket:
    """Return a socket that listens on a port of its own."""
    return socket.create_server((LOOPBACK, 0))
