"""What Alertmanager's webhook sent, bounded to the newest alerts; of what always comes, the newest only."""

from __future__ import annotations

import json
from collections.abc import Iterable

from sla_worker.conventions import WATCHDOG
from sla_worker.database.engine import Engine
from sla_worker.model import WebhookAlert

KEPT_ALERTS = 10_000


class AlertStore:
    """The table webhook_alerts."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, alerts: Iterable[WebhookAlert]) -> None:
        """Store the alerts of one call and drop the oldest above the bound, in one transaction.

        A Watchdog that fires takes the place of the one before it: one a minute would push all others out
        within a week.
        """
        alerts = list(alerts)
        with self._engine.transaction():
            if any(each.alertname == WATCHDOG for each in alerts):
                self._engine.execute(
                    "DELETE FROM webhook_alerts WHERE alertname = ? AND status = 'firing'", (WATCHDOG,)
                )
            newest = self._engine.next_id("webhook_alerts") - 1
            for each in alerts:
                newest += 1
                self._engine.execute(
                    "INSERT INTO webhook_alerts (id, fingerprint, status, alertname, receiver, labels,"
                    " annotations, starts_at, ends_at, received_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        newest,
                        each.fingerprint,
                        each.status,
                        each.alertname,
                        each.receiver,
                        json.dumps(each.labels, sort_keys=True),
                        json.dumps(each.annotations, sort_keys=True),
                        each.starts_at,
                        each.ends_at,
                        each.received_at,
                    ),
                )
            self._engine.execute(
                "DELETE FROM webhook_alerts WHERE id <="
                " (SELECT id FROM webhook_alerts ORDER BY id DESC LIMIT 1 OFFSET ?)",
                (KEPT_ALERTS,),
            )

    def newest(self, limit: int) -> list[WebhookAlert]:
        """The newest alerts, newest first."""
        return [
            WebhookAlert(
                status=row["status"],
                alertname=row["alertname"],
                receiver=row["receiver"],
                labels=json.loads(row["labels"]),
                annotations=json.loads(row["annotations"]),
                starts_at=row["starts_at"],
                ends_at=row["ends_at"],
                received_at=row["received_at"],
                fingerprint=row["fingerprint"],
            )
            for row in self._engine.rows("SELECT * FROM webhook_alerts ORDER BY id DESC LIMIT ?", (limit,))
        ]
