"""The mails about a month that is frozen, or frozen again, after its report has left."""

from __future__ import annotations

from sla_worker.conventions import MONTH_REVISED_MAIL, MONTHLY_MAIL
from sla_worker.database.engine import Engine
from sla_worker.database.outbox import Outbox, Owed
from sla_worker.model import FrozenMonth, follow_up_key

_REPORTS = """
SELECT notification_key FROM sla_notifications n WHERE type = ? AND period_end = ? AND team IS NULL
AND (done_at IS NOT NULL OR EXISTS
     (SELECT 1 FROM sla_deliveries d WHERE d.notification_id = n.id AND d.attempts > 0))
ORDER BY id
"""


class MonthMails:
    """Owes them with the revision, in its transaction."""

    def __init__(self, engine: Engine, outbox: Outbox) -> None:
        self._engine = engine
        self._outbox = outbox

    def frozen(self, month: FrozenMonth) -> None:
        """A revision was frozen: who has the report of the month is told.

        A report that has not left says it itself. Those of teams are read beside the whole one.
        """
        rows = self._engine.rows(_REPORTS, (MONTHLY_MAIL, month.end))
        about = f"{month.month}.{month.revision}"
        self._outbox.add(
            [
                Owed(MONTH_REVISED_MAIL, follow_up_key(MONTH_REVISED_MAIL, about, row["notification_key"]))
                for row in rows
            ],
            month.frozen_at,
        )
