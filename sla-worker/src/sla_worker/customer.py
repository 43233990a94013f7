"""What a customer is told of a month: the SLAs that are public, in words without internals.

The figures are those of the frozen month; of one that is not frozen they are an estimate. Free texts of
people (reasons, descriptions) are left out: they may name what is internal.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from sla_worker.credits import claim_until
from sla_worker.database import SLADatabase
from sla_worker.errors import SLAWorkerError
from sla_worker.exclusions import merged
from sla_worker.model import Comparison, Maintenance, Policy, title
from sla_worker.model.customer import CustomerReport, Incident, Kept, Noted
from sla_worker.months import Document, bounds, make

_Policies = Callable[[str], Policy]
_EXCLUDED = "excluded"


def customer_report(database: SLADatabase, month: str, zone: ZoneInfo, now: int) -> CustomerReport:
    """The report of a month like 2026-03. Raises SLAWorkerError."""
    document, final = _document(database, month, zone, now)
    end = document["end"]

    @cache
    def policy(key: str) -> Policy:
        return database.version_at(key, end).policy

    public = [each for each in document["slas"] if policy(each["sla"]).public]
    if not public:
        raise SLAWorkerError(
            f"no SLA of {month} is public; give those that customers may see `public: true` in"
            " sla_thresholds.yml: it counts from then on"
        )
    names = _names(public)
    maintenance = list(_maintenance(document, names))
    good = {where for where in names if policy(where[0]).maintenance is Maintenance.COUNTED_GOOD}
    return CustomerReport(
        month=month,
        zone=ZoneInfo(document["timezone"]),
        start=document["start"],
        end=end,
        generated_at=now,
        revision=document["revision"] if final else None,
        over=end == bounds(month, ZoneInfo(document["timezone"]))[1],
        promises=tuple(
            _promise(each, names[each["sla"], each["component"]], end - document["start"]) for each in public
        ),
        incidents=tuple(_incidents(document, names)),
        left_out=_noted((where, span) for where, span in maintenance if where not in good)(names),
        counted=_noted((where, span) for where, span in maintenance if where in good)(names),
        corrected=_noted(_corrections(document, names))(names),
        credits=tuple(_credits(database, month, names)),
        claims=_claims(document, names, policy),
    )


_Where = tuple[str, str]
_Names = Mapping[_Where, str]
_Span = tuple[int, int]


def _document(database: SLADatabase, month: str, zone: ZoneInfo, now: int) -> tuple[Document, bool]:
    """The newest revision of the month; else what would be frozen of it now."""
    start, until = bounds(month, zone)
    frozen = database.months.get(month)
    if frozen is not None:
        return json.loads(database.months.document(frozen)), True
    last = database.period_end(now)
    if start >= last:
        raise SLAWorkerError(f"the month {month} has not begun; give one that has")
    return make(database, month, zone, (start, min(until, last)), now), False


def _names(public: Sequence[Mapping[str, Any]]) -> dict[_Where, str]:
    """What each line is called: a component is named only where there are several."""
    parts: dict[str, int] = {}
    for each in public:
        parts[each["sla"]] = parts.get(each["sla"], 0) + 1
    return {
        (each["sla"], each["component"]): each["name"]
        if parts[each["sla"]] == 1
        else title(each["name"], each["component"])
        for each in public
    }


def _promise(each: Mapping[str, Any], name: str, seconds: int) -> Kept:
    """A line of a period of so many seconds. Of one that did not count at all nothing was to be measured."""
    good, total = each["good"], each["total"]
    counted = each["compliance_ratio"] is not None or each["excluded_seconds"] < seconds
    return Kept(
        name=name,
        category=each["category"],
        comparison=Comparison(each["comparison"]),
        target=each["target"],
        unit=each["unit"],
        percentile=each["percentile"],
        kept_ratio=each["compliance_ratio"],
        bad_ratio=(total - good) / total if total > 0 else None,
        measured_ratio=each["coverage_ratio"] if counted else None,
        result=each["result"] if counted else _EXCLUDED,
    )


def _incidents(document: Document, names: _Names) -> Iterator[Incident]:
    for each in document["breaches"]:
        name = names.get((each["sla"], each["component"]))
        if name is not None:
            yield Incident(name, each["started_at"], each["ended_at"], each["lasts_beyond"])


def _maintenance(document: Document, names: _Names) -> Iterator[tuple[_Where, _Span]]:
    for each in document["exclusions"]:
        if each["revoked_at"] is not None:
            continue
        since = {one["sla"]: one["since"] for one in each["covers"]}
        components = each["scope"]["components"]
        for key, component in names:
            if key not in since or (components and component not in components):
                continue
            for start, end in each["times"]:
                if max(start, since[key]) < end:
                    yield (key, component), (max(start, since[key]), end)


def _corrections(document: Document, names: _Names) -> Iterator[tuple[_Where, _Span]]:
    for each in document["corrections"]:
        for key, component in names:
            concerned = key == each["sla"] and (not each["components"] or component in each["components"])
            if concerned and each["revoked_at"] is None:
                span = max(each["start"], document["start"]), min(each["end"], document["end"])
                yield (key, component), span


def _noted(found: Iterator[tuple[_Where, _Span]]) -> Callable[[_Names], tuple[Noted, ...]]:
    """The times of each line as one where they touch, and together those that are of the same time."""
    spans: dict[_Where, list[_Span]] = {}
    for where, span in found:
        spans.setdefault(where, []).append(span)

    def named(names: _Names) -> tuple[Noted, ...]:
        together: dict[_Span, list[str]] = {}
        for where, some in spans.items():
            for span in merged(some):
                together.setdefault(span, []).append(names[where])
        return tuple(Noted(start, end, tuple(together[start, end])) for start, end in sorted(together))

    return named


def _credits(database: SLADatabase, month: str, names: _Names) -> Iterator[tuple[str, str]]:
    for each in database.credits.all(month):
        name = names.get((each.proposed.sla, each.proposed.component))
        if name is not None and each.approved_percent > 0:
            yield name, f"{each.approved_percent.normalize():f}"


def _claims(
    document: Document, names: _Names, policy: _Policies
) -> tuple[tuple[dt.date, tuple[str, ...]], ...]:
    zone = ZoneInfo(document["timezone"])
    end = bounds(document["month"], zone)[1]
    found: dict[dt.date, list[str]] = {}
    for (key, _), name in names.items():
        day = claim_until(end, policy(key).credit_terms.claim_days, zone) if policy(key).credits else None
        if day is not None:
            found.setdefault(day, []).append(name)
    return tuple((day, tuple(found[day])) for day in sorted(found))
