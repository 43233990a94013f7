"""What was counted of every series over spans of time, from slots, hours and days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sla_worker.database.engine import Engine
from sla_worker.database.exclusions import ExclusionStore, InForce
from sla_worker.database.periods import Part
from sla_worker.database.rollups import RollupStore
from sla_worker.database.rows import Pair
from sla_worker.database.sums_sql import AS_COUNTED, AS_MEASURED, TABLES, of_one
from sla_worker.database.trust import Trust

_AT_ONCE = 100  # parts in a statement: SQLite joins no more than 500
_KEPT = 16  # parts in memory: the windows of a pass have a dozen of hours and days


class Sums(NamedTuple):
    """What was counted: good events, all events, slots by their measured share, slots that do not count."""

    good: float
    total: float
    covered: float
    left_out: int

    def plus(self, other: Sums) -> Sums:
        """Both together."""
        return Sums(
            self.good + other.good,
            self.total + other.total,
            self.covered + other.covered,
            self.left_out + other.left_out,
        )


NONE = Sums(0.0, 0.0, 0.0, 0)
Found = Mapping[Pair, Sums]
"""The sums by the series; one without a slot is not there."""


class _Asked(NamedTuple):
    """A part of a period as it is asked for: equal ones have equal sums as long as nothing was written."""

    part: Part
    counted: bool  # by what counts instead of what was measured
    values: tuple[int, ...]


class SumReader:
    """Sums of slots, hours and days.

    Those of hours and days stay in memory as long as nothing is written to their tables: most passes add
    slots to hours that are not over yet, and read slots alone.
    """

    def __init__(
        self, engine: Engine, trust: Trust, *, rollups: RollupStore, exclusions: ExclusionStore
    ) -> None:
        self._engine = engine
        self._trust = trust
        self._rollups = rollups
        self._exclusions = exclusions
        self._kept: dict[_Asked, tuple[tuple[int, ...], Found]] = {}
        engine.on_reset(self._forget)

    def over(self, spans: Sequence[tuple[int, int]], in_force: InForce | None = None) -> list[Found]:
        """The sums of every series over each of the spans (start, end], by one statement for all of them.

        Spans that share a part (those that end together do: the hours and slots of today) read it once.
        `in_force` says what does not count; None: by the ledger.
        """
        if in_force is None:
            in_force = self._exclusions.in_force()
        hidden = self._trust.hidden()
        wanted: dict[Part, Found] = {}
        cuts = [self._rollups.parts(*span) for span in spans]
        asked = {part: self._asked(part, in_force, hidden) for cut in cuts for part in cut}
        with self._engine.exclusive():
            missing = []
            for part, each in asked.items():
                kept = self._known(each)
                if kept is None:
                    missing.append(each)
                else:
                    wanted[part] = kept
            for first in range(0, len(missing), _AT_ONCE):
                some = missing[first : first + _AT_ONCE]
                for each, found in zip(some, self._read(some), strict=True):
                    wanted[each.part] = found
                    self._keep(each, found)
        return [_added([wanted[part] for part in cut]) for cut in cuts]

    def of_series(self, wanted: Sequence[tuple[Pair, tuple[int, int]]]) -> list[Sums | None]:
        """The sums of one series over one span for each of them; None: it has no slot there.

        Of a hundred breaches of thousands of series `over` would read a hundred times all of these.
        """
        in_force, hidden = self._exclusions.in_force(), self._trust.hidden()
        asked = [
            (number, pair, self._asked(part, in_force, hidden))
            for number, (pair, span) in enumerate(wanted)
            for part in self._rollups.parts(*span)
        ]
        found: list[Sums | None] = [None] * len(wanted)
        with self._engine.exclusive():
            for first in range(0, len(asked), _AT_ONCE):
                some = asked[first : first + _AT_ONCE]
                read = self._read([each for _, _, each in some], [pair for _, pair, _ in some])
                for (number, pair, _), sums in zip(some, read, strict=True):
                    so_far, more = found[number], sums.get(pair)
                    if more is not None:
                        found[number] = more if so_far is None else so_far.plus(more)
        return found

    def _asked(self, part: Part, in_force: InForce, hidden: tuple[int, int]) -> _Asked:
        values: tuple[int, ...] = hidden
        if part.source == "hours":
            values = (self._rollups.newest_hour(part.end),)
        elif part.source == "days":
            values = (part.end,)
        return _Asked(part, in_force.touch(part.start, part.end), (part.start, part.end, *values))

    def _read(self, asked: Sequence[_Asked], pairs: Sequence[Pair] = ()) -> list[dict[Pair, Sums]]:
        """Of every series, or of the one that `pairs` says for each of the parts."""
        texts: list[str] = []
        values: list[int] = []
        for number, each in enumerate(asked):
            source = (AS_COUNTED if each.counted else AS_MEASURED)[each.part.source]
            if pairs:
                source = of_one(source)
                values += pairs[number]
            texts.append(f"SELECT {number} AS part, p.* FROM ({source}) AS p")  # noqa: S608
            values += each.values
        found: list[dict[Pair, Sums]] = [{} for _ in asked]
        for row in self._engine.rows("\nUNION ALL\n".join(texts), values):
            found[row["part"]][row["sla_id"], row["component_id"]] = Sums(
                row["good"] or 0.0, row["total"] or 0.0, row["covered"] or 0.0, row["left_out"]
            )
        return found

    def _known(self, asked: _Asked) -> Found | None:
        """What was read before, if it still holds."""
        kept = self._kept.get(asked)
        if kept is None or kept[0] != self._engine.changes(TABLES[asked.part.source]):
            return None
        self._kept[asked] = self._kept.pop(asked)  # the newest last: the first one goes first
        return kept[1]

    def _keep(self, asked: _Asked, found: Found) -> None:
        """Another program may write where this one may not: then nothing is known of changes."""
        tables = TABLES.get(asked.part.source)
        if tables is None or not self._engine.writable:
            return
        self._kept.pop(asked, None)
        self._kept[asked] = self._engine.changes(tables), found
        if len(self._kept) > _KEPT:
            del self._kept[next(iter(self._kept))]

    def _forget(self) -> None:
        self._kept.clear()


def total(counted: Sequence[Sums]) -> Sums:
    """All of them together; there is at least one."""
    found = counted[0]
    for each in counted[1:]:
        found = found.plus(each)
    return found


def _added(found: Sequence[Found]) -> Found:
    if len(found) == 1:
        return found[0]
    added: dict[Pair, Sums] = {}
    for each in found:
        if not added:
            added = dict(each)
            continue
        for pair, more in each.items():
            so_far = added.get(pair)
            added[pair] = more if so_far is None else so_far.plus(more)
    return added
