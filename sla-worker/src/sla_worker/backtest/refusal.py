"""Why an SLA cannot be replayed as it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from sla_worker.backtest.values import Other
from sla_worker.database import SLADatabase
from sla_worker.model import Definition


def refusal(
    database: SLADatabase, others: Mapping[str, Other], key: str, period: tuple[int, int], zone: ZoneInfo
) -> str | None:
    """Why the ledger cannot tell; None: it can."""
    start, end = period
    versions = database.versions()[key]
    until = [*(each.valid_from for each in versions[1:]), end]
    for version, last in zip(versions, until, strict=True):
        if last <= start or (version.number > 1 and version.valid_from >= end):
            continue
        was = database.tracer.judged_by(key, max(version.valid_from + 1, 1))
        reason = _of_version(was, others[key].of(was))
        if reason is None and was.sli.members:
            reason = _of_members(database, was, others[key].of(was), period, zone)
        if reason is not None:
            return reason
    return None


def _of_version(was: Definition, then: Definition) -> str | None:
    if was.sli.percentile is not None and not was.sli.one_event_a_slot and was.target != then.target:
        return (
            "requests within another threshold were not counted: the ledger has no buckets;"
            " give another objective by --file instead"
        )
    if _reads(was) != _reads(then):
        return "it measures something else, which the ledger does not have"
    if (was.unit, was.comparison) != (then.unit, then.comparison):
        return "its unit or comparison is another one"
    return None


def _of_members(
    database: SLADatabase, was: Definition, then: Definition, period: tuple[int, int], zone: ZoneInfo
) -> str | None:
    """A composite whose members changed has a score before and one after, each by its own members."""
    asked = (*was.sli.members, *then.sli.members)
    spells = database.tracer.promised(was.key, *period)
    for (_, before), (since, after) in pairwise(spells):
        changed = {
            (key, category)
            for key, category in before ^ after
            if key == was.key or any(each.includes(key, category) for each in asked)
        }
        if changed:
            moment = datetime.fromtimestamp(since, zone).isoformat(timespec="minutes")
            return f"it, or what it is made of, changed at {moment}; give --from {moment} or a --to before"
    return None


def _reads(definition: Definition) -> tuple[object, ...]:
    """What is counted for an SLA, whatever it is compared with."""
    asked: tuple[object, ...] = tuple(definition.sli.needs(definition))
    asked = asked or tuple(definition.sli.expressions(definition, 300))
    return definition.sli.kind, definition.by, definition.component, asked
