"""What answers at the worker's addresses now: other applications when it leads than when it stands by."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_METRICS = "/metrics"


class Front:
    """A WSGI application that passes each request on."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Nobody may ask before the first `show`."""
        self._monotonic = monotonic
        self._now: tuple[WSGIApplication, WSGIApplication, float] | None = None

    def show(
        self, application: WSGIApplication, *, metrics: WSGIApplication | None = None, seconds: float = 0
    ) -> None:
        """From now on this one answers; for so many seconds `metrics` answers /metrics."""
        self._now = application, metrics or application, self._monotonic() + seconds

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Pass a request on."""
        assert self._now is not None  # noqa: S101 - it listens once something is shown
        application, metrics, until = self._now
        early = environ.get("PATH_INFO") == _METRICS and self._monotonic() < until
        return (metrics if early else application)(environ, start_response)
