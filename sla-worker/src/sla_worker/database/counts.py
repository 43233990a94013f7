"""The counts of a period hour by hour, handed out and taken in: what any figure of that period is made of."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from sla_worker.database.definitions import DefinitionStore, StoredDefinition
from sla_worker.database.engine import Engine
from sla_worker.database.exclusions import ExclusionStore, InForce
from sla_worker.database.periods import HOUR_SECONDS, hour
from sla_worker.database.rollups import RollupStore
from sla_worker.database.status import StatusReader
from sla_worker.database.versions import StoredVersion
from sla_worker.model import Spans

_HOURS_AT_ONCE = 24
_ROWS_AT_ONCE = 20_000
_HOURS = """
INSERT INTO sla_hours (sla_id, component_id, hour_start, good_events, total_events, covered_slots, left_out)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""


@dataclass(frozen=True, slots=True)
class HourCounts:
    """What one component of an SLA counted in the slots that end in (start, end], all of one version.

    The last two are what was measured, whatever counts instead.
    """

    start: int
    end: int
    key: str
    component: str
    version: int
    good: float
    total: float
    measured_slots: float
    left_out_slots: int
    good_as_measured: float
    total_as_measured: float


@dataclass(frozen=True, slots=True)
class Book:
    """What figures need beside counts. Series are expected after `since`; `left_out` does not count."""

    definitions: tuple[StoredDefinition, ...]
    versions: tuple[tuple[StoredVersion, str | None], ...]
    since: dict[tuple[str, str], int]
    left_out: dict[tuple[str, str], Spans]


class CountBooks:
    """Reads what the other stores have written; `take` fills an empty ledger."""

    def __init__(
        self,
        engine: Engine,
        definitions: DefinitionStore,
        *,
        rollups: RollupStore,
        exclusions: ExclusionStore,
        status: StatusReader,
        slot_seconds: int,
    ) -> None:
        self._engine = engine
        self._definitions = definitions
        self._rollups = rollups
        self._exclusions = exclusions
        self._status = status
        self._slot_seconds = slot_seconds

    def hours_after(self) -> int:
        """Of the hours up to there only days are kept; 0: all are there."""
        return self._rollups.marks().hours_after or 0

    # --- out

    def since(self, keys: Iterable[str], start: int, end: int) -> dict[tuple[str, str], int]:
        """From when on each component of some SLAs is expected to be measured in a period."""
        known = {self._definitions.all()[key].id: key for key in keys}
        names = {number: name for name, number in self._definitions.components().items()}
        return {
            (known[row["sla_id"]], names[row["component_id"]]): max(
                row["first_slot"] - self._slot_seconds, start
            )
            for row in self._engine.rows("SELECT * FROM sla_series ORDER BY sla_id, component_id")
            if row["sla_id"] in known and row["first_slot"] <= end
        }

    def book(self, keys: Sequence[str], start: int, end: int) -> Book:
        """What is known of some SLAs as of the end of a period."""
        known = self._definitions.all()
        definitions = [self._as_of(known[key], end) for key in keys]
        since = self.since(keys, start, end)
        versions = self._definitions.versions
        in_force = self._exclusions.in_force()
        wanted = dict.fromkeys([*((each.key, each.component) for each in definitions), *since])
        return Book(
            definitions=tuple(definitions),
            versions=tuple(
                (each, versions.content(definition.id, each.number))
                for definition in definitions
                for each in versions.of(definition.id)
                if each.number == 1 or each.valid_from < end
            ),
            since=since,
            left_out={
                where: spans
                for where in wanted
                if (spans := in_force.covered(known[where[0]].id, where[1]).within(start, end))
            },
        )

    def _as_of(self, definition: StoredDefinition, end: int) -> StoredDefinition:
        """As its last version of the period has it; what judges nothing is left out."""
        versions = self._definitions.versions
        last = versions.at(definition.id, end)
        content = versions.content(definition.id, last.number)
        return replace(
            definition,
            created_at=0,
            description="",
            metric_name="",
            category=last.category,
            comparison=last.comparison,
            target_value=last.target_value,
            unit=last.unit,
            percentile=last.percentile,
            enabled=True,
            component=definition.component if content is None else json.loads(content)["component"],
            details=last.details,
        )

    def hours(self, keys: Iterable[str], start: int, end: int) -> Iterator[HourCounts]:
        """Every hour of (start, end] of some SLAs, cut where a version began; by time, SLA and component."""
        wanted = set(keys)
        versions = self._definitions.versions
        keys_of = {each.id: each.key for each in self._definitions.all().values()}
        names = {number: name for name, number in self._definitions.components().items()}
        edges = [start, *range(hour(start, self._rollups.phase) + HOUR_SECONDS, end, HOUR_SECONDS), end]
        for first in range(0, len(edges) - 1, _HOURS_AT_ONCE):
            last = min(first + _HOURS_AT_ONCE, len(edges) - 1)
            spans = [
                piece
                for number in range(first, last)
                for piece in self._rollups.pieces(edges[number], edges[number + 1])
            ]
            counted = self._status.sums(spans)
            measured = counted
            if self._exclusions.in_force().touch(spans[0][0], spans[-1][1]):
                measured = self._status.sums(spans, InForce())
            for (begin, until), found, plain in zip(spans, counted, measured, strict=True):
                for pair, sums in sorted(found.items()):
                    if keys_of[pair[0]] not in wanted:
                        continue
                    yield HourCounts(
                        begin,
                        until,
                        keys_of[pair[0]],
                        names[pair[1]],
                        versions.at(pair[0], until).number,
                        *sums,
                        plain[pair].good,
                        plain[pair].total,
                    )

    # --- in

    def take(self, book: Book, hours: Iterable[HourCounts], start: int, end: int) -> None:
        """Fill an empty ledger, so that it gives the figures of (start, end]."""
        with self._engine.transaction():
            self._definitions.take(book.definitions, book.versions)
            ids = {each.key: each.id for each in book.definitions}
            components = self._definitions.component_ids(
                [*(each.component for each in book.definitions), *(name for _, name in book.since)]
            )
            self._engine.executemany(
                "INSERT INTO sla_series (sla_id, component_id, first_slot) VALUES (?, ?, ?)",
                [
                    (ids[key], components[name], since + self._slot_seconds)
                    for (key, name), since in book.since.items()
                ],
            )
            rows = self._hour_rows(hours, ids, components)
            while some := list(islice(rows, _ROWS_AT_ONCE)):
                self._engine.executemany(_HOURS, some)
            self._rollups.take(start, end)
            for (key, name), spans in book.left_out.items():
                self._exclusions.take(ids[key], name, spans)

    @staticmethod
    def _hour_rows(
        hours: Iterable[HourCounts], ids: dict[str, int], components: dict[str, int]
    ) -> Iterator[tuple[Any, ...]]:
        for each in hours:
            yield (
                ids[each.key],
                components[each.component],
                each.start,
                each.good,
                each.total,
                each.measured_slots,
                each.left_out_slots,
            )
