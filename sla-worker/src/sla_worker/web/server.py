"""The HTTP server, which idle connections cannot block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import waitress
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer

from sla_worker.web.webhook import MAXIMUM_BODY

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

KEPT_IDLE: Final = 50
"""So many connections without a request may wait; the longest idle one makes room for the next."""
_CONNECTIONS = 500
_IDLE_SECONDS = 60


class _Channel(HTTPChannel):  # type: ignore[misc]  # waitress ships no types
    """A connection whose arrival closes those that were idle for longest, above the bound."""

    def __init__(self, server: Any, *arguments: Any, **named: Any) -> None:
        super().__init__(server, *arguments, **named)
        others = [each for each in server.active_channels.values() if each is not self]
        idle = [each for each in others if not each.requests and not each.will_close]
        idle.sort(key=lambda each: each.last_activity)
        for each in idle[: max(len(idle) - KEPT_IDLE, 0)]:
            each.will_close = True


def listen(application: WSGIApplication, host: str, port: int) -> Any:
    """A server with `run()` and `close()`, listening already. Raises OSError when it cannot."""
    try:
        sockets: dict[int, Any] = {}  # a name such as localhost may have two addresses
        server = waitress.create_server(
            application,
            map=sockets,
            host=host,
            port=port,
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
    except ValueError as error:  # what waitress makes of a host that has no address
        raise OSError(str(error)) from error
    for each in sockets.values():
        if isinstance(each, BaseWSGIServer):
            each.channel_class = _Channel
    return server
