"""The dead man's switch: notices that the alert Watchdog, which always fires, has stopped arriving."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from sla_worker.conventions import WATCHDOG
from sla_worker.database.outages import OutageStore
from sla_worker.model import WatchdogOutage, WebhookAlert

DRILL_LABEL = "drill"
"""An alert with this label is a rehearsal, sent to Alertmanager by hand."""


def proves_alerting(alert: WebhookAlert) -> bool:
    """Whether an alert shows that Prometheus and Alertmanager work: a Watchdog that fires and is no drill.

    A drill comes straight from a person: it says nothing about Prometheus.
    """
    return alert.alertname == WATCHDOG and alert.status == "firing" and DRILL_LABEL not in alert.labels


class Watchdog:
    """An outage begins when no Watchdog came for `limit_seconds`, since the last one or since the start.

    The limit is measured by `monotonic`, so that neither a corrected clock nor a machine that slept looks
    like an outage; `clock` gives the epoch seconds that are stored. With a limit of 0 there is never one.
    An outage that was stored before a restart goes on until a Watchdog comes. Safe to use from every thread.
    The store answers from memory, so that nothing but a change costs a statement.
    """

    def __init__(
        self,
        store: OutageStore,
        limit_seconds: int,
        *,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self._store = store
        self._limit_seconds = limit_seconds
        self._clock = clock
        self._monotonic = monotonic
        self._heard = monotonic()
        # Between "too long ago" and "so it is an outage" no Watchdog may come in.
        self._lock = threading.Lock()

    def receive(self, alerts: Iterable[WebhookAlert], *, age_seconds: int = 0) -> None:
        """Take note of a Watchdog among alerts that proves alerting; it came so long ago.

        Raises DatabaseError. One that is older than the limit, which another worker kept, proves nothing now.
        """
        if self._limit_seconds and age_seconds >= self._limit_seconds:
            return
        if any(proves_alerting(each) for each in alerts):
            with self._lock:
                self._heard = max(self._heard, self._monotonic() - age_seconds)
                self._store.received(int(self._clock()) - age_seconds)

    def check(self) -> None:
        """Begin an outage, and owe the mail about it, once the limit is reached. Raises DatabaseError."""
        with self._lock:
            waited = self._monotonic() - self._heard
            if self._limit_seconds and waited >= self._limit_seconds and self._store.active() is None:
                now = self._clock()
                self._store.begin(int(now - waited), int(now))

    @property
    def outage(self) -> WatchdogOutage | None:
        """The outage that lasts; None when alerts arrive or nobody watches."""
        return self._store.active() if self._limit_seconds else None

    @property
    def last_received(self) -> int | None:
        """When the last Watchdog came, in epoch seconds; None if none ever did."""
        return self._store.last_received()
