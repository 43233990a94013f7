"""What follows when other rows count than before: sums, and breaches; in the caller's transaction."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Iterable, Sequence

from sla_worker.conventions import LAST_MOMENT
from sla_worker.database.adjustments import AdjustmentStore
from sla_worker.database.definitions import DefinitionStore, StoredDefinition
from sla_worker.database.engine import Engine, Row
from sla_worker.database.exclusions import ExclusionStore
from sla_worker.database.measurements import MeasurementStore
from sla_worker.database.months import MonthStore
from sla_worker.database.periods import HOUR_SECONDS
from sla_worker.database.rollups import RollupStore
from sla_worker.database.rows import Pair
from sla_worker.errors import SLAWorkerError
from sla_worker.exclusions import Covered, outward
from sla_worker.grid import Grid

_NO_TEXT = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_SHOWN = 40
_BREACHES = """
SELECT id, started_at, ended_at, worst_value FROM sla_breaches
WHERE sla_id = ? AND component_id = ? AND started_at < ? AND (ended_at IS NULL OR ended_at > ?)
"""
# As they were, whether they are annulled or not.
_OLD_BREACHES = """
SELECT b.id, COALESCE(n.start_at, b.started_at) AS started_at, COALESCE(n.end_at, b.ended_at) AS ended_at
FROM sla_breaches b LEFT JOIN sla_annulled_breaches n ON n.breach_id = b.id
WHERE b.sla_id = ? AND b.component_id = ? AND b.started_at >= ? AND b.started_at < ?
  AND (n.breach_id IS NOT NULL OR b.ended_at > b.started_at)
"""
# Made by a window or a correction that is gone: it is none now, nobody was told of it, and what was
# measured begins no breach there: its first slot was not bad, or the one before was bad as well.
_ARTIFACTS = """
SELECT b.id FROM sla_breaches b WHERE b.sla_id = ? AND b.component_id = ? AND b.ended_at = b.started_at
  AND NOT EXISTS (SELECT 1 FROM sla_notifications n WHERE n.breach_id = b.id) AND b.catch_up_id IS NULL
  AND EXISTS (
      SELECT 1 FROM sla_measurements m LEFT JOIN sla_measurements f
        ON f.sla_id = m.sla_id AND f.component_id = m.component_id AND f.slot = b.started_at
      WHERE m.sla_id = b.sla_id AND m.component_id = b.component_id AND m.slot = b.started_at + ?
        AND (m.state <> 1 OR f.state = 1))
  AND (b.id = ? OR EXISTS (
      SELECT 1 FROM sla_breaches o WHERE o.sla_id = b.sla_id AND o.component_id = b.component_id
        AND o.started_at < b.started_at AND (o.ended_at IS NULL OR o.ended_at > b.started_at)))
"""


class ExclusionError(SLAWorkerError):
    """An exclusion or a correction cannot be made, ended or revoked as it was asked for; nothing changed."""


class Consequences:
    """All that is made of rows, exclusions and corrections, made again for some time."""

    def __init__(
        self,
        engine: Engine,
        *,
        definitions: DefinitionStore,
        exclusions: ExclusionStore,
        adjustments: AdjustmentStore,
        measurements: MeasurementStore,
        rollups: RollupStore,
        months: MonthStore,
        grid: Grid,
    ) -> None:
        self._engine = engine
        self._definitions = definitions
        self._exclusions = exclusions
        self._adjustments = adjustments
        self._measurements = measurements
        self._rollups = rollups
        self._grid = grid
        self._months = months

    def whole_hours(self, start: int, end: int) -> tuple[int, int]:
        """Moved outward to hours, as far as only those are kept."""
        kept = self._rollups.marks().slots_after or 0
        if start >= kept:
            return start, end
        begin, until = outward(start, end, HOUR_SECONDS, self._rollups.phase)
        return begin, max(end, min(until, kept))

    def require_whole_hours(self, spans: Iterable[tuple[int, int]], what: str) -> None:
        """Where only hours are kept, what other exclusions leave of one cannot be told any more.

        Raises ExclusionError.
        """
        spans = list(spans)
        kept = self._rollups.marks().slots_after or 0
        in_force = self._exclusions.in_force()
        for series in self._adjustments.series():
            covered = in_force.maintained(series.definition.id, series.component)
            for start, end in (self.whole_hours(*each) for each in spans):
                for begin, until in covered.within(start, min(end, kept)):
                    if (begin, until) != outward(begin, until, HOUR_SECONDS, self._rollups.phase):
                        raise ExclusionError(
                            f"{what}: another one covers {utc(begin)} to {utc(until)}, part of an hour that"
                            " is kept as a sum only; revoke that one first"
                        )
        self.require_uncorrected(spans, what)

    def require_uncorrected(self, spans: Iterable[tuple[int, int]], what: str) -> None:
        """Nor can what a correction made of it, once its slots are gone. Raises ExclusionError."""
        kept = self._rollups.marks().slots_after or 0
        for start, end in (self.whole_hours(*each) for each in spans):
            for each in itertools.chain.from_iterable(self._exclusions.in_force().corrections.values()):
                if start < kept and each.start < min(end, kept) and each.end > start:
                    raise ExclusionError(
                        f"{what}: correction {each.id} changed hours that are kept as sums only;"
                        " revoke that one first"
                    )

    def derive(
        self,
        spans: Iterable[tuple[int, int]],
        now: int,
        *,
        quiet: bool = False,
        why: str = "another exclusion",
    ) -> None:
        """What counts in these times, and the breaches; `quiet`: no mail about those that are left.

        A month that is closed has another revision then.
        """
        newest = self._measurements.newest_slot(now)
        past = [
            (start, min(end, newest))
            for start, end in (self.whole_hours(*each) for each in spans)
            if newest is not None and start < newest
        ]
        changed: dict[Pair, tuple[StoredDefinition, int, int]] = {}
        for start, end in past:
            for pair, definition in self._adjustments.derive(start, end):
                _, since, until = changed.get(pair, (definition, start, end))
                changed[pair] = definition, min(since, start), max(until, end)
        for pair, (definition, since, until) in changed.items():
            self._breaches(pair, definition, (since, until), now, quiet=quiet)
        if past:  # days count breaches too
            self._adjustments.sum_up(min(start for start, _ in past), max(end for _, end in past))
        for start, end in past:
            self._months.touch(start, end, why)

    def _breaches(
        self, pair: Pair, definition: StoredDefinition, time: tuple[int, int], now: int, *, quiet: bool
    ) -> None:
        since, until = time
        kept = self._rollups.marks().slots_after or 0
        before = self._engine.rows(_BREACHES, (*pair, now, since))
        names = {number: name for name, number in self._definitions.components().items()}
        covered = self._exclusions.in_force().maintained(definition.id, names[pair[1]])
        if since < kept:
            self._annul_old(pair, covered, since, kept)
        slots = max(since, kept) + self._grid.slot_seconds, until
        if until > kept:
            self._measurements.breaches_again(pair, slots, definition, now, quiet=quiet)
        none = {
            row["id"]
            for row in self._engine.rows(
                "SELECT id FROM sla_breaches WHERE sla_id = ? AND component_id = ? AND ended_at = started_at",
                pair,
            )
        }
        gone = [row for row in before if row["id"] in none]
        if not quiet:
            gone = self._forget_artifacts(pair, gone)
        self._engine.executemany(
            "INSERT INTO sla_annulled_breaches (breach_id, start_at, end_at, worst_value) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (breach_id) DO NOTHING",
            [(row["id"], row["started_at"], row["ended_at"], row["worst_value"]) for row in gone],
        )
        self._engine.execute(
            "DELETE FROM sla_annulled_breaches WHERE breach_id IN (SELECT id FROM sla_breaches"
            " WHERE sla_id = ? AND component_id = ? AND (ended_at IS NULL OR ended_at > started_at))",
            pair,
        )

    def _forget_artifacts(self, pair: Pair, gone: Sequence[Row]) -> list[Row]:
        """Delete breaches that only a window or a correction had made. Returns those that are left."""
        found = {
            row["id"]
            for number in [*(each["id"] for each in gone), 0]
            for row in self._engine.rows(_ARTIFACTS, (*pair, self._grid.slot_seconds, number))
        }
        for sql in (
            "DELETE FROM sla_annulled_breaches WHERE breach_id = ?",
            "DELETE FROM sla_breaches WHERE id = ?",
        ):
            self._engine.executemany(sql, [(number,) for number in sorted(found)])
        return [each for each in gone if each["id"] not in found]

    def _annul_old(self, pair: Pair, covered: Covered, since: int, kept: int) -> None:
        """Breaches whose slots are gone: none when they lie wholly in excluded time, else as they were."""
        rows = self._engine.rows(_OLD_BREACHES, (*pair, since - HOUR_SECONDS, kept))
        self._engine.executemany(
            "UPDATE sla_breaches SET ended_at = ? WHERE id = ?",
            [
                (start if _wholly(covered, start, end) else end, row["id"])
                for row in rows
                for start, end in [(row["started_at"], row["ended_at"])]
                if end is not None and end <= kept
            ],
        )


def _wholly(covered: Covered, start: int, end: int) -> bool:
    return covered.seconds(start, end) == end - start > 0


def signed(author: str, reason: str = "none needed") -> None:
    """Raise ExclusionError unless both are given, as text that any ledger can hold."""
    for name, text in (("author", author), ("reason", reason)):
        if not text.strip():
            raise ExclusionError(f"the {name} is missing; give --{name}")
        if _NO_TEXT.search(text):
            raise ExclusionError(f"--{name} {text[:_SHOWN]!a}: has bytes that are no text; give UTF-8 text")


def within_reach(*moments: int) -> None:
    """Raise ExclusionError for a time that calendars cannot show in every timezone."""
    for each in moments:
        if not 0 <= each <= LAST_MOMENT:
            raise ExclusionError(
                f"a time {'after 9999-12-31' if each > 0 else 'before 1970'} cannot be used; give one between"
            )


def utc(moment: int) -> str:
    """A moment as error lines say it."""
    return f"{dt.datetime.fromtimestamp(moment, dt.UTC):%Y-%m-%d %H:%M} UTC"
