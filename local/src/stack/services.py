"""The services of the bundle as a person sees them: names, ports, pages, and the URL of their health."""

from __future__ import annotations

from dataclasses import dataclass

POSTGRESQL = "postgresql://"


@dataclass(frozen=True, slots=True)
class Port:
    """One published port: the variable that moves it and what answers there."""

    variable: str
    what: str


@dataclass(frozen=True, slots=True)
class Service:
    """One service. `health_path` on the port of `health_variable` answers 200 when it is healthy.

    One without a path is PostgreSQL, one without a variable runs in a container only.
    """

    name: str
    ports: tuple[Port, ...]
    health_variable: str
    health_path: str

    def health_url(self, env: dict[str, str]) -> str:
        """The URL that answers 200 when the service is healthy, or postgresql://127.0.0.1:port."""
        if not self.health_path:
            return f"{POSTGRESQL}127.0.0.1:{env[self.health_variable]}"
        return f"http://127.0.0.1:{env[self.health_variable]}{self.health_path}"


SERVICES = (
    Service("mailhog", (Port("MAILHOG_PORT", "mail that was sent"), Port("SMTP_PORT", "SMTP")),
            "MAILHOG_PORT", "/api/v2/messages?limit=1"),
    Service("demo-app", (Port("DEMO_API_PORT", "state and faults"), Port("DEMO_METRICS_PORT", "metrics")),
            "DEMO_API_PORT", "/healthz"),
    Service("alertmanager", (Port("ALERTMANAGER_PORT", "alerts now"),), "ALERTMANAGER_PORT", "/-/ready"),
    Service("prometheus", (Port("PROMETHEUS_PORT", "metrics and rules"),), "PROMETHEUS_PORT", "/-/ready"),
    Service("sla-worker", (Port("SLA_WORKER_PORT", "SLA status, runbooks"),), "SLA_WORKER_PORT", "/healthz"),
    Service("grafana", (Port("GRAFANA_PORT", "dashboards (user admin)"),), "GRAFANA_PORT", "/api/health"),
)  # fmt: skip  # a table reads better than a column of arguments

SCALE_SERVICES = (
    Service("postgres", (Port("POSTGRES_PORT", "the ledger (PostgreSQL)"),), "POSTGRES_PORT", ""),
    Service("vmstorage-1", (), "", ""),
    Service("vmstorage-2", (), "", ""),
    Service("vminsert", (Port("VMINSERT_PORT", "samples on their way in"),), "VMINSERT_PORT", "/health"),
    Service("vmselect", (Port("VMSELECT_PORT", "metrics, as Grafana reads them"),),
            "VMSELECT_PORT", "/health"),
    Service("alertmanager-2", (Port("ALERTMANAGER_2_PORT", "alerts now, the second"),),
            "ALERTMANAGER_2_PORT", "/-/ready"),
    Service("sla-worker-2", (Port("SLA_WORKER_2_PORT", "stands by, or leads"),),
            "SLA_WORKER_2_PORT", "/healthz"),
)  # fmt: skip  # as above
"""What SCALE=1 adds (docker-compose.scale.yml)."""

BUILDER = {"sla-worker-2": "sla-worker", "vmstorage-2": "vmstorage-1"}
"""Who builds the image of a service that has the same one as another.

Compose puts the name of the service into an image: built for both, the tag would be that of whichever came
last, and the containers of the other one would be made again at the next start.
"""

GOSSIP_PORTS = {"ALERTMANAGER_CLUSTER_PORT": "alertmanager", "ALERTMANAGER_2_CLUSTER_PORT": "alertmanager-2"}
"""On which the two Alertmanagers of SCALE=1 talk to each other; published by nobody."""

DEMO_SERVICE = "demo-app"
"""The service that a user may leave out."""

PROFILES = ("demo",)
"""The profiles of docker-compose.yml that are on while the demo-app is part of the stack."""

RENDERER, RENDERER_PROFILE = "renderer", "images"
"""The container that draws dashboards for Grafana, with Compose alone, and its profile. It has no port."""

ALL_SERVICES = (*SCALE_SERVICES[:5], *SERVICES, *SCALE_SERVICES[5:])
"""In the order of their start; without SCALE=1 those of SERVICES alone."""

NAMES = tuple(service.name for service in SERVICES)
SCALE_NAMES = tuple(service.name for service in SCALE_SERVICES)
ALL_NAMES = tuple(service.name for service in ALL_SERVICES)
PORT_VARIABLES = {port.variable: service.name for service in SERVICES for port in service.ports}
SCALE_PORT_VARIABLES = {port.variable: service.name for service in SCALE_SERVICES for port in service.ports}
ALL_PORT_VARIABLES = PORT_VARIABLES | SCALE_PORT_VARIABLES

PAGES = {
    "GRAFANA_PORT": "/",
    "PROMETHEUS_PORT": "/",
    "ALERTMANAGER_PORT": "/",
    "MAILHOG_PORT": "/",
    "SLA_WORKER_PORT": "/",
    "DEMO_API_PORT": "/",
    "DEMO_METRICS_PORT": "/metrics",
}
"""The page of each port that the table of URLs shows, in its order; SMTP has none."""

SCALE_PAGES = {
    "ALERTMANAGER_2_PORT": "/",
    "SLA_WORKER_2_PORT": "/",
    "VMSELECT_PORT": "/",
    "POSTGRES_PORT": "",
}
"""The same with SCALE=1; PostgreSQL is an address without a page."""

RELOADED = ("prometheus", "alertmanager", "alertmanager-2")
"""The services that read changed files again on SIGHUP; the others are restarted for that."""

SIGNALS = {
    "HUP": "told to read its configuration again:",
    "STOP": "paused",
    "CONT": "resumed",
    "TERM": "ended",
    "KILL": "killed",
}
"""The signals that a service can be sent, and what was done with it then."""
