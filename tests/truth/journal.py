"""What really happened, event by event, and what of it no scrape can show.

The world says what each process did; nobody has to infer anything here. An event is seen by the first stored
scrape of its process after it. It is lost if there is none: at most one scrape interval of events for each
end of a process, and more only if Prometheus or the network was away when the process ended.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from simulation.series import Ended, Happened, Metric, Process, Scrape
from truth.accountant import Counted


@dataclass(frozen=True, slots=True)
class Unseen:
    """A process that is gone: what it did after `since`, its last scrape or else its start."""

    process: Process
    since: int
    end: int
    events: Mapping[Metric, float]


@dataclass(slots=True)
class Journal:
    """Enter every item of a world, scrapes with what the accountant made of them."""

    made: dict[Metric, float] = field(default_factory=lambda: defaultdict(float))
    counted: dict[Metric, float] = field(default_factory=lambda: defaultdict(float))
    before: dict[Metric, float] = field(default_factory=lambda: defaultdict(float))
    unseen: list[Unseen] = field(default_factory=list)
    wrong: list[tuple[Scrape, Counted, float]] = field(default_factory=list)
    _pending: dict[Process, dict[Metric, float]] = field(default_factory=dict)
    _scraped: dict[Process, int] = field(default_factory=dict)

    def happened(self, item: Happened) -> None:
        pending = self._pending.setdefault(item.process, defaultdict(float))
        for metric, amount in item.added.items():
            pending[metric] += amount
            self.made[metric] += amount

    def scraped(self, scrape: Scrape, counted: Iterable[Counted]) -> None:
        """Hold what the accountant counted against what the process did since its last scrape."""
        if scrape.process is None:
            return
        pending = self._pending[scrape.process]
        self._scraped[scrape.process] = scrape.at
        for each in counted:
            events = pending.pop(each.metric, 0)
            if each.known:
                self.counted[each.metric] += each.amount
                if each.amount != events:
                    self.wrong.append((scrape, each, events))
            else:
                self.before[each.metric] += events

    def ended(self, item: Ended) -> None:
        pending = self._pending.pop(item.process, {})
        since = self._scraped.pop(item.process, item.process.began)
        self.unseen.append(Unseen(item.process, since, item.at, dict(pending)))

    @property
    def lost(self) -> dict[Metric, float]:
        """What no scrape saw, by metric."""
        lost: dict[Metric, float] = defaultdict(float)
        for each in self.unseen:
            for metric, amount in each.events.items():
                lost[metric] += amount
        return lost
