"""A report that was sent, read again later: what its period is made of may have changed since."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from sla_worker.model import Changes, CountsAs
from sla_worker.web.sent import changed_since
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


def test_nothing_is_said_of_slots_that_are_not_kept_any_more() -> None:
    """Whether they were measured again stood in their rows."""
    gone = " Whether slots that are not kept any more were measured again is not known."
    assert changed_since(Changes(0, 0, 0), kept=True) == (
        "No measurement, maintenance or correction of its period has changed since."
    )
    assert changed_since(Changes(0, 0, 0), kept=False) == (
        f"No maintenance or correction of its period has changed since.{gone}"
    )
    assert changed_since(Changes(1, 0, 2), kept=False) == (
        "Since then 1 slot was measured late or again, 2 corrections were made or revoked:"
        f" the mail had the figures from before.{gone}"
    )
