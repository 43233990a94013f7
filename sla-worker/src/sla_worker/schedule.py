"""Owes the periodic reports when they are due, each once for its period, and has days summed up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final
from zoneinfo import ZoneInfo

from sla_worker import due
from sla_worker.conventions import DAILY_MAIL, MONTHLY_MAIL, WEEKLY_MAIL
from sla_worker.database import SLADatabase
from sla_worker.model import receivers_of

_MADE_UP_FOR: Final[Mapping[str, int]] = {DAILY_MAIL: 1, WEEKLY_MAIL: 5, MONTHLY_MAIL: 3}
"""How many missed reports of a kind are made up for, the newest of them."""


class Schedule:
    """Owes each report at its hour, and has a day summed up that ends without a slot after it.

    Both wait for `settle_seconds`, after which the last slot of their period is stored: at the hour itself it
    would be missing from them. What was done is remembered, so that asking again costs no statement until the
    next time comes.
    """

    def __init__(self, database: SLADatabase, *, zone: ZoneInfo, hour: int, settle_seconds: int) -> None:
        self._database = database
        self._zone = zone
        self._at = dt.time(hour)
        self._settle_seconds = settle_seconds
        self._summed_up: int | None = None
        self._done: dict[str, int] = {}  # by kind the end of the period that was owed
        self._too_young: dict[str, int] = {}  # … or was not, since the ledger has no rows of it
        self._unread: int | None = None

    def run(self, now: float) -> None:
        """Do what is due at `now` and was not done. Raises DatabaseError; what failed is due again."""
        settled = now - self._settle_seconds
        midnight = int(due.last_due(DAILY_MAIL, settled, self._zone, due.MIDNIGHT).timestamp())
        if midnight != self._summed_up:
            self._database.sum_up(midnight)
            self._summed_up = midnight
        for kind in due.REPORTS:
            last = due.last_due(kind, settled, self._zone, self._at)
            end = due.period_end(kind, last)
            if end not in {self._done.get(kind), self._too_young.get(kind)} and self._is_read(kind, end):
                self._owe(kind, last, int(now))

    def caught_up_after(self, slot: int | None) -> None:
        """The newest slot that a catch-up has still to read; None when none is under way."""
        self._unread = slot

    def rows_stored(self) -> None:
        """Perhaps there are rows older than the last report time now."""
        self._too_young.clear()

    def _is_read(self, kind: str, end: int) -> bool:
        """Whether no catch-up has still to read slots of the period."""
        return self._unread is None or self._unread <= due.borders(kind, end, self._zone)[0]

    def _owe(self, kind: str, last: dt.datetime, now: int) -> None:
        """Owe the report, and those before it whose time passed while the worker was down, oldest first.

        Only once there are rows older than its end: a fresh ledger has nothing to report.
        """
        end = due.period_end(kind, last)
        oldest = self._database.oldest_slot()
        if oldest is None or oldest > end:
            self._too_young[kind] = end
            return
        owed = [last]
        before = self._database.outbox.last_report_end(kind, end)
        while before is not None and len(owed) < _MADE_UP_FOR[kind]:
            earlier = due.due_before(kind, owed[0])
            if due.period_end(kind, earlier) <= before:
                break
            owed.insert(0, earlier)
        if not self._is_read(kind, due.period_end(kind, owed[0])):
            return
        outbox = self._database.outbox
        for each in owed:
            until = due.period_end(kind, each)
            for team in self._teams(kind, until):  # first: the whole one says that all are owed
                outbox.owe_report(kind, due.key(kind, each, team), until, now, team=team)
            outbox.owe_report(kind, due.key(kind, each), until, now)
        self._done[kind] = end

    def _teams(self, kind: str, end: int) -> list[str]:
        """The teams that get a report of their own: some of their SLAs were in force before its end."""
        wanted = [each for each in self._database.teams.all().values() if receivers_of(each, kind)]
        if not wanted:
            return []
        versions = self._database.versions()
        begun = {
            each.team
            for key, each in self._database.definitions().items()
            if each.team and any(one.enabled and one.valid_from < end for one in versions[key])
        }
        return [each.name for each in wanted if each.name in begun]
