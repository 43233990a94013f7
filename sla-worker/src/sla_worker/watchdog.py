"""The dead man's switch: notices that the alert Watchdog, which always fires, has stopped arriving."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from sla_worker.conventions import WATCHDOG
from sla_worker.database.silences import SilenceStore
from sla_worker.model import Silence, WebhookAlert


class Watchdog:
    """Alerting is silent when no Watchdog came for `limit_seconds`, since the last one or since the start.

    The limit is measured by `monotonic`, so that neither a corrected clock nor a machine that slept looks
    like a silence; `clock` gives the epoch seconds that are stored. With a limit of 0 nothing is ever silent.
    A silence that was stored before a restart lasts on until a Watchdog comes. Safe to use from every thread.
    """

    def __init__(
        self,
        store: SilenceStore,
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
        # Between "too long ago" and "so it is a silence" no Watchdog may come in.
        self._lock = threading.Lock()

    def receive(self, alerts: Iterable[WebhookAlert]) -> None:
        """Take note of a Watchdog among alerts; one that is resolved is none. Raises DatabaseError."""
        if any(each.alertname == WATCHDOG and each.status == "firing" for each in alerts):
            with self._lock:
                self._heard = self._monotonic()
                self._store.received(int(self._clock()))

    def check(self) -> None:
        """Begin a silence, and owe the mail about it, once the limit is reached. Raises DatabaseError."""
        with self._lock:
            waited = self._monotonic() - self._heard
            if self._limit_seconds and waited >= self._limit_seconds:
                now = self._clock()
                self._store.begin(int(now - waited), int(now))

    @property
    def silence(self) -> Silence | None:
        """The silence that lasts; None when alerts arrive or nobody watches."""
        return self._store.active() if self._limit_seconds else None

    @property
    def last_received(self) -> int | None:
        """When the last Watchdog came, in epoch seconds; None if none ever did."""
        return self._store.last_received()
