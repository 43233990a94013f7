"""What Alertmanager sends: stored and counted, and what another worker kept for this one too."""

from __future__ import annotations

from collections.abc import Sequence

from sla_worker.database import SLADatabase
from sla_worker.exporter import Exporter
from sla_worker.model import WebhookAlert
from sla_worker.watchdog import Watchdog


class Receiver:
    """A Watchdog among the alerts proves that alerting works."""

    def __init__(self, database: SLADatabase, watchdog: Watchdog, exporter: Exporter) -> None:
        self._database = database
        self._watchdog = watchdog
        self._exporter = exporter

    def receive(self, alerts: list[WebhookAlert], truncated: int) -> None:
        """Store alerts and count them. Raises DatabaseError; Alertmanager sends them again."""
        self._watchdog.receive(alerts)
        self._database.alerts.add(alerts)
        self._count(alerts, truncated)

    def take_over(self) -> None:
        """A chore of the loop: what came to a worker that stands by. Raises DatabaseError."""
        for each in self._database.inbox.take():
            self._watchdog.receive(each.alerts, age_seconds=each.age_seconds)
            self._count(each.new, each.truncated)

    def _count(self, alerts: Sequence[WebhookAlert], truncated: int) -> None:
        for each in alerts:
            self._exporter.alert_received(each.status)
        self._exporter.alerts_truncated(truncated)
