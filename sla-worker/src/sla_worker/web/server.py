"""The HTTP server, which idle connections cannot block."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
from typing import TYPE_CHECKING, Any, Final

import waitress
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer

from sla_worker.web.http import MAXIMUM_BODY

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

KEPT_IDLE: Final = 50
"""So many connections without a request may wait; the longest idle one makes room for the next."""
_CONNECTIONS = 500
_IDLE_SECONDS = 60
_SWITCH_SECONDS = 0.0005
"""How long a thread that computes keeps others waiting: a pass does, and an answer waits several times."""


class _Channel(HTTPChannel):  # type: ignore[misc]  # waitress ships no types
    """A connection whose arrival closes those that were idle for longest, above the bound."""

    def __init__(self, server: Any, *arguments: Any, **named: Any) -> None:
        super().__init__(server, *arguments, **named)
        others = [each for each in server.active_channels.values() if each is not self]
        idle = [each for each in others if not each.requests and not each.will_close]
        idle.sort(key=lambda each: each.last_activity)
        for each in idle[: max(len(idle) - KEPT_IDLE, 0)]:
            each.will_close = True


def _listening(host: str, port: int) -> list[socket.socket]:
    """A socket for each address of the host: a name such as localhost may have two. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    with contextlib.ExitStack() as opened:
        sockets = [
            opened.enter_context(socket.create_server(address[:2], family=family))
            for family, address in dict.fromkeys((family, address) for family, *_, address in found)
        ]
        opened.pop_all()  # all or none
    return sockets


class Server:
    """Listens from its making on. `run` serves until `close`, which any thread may call."""

    def __init__(self, application: WSGIApplication, host: str, port: int) -> None:
        """Raises OSError when it cannot listen there."""
        sys.setswitchinterval(_SWITCH_SECONDS)
        self._sockets: dict[int, Any] = {}
        self._server = waitress.create_server(
            application,
            map=self._sockets,
            sockets=_listening(host, port),
            threads=4,
            ident=None,
            connection_limit=_CONNECTIONS,
            channel_timeout=_IDLE_SECONDS,
            cleanup_interval=5,
            asyncore_use_poll=True,  # select() knows no more than 1,024 files
            # The application answers what is too long in its own words; this bounds what it never sees.
            max_request_body_size=2 * MAXIMUM_BODY,
            max_request_header_size=32 * 1024,
            clear_untrusted_proxy_headers=True,
        )
        self._listening = [each for each in self._sockets.values() if isinstance(each, BaseWSGIServer)]
        for each in self._listening:
            each.channel_class = _Channel

    def run(self) -> None:
        """Serve until `close`."""
        self._server.run()

    def close(self) -> None:
        """End the threads, then all connections: those are closed by the thread of `run`, which has them.

        Each thread may write to the pipe that wakes `run`: it is closed when nobody will any more.
        """
        self._server.task_dispatcher.shutdown(timeout=1)
        woken = threading.Event()

        def end() -> None:
            woken.wait(1)
            wasyncore.close_all(self._sockets, ignore_all=True)

        self._listening[0].trigger.pull_trigger(end)
        woken.set()
