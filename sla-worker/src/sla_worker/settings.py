"""The only reader of the environment. Every variable NAME can also be given as NAME_FILE."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from sla_worker.brand import read_colour, read_logo, read_name
from sla_worker.conventions import URL_SCHEMES
from sla_worker.errors import SettingsError
from sla_worker.grid import Grid

_PACKAGED_DEFINITIONS = Path(__file__).resolve().parents[2] / "sla_thresholds.yml"


@dataclass(frozen=True, slots=True)
class PrometheusSettings:
    """Where Prometheus (or an engine that speaks its API) is, and how to be let in."""

    url: str
    timeout_seconds: float
    bearer_token: str | None = field(repr=False)
    username: str | None
    password: str | None = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    tenant: str | None
    ca_file: str | None
    query_max_series: int = 20_000
    query_max_samples: int = 1_000_000
    query_max_bytes: int = 16_000


@dataclass(frozen=True, slots=True)
class SMTPSettings:
    """The mail server; `tls` is none, starttls or tls."""

    host: str
    port: int
    username: str | None
    password: str | None = field(repr=False)
    tls: str
    timeout_seconds: float


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set from outside."""

    prometheus: PrometheusSettings
    smtp: SMTPSettings
    database_path: Path
    database_url: str | None = field(repr=False)
    definitions_path: Path
    slot_seconds: int
    scrape_seconds: int
    settle_seconds: int | None
    catch_up_seconds: int
    begin_days: int
    reread_seconds: int
    keep_slot_days: int
    keep_hour_days: int
    keep_day_days: int
    keep_report_days: int
    bind: str
    port: int
    public_bind: str | None
    public_port: int
    public_url: str
    runbooks_dir: Path | None
    webhook_token: str | None = field(repr=False)
    allowed_hosts: tuple[str, ...]
    report_from: str
    report_sender_name: str | None
    report_logo: bytes | None = field(repr=False)
    report_colour: str | None
    report_owner: tuple[str, ...]
    report_platform_team: tuple[str, ...]
    report_management: tuple[str, ...]
    report_on_call: tuple[str, ...]
    timezone: ZoneInfo
    report_hour: int
    breach_repeat_hours: int
    grafana_public_url: str
    worker_public_url: str
    prometheus_public_url: str
    alertmanager_public_url: str
    alertmanager_url: str | None
    watchdog_seconds: int
    time_scale: int = 1

    @property
    def database(self) -> str | Path:
        """What the ledger is opened with: the URL if there is one, else the path."""
        return self.database_url or self.database_path

    @property
    def grid(self) -> Grid:
        """The slots that these settings ask for."""
        return Grid(self.slot_seconds, self.scrape_seconds, self.settle_seconds)


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
                value = Path(file).read_text(encoding="utf-8-sig").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise SettingsError(f"{name}_FILE={file}: cannot be read ({error})") from error
            if not value:  # a secret that is not there must not mean that none is asked for
                raise SettingsError(
                    f"{name}_FILE={file}: is empty; write the value into it or unset {name}_FILE"
                )
        if value and not value.strip():
            raise SettingsError(f"{name}={_shown(value)}: is blank; give a value or unset it")
        return value or default

    def required(self, name: str, default: str) -> str:
        """As `text`, with a default that is always there."""
        return self.text(name, default) or default

    def number(self, name: str, default: int, minimum: int, maximum: int) -> int:
        """A whole number within a range."""
        text = self.required(name, str(default))
        value = int(text) if re.fullmatch(r" *[0-9]{1,9} *", text) else minimum - 1
        if not minimum <= value <= maximum:
            raise SettingsError(f"{name}={_shown(text)}: give a whole number from {minimum} to {maximum}")
        return value

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        """One of a few words."""
        text = self.required(name, default)
        if text not in choices:
            raise SettingsError(f"{name}={_shown(text)}: give one of {', '.join(choices)}")
        return text

    def url(self, name: str, default: str) -> str:
        """An http or https URL without its last slash, for everybody to see: it holds no user name."""
        url, login = self.url_and_login(name, default)
        if login:
            raise SettingsError(
                f"{name}={_without_login(self.required(name, default))}: the user name and password before"
                " the @ would be shown on pages and in mails; take them out of the URL"
            )
        return url

    def url_and_login(self, name: str, default: str) -> tuple[str, tuple[str, str] | None]:
        """An http or https URL without its last slash, and apart from it the user name and password in it."""
        text = self.required(name, default)
        try:
            parts = urlsplit(text)
            good = parts.scheme in {"http", "https"} and is_host(parts.hostname or "")
            good = good and (parts.port is None or parts.port > 0)
        except ValueError:
            good = False
        if not good or parts.query or parts.fragment or not text.isprintable() or " " in text:
            raise SettingsError(f"{name}={_shown(_without_login(text))}: give a URL like {default}")
        login, at, address = parts.netloc.rpartition("@")
        url = parts._replace(netloc=address).geturl().rstrip("/")
        if not at:
            return url, None
        user, _, password = login.partition(":")
        return url, (_ascii(name, unquote(user)), _ascii(name, unquote(password)))

    def database_url(self, name: str) -> str | None:
        """The URL of a PostgreSQL database; errors show neither user nor password nor options."""
        text = self.text(name)
        if text is None:
            return None
        try:
            parts = urlsplit(text)
            good = text.startswith(URL_SCHEMES) and bool(parts.path.strip("/"))
            good = good and (parts.port is None or parts.port > 0)
        except ValueError:
            good = False
        if not good or not text.isprintable() or " " in text:
            raise SettingsError(
                f"{name}={_shown(_without_login(text).partition('?')[0])}: give a URL like"
                " postgresql://user:password@host:5432/database"
            )
        return text

    def secret(self, name: str, *, spaces: bool = True) -> str | None:
        """A password or token of printable ASCII, as the protocols carry; errors do not show it."""
        text = self.text(name)
        return text if text is None else _ascii(name, text, spaces=spaces)

    def host(self, name: str, default: str) -> str:
        """An address, or a host name that may exist."""
        text = self.required(name, default)
        if not is_host(text):
            raise SettingsError(f"{name}={_shown(text)}: give a host name or an address like {default}")
        return text

    def hosts(self, name: str) -> tuple[str, ...]:
        """Host names separated by commas, perhaps none."""
        names = [part.strip() for part in (self.text(name) or "").split(",")]
        for each in names:
            if each and not is_host(each):
                raise SettingsError(
                    f"{name}={_shown(each)}: give host names without port, separated by commas"
                )
        return tuple(each for each in names if each)

    def addresses(self, name: str, default: str) -> tuple[str, ...]:
        """One mail address or several, separated by commas; one that is there twice counts once."""
        text = self.required(name, default)
        parts = [part.strip() for part in text.split(",")]
        wrong = next((part for part in parts if not is_address(part)), None)
        if wrong is not None:
            raise SettingsError(
                f"{name}={_shown(text)}: {_shown(wrong) or 'what stands between two commas'} is not a mail"
                f" address; give one like {default}, several separated by commas"
            )
        return tuple(dict.fromkeys(parts))

    def address(self, name: str, default: str) -> str:
        """One mail address."""
        found = self.addresses(name, default)
        if len(found) > 1:
            raise SettingsError(f"{name}={', '.join(found)}: give one mail address like {default}")
        return found[0]


_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = re.compile(rf"(?=.{{1,253}}\.?$)(?:{_LABEL}\.)*{_LABEL}\.?")
_LOCAL_PART = re.compile(r"(?=.{1,64}$)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")


def is_host(text: str) -> bool:
    """Whether a text is an address, or can be a host name: one whose last part is a number cannot."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return _HOST.fullmatch(text) is not None and not text.rstrip(".").rpartition(".")[2].isdigit()
    return True


def is_address(text: str) -> bool:
    """Whether a text is one bare mail address that every mail server takes: ASCII, no name, no quotes."""
    local, at, domain = text.rpartition("@")
    good = bool(at) and _LOCAL_PART.fullmatch(local) is not None and is_host(domain)
    return good and ":" not in domain and not domain.endswith(".")  # of which `email` makes an empty address


def _ascii(name: str, text: str, *, spaces: bool = True) -> str:
    """The text itself, if it is printable ASCII; the error does not show it."""
    for position, sign in enumerate(text, start=1):
        if not " " <= sign <= "~" or (sign == " " and not spaces):
            raise SettingsError(
                f"{name}: character {position} is {sign!a};"
                f" give a value of ASCII letters, digits and signs{'' if spaces else ' without spaces'}"
            )
    return text


def _without_login(url: str) -> str:
    """A URL, however broken, without what stands before its @, for errors and logs."""
    return re.sub(r"^([^@]*?//)?.*@", r"\1…@", url, flags=re.DOTALL)


def _shown(text: str) -> str:
    """A value in an error's one line: what cannot be printed is escaped."""
    return text if text.isprintable() else ascii(text)


def _timezone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError) as error:  # what zoneinfo raises for names it does not know
        raise SettingsError(
            f"REPORT_TIMEZONE={_shown(text)}: give a zone like UTC or Europe/Berlin"
        ) from error


def _headers(text: str | None) -> tuple[tuple[str, str], ...]:
    """`Name: value` pairs, one a line or separated by `;`."""
    pairs = []
    for part in (text or "").replace("\n", ";").split(";"):
        if not part.strip():
            continue
        name, colon, value = part.partition(":")
        if not colon or not _HEADER.fullmatch(name.strip()):
            raise SettingsError("PROMETHEUS_HEADERS: give `Name: value`, several separated by `;`")
        if not (value.isascii() and value.strip().isprintable()):
            raise SettingsError(
                f"PROMETHEUS_HEADERS: the value of {name.strip()} holds a character that no header can;"
                " give ASCII letters, digits and signs"
            )
        pairs.append((name.strip(), value.strip()))
    return tuple(pairs)


def _prometheus(env: _Environment) -> PrometheusSettings:
    ca_file = env.text("PROMETHEUS_CA_FILE")
    if ca_file and not Path(ca_file).is_file():
        raise SettingsError(f"PROMETHEUS_CA_FILE={ca_file}: there is no such file")
    url, login = env.url_and_login("PROMETHEUS_URL", "http://127.0.0.1:9090")
    bearer_token = env.secret("PROMETHEUS_BEARER_TOKEN", spaces=False)
    username = env.secret("PROMETHEUS_USERNAME")
    password = env.secret("PROMETHEUS_PASSWORD")
    ways = {
        "PROMETHEUS_BEARER_TOKEN": bearer_token,
        "PROMETHEUS_USERNAME": username,
        "a user name in PROMETHEUS_URL": login,
    }
    given = [name for name, value in ways.items() if value]
    if len(given) > 1:
        raise SettingsError(f"{' and '.join(given)} are both set; set one of them")
    if login:
        username, password = login
    return PrometheusSettings(
        url=url,
        timeout_seconds=env.number("PROMETHEUS_TIMEOUT_SECONDS", 10, 1, 300),
        bearer_token=bearer_token,
        username=username,
        password=password,
        headers=_headers(env.text("PROMETHEUS_HEADERS")),
        tenant=env.secret("PROMETHEUS_TENANT"),
        ca_file=ca_file,
        query_max_series=env.number("SLA_QUERY_MAX_SERIES", 20_000, 10, 10_000_000),
        query_max_samples=env.number("SLA_QUERY_MAX_SAMPLES", 1_000_000, 1000, 100_000_000),
        query_max_bytes=env.number("SLA_QUERY_MAX_BYTES", 16_000, 1000, 10_000_000),
    )


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """All settings from the environment.

    Raises SettingsError with the variable, its value and the fix.
    """
    env = _Environment(os.environ if environ is None else environ)
    slot = env.number("SLA_INTERVAL_SECONDS", 300, 5, 3600)
    scrape = env.number("SLA_SCRAPE_INTERVAL_SECONDS", 15, 1, 300)
    if slot % scrape or slot // scrape < 2:  # noqa: PLR2004 - one scrape is no series
        raise SettingsError(
            f"SLA_INTERVAL_SECONDS={slot}: must be a multiple of "
            f"SLA_SCRAPE_INTERVAL_SECONDS={scrape}, two times or more"
        )
    begin_days = env.number("SLA_BEGIN_DAYS", 0, 0, 34)
    catch_up = max(env.number("SLA_CATCH_UP_SECONDS", 15 * 86400, 0, 35 * 86400), begin_days * 86400)
    slot_days = env.number("SLA_KEEP_SLOTS", 35, 0, 36_500)
    if slot_days and slot_days * 86400 < catch_up + 86400:
        raise SettingsError(
            f"SLA_KEEP_SLOTS={slot_days}: must be a day more than SLA_CATCH_UP_SECONDS={catch_up} or"
            f" SLA_BEGIN_DAYS={begin_days}, which read them"
        )
    runbooks = env.text("RUNBOOKS_DIR")
    worker_url = env.url("SLA_WORKER_PUBLIC_URL", "http://localhost:8080")
    return Settings(
        prometheus=_prometheus(env),
        smtp=SMTPSettings(
            host=env.host("SMTP_HOST", "127.0.0.1"),
            port=env.number("SMTP_PORT", 1025, 1, 65535),
            username=env.secret("SMTP_USER"),
            password=env.secret("SMTP_PASSWORD"),
            tls=env.choice("SMTP_TLS", "none", ("none", "starttls", "tls")),
            timeout_seconds=20,
        ),
        database_path=Path(env.required("SLA_DATABASE_PATH", "sla.db")),
        database_url=env.database_url("SLA_DATABASE_URL"),
        definitions_path=Path(env.required("SLA_DEFINITIONS", str(_PACKAGED_DEFINITIONS))),
        slot_seconds=slot,
        scrape_seconds=scrape,
        settle_seconds=env.number("SLA_SETTLE_SECONDS", 0, 0, 3600)
        if env.text("SLA_SETTLE_SECONDS")
        else None,
        reread_seconds=env.number("SLA_REREAD_SECONDS", 3600, 0, 86400),
        catch_up_seconds=catch_up,
        begin_days=begin_days,
        keep_slot_days=slot_days,
        keep_hour_days=env.number("SLA_KEEP_HOURS", 400, 0, 36_500),
        keep_day_days=env.number("SLA_KEEP_DAYS", 0, 0, 36_500),
        keep_report_days=env.number("SLA_KEEP_REPORTS", 400, 0, 36_500),
        bind=env.host("SLA_WORKER_BIND", "127.0.0.1"),
        port=env.number("SLA_WORKER_PORT", 8080, 1, 65535),
        public_bind=env.host("SLA_PUBLIC_BIND", "127.0.0.1") if env.text("SLA_PUBLIC_BIND") else None,
        public_port=env.number("SLA_PUBLIC_PORT", 8081, 1, 65535),
        public_url=env.url("SLA_PUBLIC_URL", "http://localhost:8081"),
        runbooks_dir=Path(runbooks) if runbooks else None,
        webhook_token=env.secret("SLA_WEBHOOK_TOKEN", spaces=False),
        allowed_hosts=(urlsplit(worker_url).hostname or "", *env.hosts("SLA_WORKER_ALLOWED_HOSTS")),
        report_sender_name=read_name("REPORT_SENDER_NAME", env.text("REPORT_SENDER_NAME")),
        report_logo=read_logo("REPORT_LOGO", env.text("REPORT_LOGO")),
        report_colour=read_colour("REPORT_COLOUR", env.text("REPORT_COLOUR")),
        report_from=env.address("REPORT_FROM", "sla-worker@example.com"),
        report_owner=env.addresses("REPORT_OWNER", "owner@example.com"),
        report_platform_team=env.addresses("REPORT_PLATFORM_TEAM", "platform-team@example.com"),
        report_management=env.addresses("REPORT_MANAGEMENT", "management@example.com"),
        report_on_call=env.addresses("REPORT_ON_CALL", "on-call@example.com"),
        timezone=_timezone(env.required("REPORT_TIMEZONE", "UTC")),
        report_hour=env.number("REPORT_HOUR", 9, 0, 23),
        breach_repeat_hours=env.number("REPORT_BREACH_REPEAT_HOURS", 4, 0, 168),
        grafana_public_url=env.url("GRAFANA_PUBLIC_URL", "http://localhost:3002"),
        worker_public_url=worker_url,
        prometheus_public_url=env.url("PROMETHEUS_PUBLIC_URL", "http://localhost:9090"),
        alertmanager_url=env.url("ALERTMANAGER_URL", "http://127.0.0.1:9093")
        if env.text("ALERTMANAGER_URL")
        else None,
        alertmanager_public_url=env.url("ALERTMANAGER_PUBLIC_URL", "http://localhost:9093"),
        watchdog_seconds=env.number("SLA_WATCHDOG_SECONDS", 600, 0, 86400),
        time_scale=env.number("SLA_TIME_SCALE", 1, 1, 10_000),
    )
