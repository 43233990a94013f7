"""Frozen months: written once, read as they were written; and what has touched one since."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable

from sla_worker.database.engine import Engine, Row
from sla_worker.model import FrozenMonth, Reason

_COLUMNS = (
    "month, revision, zone, start_at, end_at, frozen_at, reason, compliance, breaches, availability,"
    " worker_version, sha256, touched"
)
_NEWEST = "revision = (SELECT MAX(n.revision) FROM sla_monthly_reports n WHERE n.month = r.month)"
_MOST_WORDS = 2000


class MonthStore:
    """The table sla_monthly_reports."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: tuple[FrozenMonth, ...] | None = None
        self._hooks: list[Callable[[FrozenMonth], None]] = []
        self._all_proposed = False
        engine.on_reset(self._forget)

    # --- reading

    def all(self) -> list[FrozenMonth]:
        """Every revision of every month, oldest first."""
        return self._found("ORDER BY month, revision")

    def newest(self) -> tuple[FrozenMonth, ...]:
        """The newest revision of every month, oldest month first; the process that writes asks once."""
        with self._engine.exclusive():
            if self._known is None or not self._engine.writable:
                self._known = tuple(self._found(f"WHERE {_NEWEST} ORDER BY month"))
            return self._known

    def get(self, month: str, revision: int | None = None) -> FrozenMonth | None:
        """One revision of a month, by default the newest; None where there is none."""
        found = self._found("WHERE month = ? ORDER BY revision", month)
        wanted = [each for each in found if revision in {None, each.revision}]
        return wanted[-1] if wanted else None

    def document(self, month: FrozenMonth) -> str:
        """All that was frozen, as JSON; byte by byte as it was written."""
        return self._text("document", month)

    def content(self, month: FrozenMonth) -> str:
        """The same as text."""
        return self._text("content", month)

    def _text(self, column: str, month: FrozenMonth) -> str:
        row = self._engine.row(
            f"SELECT {column} AS text FROM sla_monthly_reports WHERE month = ? AND revision = ?",  # noqa: S608
            (month.month, month.revision),
        )
        return str(row["text"])

    def _found(self, where: str, *values: object) -> list[FrozenMonth]:
        rows = self._engine.rows(f"SELECT {_COLUMNS} FROM sla_monthly_reports r {where}", values)  # noqa: S608
        return [_month(row) for row in rows]

    def unproposed(self) -> list[FrozenMonth]:
        """The newest revisions whose credits were not looked at yet, oldest first; asked once if none is."""
        with self._engine.exclusive():
            if self._all_proposed:
                return []
            found = self._found(f"WHERE proposed = 0 AND {_NEWEST} ORDER BY month")
            self._all_proposed = not found
            return found

    # --- writing

    def on_frozen(self, hook: Callable[[FrozenMonth], None]) -> None:
        """Call `hook`, inside the transaction, with each revision that is frozen."""
        self._hooks.append(hook)

    def proposed(self, month: FrozenMonth) -> None:
        """The credits of a revision were looked at; inside the caller's transaction."""
        self._engine.execute(
            "UPDATE sla_monthly_reports SET proposed = 1 WHERE month = ? AND revision = ?",
            (month.month, month.revision),
        )

    def add(self, frozen: FrozenMonth, document: str, content: str) -> None:
        """Freeze a revision; the one before it is no longer waiting for one."""
        if hashlib.sha256(document.encode()).hexdigest() != frozen.sha256:
            raise ValueError("the hash is not that of the document")
        with self._engine.transaction():
            self.settled(frozen.month)
            self._engine.execute(
                f"INSERT INTO sla_monthly_reports ({_COLUMNS}, document, content)"  # noqa: S608 - constants
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*_values(frozen), document, content),
            )
            for hook in self._hooks:
                hook(frozen)
            self._known = None
            self._all_proposed = False

    def settled(self, month: str) -> None:
        """What has touched a month was looked at."""
        with self._engine.transaction():
            self._engine.execute("UPDATE sla_monthly_reports SET touched = NULL WHERE month = ?", (month,))
            self._known = None

    def touch(self, start: int, end: int, why: str) -> None:
        """Something else counts in slots that end in (start, end]; inside the caller's transaction."""
        for each in self.newest():
            if each.start >= end or each.end <= start:
                continue
            words = [] if each.touched is None else each.touched.split("; ")
            if why not in words:
                text = "; ".join([*words, why])[:_MOST_WORDS]
                self._engine.execute(
                    "UPDATE sla_monthly_reports SET touched = ? WHERE month = ? AND revision = ?",
                    (text, each.month, each.revision),
                )
                self._known = None

    def stored(self, slots: Iterable[int], reason: Reason) -> None:
        """Rows of these slots were added or changed; inside their transaction."""
        frozen = max((each.end for each in self.newest()), default=0)
        days = {
            f"{dt.datetime.fromtimestamp(slot - 1, dt.UTC):%Y-%m-%d}": slot
            for slot in slots
            if slot <= frozen
        }
        for day, slot in sorted(days.items()):
            self.touch(slot - 1, slot, f"slots of {day} (UTC) measured again ({reason.value})")

    def _forget(self) -> None:
        self._known = None
        self._all_proposed = False


def _month(row: Row) -> FrozenMonth:
    return FrozenMonth(
        month=row["month"],
        revision=row["revision"],
        zone=row["zone"],
        start=row["start_at"],
        end=row["end_at"],
        frozen_at=row["frozen_at"],
        reason=row["reason"],
        compliance_ratio=row["compliance"],
        breaches=row["breaches"],
        availability_ratio=row["availability"],
        worker_version=row["worker_version"],
        sha256=row["sha256"],
        touched=row["touched"],
    )


def _values(month: FrozenMonth) -> tuple[object, ...]:
    return (
        month.month,
        month.revision,
        month.zone,
        month.start,
        month.end,
        month.frozen_at,
        month.reason,
        month.compliance_ratio,
        month.breaches,
        month.availability_ratio,
        month.worker_version,
        month.sha256,
        month.touched,
    )
