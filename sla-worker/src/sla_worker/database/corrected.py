"""What rows are once they are corrected: judged again, by the version that judged them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from sla_worker.database.engine import Row
from sla_worker.evaluation import evaluate
from sla_worker.model import Correction, CountsAs, Definition, Figures, Measurement, State, Status


def changes(correction: Correction, row: Row) -> bool:
    """Whether a correction says anything of a row.

    One out of service hours counts nowhere; where no event was measured, none can be good or bad.
    """
    if correction.counts_as is CountsAs.EXCLUDED:
        return True
    if row["state"] == State.OUT_OF_HOURS:
        return False
    return correction.counts_as is CountsAs.COUNTS or row["total_events"] > 0


def corrected(correction: Correction, definition: Definition, rows: Iterable[Row]) -> Iterator[Measurement]:
    """The rows that count instead of those that were measured; none for a row that stays as it is.

    Its author vouches for the whole slot: it counts as measured in full.
    """
    for row in rows:
        if not changes(correction, row):
            continue
        measured = row["total_events"]
        good, total = {
            CountsAs.COUNTS: (correction.good, correction.total),
            CountsAs.GOOD: (measured, measured),
            CountsAs.BAD: (0.0, measured),
            CountsAs.EXCLUDED: (0.0, 0.0),
        }[correction.counts_as]
        made = evaluate(definition, row["slot"], Figures(good=good, total=total, coverage=1.0))
        if correction.counts_as is CountsAs.EXCLUDED:
            out = row["state"] == State.OUT_OF_HOURS  # its time too is taken from what is expected
            state = State.OUT_OF_HOURS if out else State.EXCLUDED
            made = replace(made, coverage=0.0, state=state, status=Status[state.name])
        yield made


def as_maintained(row: Measurement) -> Measurement:
    """A corrected row in maintenance that counts as good; its time is taken from what is expected."""
    if row.total <= 0:
        return replace(row, coverage=0.0, actual=None, state=State.EXCLUDED, status=Status.EXCLUDED)
    if row.state in {State.MET, State.BREACHED}:
        row = replace(row, state=State.MET, status=Status.EXCELLENT)
    return replace(row, good=row.total, coverage=0.0, actual=None)
