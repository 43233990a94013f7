"""Months in the middle of which targets change and an SLA is born: the worlds, the ledger, and the hand.

Targets and percentiles change no event, so one pass over the world counts for both files.
"""

from __future__ import annotations

import copy
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from zoneinfo import ZoneInfo

from sla_worker.calculator import Calculator
from sla_worker.database import SLADatabase
from sla_worker.definitions import read_definitions
from sla_worker.grid import Grid
from sla_worker.in_force import InForce
from sla_worker.model import Definition
from sla_worker.prometheus import PrometheusClient
from truth.comparison import Difference, StoredRow, differences
from truth.forms import read_forms
from truth.months import Counted, as_it_was, events
from truth.places import Place
from truth.world_counts import Truth, count
from truth.worlds import Trial

BORN = "born"
_PASSES = 50
# Each occurs once.
_CHANGES = (
    ("target: 0.995\n", "target: 0.98\n"),
    ("target: 0.001\n", "target: 0.02\n"),
    ("      objective: 0.95\n\n  - key: fast-by-agent", "      objective: 0.9\n\n  - key: fast-by-agent"),
)
_ADDED = f"""
  - key: {BORN}
    name: Born in the middle of a month
    category: business
    severity: high
    comparison: "<="
    target: 0.03
    unit: ratio
    description: What counted before it was there is none of its time.
    sli:
      kind: events
      total: insa_agent_requests_total
      bad: insa_agent_requests_total{{status="error"}}
"""


@dataclass(frozen=True)
class Halves:
    """Both files' truths of one world. Slots up to the border are the first file's."""

    early: Truth
    late: Truth
    border: int
    files: tuple[Sequence[Definition], Sequence[Definition]]

    @property
    def birth(self) -> int:
        """When the first slot of the SLA that is born begins: the next one, when it was seen."""
        return self.border

    @property
    def zone(self) -> ZoneInfo:
        """The timezone of the world, in which it is reported."""
        return ZoneInfo(self.late.world.timezone)

    def differences(self, rows: Sequence[StoredRow], *, nan_is_kept: bool) -> list[Difference]:
        """Rows that are not the truth of their half, and any of an SLA that was not there yet."""
        before = [each for each in rows if each.slot <= self.border]
        after = [each for each in rows if self._is_late(each.key, each.slot)]
        born = [Difference(BORN, "", each.slot, "rows", 1, 0) for each in rows if each.key == BORN]
        early = differences(self.early, before, nan_is_kept=nan_is_kept)
        late = differences(self.late, after, nan_is_kept=nan_is_kept)
        return [
            *(each for each in early if each.slot <= self.border and each.key != BORN),
            *(each for each in late if self._is_late(each.key, each.slot)),
            *(each for each in born if each.slot <= self.birth),
        ]

    def _is_late(self, key: str, slot: int) -> bool:
        return slot > (self.birth if key == BORN else self.border)

    def events(self, counted: Counted = as_it_was) -> Iterator[tuple[str, str, int, float, float]]:
        """What counts in each slot: SLA, component, slot, good and total events."""
        for each in events(self.early, counted):
            if each[2] <= self.border and each[0] != BORN:
                yield each
        for each in events(self.late, counted):
            if self._is_late(each[0], each[2]):
                yield each


def halved(trial: Trial, file: Path, directory: Path) -> Halves:
    """A trial's world, with a file that changes in its middle."""
    text = file.read_text("utf-8")
    for before, after in _CHANGES:
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    (later := directory / "later.yml").write_text(text + _ADDED, encoding="utf-8")
    late = count(trial.world, read_forms(later), trial.slot_seconds, directory)
    books = copy.copy(late.books)
    books.forms = read_forms(file)
    border = late.slots[len(late.slots) // 2]
    return Halves(replace(late, books=books), late, border, (read_definitions(file), read_definitions(later)))


def caught_up(
    truth: Truth,
    files: Sequence[Sequence[Definition]],
    border: int,
    path: Place,
    client: PrometheusClient,
) -> SLADatabase:
    """A ledger whose slots are all caught up at the end; the second file was seen just before the border."""
    grid, now = Grid(truth.slot_seconds, truth.world.scrape_seconds), [float(truth.slots[0])]
    zone = ZoneInfo(truth.world.timezone)
    database = SLADatabase(path, grid=grid, zone=zone, clock=lambda: now[0])
    for moment, file in zip((truth.slots[0], border - 100), files, strict=True):
        now[0] = moment
        database.sync_definitions(file)
    now[0] = truth.slots[-1] + grid.settle_seconds
    calculator = Calculator(
        files[1],
        client,
        database,
        grid,
        catch_up_seconds=truth.world.seconds,
        clock=lambda: now[0],
        in_force=InForce(files[1], database),
    )
    for _ in range(_PASSES):
        calculator.run_pass()
        if not any(calculator.missing().values()):
            return database
    raise AssertionError(f"slots are still missing after {_PASSES} passes")


class Hand:
    """Sums over any window of what counts, from the sums up to each slot: counts are whole numbers."""

    def __init__(self, found: Iterator[tuple[str, str, int, float, float]]) -> None:
        lines: dict[tuple[str, str], list[tuple[int, float, float]]] = defaultdict(list)
        for key, component, slot, good, total in found:
            lines[key, component].append((slot, good, total))
        self._lines = {}
        for place, line in lines.items():
            line.sort()
            self._lines[place] = (
                [slot for slot, _, _ in line],
                [0.0, *accumulate(good for _, good, _ in line)],
                [0.0, *accumulate(total for _, _, total in line)],
            )

    def sums(self, start: int, end: int) -> dict[tuple[str, str], tuple[float, float]]:
        """(good, total) of every SLA and component over the slots in (start, end]."""
        found = {}
        for place, (slots, good, total) in self._lines.items():
            first, last = bisect_right(slots, start), bisect_right(slots, max(start, end))
            found[place] = good[last] - good[first], total[last] - total[first]
        return found
