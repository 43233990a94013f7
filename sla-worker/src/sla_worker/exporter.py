"""The worker's own metrics, under the names that conventions.py gives them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from sla_worker import conventions as names
from sla_worker.conventions import ALERT_STATUSES, DELIVERY_RESULTS, RESULTS
from sla_worker.grid import Grid
from sla_worker.model import Definition, Measurement, SLAStatus
from sla_worker.sla_metrics import SLAMetrics
from sla_worker.windows import Now

_PASS_BUCKETS = (0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


def _registry(*, leads: bool) -> CollectorRegistry:
    """What every process says of itself."""
    # A `_created` beside every counter would double what is scraped.
    disable_created_metrics()  # type: ignore[no-untyped-call]  # the library left it untyped
    made = CollectorRegistry()
    ProcessCollector(registry=made)
    PlatformCollector(registry=made)
    GCCollector(registry=made)
    Gauge(names.LEADER, "1: this worker measures and mails; 0: it stands by to take over", registry=made).set(
        leads
    )
    return made


class StandbyExporter:
    """The metrics of a worker that stands by: figures that the leader exports too would count twice."""

    def __init__(self) -> None:
        self._registry = _registry(leads=False)

    def text(self) -> bytes:
        """The metrics in Prometheus' text format."""
        return generate_latest(self._registry)


class Exporter:
    """Metrics in a registry of their own; bounded label sets are there at zero from the start."""

    def __init__(
        self,
        definitions: Iterable[Definition],
        grid: Grid,
        kinds: Iterable[str],
        pages: Mapping[str, str] = MappingProxyType({}),
        *,
        invalid: Mapping[str, bool] = MappingProxyType({}),
    ) -> None:
        """`kinds` are the kinds of mails, `pages` the addresses of what dashboards link to.

        `invalid` says of each file of definitions whether it cannot be used.
        """
        self._registry = _registry(leads=True)
        self._gauge(names.SLOT_SECONDS, "Length of a slot, and so of the time between two passes").set(
            grid.slot_seconds
        )
        if pages:
            self._gauge(names.PAGES, "1; its labels are the addresses of the pages for people", pages).labels(
                *pages.values()
            ).set(1)
        self._last_pass = self._gauge(names.LAST_PASS, "End of the last pass that succeeded")
        self._duration = Histogram(
            names.PASS_DURATION,
            "Time of one pass: query, evaluation, commit",
            buckets=_PASS_BUCKETS,
            registry=self._registry,
        )
        self._passes = self._counter(names.PASSES, "Passes by result", ["result"])
        self._database_up = self._gauge(
            names.DATABASE_UP,
            "1 while the ledger can be read and written, 0 after an error, until it can again",
        )
        self._slas = SLAMetrics(definitions)
        self._notifications = self._counter(
            names.NOTIFICATIONS, "Tries to deliver a mail to one recipient", ["type", "result"]
        )
        self._owed = self._gauge(
            names.NOTIFICATIONS_OWED, "Mails that are owed and not delivered yet", ["type"]
        )
        self._watchdog = self._gauge(names.WATCHDOG_RECEIVED, "When the last Watchdog came; 0: none ever did")
        self._outage = self._gauge(
            names.WATCHDOG_OUTAGE, "1 while the Watchdog does not come, so that no alert would, else 0"
        )
        self._alerts = self._counter(names.WEBHOOK_ALERTS, "Alerts received from Alertmanager", ["status"])
        self._truncated = self._counter(
            names.WEBHOOK_TRUNCATED, "Alerts that Alertmanager left out of its webhooks (max_alerts)", []
        )
        self._late = self._counter(names.LATE_ROWS, "Rows that were stored after their slot was due", [])
        self._missing = self._gauge(names.SLOTS_MISSING, "Slots that are due and not in the ledger")
        self._incomplete = self._gauge(
            names.INCOMPLETE,
            "For how long passes have left something out: a slot, or what Prometheus refused or answered in"
            " part; 0 after one that left out nothing",
        )
        self._ahead = self._gauge(
            names.ROWS_AHEAD,
            "Rows of slots that are not due yet, stored by a clock that ran ahead; they do not count",
        )
        self._maintained = self._gauge(
            names.MAINTENANCE, "1 while maintenance of the SLA lasts, whose time does not count", ["sla"]
        )
        self._invalid = self._gauge(
            names.DEFINITIONS_INVALID,
            "1 while a file of definitions cannot be used, so that what it said before goes on, else 0",
            ["file"],
        )
        for name, wrong in invalid.items():
            self._invalid.labels(name).set(wrong)
        self._kinds = dict.fromkeys(kinds)
        self._start_at_zero()

    def _gauge(self, name: str, text: str, labels: Iterable[str] = ()) -> Gauge:
        return Gauge(name, text, list(labels), registry=self._registry)

    def _counter(self, name: str, text: str, labels: Iterable[str]) -> Counter:
        return Counter(name, text, list(labels), registry=self._registry)

    def _start_at_zero(self) -> None:
        for result in RESULTS:
            self._passes.labels(result)
        for kind in self._kinds:
            self._owed.labels(kind)
            for result in DELIVERY_RESULTS:
                self._notifications.labels(kind, result)
        for status in ALERT_STATUSES:
            self._alerts.labels(status)

    def text(self) -> bytes:
        """The metrics in Prometheus' text format."""
        return generate_latest(self._registry) + self._slas.text()

    def watch_database(self, trouble: Callable[[], str | None]) -> None:
        """Ask with each scrape whether the database can be used; `trouble` must wait for nobody."""
        self._database_up.set_function(lambda: float(trouble() is None))

    def passed(self, *, success: bool, duration_seconds: float, now: float) -> None:
        """Count a pass."""
        self._passes.labels(RESULTS[0] if success else RESULTS[1]).inc()
        self._duration.observe(duration_seconds)
        if success:
            self._last_pass.set(now)

    def counted_before(self, statuses: Iterable[SLAStatus]) -> None:
        """Take over the events that the ledger holds, so that the counters go on where they stood."""
        for each in statuses:
            self._slas.add(each.key, each.component, each.good, each.total)

    def counted(self, rows: Iterable[Measurement], *, again: bool = False) -> None:
        """Add the events of rows that were stored; of one that was read again what it has more now.

        What it had before is only known of rows that this process has stored.
        """
        for row in rows:
            if row.late and not again:
                self._late.inc()
            self._slas.counted(row, again=again)

    def slots_missing(self, count: int) -> None:
        """Say how many slots are due and not stored."""
        self._missing.set(count)

    def incomplete(self, seconds: float) -> None:
        """Say for how long passes have left something out."""
        self._incomplete.set(seconds)

    def maintained(self, slas: Iterable[str]) -> None:
        """Say of which SLAs maintenance lasts, by their keys."""
        self._maintained.clear()
        for key in slas:
            self._maintained.labels(key).set(1)

    def rows_ahead(self, count: int) -> None:
        """Say how many rows lie after the newest due slot."""
        self._ahead.set(count)

    def notified(self, kind: str, result: str) -> None:
        """Count a try to deliver a mail to one recipient."""
        self._notifications.labels(kind, result).inc()

    def owed(self, mails: Mapping[str, int]) -> None:
        """Say how many mails are owed, by type."""
        self._kinds |= dict.fromkeys(mails)  # those of a newer version's database too
        for kind in self._kinds:
            self._owed.labels(kind).set(mails.get(kind, 0))

    def watchdog(self, last_received: int | None, *, outage: bool) -> None:
        """Say when the last Watchdog came (None: never) and whether alerting is down."""
        self._watchdog.set(last_received or 0)
        self._outage.set(outage)

    def alert_received(self, status: str) -> None:
        """Count an alert; `status` is firing or resolved."""
        self._alerts.labels(status).inc()

    def alerts_truncated(self, count: int) -> None:
        """Count alerts that Alertmanager left out."""
        self._truncated.inc(count)

    def show(self, now: Now) -> None:
        """Show the SLAs as the ledger has them now."""
        self._slas.show(now)
