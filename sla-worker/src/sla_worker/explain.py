"""Where a figure comes from, down to what Prometheus said: for the command, the API and the page."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import asdict
from typing import Any
from zoneinfo import ZoneInfo

from sla_worker.composite import Part, score
from sla_worker.conventions import MONTH
from sla_worker.database import SLADatabase
from sla_worker.database.trace import Trace
from sla_worker.errors import SLAWorkerError
from sla_worker.model import Breach, Definition
from sla_worker.needs import Kind
from sla_worker.sli.content import read
from sla_worker.windows import month_start

_MARGIN_SECONDS = 600  # a counter's last sample before the slot, from which it rises, is not older as a rule
_LENGTH = re.compile(r"([1-9][0-9]{0,4})([hd])")
_HOURS = {"h": 1, "d": 24}
_MONTH = re.compile(r"([0-9]{4})-([0-9]{2})")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FIX = "give a time like 2026-03-01T09:00, or a period like 24h, 30d, month, 2026-03, 2026-03-01 or FROM/TO"


def period(text: str, database: SLADatabase, zone: ZoneInfo, now: float) -> tuple[int, int]:
    """The slots (start, end] that a text means. A time is the slot that ends then, or in which it lies.

    `24h` and `month` end where pages, reports and metrics end. Raises SLAWorkerError.
    """
    end = database.period_end(now)
    step = database.slot_seconds
    try:
        if match := _LENGTH.fullmatch(text):
            return end - int(match[1]) * _HOURS[match[2]] * 3600, end
        if text == MONTH:
            return month_start(end, zone), end
        if match := _MONTH.fullmatch(text):
            year, month = int(match[1]), int(match[2])
            after = (year + month // 12, month % 12 + 1)
            begin, until = (_moment(f"{y:04}-{m:02}-01", zone) for y, m in ((year, month), after))
        elif _DAY.fullmatch(text):
            day = dt.date.fromisoformat(text)
            begin, until = (_moment(str(each), zone) for each in (day, day + dt.timedelta(days=1)))
        elif "/" in text:
            first, _, last = text.partition("/")
            begin, until = _moment(first, zone), _moment(last, zone)
        else:
            slot = -(-_moment(text, zone) // step) * step
            return slot - step, slot
    except (ValueError, OverflowError):
        raise SLAWorkerError(f"invalid time or period: {text[:40]!r}; {_FIX}") from None
    begin, until = -(-begin // step) * step, min(until // step * step, end)
    if begin >= until:
        raise SLAWorkerError(f"no slot lies in {text[:40]!r} up to now; {_FIX}")
    return begin, until


def _moment(text: str, zone: ZoneInfo) -> int:
    found = dt.datetime.fromisoformat(text)
    return int((found if found.tzinfo else found.replace(tzinfo=zone)).timestamp())


def explain(database: SLADatabase, key: str, start: int, end: int) -> dict[str, Any]:
    """All that stands behind the figures of an SLA over the slots in (start, end], as JSON has it.

    Times are epoch seconds.

    Raises DatabaseError for an unknown key.
    """
    trace = database.trace(key, start, end)
    breaches = [each for each in database.breaches_between(start, end) if each.key == key]
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
            }
            for each in trace.statuses
        ],
        "versions": list(trace.versions),
        "parts": list(trace.parts),
        "slot_rows": trace.row_count,
        "slots": None if trace.rows is None else list(trace.rows),
        "replaced_rows": trace.replaced_count,
        "replaced": list(trace.replaced),
        "breaches": [_breach(each) for each in breaches],
        "members": _members(database, trace),
        "queries": _queries(database, trace),
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
