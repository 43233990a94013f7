"""What people page through, newest first: measurements, breaches, the mails that were owed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sla_worker.database.breaches import BreachStore
from sla_worker.database.definitions import DefinitionStore
from sla_worker.database.engine import Engine
from sla_worker.database.reading import RowReader
from sla_worker.database.trust import Trust
from sla_worker.errors import CursorError
from sla_worker.model import Breach, Changes, Measurement, OwedMail

_PLACE = re.compile(r"([0-9]{1,12})\.([0-9]{1,12})")
_TO_COME = 2**53  # no moment is later
_DELIVERIES = "(SELECT COUNT(*) FROM sla_deliveries d WHERE d.notification_id = n.id AND "
_MAILS = f"""
SELECT n.id, n.type, n.created_at, n.period_end, n.breach_id, n.sent_at, n.done_at, n.team,
       (SELECT MAX(s.made_at) FROM sla_sent_reports s WHERE s.notification_id = n.id) AS kept_at,
       n.recipients AS named,
       {_DELIVERIES} (d.result IS NULL OR d.result <> 'withdrawn')) AS recipients,
       {_DELIVERIES} d.result = 'delivered') AS delivered,
       {_DELIVERIES} d.result = 'given up') AS given_up
FROM sla_notifications n
"""  # noqa: S608 - constants


_STORED_SINCE = """
SELECT COUNT(DISTINCT m.slot) AS number FROM sla_series s CROSS JOIN sla_measurements m
WHERE m.sla_id = s.sla_id AND m.component_id = s.component_id AND m.slot > ? AND m.slot <= ?
  AND m.stored_at > ?
"""
_EXCLUDED_SINCE = """
SELECT COUNT(*) AS number FROM sla_exclusions x
WHERE (x.created_at > ? OR x.ended_at > ? OR x.revoked_at > ?)
  AND EXISTS (SELECT 1 FROM sla_exclusion_spans p
              WHERE p.exclusion_id = x.id AND p.start_at < ? AND p.end_at > ?)
"""
_CORRECTED_SINCE = """
SELECT COUNT(*) AS number FROM sla_corrections
WHERE (created_at > ? OR revoked_at > ?) AND start_at < ? AND end_at > ?
"""


class Browser:
    """Each call returns a page and the place after which the next one begins; None: there is no more.

    A place is given back as it was handed out. Raises CursorError for one that is none.
    """

    def __init__(
        self,
        engine: Engine,
        definitions: DefinitionStore,
        *,
        rows: RowReader,
        breaches: BreachStore,
        trust: Trust,
    ) -> None:
        self._engine = engine
        self._definitions = definitions
        self._rows = rows
        self._breaches = breaches
        self._trust = trust

    def measurements(
        self, key: str, start: int, end: int, *, after: str | None = None, limit: int
    ) -> tuple[list[Measurement], str | None]:
        """The rows of the slots in (start, end]; empty for an unknown key."""
        slot, component = (_TO_COME, 0) if after is None else _place(after)
        found = self._rows.newest(key, limit + 1, start=start, end=end, after=(slot, component))
        numbers = self._definitions.components()
        return _page(found, limit, lambda row: f"{row.slot}.{numbers[row.component]}")

    def breaches(
        self,
        *,
        after: str | None = None,
        limit: int,
        start: int = 0,
        end: int = _TO_COME,
        lasting: bool | None = None,
        key: str | None = None,
        severity: str | None = None,
        category: str | None = None,
        team: str | None = None,
    ) -> tuple[list[Breach], str | None]:
        """The breaches that touch [start, end) and have what is given; the one that began last comes first.

        `lasting`: only those that last, or only those that are over. One of a removed SLA, which nothing ends
        any more, does not last.
        """
        began, number = (_TO_COME, 0) if after is None else _place(after)
        wanted = [
            "b.started_at < ? AND (b.ended_at IS NULL OR (b.ended_at > ? AND b.ended_at > b.started_at))",
            "(b.started_at < ? OR (b.started_at = ? AND b.id < ?))",
        ]
        values: list[Any] = [min(end, self._trust.bound()), start, began, began, number]
        if lasting is not None:
            wanted.append(f"{'' if lasting else 'NOT '}(b.ended_at IS NULL AND d.enabled = 1)")
        named = (("d.key", key), ("b.severity", severity), ("d.category", category), ("d.team", team))
        for column, value in named:
            if value is not None:
                wanted.append(f"{column} = ?")
                values.append(value)
        where = f"WHERE {' AND '.join(wanted)} ORDER BY b.started_at DESC, b.id DESC LIMIT ?"
        found = self._breaches.select(where, [*values, limit + 1])
        return _page(found, limit, lambda each: f"{each.started_at}.{each.id}")

    def mails(
        self, *, after: str | None = None, limit: int, kind: str | None = None
    ) -> tuple[list[OwedMail], str | None]:
        """The mails that were owed, without their addresses."""
        number = _TO_COME if after is None else _place(after)[1]
        rows = self._engine.rows(
            f"{_MAILS}WHERE n.id < ? AND (n.type = ? OR ? = '') ORDER BY n.id DESC LIMIT ?",
            (number, kind or "", kind or "", limit + 1),
        )
        return _page([_mail(row) for row in rows], limit, lambda each: f"{each.created_at}.{each.id}")

    def changes(self, start: int, end: int, since: int) -> Changes:
        """What was stored, excluded or corrected after a moment, of the slots that end in (start, end]."""

        def count(sql: str, *values: int) -> int:
            return int(self._engine.row(sql, values)["number"])

        return Changes(
            slots=count(_STORED_SINCE, start, end, since),
            exclusions=count(_EXCLUDED_SINCE, since, since, since, end, start),
            corrections=count(_CORRECTED_SINCE, since, since, end, start),
        )


def _mail(row: dict[str, Any]) -> OwedMail:
    named = row.pop("named")
    if named and not row["recipients"]:  # of a version that kept no row a recipient
        row["recipients"] = len(named.split(","))
        row["delivered"] = row["recipients"] if row["sent_at"] is not None else 0
    return OwedMail(**row)


def _page(found: Sequence[Any], limit: int, place: Any) -> tuple[list[Any], str | None]:
    page = list(found[:limit])
    return page, place(page[-1]) if len(found) > limit else None


def _place(text: str) -> tuple[int, int]:
    match = _PLACE.fullmatch(text)
    if match is None:
        raise CursorError(f"{text[:40]!r} is not the `next` of a page; leave it out for the first one")
    return int(match[1]), int(match[2])
