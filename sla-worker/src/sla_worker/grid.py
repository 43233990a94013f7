"""The slots that time is cut into: when one is final, when it is read, and where a period ends.

A slot is named by its end (`slot_end`, epoch seconds, a multiple of `slot_seconds`) and holds the samples in
(slot_end - slot_seconds, slot_end]. Inside it lie the steps, one each `scrape_seconds`, at absolute
multiples of `scrape_seconds`, so that a step belongs to exactly one slot.

When a slot is final
--------------------
A sample bears the time at which its scrape began, but can be read only when the scrape has ended, up to one
scrape timeout (at most `scrape_seconds`) later. A step read earlier than that may miss a sample that
belongs to it, and the next slot, which starts from that very sample, would not make up for it. So all
expressions look one scrape interval back: with s = `scrape_seconds` and T = `slot_end`, an expression
evaluated at e reads exactly the steps of T if T + s < e < T + 2s. The lower bound is strict because
Prometheus 2 closes ranges on both sides and would read one step more at e = T + s.

Rules are evaluated every s, so one evaluation lies in between. Its result is written some moments later, for
which `settle_seconds` adds one more s.
"""

from __future__ import annotations

from dataclasses import dataclass

from sla_worker.conventions import STALE_SLOTS

_MOMENT = 0.001  # the resolution of Prometheus' clock


@dataclass(frozen=True, slots=True)
class Grid:
    """Slots of `slot_seconds`, a multiple of `scrape_seconds`; both are whole seconds.

    `scrape_seconds` is how often the targets are scraped, and how often the rules should be evaluated.
    """

    slot_seconds: int
    scrape_seconds: int

    @property
    def scrapes(self) -> int:
        """How many scrapes one slot should hold."""
        return self.slot_seconds // self.scrape_seconds

    @property
    def settle_seconds(self) -> int:
        """How long after a slot's end its figures are final and recorded; see the top of this module."""
        return 3 * self.scrape_seconds

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
        of 300 at or below 10150 - 45 = 10105, hence 9900. Three slots are missing, so the period ends at
        9900.
        """
        due = self.newest_slot(now)
        if newest_stored is None or newest_stored > self.slot_of(now):
            return due
        return newest_stored if newest_stored >= due - self.slot_seconds else due

    def read_at(self, slot_end: int) -> float:
        """The time of the query that reads the recorded figures of a slot, over one scrape interval."""
        return slot_end + 2 * self.scrape_seconds - _MOMENT

    def belongs(self, evaluated_at: float, slot_end: int) -> bool:
        """Whether a rule evaluated at that time has read exactly this slot's steps."""
        return slot_end + self.scrape_seconds < evaluated_at < slot_end + 2 * self.scrape_seconds

    def direct_at(self, slot_end: int) -> float:
        """The time at which a direct expression reads exactly this slot's steps."""
        return slot_end + self.scrape_seconds + _MOMENT

    def readable_at(self, slot_end: int) -> int:
        """The time from which `read_at` and `direct_at` both lie in the past."""
        return slot_end + 2 * self.scrape_seconds
