"""The slots that time is cut into: when one is final, when it is read, and where a period ends.

A slot is named by its end (`slot_end`, epoch seconds, a multiple of `slot_seconds`) and holds the samples in
(slot_end - slot_seconds, slot_end].

When a slot is final
--------------------
A sample bears the time at which its scrape began, but can be read only when the scrape has ended: up to one
scrape timeout (at most `scrape_seconds`) later, and a moment for writing it. An engine that is fed by remote
write may need longer, which SLA_SETTLE_SECONDS says.
"""

from __future__ import annotations

from dataclasses import dataclass

from sla_worker.conventions import STALE_SLOTS

_WRITING_SECONDS = 2  # what a scrape that has ended may take to be readable


@dataclass(frozen=True, slots=True)
class Grid:
    """Slots of `slot_seconds`; all are whole seconds.

    `scrape_seconds` is how often targets are scraped as a rule; what differs is seen in their samples.
    `settle` is how long after its end a slot is final; None: one scrape and a moment.
    """

    slot_seconds: int
    scrape_seconds: int
    settle: int | None = None

    @property
    def settle_seconds(self) -> int:
        """How long after a slot's end its samples can be read; see the top of this module."""
        return self.scrape_seconds + _WRITING_SECONDS if self.settle is None else self.settle

    @property
    def stale_seconds(self) -> int:
        """How old the last pass may be: three slots without one, and nothing shown speaks of now."""
        return STALE_SLOTS * self.slot_seconds

    def newest_slot(self, now: float) -> int:
        """The end of the newest slot that is final at `now` (epoch seconds): the newest one that is due."""
        return self.slot_before(now - self.settle_seconds)

    def slot_before(self, moment: float) -> int:
        """The end of the newest slot that has ended at `moment`, final or not."""
        return int(moment) // self.slot_seconds * self.slot_seconds

    def slot_of(self, moment: float) -> int:
        """The end of the slot that `moment` lies in; a slot begins with its first moment here."""
        return self.slot_before(moment) + self.slot_seconds

    def outward(self, start: int, end: int) -> tuple[int, int]:
        """The slots that a time touches, from the beginning of the first to the end of the last."""
        return self.slot_before(start), self.slot_before(end + self.slot_seconds - 1)

    def period_end(self, newest_stored: int | None, now: float) -> int:
        """Where a period that ends "now" ends: the one rule for pages, mails, metrics and the terminal.

        Let `due` be the newest slot that is final at `now`, `newest_stored` the newest slot of the ledger.

        * The ledger is up to date (newest_stored ≥ due): the period ends with what is stored.
        * It lacks `due` alone (newest_stored = due - slot_seconds): the pass for `due` is under way or is
          being tried again. The period still ends with what is stored, so that coverage does not dip at
          every slot.
        * It lacks more, or is empty: the period ends at `due`. Every slot up to there could have been
          measured and was not, so it counts as unmeasured; an earlier end would hide it, a later one would
          count time that nobody could have measured yet.
        * A slot that has not even begun at `now` was stored by a clock that ran ahead. It says nothing about
          the present, and the period ends at `due`.

        With slots of 300 s, scrapes of 15 s, the newest slot at 9000 and now = 10150: due is the multiple
        of 300 at or below 10150 - 17 = 10133, hence 9900. Three slots are missing, so the period ends at
        9900.
        """
        due = self.newest_slot(now)
        if newest_stored is None or newest_stored > self.slot_of(now):
            return due
        return newest_stored if newest_stored >= due - self.slot_seconds else due
