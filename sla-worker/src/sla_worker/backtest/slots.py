"""One slot as another definition judges it: from what was measured, maintenance and corrections included."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import isclose

from sla_worker.composite import Part, figures_of, score, slot_part
from sla_worker.database.corrected import as_maintained, corrected
from sla_worker.database.trace import CountedSlot
from sla_worker.evaluation import evaluate, meets
from sla_worker.model import Correction, Definition, Figures, Maintenance, Measurement, State, Status
from sla_worker.service_hours import in_service

LEFT_OUT = (State.OUT_OF_HOURS, State.EXCLUDED)
_ROUNDING = 1e-9


def again(
    row: CountedSlot,
    then: Definition,
    *,
    step: int,
    in_maintenance: bool,
    corrections: Sequence[Correction],
) -> CountedSlot:
    """What a ledger with that definition would count: out of hours too the counts stand in the row."""
    made = evaluate(
        then,
        row.slot,
        _figures(row, then),
        component=row.component,
        in_service=in_service(then.policy.service_hours, row.slot, step),
    )
    if in_maintenance and then.policy.maintenance is Maintenance.EXCLUDED:
        return _counted(row, _nothing(made), adjusted=True)
    adjusted = in_maintenance
    measured = {"slot": row.slot, "state": made.state, "total_events": made.total}
    for correction in corrections:
        for instead in corrected(correction, then, [measured]):
            made, adjusted = instead, True
    if in_maintenance:
        made = _nothing(made) if made.state is State.OUT_OF_HOURS else as_maintained(made)
    return _counted(row, made, adjusted=adjusted)


def _figures(row: CountedSlot, then: Definition) -> Figures:
    """What was measured; of one event a slot its value says whether it is good."""
    good, actual = row.measured_good, row.measured_actual
    if then.sli.one_event_a_slot and actual is not None and row.measured_total == 1:
        value = then.target if isclose(actual, then.target, rel_tol=_ROUNDING) else actual
        good = float(meets(then.comparison, then.target, value))
    return Figures(good=good, total=row.measured_total, coverage=row.measured_coverage, actual=actual)


def _nothing(made: Measurement) -> Measurement:
    state = State.OUT_OF_HOURS if made.state is State.OUT_OF_HOURS else State.EXCLUDED
    return replace(
        made, good=0.0, total=0.0, coverage=0.0, actual=None, state=state, status=Status[state.name]
    )


def _counted(row: CountedSlot, made: Measurement, *, adjusted: bool) -> CountedSlot:
    return replace(
        row,
        good=made.good,
        total=made.total,
        coverage=made.coverage,
        actual=made.actual,
        state=made.state,
        adjusted=adjusted,
    )


def scored(
    row: CountedSlot, then: Definition, members: Iterable[tuple[str, str, CountedSlot]], step: int
) -> CountedSlot:
    """A slot of a composite from those of its members, each with the key and category of its SLA."""
    members = list(members)
    parts = [
        part
        for key, category, each in members
        if (part := slot_part(Part(key, category, each.good, each.total, _coverage(each)), each.state))
    ]
    inside = in_service(then.policy.service_hours, row.slot, step)
    made = evaluate(
        then,
        row.slot,
        figures_of(then, score(then.sli.members, parts)),
        component=row.component,
        in_service=inside,
    )
    adjusted = any(each.adjusted for _, _, each in members)
    if inside and not parts and adjusted:  # nothing of it is left
        made = replace(made, good=0.0, total=0.0, actual=None, state=State.EXCLUDED, status=Status.EXCLUDED)
    return _counted(row, made, adjusted=adjusted)


def _coverage(row: CountedSlot) -> float:
    """What a member adds to a composite's: maintenance that counts as good was measured all the same."""
    return row.coverage if row.coverage > 0 else row.measured_coverage
