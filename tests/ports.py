"""Free ports of the loopback interface, for whatever a test starts.

A port is free only until somebody takes it, and the program that it is for does so a moment later. Three
things keep it free until then: it lies below the ephemeral ports, so that neither `bind` to port 0 nor the
near end of a connection draws it; a lock file holds it against the other processes of pytest-xdist, as long
as this one lives; and within a process no port is handed out twice.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import socket
import tempfile
from collections.abc import Iterable
from pathlib import Path

LOOPBACK = "127.0.0.1"

_LOWEST = 12_000
"""Below are the ports of services that a developer's machine may run."""

_USUAL_EPHEMERAL = 32_768
"""Where Linux begins to draw; macOS and Windows begin above."""

_held: dict[int, int] = {}
"""The locks of the ports that this process has handed out, by descriptor: they stay open until it ends."""


def free_ports(count: int, among: Iterable[int] | None = None) -> list[int]:
    """Return ports that nobody has and that nobody else is given while this process lives, all different.

    `among` is what to choose from, tried in its order. Raises OSError when too few of them are free.
    """
    found: list[int] = []
    for port in _by_chance() if among is None else among:
        lock = _locked(port) if port not in _held else None
        if lock is None:
            continue
        if not _is_free(port):
            os.close(lock)
            continue
        _held[port] = lock
        found.append(port)
        if len(found) == count:
            return found
    raise OSError(f"only {len(found)} of {count} ports are free")


def free_port() -> int:
    """Return one such port."""
    return free_ports(1)[0]


def ephemeral() -> range:
    """The ports which the kernel hands out by itself."""
    setting = Path("/proc/sys/net/ipv4/ip_local_port_range")
    low, high = map(int, setting.read_text().split()) if setting.exists() else (_USUAL_EPHEMERAL, 65_535)
    return range(low, high + 1)


def bound() -> socket.socket:
    """Return a socket that has a port and does not listen: connections to it are refused."""
    found = socket.socket()
    found.bind((LOOPBACK, 0))
    return found


def listening() -> socket.socket:
    """Return a socket that listens on a port of its own."""
    return socket.create_server((LOOPBACK, 0))


def _by_chance() -> list[int]:
    """The ports to try, in an order of chance: what was used a moment ago is seldom used again."""
    first = ephemeral()[0]
    ports = list(range(_LOWEST, first if first > _LOWEST + 1000 else _USUAL_EPHEMERAL))
    return random.sample(ports, len(ports))


def _locked(port: int) -> int | None:
    directory = Path(tempfile.gettempdir()) / f"test-ports-{os.getuid()}"
    directory.mkdir(exist_ok=True)
    lock = os.open(directory / str(port), os.O_WRONLY | os.O_CREAT, 0o600)
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return lock
    os.close(lock)
    return None


def _is_free(port: int) -> bool:
    """Whether a server could have it, on any address: what listens on all of them has this one too."""
    for address in (LOOPBACK, "0.0.0.0"):  # noqa: S104
        with socket.socket() as tried:
            try:
                tried.bind((address, port))
            except OSError:
                return False
    return True
