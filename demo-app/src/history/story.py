"""What went wrong in the month: a few incidents, each with a cause, a length, and where it shows."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from demo_app import catalogue as known

MINUTE = 60
DAY = 86_400
REPORT_HOUR = 9


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident: `days` before the day of the last daily report, at `at` (UTC).

    Without `at` it began `ago` minutes before the month ends; one of as many minutes lasts until then.

    `fault` is one of the demo-app's, None: the whole app is down, and another process afterwards. `slas` are
    those that it breaches, as far as they are worth a look.
    """

    title: str
    days: int
    at: dt.time | None
    minutes: int
    fault: str | None
    slas: tuple[str, ...]
    intensity: float | None = None
    ago: int = 0


INCIDENTS = (
    Incident(
        "The database cannot be opened",
        27,
        dt.time(10, 10),
        35,
        known.DATABASE_DOWN,
        ("database-uptime", "database-error-rate", "api-error-rate"),
    ),
    Incident(
        "An upgrade at night takes the platform down",
        23,
        dt.time(2, 0),
        25,
        None,
        ("platform-uptime", "scrape-success"),
    ),
    Incident(
        "A slow release, until it is rolled back",
        19,
        dt.time(14, 0),
        150,
        known.LATENCY,
        ("api-response-time-p95", "api-response-time-p50"),
        intensity=6,
    ),
    Incident(
        "Poisoned messages pile up as dead letters",
        15,
        dt.time(9, 30),
        20,
        known.POISONED_MESSAGES,
        ("dlq-processing-rate", "retry-success-rate", "worker-task-success"),
    ),
    Incident(
        "The CRM's API is unreachable, its breaker opens",
        12,
        dt.time(11, 20),
        40,
        known.DEPENDENCY_DOWN,
        ("circuit-breaker-stability", "api-error-rate"),
    ),
    Incident(
        "A batch import floods the queue of worker-1",
        9,
        dt.time(13, 0),
        120,
        known.QUEUE_FLOOD,
        ("worker-queue-depth",),
    ),
    Incident(
        "Backups fail: their destination is full",
        6,
        dt.time(3, 15),
        200,
        known.BACKUP_FAILURE,
        ("backup-success-rate",),
    ),
    Incident(
        "worker-1 is down",
        4,
        dt.time(8, 5),
        55,
        known.WORKER_DOWN,
        ("agent-worker-uptime",),
    ),
    Incident(
        "The caches are invalidated over and over",
        2,
        dt.time(15, 0),
        180,
        known.CACHE_MISS_STORM,
        ("cache-hit-rate",),
    ),
    Incident(
        "A bad deployment: one request in twenty fails",
        1,
        dt.time(14, 20),
        30,
        known.ERRORS,
        ("api-error-rate",),
        intensity=0.05,
    ),
    Incident(
        "The CRM's API is unreachable again",
        0,
        None,
        25,
        known.DEPENDENCY_DOWN,
        ("circuit-breaker-stability", "api-error-rate", "worker-task-success"),
        ago=300,
    ),
    Incident(
        "worker-1 is down, until make demo starts the app again",
        0,
        None,
        40,
        known.WORKER_DOWN,
        ("agent-worker-uptime",),
        ago=40,
    ),
)


@dataclass(frozen=True, slots=True)
class Happened:
    """An incident with its moments, in epoch seconds. One that `lasts` ends with the month."""

    incident: Incident
    begin: int
    end: int
    lasts: bool = False


def last_report(now: int) -> dt.datetime:
    """When the last daily report left: the story is told from there, so that it holds the last incident."""
    moment = dt.datetime.fromtimestamp(now, dt.UTC)
    due = moment.replace(hour=REPORT_HOUR, minute=0, second=0, microsecond=0)
    return due if due <= moment else due - dt.timedelta(days=1)


def begin_of(now: int, days: int) -> int:
    """The first moment of the month: midnight, so many days before the last report."""
    midnight = last_report(now).replace(hour=0)
    return int((midnight - dt.timedelta(days=days)).timestamp())


def happened(now: int, days: int) -> list[Happened]:
    """The incidents of a month of so many days that ends now, oldest first."""
    return [_happened(each, now) for each in INCIDENTS if each.days < days]


def _happened(incident: Incident, now: int) -> Happened:
    if incident.at is None:
        begin = now // MINUTE * MINUTE - incident.ago * MINUTE
        if incident.minutes == incident.ago:
            return Happened(incident, begin, now, lasts=True)
    else:
        day = last_report(now).date() - dt.timedelta(days=incident.days)
        begin = int(dt.datetime.combine(day, incident.at, tzinfo=dt.UTC).timestamp())
    return Happened(incident, begin, begin + incident.minutes * MINUTE)
