"""Breaches as they were measured: what the rows of slots make, whatever maintenance and corrections say.

Where the slots are gone, breaches are those of the ledger, and those that were annulled, as they were.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from sla_worker.breaches import GONE_SECONDS, OpenBreach, Point, Rule, Span, Track, derive
from sla_worker.database import SLADatabase
from sla_worker.database.trace import CountedSlot
from sla_worker.model import Breach, SLAStatus

_Where = tuple[str, str]  # an SLA's key, and a component


def breaches_as_measured(database: SLADatabase, start: int, end: int) -> list[Breach]:
    """The breaches that touch [start, end), oldest first; one that the ledger does not have has the id 0."""
    found: list[Breach] = []
    derived: set[_Where] = set()
    for key in _concerned(database):
        for where, breaches in _of(database, key):
            derived.add(where)
            found += breaches
    known = database.breaches_between(start, end)
    found += [each for each in known if (each.key, each.component) not in derived]
    wanted = [
        each for each in found if each.started_at < end and (each.ended_at is None or each.ended_at > start)
    ]
    return sorted(wanted, key=lambda each: (each.started_at, each.key, each.component))


def statuses_as_measured(database: SLADatabase, statuses: Iterable[SLAStatus], end: int) -> list[SLAStatus]:
    """Statuses that are in breach where they are so as measured."""
    if not _concerned(database):
        return list(statuses)
    lasting = {
        (each.key, each.component)
        for each in breaches_as_measured(database, end - 1, end)
        if each.ended_at is None
    }
    return [replace(each, in_breach=(each.key, each.component) in lasting) for each in statuses]


def _concerned(database: SLADatabase) -> list[str]:
    """The SLAs of which some slot counts otherwise than it was measured; none is the usual answer."""
    return database.tracer.adjusted_slas()


def _of(database: SLADatabase, key: str) -> Iterable[tuple[_Where, list[Breach]]]:
    """The breaches of each component of an SLA, from all slots that are kept, and those of before."""
    kept = database.slots_after()
    rows: dict[str, list[CountedSlot]] = {}
    for row in database.tracer.slots(key, kept, database.trusted_until()):
        rows.setdefault(row.component, []).append(row)
    known = [each for each in database.breaches_between(0, database.trusted_until()) if each.key == key]
    known += database.tracer.annulled_breaches(key)
    for component, own in rows.items():
        if not any(row.adjusted for row in own):
            continue
        before = [each for each in known if each.component == component]
        lasting = [each for each in before if each.started_at < kept and (each.ended_at or kept + 1) > kept]
        track = Track(OpenBreach(lasting[-1].started_at, lasting[-1].worst)) if kept and lasting else Track()
        others = [
            row.slot
            for other, found in rows.items()
            if other != component
            for row in found
            if row.measured_coverage > 0
        ]
        spans = _derive(database, key, own, sorted(others), track)
        named = {each.started_at: each for each in before}
        old = [each for each in before if each.started_at < kept and each not in lasting]
        yield (key, component), [*old, *(_breach(database, (key, component), each, named) for each in spans)]


def _derive(
    database: SLADatabase, key: str, rows: list[CountedSlot], others: list[int], track: Track
) -> list[Span]:
    def rule(slot: int) -> Rule:
        version = database.version_at(key, slot)
        policy = version.policy
        return Rule(version.comparison, database.slot_seconds, policy.breach_after, policy.recover_after)

    def gone(last: int, until: int) -> bool:
        return any(last + GONE_SECONDS <= slot <= until for slot in others)

    points = [Point(row.slot, row.measured_state, row.measured_actual) for row in rows]
    spans = derive(points, rule, track=track, gone=gone)
    if spans and spans[-1].ended_at is None and others:
        last, newest = rows[-1].slot, others[-1]
        if newest > last + GONE_SECONDS and gone(last, newest):
            spans[-1] = replace(spans[-1], ended_at=last)
    return spans


def _breach(database: SLADatabase, where: _Where, span: Span, named: Mapping[int, Breach]) -> Breach:
    key, component = where
    if span.started_at in named:
        return replace(named[span.started_at], ended_at=span.ended_at, worst=span.worst)
    definition = database.definitions()[key]
    version = database.version_at(key, span.started_at + database.slot_seconds)
    return Breach(
        id=0,
        name=definition.name,
        key=key,
        component=component,
        description=definition.description,
        severity=definition.severity,
        unit=version.unit,
        comparison=version.comparison,
        target=version.target_value,
        worst=span.worst,
        started_at=span.started_at,
        ended_at=span.ended_at,
    )
