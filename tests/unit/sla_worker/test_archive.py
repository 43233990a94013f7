"""A report that was sent, read again later: what its period is made of may have changed since."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from sla_worker.model import Changes, CountsAs
from unit.sla_worker.month_ledger import BAD, SLOTS, STEP, March


def test_what_was_measured_excluded_or_corrected_since_a_mail_is_counted(tmp_path: Path) -> None:
    """Ten slots are known when it is sent; then one is measured otherwise, and another one late."""
    place = SLOTS.index(BAD) - 3
    slots = SLOTS[place : place + 11]
    march = March(tmp_path / "sla.db")
    with closing(march):
        march.fill(slots[:10])
        sent = march.now

        def changes() -> Changes:
            return march.database.browser.changes(slots[0] - STEP, slots[-1], sent)

        assert changes() == Changes(0, 0, 0)
        march.now += 7200
        march.again(BAD, 7)
        march.database.store(march.rows(slots[10]))
        assert changes() == Changes(2, 0, 0)
        number = march.exclude(slots[4] - STEP, slots[5])
        march.correct(slots[6] - STEP, slots[6], CountsAs.GOOD)
        march.exclude(SLOTS[0], SLOTS[1])  # of another time
        assert changes() == Changes(2, 1, 1)
        sent = march.now + 1
        assert changes() == Changes(0, 0, 0)
        march.now += 60
        march.revoke(number)
        assert changes() == Changes(0, 1, 0)
