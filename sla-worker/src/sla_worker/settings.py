"""The only reader of the environment. Every variable NAME is also understood as NAME_FILE."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from sla_worker.errors import SettingsError
from sla_worker.grid import Grid

_PACKAGED_DEFINITIONS = Path(__file__).resolve().parents[2] / "sla_thresholds.yml"


@dataclass(frozen=True, slots=True)
class PrometheusSettings:
    """Where Prometheus (or an engine that speaks its API) is, and how to be let in."""

    url: str
    timeout_seconds: float
    bearer_token: str | None
    username: str | None
    password: str | None
    headers: tuple[tuple[str, str], ...]
    tenant: str | None
    ca_file: str | None


@dataclass(frozen=True, slots=True)
class SMTPSettings:
    """The mail server; `tls` is none, starttls or tls."""

    host: str
    port: int
    username: str | None
    password: str | None
    tls: str
    timeout_seconds: float


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set from outside."""

    prometheus: PrometheusSettings
    smtp: SMTPSettings
    database_path: Path
    definitions_path: Path
    slot_seconds: int
    scrape_seconds: int
    catch_up_seconds: int
    bind: str
    port: int
    runbooks_dir: Path | None
    report_from: str
    report_owner: str
    report_platform_team: str
    report_management: str
    report_on_call: str
    timezone: ZoneInfo
    report_hour: int
    grafana_public_url: str
    worker_public_url: str
    prometheus_public_url: str
    alertmanager_public_url: str
    watchdog_seconds: int

    @property
    def grid(self) -> Grid:
        """The slots that these settings ask for."""
        return Grid(self.slot_seconds, self.scrape_seconds)


class _Environment:
    """Reads single variables and says what is wrong with them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def text(self, name: str, default: str | None = None) -> str | None:
        """The variable's value, else the content of the file that NAME_FILE names, else `default`."""
        value = self._environ.get(name)
        file = self._environ.get(f"{name}_FILE")
        if value and file:
            raise SettingsError(f"{name} and {name}_FILE are both set; set one of them")
        if file:
            try:
                value = Path(file).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise SettingsError(f"{name}_FILE={file}: cannot be read ({error})") from error
        return value or default

    def required(self, name: str, default: str) -> str:
        """As `text`, with a default that is always there."""
        return self.text(name, default) or default

    def number(self, name: str, default: int, minimum: int, maximum: int) -> int:
        """A whole number within a range."""
        text = self.required(name, str(default))
        try:
            value = int(text)
        except ValueError:
            value = minimum - 1
        if not minimum <= value <= maximum:
            raise SettingsError(f"{name}={text}: give a whole number from {minimum} to {maximum}")
        return value

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        """One of a few words."""
        text = self.required(name, default)
        if text not in choices:
            raise SettingsError(f"{name}={text}: give one of {', '.join(choices)}")
        return text

    def url(self, name: str, default: str) -> str:
        """An http or https URL without its last slash."""
        text = self.required(name, default)
        try:
            parts = urlsplit(text)
            good = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            good = False
        if not good:
            raise SettingsError(f"{name}={text}: give a URL like {default}")
        return text.rstrip("/")

    def checked(self, name: str, default: str, check: Callable[[str], bool], mend: str) -> str:
        """A text that `check` accepts."""
        text = self.required(name, default)
        if not check(text):
            raise SettingsError(f"{name}={text}: {mend}")
        return text

    def address(self, name: str, default: str) -> str:
        """One mail address, or several separated by commas."""

        def good(text: str) -> bool:
            return all(
                "@" in one.strip("@") and not set(one) & set(" \r\n<>")
                for one in (part.strip() for part in text.split(","))
            )

        return self.checked(name, default, good, f"give a mail address like {default}")


def _timezone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError) as error:  # what zoneinfo raises for names it does not know
        raise SettingsError(f"REPORT_TIMEZONE={text}: give a zone like UTC or Europe/Berlin") from error


def _headers(text: str | None) -> tuple[tuple[str, str], ...]:
    """`Name: value` pairs, one a line or separated by `;`."""
    pairs = []
    for part in (text or "").replace("\n", ";").split(";"):
        if not part.strip():
            continue
        name, colon, value = part.partition(":")
        if not colon or not name.strip():
            raise SettingsError("PROMETHEUS_HEADERS: give `Name: value`, several separated by `;`")
        pairs.append((name.strip(), value.strip()))
    return tuple(pairs)


def _prometheus(env: _Environment) -> PrometheusSettings:
    ca_file = env.text("PROMETHEUS_CA_FILE")
    if ca_file and not Path(ca_file).is_file():
        raise SettingsError(f"PROMETHEUS_CA_FILE={ca_file}: there is no such file")
    settings = PrometheusSettings(
        url=env.url("PROMETHEUS_URL", "http://127.0.0.1:9090"),
        timeout_seconds=env.number("PROMETHEUS_TIMEOUT_SECONDS", 10, 1, 300),
        bearer_token=env.text("PROMETHEUS_BEARER_TOKEN"),
        username=env.text("PROMETHEUS_USERNAME"),
        password=env.text("PROMETHEUS_PASSWORD"),
        headers=_headers(env.text("PROMETHEUS_HEADERS")),
        tenant=env.text("PROMETHEUS_TENANT"),
        ca_file=ca_file,
    )
    if settings.bearer_token and settings.username:
        raise SettingsError("PROMETHEUS_BEARER_TOKEN and PROMETHEUS_USERNAME are both set; set one of them")
    return settings


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """All settings from the environment.

    Raises SettingsError with the variable, its value and the mend.
    """
    env = _Environment(os.environ if environ is None else environ)
    slot = env.number("SLA_INTERVAL_SECONDS", 300, 5, 3600)
    scrape = env.number("SLA_SCRAPE_INTERVAL_SECONDS", 15, 1, 300)
    if slot % scrape or slot // scrape < 2:  # noqa: PLR2004 - one scrape is no series
        raise SettingsError(
            f"SLA_INTERVAL_SECONDS={slot}: must be a multiple of "
            f"SLA_SCRAPE_INTERVAL_SECONDS={scrape}, two times or more"
        )
    runbooks = env.text("RUNBOOKS_DIR")
    return Settings(
        prometheus=_prometheus(env),
        smtp=SMTPSettings(
            host=env.required("SMTP_HOST", "127.0.0.1"),
            port=env.number("SMTP_PORT", 1025, 1, 65535),
            username=env.text("SMTP_USER"),
            password=env.text("SMTP_PASSWORD"),
            tls=env.choice("SMTP_TLS", "none", ("none", "starttls", "tls")),
            timeout_seconds=10,
        ),
        database_path=Path(env.required("SLA_DATABASE_PATH", "sla.db")),
        definitions_path=Path(env.required("SLA_DEFINITIONS", str(_PACKAGED_DEFINITIONS))),
        slot_seconds=slot,
        scrape_seconds=scrape,
        catch_up_seconds=env.number("SLA_CATCH_UP_SECONDS", 15 * 86400, 0, 35 * 86400),
        bind=env.required("SLA_WORKER_BIND", "127.0.0.1"),
        port=env.number("SLA_WORKER_PORT", 8080, 1, 65535),
        runbooks_dir=Path(runbooks) if runbooks else None,
        report_from=env.address("REPORT_FROM", "sla-worker@example.com"),
        report_owner=env.address("REPORT_OWNER", "owner@example.com"),
        report_platform_team=env.address("REPORT_PLATFORM_TEAM", "platform-team@example.com"),
        report_management=env.address("REPORT_MANAGEMENT", "management@example.com"),
        report_on_call=env.address("REPORT_ON_CALL", "on-call@example.com"),
        timezone=_timezone(env.required("REPORT_TIMEZONE", "UTC")),
        report_hour=env.number("REPORT_HOUR", 9, 0, 23),
        grafana_public_url=env.url("GRAFANA_PUBLIC_URL", "http://localhost:3002"),
        worker_public_url=env.url("SLA_WORKER_PUBLIC_URL", "http://localhost:8080"),
        prometheus_public_url=env.url("PROMETHEUS_PUBLIC_URL", "http://localhost:9090"),
        alertmanager_public_url=env.url("ALERTMANAGER_PUBLIC_URL", "http://localhost:9093"),
        watchdog_seconds=env.number("SLA_WATCHDOG_SECONDS", 600, 0, 86400),
    )
