"""Where a figure comes from, down to what Prometheus said: for the command, the API and the page."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from zoneinfo import ZoneInfo

from sla_worker.as_measured import breaches_as_measured
from sla_worker.compliance import budgets
from sla_worker.composite import Part, score
from sla_worker.database import SLADatabase
from sla_worker.database.trace import Trace
from sla_worker.model import Breach, Definition, Exclusion
from sla_worker.needs import Kind
from sla_worker.sli.content import read
from sla_worker.spans import Span, read_span

_MOST_CAUSES = 300  # breaches whose alerts are given, the newest
_MARGIN_SECONDS = 600  # a counter's last sample before the slot, from which it rises, is not older as a rule


def period(text: str, database: SLADatabase, zone: ZoneInfo, now: float) -> Span:
    """The slots that a text means. Windows end where pages and metrics end. Raises SLAWorkerError."""
    return read_span(text, database.period_end(now), database.slot_seconds, zone)


def explain(
    database: SLADatabase, key: str, start: int, end: int, *, moves: bool | None = None
) -> dict[str, Any]:
    """All that stands behind the figures of an SLA over the slots in (start, end], as JSON has it.

    Times are epoch seconds. `moves` is that of the span.

    Raises DatabaseError for an unknown key.
    """
    trace = database.trace(key, start, end)
    rests = budgets(database, Span(start, end, moves), trace.statuses)
    members = _members(database, trace)
    concerned = {key, *(each for member in members for each in member["slas"])}
    breaches = [each for each in database.breaches_between(start, end) if each.key == key]
    newest = [each.id for each in breaches[-_MOST_CAUSES:]]
    causes = {number: asdict(each) for number, each in database.causes.of(newest).items()}
    return {
        "sla": key,
        "start": start,
        "end": end,
        "figures": [
            {
                "component": each.component,
                "good": each.good,
                "total": each.total,
                "compliance_ratio": each.compliance_ratio,
                "held_to_ratio": each.held_to_ratio,
                "meets_target": each.meets_target,
                "coverage_ratio": each.coverage_ratio,
                "error_budget": asdict(rests[each.key, each.component]),
            }
            for each in trace.statuses
        ],
        "versions": list(trace.versions),
        "parts": list(trace.parts),
        "slot_rows": trace.row_count,
        "slots": None if trace.rows is None else list(trace.rows),
        "replaced_rows": trace.replaced_count,
        "replaced": list(trace.replaced),
        "exclusions": [
            _exclusion(each, start, end) for each in database.maintenance.of(concerned, start, end)
        ],
        "corrections": [
            asdict(each) for each in database.corrections.between(start, end) if each.sla in concerned
        ],
        "breaches": [_breach(each) | {"causes": causes.get(each.id)} for each in breaches],
        "breaches_as_measured": [
            _breach(each) for each in breaches_as_measured(database, start, end) if each.key == key
        ],
        "members": members,
        "queries": _queries(database, trace),
    }


def _exclusion(exclusion: Exclusion, start: int, end: int) -> dict[str, Any]:
    planned = exclusion.planned
    return {
        "id": exclusion.id,
        "of": planned.scope.words,
        "author": planned.author,
        "reason": planned.reason,
        "created_at": exclusion.created_at,
        "times": [list(each) for each in exclusion.spans if each[0] < end and each[1] > start],
    }


def _breach(breach: Breach) -> dict[str, Any]:
    names = ("id", "component", "severity", "started_at", "ended_at", "target", "worst")
    return {name: value for name, value in asdict(breach).items() if name in names}


def _members(database: SLADatabase, trace: Trace) -> list[dict[str, Any]]:
    """Of a composite: what its members counted over the period, by the version at its end."""
    version = database.version_at(trace.key, trace.end)
    statuses = database.get_current_sla_status((trace.end - trace.start) / 3600, end=trace.end)
    found: list[dict[str, Any]] = []
    for member in version.members:
        parts = [
            Part(each.key, each.category, each.good, each.total, each.coverage_ratio)
            for each in statuses
            if member.includes(each.key, each.category) and not database.is_composite(each.key)
        ]
        found.append(
            {
                "member": member.sla or member.category,
                "weight": member.weight,
                "compliance_ratio": score([member], parts).ratio,
                "slas": sorted({each.key for each in parts}),
            }
        )
    return found


def _queries(database: SLADatabase, trace: Trace) -> list[dict[str, Any]]:
    """What to ask Prometheus about the last slot of each version, as `query` and `time` of /api/v1/query."""
    found: list[dict[str, Any]] = []
    for version in trace.versions:
        text = database.version_content(trace.key, version["version"]) if version["in_force"] else None
        if text is None:
            continue
        slot = min(version["valid_until"] or trace.end, trace.end)
        definition = read(text, key=trace.key, name=trace.key)
        for query, what in _asked(definition, database.slot_seconds):
            found.append({"version": version["version"], "query": query, "time": slot, "gives": what})
    return found


def _asked(definition: Definition, step: int) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for need in definition.sli.needs(definition):
        selector = str(need.selector)
        if need.bound is not None:
            inner = f'le=~"{need.bound:.15g}(\\\\.0+)?"'
            selector = f"{selector[:-1]}, {inner}}}" if selector.endswith("}") else f"{selector}{{{inner}}}"
        if need.kind is Kind.COUNTER:
            seconds, what = (
                step + _MARGIN_SECONDS,
                "samples: by how much each series rose since its last one before the slot",
            )
        else:
            seconds, what = step, "samples of the slot"
        found.append((f"{selector}[{seconds}s]", what))
    found += [(each.text, "the value") for each in definition.sli.expressions(definition, step)]
    return found
