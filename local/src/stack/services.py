"""The services of the bundle as a person sees them: names, ports, pages, and the URL of their health."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Port:
    """One published port: the variable that moves it and what answers there."""

    variable: str
    what: str


@dataclass(frozen=True, slots=True)
class Service:
    """One service. `health_path` on the port of `health_variable` answers 200 when it is healthy."""

    name: str
    ports: tuple[Port, ...]
    health_variable: str
    health_path: str

    def health_url(self, env: dict[str, str]) -> str:
        """The URL that answers 200 when the service is healthy."""
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

DEMO_SERVICE = "demo-app"
"""The service that a user may leave out."""

PROFILES = ("demo",)
"""The profiles of docker-compose.yml that are on while the demo-app is part of the stack."""

RENDERER, RENDERER_PROFILE = "renderer", "images"
"""The container that draws dashboards for Grafana, with Compose alone, and its profile. It has no port."""

NAMES = tuple(service.name for service in SERVICES)
PORT_VARIABLES = {port.variable: service.name for service in SERVICES for port in service.ports}

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

RELOADED = ("prometheus", "alertmanager")
"""The services that read changed files again on SIGHUP; the others are restarted for that."""

SIGNALS = {
    "HUP": "told to read its configuration again:",
    "STOP": "paused",
    "CONT": "resumed",
    "TERM": "ended",
    "KILL": "killed",
}
"""The signals that a service can be sent, and what was done with it then."""
