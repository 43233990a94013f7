"""The metrics endpoint, and the faults between the metrics and their readers."""

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from socketserver import ThreadingMixIn
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, Metric, make_wsgi_app
from prometheus_client.registry import Collector

from demo_app import catalogue as known
from demo_app.faults import Faults

FAMILIES: Final = (
    ("insa_agent_",),
    ("insa_worker_",),
    ("insa_cache_",),
    ("insa_circuit_breaker_",),
    ("insa_dlq_",),
    ("insa_retry_",),
    ("insa_database_",),
    ("insa_message_bus_",),
    ("insa_system_",),
    ("insa_backup_", "insa_scan_", "insa_metrics_retention_"),
)
"""The prefixes of the families in the order in which the fault takes them away."""

GONE: Final = f"the fault {known.METRICS_GONE} is active: no metrics until it ends\n".encode()


class Exposed(Collector):
    """What is exposed of a registry: all of it, without the families that the fault takes away.

    The instruments know nothing of it and go on counting.
    """

    def __init__(self, registry: CollectorRegistry, faults: Faults) -> None:
        self._registry = registry
        self._faults = faults

    def collect(self) -> Iterator[Metric]:
        """Yield the families that are exposed now."""
        return self._visible(self._registry.collect())

    def restricted_registry(self, names: Iterable[str]) -> "Restricted":
        """Return what is exposed of the series of these names; the client library asks for it by `name[]`."""
        return Restricted(lambda: self._visible(self._registry.restricted_registry(names).collect()))

    def _visible(self, families: Iterable[Metric]) -> Iterator[Metric]:
        gone = int(self._faults.intensity(known.SERIES_GONE) or 0)
        hidden = tuple(prefix for prefixes in FAMILIES[:gone] for prefix in prefixes)
        return (family for family in families if not family.name.startswith(hidden))


class Restricted(Collector):
    """A part of what is exposed."""

    def __init__(self, families: Callable[[], Iterator[Metric]]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        """Yield the families of this part."""
        return self._families()


class MetricsServer:
    """Serves the metrics over HTTP, each request in a thread of its own; raises OSError for a bad port.

    While the fault has removed the endpoint, the answer is 503 with one line that says why.
    """

    def __init__(self, bind: str, port: int, exposed: Exposed, faults: Faults) -> None:
        metrics = make_wsgi_app(exposed)

        def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            if faults.intensity(known.METRICS_GONE) is None:
                return metrics(environ, start_response)  # type: ignore[no-any-return]  # WSGI, untyped there
            start_response("503 Service Unavailable", [("Content-Type", "text/plain; charset=utf-8")])
            return [GONE]

        server = _ServerV6 if ":" in bind else _Server
        self._server = make_server(bind, port, answer, server, handler_class=_Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)

    @property
    def port(self) -> int:
        """The port that is served."""
        return int(self._server.server_port)

    def start(self) -> None:
        """Start to answer."""
        self._thread.start()

    def stop(self) -> None:
        """End, and give the port back."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True  # a reader that hangs does not hold up the end


class _ServerV6(_Server):
    address_family = socket.AF_INET6


class _Handler(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Log nothing: a scrape every few seconds is not worth a line."""
