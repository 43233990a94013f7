"""The worker's own metrics, under the names that conventions.py gives them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from sla_worker import conventions as names
from sla_worker.conventions import ALERT_STATUSES, DELIVERY_RESULTS, RESULTS
from sla_worker.grid import Grid
from sla_worker.model import SEVERITIES, Breach, Definition, Measurement, SLAStatus, State, Status

_UNSURE_ROWS = 50_000
_PASS_BUCKETS = (0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Exporter:
    """Metrics in a registry of their own; bounded label sets are there at zero from the start."""

    def __init__(
        self,
        definitions: Iterable[Definition],
        grid: Grid,
        kinds: Iterable[str],
        pages: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """`kinds` are the kinds of mails, `pages` the addresses of what dashboards link to."""
        # A `_created` beside every counter would double what is scraped.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library left it untyped
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        each = ["sla", "component"]
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
        self._compliance = self._gauge(
            names.COMPLIANCE,
            "Good events of the last 24 hours ÷ all; absent without events",
            [*each, "category"],
        )
        self._target = self._gauge(names.OBJECTIVE, "Share of events that must be good", [*each, "category"])
        self._actual = self._gauge(
            names.ACTUAL, "Value of the newest slot in the unit of the target", [*each, "unit"]
        )
        self._coverage = self._gauge(
            names.COVERAGE, "Measured scrapes of the newest slot ÷ those that should have been", each
        )
        self._events = _Events({definition.key: definition.category for definition in definitions})
        self._registry.register(self._events)
        self._status = self._gauge(
            names.STATUS, "1 for the status of the newest slot, 0 for the others", [*each, "status"]
        )
        self._breaches = self._gauge(names.BREACHES, "Breaches that last", ["severity"])
        self._breach_start = self._gauge(
            names.BREACH_START, "When a breach that lasts began", [*each, "severity"]
        )
        self._budget = self._gauge(
            names.BUDGET,
            "Share of the error budget of the last 30 days that is left; negative when overdrawn",
            each,
        )
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
        self._ahead = self._gauge(
            names.ROWS_AHEAD,
            "Rows of slots that are not due yet, stored by a clock that ran ahead; they do not count",
        )
        self._shown: set[tuple[str, str]] = set()  # SLA and component
        self._begun: set[tuple[str, str, str]] = set()  # SLA, component and severity
        self._slots: dict[tuple[str, str], int] = {}  # the newest slot of each
        self._unsure: dict[tuple[str, str, int], tuple[float, float]] = {}  # rows that may be read again
        self._kinds = dict.fromkeys(kinds)
        self._start_at_zero(definitions)

    def _gauge(self, name: str, text: str, labels: Iterable[str] = ()) -> Gauge:
        return Gauge(name, text, list(labels), registry=self._registry)

    def _counter(self, name: str, text: str, labels: Iterable[str]) -> Counter:
        return Counter(name, text, list(labels), registry=self._registry)

    def _start_at_zero(self, definitions: Iterable[Definition]) -> None:
        for result in RESULTS:
            self._passes.labels(result)
        for kind in self._kinds:
            self._owed.labels(kind)
            for result in DELIVERY_RESULTS:
                self._notifications.labels(kind, result)
        for severity in SEVERITIES:
            self._breaches.labels(severity)
        for status in ALERT_STATUSES:
            self._alerts.labels(status)
        for definition in definitions:
            where = (definition.key, definition.component)
            self._shown.add(where)
            self._target.labels(*where, definition.category).set(definition.objective_ratio)
            for each in Status:
                self._status.labels(*where, each.label)

    def text(self) -> bytes:
        """The metrics in Prometheus' text format."""
        return generate_latest(self._registry)

    def passed(self, *, success: bool, duration_seconds: float, now: float) -> None:
        """Count a pass."""
        self._passes.labels(RESULTS[0] if success else RESULTS[1]).inc()
        self._duration.observe(duration_seconds)
        if success:
            self._last_pass.set(now)

    def counted_before(self, statuses: Iterable[SLAStatus]) -> None:
        """Take over the events that the ledger holds, so that the counters go on where they stood."""
        for each in statuses:
            self._events.add((each.key, each.component), each.good, each.total)

    def counted(self, rows: Iterable[Measurement], *, again: bool = False) -> None:
        """Add the events of rows that were stored; of one that was read again what it has more now.

        What it had before is only known of rows that this process has stored.
        """
        for row in rows:
            if row.late and not again:
                self._late.inc()
            place = (row.key, row.component, row.slot)
            if row.state not in {State.OUT_OF_HOURS, State.EXCLUDED} and (not again or place in self._unsure):
                good, total = self._unsure.pop(place, (0.0, 0.0))
                self._events.add(place[:2], max(row.good - good, 0.0), max(row.total - total, 0.0))
                if not row.final:
                    self._unsure[place] = (max(row.good, good), max(row.total, total))
                    if len(self._unsure) > _UNSURE_ROWS:
                        del self._unsure[next(iter(self._unsure))]
            newest = self._slots.get((row.key, row.component))
            if newest is None or row.slot >= newest:
                self._slots[row.key, row.component] = row.slot
                self._coverage.labels(row.key, row.component).set(row.coverage)

    def slots_missing(self, count: int) -> None:
        """Say how many slots are due and not stored."""
        self._missing.set(count)

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

    def show(self, day: Iterable[SLAStatus], month: Iterable[SLAStatus], active: Iterable[Breach]) -> None:
        """Set the gauges of the SLAs from 24 hours and 30 days of the ledger.

        The components are those of the ledger; the series of one that it no longer names are dropped.
        """
        shown = set()
        for status in day:
            where = (status.key, status.component)
            shown.add(where)
            self._target.labels(*where, status.category).set(status.objective_ratio)
            _set_or_remove(self._compliance, (*where, status.category), status.compliance_ratio)
            _set_or_remove(self._actual, (*where, status.unit), status.actual)
            for each in Status:
                self._status.labels(*where, each.label).set(each is status.status)
        for key, component in self._shown - shown:
            for gauge in (
                self._target,
                self._compliance,
                self._actual,
                self._coverage,
                self._status,
                self._budget,
            ):
                gauge.remove_by_labels({"sla": key, "component": component})
        self._shown = shown
        for status in month:
            _set_or_remove(self._budget, (status.key, status.component), _budget_left(status))
        lasting = list(active)
        begun = {(each.key, each.component, each.severity): each.started_at for each in lasting}
        for over in self._begun - set(begun):
            self._breach_start.remove(*over)
        for lasts, started_at in begun.items():
            self._breach_start.labels(*lasts).set(started_at)
        self._begun = set(begun)
        severities = [each.severity for each in lasting]
        for severity in SEVERITIES:
            self._breaches.labels(severity).set(severities.count(severity))


class _Events(Collector):
    """Counters of the ledger's events; unlike the library's own they begin where the ledger stands."""

    def __init__(self, categories: Mapping[str, str]) -> None:
        self._categories = categories
        self._sums: dict[tuple[str, str], tuple[float, float]] = {}

    def add(self, where: tuple[str, str], good: float, total: float) -> None:
        """Add events of an SLA and component."""
        before = self._sums.get(where, (0.0, 0.0))
        self._sums[where] = (before[0] + good, before[1] + total)

    def collect(self) -> Iterator[CounterMetricFamily]:
        """The two families, as the registry asks for them."""
        labels = ["sla", "component", "category"]
        good = CounterMetricFamily(names.GOOD_EVENTS, "Good events in the ledger", labels=labels)
        total = CounterMetricFamily(names.TOTAL_EVENTS, "Events in the ledger", labels=labels)
        for (key, component), sums in list(self._sums.items()):
            if key in self._categories:
                for family, value in zip((good, total), sums, strict=True):
                    family.add_metric([key, component, self._categories[key]], value)
        yield good
        yield total


def _budget_left(status: SLAStatus) -> float | None:
    """1 - bad ÷ allowed; an objective of 100 % allows nothing. None without events."""
    if status.compliance_ratio is None:
        return None
    bad, allowed = status.total - status.good, (1 - status.objective_ratio) * status.total
    if allowed <= 0:
        return 1.0 if bad <= 0 else -1.0
    return 1 - bad / allowed


def _set_or_remove(gauge: Gauge, labels: tuple[str, ...], value: float | None) -> None:
    """What is not known must be absent, not zero."""
    if value is not None:
        gauge.labels(*labels).set(value)
        return
    gauge.remove(*labels)
