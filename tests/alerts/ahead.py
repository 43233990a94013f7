"""What a clock that runs ahead stores in a ledger."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from zoneinfo import ZoneInfo

from sla_worker.database import SLADatabase


def store_ahead(ledger: Path, *, now: float, seconds: float, zone: ZoneInfo) -> int:
    """Store a row of one SLA for the slot that `now` lies in, and for those that begin in so many seconds.

    They are stored at the end of that time, as by a clock that is so far ahead, and say that the target is
    met. `zone` is that of the ledger's days. Returns how many there are.
    """
    with closing(SLADatabase(ledger, zone=zone, clock=lambda: now + seconds)) as database:
        slas = database.definitions().values()
        sla = next(each for each in slas if each.from_file and each.enabled and not each.members)
        begins = range(database.grid.slot_before(now), int(now + seconds), database.slot_seconds)
        for begin in begins:
            database.record_measurement(sla.id, sla.target_value, sla.target_value, at=begin)
        return len(begins)
