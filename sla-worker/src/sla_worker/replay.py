"""What the worker would have exported in the past, made again from the ledger.

For a Prometheus that has no record of it: one that back-filled its own history, was moved, or lost its data.
The figures of a moment are those of the pass that the worker would have made then, from the same ledger by
the same code as today's; they are final, so a slot that was late when it was measured is not missing here.
What a ledger cannot know (durations of passes, tries to deliver) is not made up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import groupby
from zoneinfo import ZoneInfo

from sla_worker import conventions as names
from sla_worker import windows
from sla_worker.burning import Pair
from sla_worker.database import SLADatabase
from sla_worker.model import Breach, Definition
from sla_worker.sla_metrics import SLAMetrics
from sla_worker.spans import month_start

_AT_ONCE_SECONDS = 6 * 3600
"""So much of the ledger is in memory at once."""

_OFTEN = f"{names.BREACHES}{{"
_OFTEN_SECONDS = 60
"""Of the breaches that last, dashboards ask the highest of each step, and a step may be a minute."""


class Replay:
    """Makes the samples of passes; `labels` are those that a scrape adds: job and instance."""

    def __init__(
        self,
        database: SLADatabase,
        definitions: Iterable[Definition],
        zone: ZoneInfo,
        *,
        pairs: Iterable[Pair],
        labels: Mapping[str, str],
    ) -> None:
        self._database = database
        self._definitions = {each.key: each for each in definitions}
        self._zone = zone
        self._pairs = list(pairs)
        self._labels = ",".join(f'{name}="{value}"' for name, value in sorted(labels.items()))
        self._grid = database.grid
        self._always = {
            names.SLOT_SECONDS: self._grid.slot_seconds,
            names.SLOTS_MISSING: 0,
            names.INCOMPLETE: 0,
        }

    def lines(self, start: int, end: int) -> Iterator[str]:
        """The samples of every pass for a slot that ends in (start, end], in the order of time: OpenMetrics.

        A slot that the ledger lacks has none.
        """
        metrics = SLAMetrics(self._definitions.values())
        for (key, component), (good, total) in self._database.sums_between([(0, start)])[0].items():
            metrics.add(key, component, good, total)
        breaches = self._database.breaches_between(month_start(start, self._zone), end)
        maintained = bool(self._database.maintenance.all())
        for first in range(start, end, _AT_ONCE_SECONDS):
            rows = self._database.rows.between(first, min(first + _AT_ONCE_SECONDS, end))
            for slot, own in groupby(rows, key=lambda each: each.slot):
                for row in own:
                    metrics.counted(row, again=False)
                metrics.show(self._now(slot, breaches))
                moment = slot + self._grid.settle_seconds
                yield from self._samples(metrics.text().decode(), moment)
                for key in self._database.maintenance.maintained(moment) if maintained else ():
                    yield self._line(f'{names.MAINTENANCE}{{sla="{key}"}} 1', moment)
                for name, value in self._always.items():
                    yield self._line(f"{name} {value}", moment)
                yield self._line(f"{names.LAST_PASS} {moment}", moment)

    def _now(self, slot: int, breaches: Iterable[Breach]) -> windows.Now:
        known = [each for each in (self._as_known(breach, slot) for breach in breaches) if each]
        begun = month_start(slot, self._zone)
        return windows.up_to(
            self._database,
            self._zone,
            slot,
            self._pairs,
            active=[each for each in known if each.ended_at is None],
            breaches=[each for each in known if each.ended_at is None or each.ended_at > begun],
        )

    def _as_known(self, breach: Breach, slot: int) -> Breach | None:
        """A breach as it stood after the slot's pass; None if it had not been opened by then."""
        policy = self._definitions[breach.key].policy if breach.key in self._definitions else None
        step = self._grid.slot_seconds
        opened = breach.started_at + step * (policy.breach_after if policy else 1)
        if slot < opened:
            return None
        lasts = breach.ended_at is None or slot < breach.ended_at + step * (
            policy.recover_after if policy else 1
        )
        return replace(breach, ended_at=None) if lasts else breach

    def _samples(self, text: str, moment: int) -> Iterator[str]:
        for line in text.splitlines():
            if line[0] != "#":
                yield self._line(line, moment)
                if line.startswith(_OFTEN):
                    for later in range(
                        moment + _OFTEN_SECONDS, moment + self._grid.slot_seconds, _OFTEN_SECONDS
                    ):
                        yield self._line(line, later)

    def _line(self, sample: str, moment: int) -> str:
        """A sample of the text format with its labels and its moment."""
        head, _, value = sample.rpartition(" ")
        inside = f"{head[:-1]},{self._labels}}}" if head[-1] == "}" else f"{head}{{{self._labels}}}"
        return f"{inside} {value} {moment}\n"
