"""A way to a server that can be cut without a word, as a firewall does: what is sent is never answered."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Iterator


class Way:
    """Carries connections to a port of this machine. Those that were open when it was cut stay cut."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._cut: set[socket.socket] = set()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.port = int(self._listening.getsockname()[1])

    def cut(self) -> None:
        """Carry nothing more on the connections there are, and end none."""
        self._cut.update(each for pair in self._pairs for each in pair)

    @contextlib.contextmanager
    def open(self) -> Iterator[Way]:
        """Carry until the end of the block."""
        self._thread.start()
        try:
            yield self
        finally:
            self._closed.set()
            self._thread.join()
            for each in (self._listening, *(each for pair in self._pairs for each in pair)):
                each.close()

    def _run(self) -> None:
        while not self._closed.is_set():
            other = {one: two for pair in self._pairs for one, two in (pair, pair[::-1])}
            ready, _, _ = select.select([self._listening, *(other.keys() - self._cut)], [], [], 0.05)
            for each in ready:
                if each is self._listening:
                    taken = each.accept()[0]
                    self._pairs.append((taken, socket.create_connection(("127.0.0.1", self._port))))
                elif each not in self._cut:
                    self._carry(each, other[each])

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        try:
            content = source.recv(65_536)
            target.sendall(content)
        except OSError:
            content = b""
        if not content:
            self._cut.update((source, target))
            with contextlib.suppress(OSError):
                target.shutdown(socket.SHUT_WR)
