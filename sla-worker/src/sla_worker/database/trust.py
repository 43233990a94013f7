"""Rows that a clock which ran ahead has stored: kept, but not counted until they are measured again.

Nothing is deleted: perhaps it is today's clock that is wrong, and then the rows are the truth and count again
once the clock is right.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from sla_worker.database.engine import Engine
from sla_worker.database.outbox import Outbox
from sla_worker.grid import Grid
from sla_worker.model import FutureRows

_log = logging.getLogger(__name__)
_ALWAYS = 2**62

_REOPEN = """
UPDATE sla_breaches SET ended_at = NULL WHERE started_at < ? AND ended_at >= ?
"""
_WORST = """
UPDATE sla_breaches SET worst_value = COALESCE((
    SELECT CASE MAX(d.comparison) WHEN '>=' THEN MIN(m.actual_value) ELSE MAX(m.actual_value) END
    FROM sla_measurements m JOIN sla_definitions d ON d.id = m.sla_id
    WHERE m.sla_id = sla_breaches.sla_id AND m.component_id = sla_breaches.component_id
      AND m.slot > sla_breaches.started_at AND m.slot <= ? AND m.state = 1), worst_value)
WHERE started_at < ? AND ended_at IS NULL
"""
# Scans the ledger, but only when a clock has jumped. Rows that lie behind may be of that clock as well: it
# filled all slots up to its own present.
_FIRST = "SELECT MIN(slot) AS slot FROM sla_measurements WHERE stored_at > ?"


class Trust:
    """The columns trusted_until and distrusted_until of the table ledger.

    Rows of slots in (trusted_until, distrusted_until] do not count; without the two all rows do.
    """

    def __init__(self, engine: Engine, outbox: Outbox, clock: Callable[[], float], grid: Grid) -> None:
        self._engine = engine
        self._outbox = outbox
        self._clock = clock
        self._grid = grid
        self._stored_at = 0
        self._window: tuple[int, int] | None = None
        self._read = False
        self._future: FutureRows | None = None
        self._hooks: list[Callable[[int], None]] = []
        engine.on_reset(self._forget)

    def on_taken_back(self, hook: Callable[[int], None]) -> None:
        """Call `hook`, inside the transaction, with the slot after which rows do not count any more."""
        self._hooks.append(hook)

    def hidden(self) -> tuple[int, int]:
        """The slots (after, up to) that do not count; two zeros: none is hidden."""
        return self._known() or (0, 0)

    def bound(self) -> int:
        """What begins here or later has not happened yet."""
        window = self._known()
        return _ALWAYS if window is None else window[0]

    def future_rows(self) -> FutureRows | None:
        """The rows after the newest due slot, as they were when `note` was called last."""
        return self._future

    def note(self, newest: int, last: int, rows: int) -> None:
        """The ledger has `rows` rows after the newest due slot, up to `last`: they must not count.

        Neither do the rows before it that were stored later than now. What followed from them is taken back:
        breaches that they resolved go on; mails about breaches and periods that have not come wait for them.
        """
        found = FutureRows(rows, last) if rows else None
        known = self._future is not None and self._future.until == last
        if rows and not known and last > self._clock():
            _log.error(
                "rows lie in the future: the clock was ahead, or is behind now rows=%d until=%d;"
                " they are ignored and measured again when their time has come",
                rows,
                last,
            )
        self._future = found
        window, now = self._known(), self._clock()
        ahead = rows > 0 or self._stored_at > now + self._grid.scrape_seconds
        if ahead and (window is None or newest < window[0] or last > window[1]):
            first = self._engine.row(_FIRST, (int(now),))["slot"]
            if first is None and not rows:
                self._stored_at = int(now)  # all of them were measured again
                return
            after = newest if first is None else min(newest, first - self._grid.slot_seconds)
            self._take_back(min(after, self.bound()), max(last, self.hidden()[1]))

    def stored(self, now: int) -> None:
        """Rows were stored at that moment."""
        self._stored_at = max(self._stored_at, now)

    def advance(self, slot: int) -> None:
        """Slots up to this one were measured again and count, inside the caller's transaction."""
        window = self._known()
        if window is not None and slot > window[0]:
            self._write((slot, window[1]) if slot < window[1] else None)

    def _take_back(self, newest: int, until: int) -> None:
        with self._engine.transaction():
            self._write((newest, until))
            self._engine.execute(_REOPEN, (newest, newest))
            self._engine.execute(_WORST, (newest, newest))
            for hook in self._hooks:
                hook(newest)
            self._outbox.doubt_reports(int(self._clock()))
        self._window, self._read = (newest, until), True

    def _write(self, window: tuple[int, int] | None) -> None:
        self._engine.execute(
            "UPDATE ledger SET trusted_until = ?, distrusted_until = ?", window or (None, None)
        )
        self._engine.reset()  # which mails wait depends on it
        self._window, self._read = window, True

    def _known(self) -> tuple[int, int] | None:
        with self._engine.exclusive():
            if not self._read:
                rows = self._engine.rows(
                    "SELECT trusted_until, distrusted_until FROM ledger WHERE trusted_until IS NOT NULL"
                )
                self._window = (rows[0]["trusted_until"], rows[0]["distrusted_until"]) if rows else None
                self._read = True
            return self._window

    def _forget(self) -> None:
        self._read = False
