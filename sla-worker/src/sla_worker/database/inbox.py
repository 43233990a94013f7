"""What Alertmanager sends to a worker that stands by: kept until the one that writes takes it over."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sla_worker.database.alerts import AlertStore
from sla_worker.database.engine import Engine
from sla_worker.errors import DatabaseError
from sla_worker.model import WebhookAlert

_MOST_CALLS, _MOST_BYTES = 1000, 32 * 1024 * 1024
_AT_ONCE = 20
_NOW = "EXTRACT(EPOCH FROM clock_timestamp())::bigint"


@dataclass(frozen=True, slots=True)
class Taken:
    """One call of Alertmanager that was taken over, `age_seconds` after it came.

    `new` are those of its alerts that were not stored already: Alertmanager may tell both workers.
    """

    alerts: Sequence[WebhookAlert]
    new: Sequence[WebhookAlert]
    truncated: int
    age_seconds: int


class Inbox:
    """The table webhook_inbox. `put` is for sessions that only read, and may run beside the writer."""

    def __init__(self, engine: Engine, alerts: AlertStore) -> None:
        self._engine = engine
        self._alerts = alerts

    def put(self, alerts: Sequence[WebhookAlert], truncated: int) -> None:
        """Keep one call, in a transaction of its own. Raises DatabaseError; Alertmanager sends it again."""
        with self._engine.transaction():
            self._engine.execute("SET TRANSACTION READ WRITE")
            held = self._engine.row(
                "SELECT COUNT(*) AS calls, COALESCE(SUM(LENGTH(alerts)), 0) AS size FROM webhook_inbox"
            )
            if held["calls"] >= _MOST_CALLS or held["size"] >= _MOST_BYTES:
                raise DatabaseError(
                    f"{self._engine.place}: {held['calls']} calls of Alertmanager wait for the worker that"
                    " leads; see why it does not take them"
                )
            self._engine.execute(
                f"INSERT INTO webhook_inbox (id, put_at, truncated, alerts) VALUES (?, {_NOW}, ?, ?)",  # noqa: S608
                (uuid.uuid4().hex, truncated, json.dumps([asdict(each) for each in alerts])),
            )

    def take(self) -> list[Taken]:
        """Store what waits with the other alerts, in one transaction. Raises DatabaseError."""
        if not self._engine.shared:
            return []
        rows = self._engine.rows(
            f"SELECT id, truncated, alerts, GREATEST({_NOW} - put_at, 0) AS age FROM webhook_inbox"  # noqa: S608
            " ORDER BY put_at, id LIMIT ?",
            (_AT_ONCE,),
        )
        if not rows:
            return []
        taken = []
        with self._engine.transaction():
            for row in rows:
                alerts = [WebhookAlert(**each) for each in json.loads(row["alerts"])]
                new = self._alerts.unknown(alerts)
                self._alerts.add(new)
                taken.append(Taken(alerts, new, row["truncated"], row["age"]))
            self._engine.executemany("DELETE FROM webhook_inbox WHERE id = ?", [(row["id"],) for row in rows])
        return taken
