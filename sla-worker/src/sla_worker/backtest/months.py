"""A month as it would have been: from the sums of the ledger, or from slots where those count otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from sla_worker.backtest.slots import LEFT_OUT
from sla_worker.composite import Part, score
from sla_worker.database.trace import CountedSlot
from sla_worker.model import Definition, SLAStatus

Judged = tuple[Definition, Definition]
"""What a slot was judged by, and what it would have been judged by."""

_OF_SLOTS = ("no_data", "maintenance", "service_hours")


def of_slots(was: Definition, then: Definition) -> bool:
    """Whether other slots count, or other events in them, so that the sums of the ledger do not tell."""
    if any(getattr(was.policy, name) != getattr(then.policy, name) for name in _OF_SLOTS):
        return True
    return then.sli.one_event_a_slot and was.target != then.target


def plain(
    was: SLAStatus,
    rows: Sequence[CountedSlot],
    at: Callable[[int], Judged],
    *,
    whole: bool,
    month: tuple[int, int],
    step: int,
) -> SLAStatus | None:
    """The month of one component; `whole`: all its slots are kept. None: it cannot be said without them."""
    inside = [each for each in rows if month[0] < each.slot <= month[1]]
    counted = [each for each in inside if each.state not in LEFT_OUT]
    judged = [at(month[1]), *(at(each.slot) for each in inside)]
    if all(before == other for before, other in judged):
        return was
    then = at(month[1])[1]
    made = was
    if any(of_slots(*each) for each in judged):
        if not whole:
            return None
        good, total = sum(each.good for each in counted), sum(each.total for each in counted)
        made = replace(was, good=good, total=total, compliance_ratio=good / total if total > 0 else None)
        if any(a.policy.service_hours != b.policy.service_hours for a, b in judged):
            made = _covered(made, inside, step)
    objective = was.period_objective_ratio
    if objective is not None:  # several versions held: each slot is held to its own
        if not whole:
            return None
        weights = [(each.total, at(each.slot)[1].objective_ratio) for each in counted]
        events = sum(weight for weight, _ in weights)
        objective = sum(weight * ratio for weight, ratio in weights) / events if events else None
    return replace(
        made,
        target=then.target,
        objective_ratio=then.objective_ratio,
        percentile=then.percentile,
        period_objective_ratio=objective,
    )


def _covered(status: SLAStatus, inside: Sequence[CountedSlot], step: int) -> SLAStatus:
    """Its coverage, with other slots out of hours: those are not expected."""
    covered = sum(each.coverage for each in inside if each.state not in LEFT_OUT)
    out = sum(each.state in LEFT_OUT and not each.adjusted for each in inside)
    expected = (status.period_seconds - status.excluded_seconds) / step - out
    nothing_missing = 1.0 if out or status.excluded_seconds else 0.0
    ratio = min(covered / expected, 1.0) if expected > 0 else nothing_missing
    return replace(status, coverage_ratio=ratio, measured_seconds=covered * step)


def composite(
    was: SLAStatus,
    then: Definition,
    members: Sequence[SLAStatus | None],
    own: Sequence[CountedSlot] | None,
    name_of: Callable[[str], str],
) -> SLAStatus | None:
    """The month of a composite from its members' months; None where one of those is not known.

    `own` are its slots of that month, whose events stand beside the score; None where not all are kept.
    """
    known = [each for each in members if each is not None]
    if len(known) < len(members):
        return None
    found = score(
        then.sli.members,
        [Part(each.key, each.category, each.good, each.total, each.coverage_ratio) for each in known],
    )
    counted = None if own is None else [each for each in own if each.state not in LEFT_OUT]
    return replace(
        was,
        target=then.target,
        objective_ratio=then.objective_ratio,
        good=was.good if counted is None else sum(each.good for each in counted),
        total=was.total if counted is None else sum(each.total for each in counted),
        compliance_ratio=found.ratio,
        coverage_ratio=min(found.coverage, 1.0),
        weakest=found.weakest,
        weakest_name=None if found.weakest is None else name_of(found.weakest),
        weakest_ratio=found.weakest_ratio,
    )
