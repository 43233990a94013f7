"""A pooler before a PostgreSQL, like PgBouncer: it answers for the server, and hands its sessions out."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
from types import TracebackType

_READY, _KEY = b"Z", b"K"
_IDLE = b"I"
_MADE_UP = struct.pack("!ii", -77, 1)  # the process and the secret by which a client would cancel


class Pooler:
    """Listens on `port`. `shared`: a session is a client's for one transaction; else for as long as it stays.

    The session that was given back last is handed out first.
    """

    def __init__(self, server: int, *, shared: bool = True) -> None:
        self._server = server
        self._shared = shared
        self._free: list[socket.socket] = []
        self._open: list[socket.socket] = []
        self._greeting: bytes | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Pooler:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._open.append(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError):
            startup = _sized(client)
            held = None
            if self._greeting is None or not self._shared:
                held, self._greeting = self._log_in(startup)
            client.sendall(self._greeting)
            if self._shared and held is not None:
                self._free.append(held)
                held = None
            while True:
                ready, _, _ = select.select([client, *([held] if held else [])], [], [])
                if client in ready:
                    held = held or (self._free.pop() if self._free else self._log_in(startup)[0])
                    held.sendall(_some(client))
                if held is not None and held in ready:
                    kind, body = _message(held)
                    client.sendall(kind + struct.pack("!i", len(body) + 4) + body)
                    if self._shared and (kind, body) == (_READY, _IDLE):
                        self._free.append(held)
                        held = None

    def _log_in(self, startup: bytes) -> tuple[socket.socket, bytes]:
        """A session of the server, and what a client is told of it: all but whose process it is."""
        session = socket.create_connection(("127.0.0.1", self._server))
        self._open.append(session)
        session.sendall(startup)
        greeting, kind = b"", b""
        while kind != _READY:
            kind, body = _message(session)
            if kind == _KEY:
                body = _MADE_UP
            greeting += kind + struct.pack("!i", len(body) + 4) + body
        return session, greeting


def _exactly(stream: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        found += _some(stream, size - len(found))
    return found


def _some(stream: socket.socket, most: int = 65536) -> bytes:
    found = stream.recv(most)
    if not found:
        raise EOFError
    return found


def _sized(stream: socket.socket) -> bytes:
    """What begins with its own length: the first words of a client. Encryption is refused."""
    while True:
        size = _exactly(stream, 4)
        body = _exactly(stream, struct.unpack("!i", size)[0] - 4)
        if len(body) > 4:  # else it asks for encryption, which has a number and nothing else
            return size + body
        stream.sendall(b"N")


def _message(stream: socket.socket) -> tuple[bytes, bytes]:
    kind = _exactly(stream, 1)
    return kind, _exactly(stream, struct.unpack("!i", _exactly(stream, 4))[0] - 4)
