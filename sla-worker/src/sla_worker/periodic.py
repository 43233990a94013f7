"""From the ledger to the periodic reports: the figures that page, API and terminal show too."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from zoneinfo import ZoneInfo

from sla_worker import due
from sla_worker.alert_quality import alert_quality
from sla_worker.conventions import DAILY_MAIL, MONTHLY_MAIL, WORST
from sla_worker.database import SLADatabase
from sla_worker.database.versions import StoredVersion, at
from sla_worker.frozen import as_frozen, breaches_of, frozen_period
from sla_worker.model import (
    Breach,
    Day,
    DayTotals,
    FrozenMonth,
    Incident,
    Line,
    LongReport,
    Member,
    Report,
    Score,
    SLAStatus,
    SoFar,
    Whole,
    clipped,
    read_details,
    seconds_together,
)
from sla_worker.outlook import outlook
from sla_worker.reports import only_of, report_between
from sla_worker.spans import TWELVE_MONTHS, YEAR, month_of, month_start, window_start

_AVAILABILITY = "availability"
_MONTHS = 12  # that a monthly report shows, its own with them
_PROSPECTS = 3
Versions = Mapping[str, Sequence[StoredVersion]]
_COUNTED = 100  # of so many breaches, the longest, the bad events are counted


def long_report(
    database: SLADatabase,
    *,
    kind: str,
    title: str,
    end: int,
    now: int,
    zone: ZoneInfo,
    only: Collection[str] | None = None,
) -> LongReport:
    """The week or month that ends at `end`, as known at `now`; a month with those before it.

    `only` are the keys of the SLAs that it is about: without credits and alerts, which are of all of them.
    """
    report = report_of_days(
        database, kind=kind, title=title, edges=due.borders(kind, end, zone), zone=zone, now=now, only=only
    )
    if kind == MONTHLY_MAIL:
        from sla_worker.credits import credit_lines  # noqa: PLC0415 - once a month

        month = month_of(report.whole.start, report.whole.end, zone)
        owed = credit_lines(database, month, zone, now) if only is None else ()
        history = _history(database, report, zone, only)
        wholes = _wholes(database, report.whole, zone, only)
        return replace(report, history=history, wholes=wholes, credits=owed)
    whole = report.whole
    breaches = [each.breach for each in report.incidents]
    return replace(
        report,
        outlook=outlook(database, whole.end, zone, _PROSPECTS, only),
        alerts=None
        if only is not None
        else alert_quality(database, whole.start, whole.end, whole.statuses, breaches),
    )


def day_report(
    database: SLADatabase,
    *,
    title: str,
    end: int,
    now: int,
    zone: ZoneInfo,
    only: Collection[str] | None = None,
) -> LongReport:
    """The 24 hours that end at `end`, beside those before, and beside the month so far; `only` as above."""
    edges = due.borders(DAILY_MAIL, end, zone)
    report = report_of_days(
        database, kind=DAILY_MAIL, title=title, edges=edges, zone=zone, now=now, only=only
    )
    until = report.whole.end
    begin = database.grid.slot_before(month_start(until, zone))
    months = _by_place(database.status_of_period(begin, until))

    def so_far(line: Line) -> SoFar | None:
        found = months.get((line.status.key, line.status.component))
        return None if found is None else SoFar(found, line.kind)

    return replace(
        report,
        lines=tuple(replace(each, month=so_far(each)) for each in report.lines),
        outlook=outlook(database, until, zone, _PROSPECTS, only),
    )


def _wholes(
    database: SLADatabase, month: Report, zone: ZoneInfo, only: Collection[str] | None
) -> tuple[Whole, ...]:
    """The year to date and the last twelve months: each SLA judged over all of it.

    The year is that of the month's middle: its end may lie in the next one since the timezone was changed.
    """
    found = []
    end, middle = month.end, (month.start + month.end) // 2
    begins = (("Year to date", YEAR, middle), ("Last twelve months", TWELVE_MONTHS, end))
    for name, window, within in begins:
        start = database.grid.slot_before(window_start(window, within, zone) or end)
        whole = _figures(database, start, end, only)
        found.append(Whole(name, start, whole.meeting, len(whole.measured), whole.coverage_ratio))
    return tuple(found)


def _figures(database: SLADatabase, start: int, end: int, only: Collection[str] | None) -> Report:
    """A period of which the figures alone are wanted."""
    return Report("", start, end, end, tuple(only_of(database.status_of_period(start, end), only)), (), 0)


def _history(
    database: SLADatabase, report: LongReport, zone: ZoneInfo, only: Collection[str] | None
) -> tuple[Score, ...]:
    """The scores of the twelve months that end with the reported one: of a frozen month, what was frozen."""
    frozen = {(each.start, each.end): each.compliance_ratio for each in database.months.newest()}
    found = [Score(report.whole.start, report.whole.score_ratio)]
    for _ in range(_MONTHS - 1):
        end = found[-1].start
        start = database.grid.slot_before(due.borders(MONTHLY_MAIL, end, zone)[0])
        period = start, end
        if period not in frozen:
            ratio = _figures(database, start, end, only).score_ratio
        elif only is None:
            ratio = frozen[period]
        else:
            ratio = _frozen_score(database, start, end, only)
        found.append(Score(start, ratio))
    return tuple(reversed(found))


def _frozen_score(database: SLADatabase, start: int, end: int, only: Collection[str]) -> float | None:
    """The score of some SLAs in a month that is frozen."""
    whole, found = _figures(database, start, end, None), frozen_period(database, start, end)
    shown = whole if found is None else as_frozen(whole, found[1])
    return replace(shown, statuses=tuple(only_of(shown.statuses, only))).score_ratio


def report_of_days(
    database: SLADatabase,
    *,
    kind: str,
    title: str,
    edges: Sequence[int],
    zone: ZoneInfo,
    now: int,
    only: Collection[str] | None = None,
) -> LongReport:
    """The report over days with these edges, which are cut down to slots; `only` as in `long_report`."""
    edges = list(dict.fromkeys(database.grid.slot_before(each) for each in edges))
    start, end = edges[0], edges[-1]
    before_start = (
        database.grid.slot_before(due.borders(kind, start, zone)[0])
        if kind in due.REPORTS
        else start - (end - start)
    )
    whole, before = (
        report_between(database, title=title, start=begin, end=until, now=now, of_then=True, only=only)
        for begin, until in ((start, end), (before_start, start))
    )
    breaches = only_of(database.breaches_between(start, end), only)
    earlier = only_of(database.breaches_between(before_start, start), only)
    frozen = None
    if kind == MONTHLY_MAIL:
        whole, breaches, frozen = _as_frozen(database, whole, breaches, only)
        before, earlier, _ = _as_frozen(database, before, earlier, only)
    spans = [] if kind == DAILY_MAIL else list(pairwise(edges))
    days, columns = _days(database, whole, spans, only)
    report = LongReport(
        kind=kind,
        whole=whole,
        before=before,
        days=days,
        lines=_lines(database, whole, before, columns, breaches),
        incidents=_incidents(database, whole, breaches),
        down_seconds=_down(whole, breaches),
        before_breaches=len(earlier),
        before_down_seconds=_down(before, earlier),
        revision=_revision(database, end),
        frozen=frozen,
    )
    worst = [each.breach.id for each in report.worst(WORST)]
    return replace(report, causes=database.causes.of(worst))


def _as_frozen(
    database: SLADatabase, report: Report, breaches: list[Breach], only: Collection[str] | None
) -> tuple[Report, list[Breach], FrozenMonth | None]:
    """A month and its breaches as they were frozen; None: it was not, and they are as they were."""
    frozen = frozen_period(database, report.start, report.end)
    if frozen is None:
        return report, breaches, None
    month, document = frozen
    shown, found = as_frozen(report, document), breaches_of(document, breaches)
    if only is not None:
        found = only_of(found, only)
        statuses = tuple(only_of(shown.statuses, only))
        shown = replace(shown, statuses=statuses, period_breaches=len(found))
    return shown, found, month


_Column = Sequence[Day | None]  # of a day, by the place of a status in the whole


def _days(
    database: SLADatabase, whole: Report, spans: Sequence[tuple[int, int]], only: Collection[str] | None
) -> tuple[tuple[DayTotals, ...], list[_Column]]:
    """Each day by itself; without any the whole is one. Of a day no more is kept than a report shows.

    Where the whole is that of a frozen month, its days are as they are known now.
    """
    places = {(each.key, each.component): number for number, each in enumerate(whole.statuses)}
    totals: list[DayTotals] = []
    columns: list[_Column] = []
    for figures in (_figures(database, *span, only) for span in spans) if spans else (whole,):
        column: list[Day | None] = [None] * len(places)
        for each in figures.statuses:
            number = places.get((each.key, each.component))
            if number is not None:
                column[number] = Day.of(each)
        totals.append(DayTotals.of(figures))
        columns.append(column)
    return tuple(totals), columns


def _lines(
    database: SLADatabase, whole: Report, before: Report, days: Sequence[_Column], breaches: Sequence[Breach]
) -> tuple[Line, ...]:
    versions = database.versions()
    former = _by_place(before.statuses)
    own: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for one in breaches:
        own.setdefault((one.key, one.component), []).append(clipped(one, whole.start, whole.end))
    found = []
    for number, each in enumerate(whole.statuses):
        place = each.key, each.component
        details = read_details(_in_force(versions[each.key], whole.end).details)
        found.append(
            Line(
                status=each,
                days=tuple(day[number] for day in days),
                before=former.get(place),
                kind=details.kind,
                policy=details.policy,
                breaches=len(own.get(place, ())),
                down_seconds=seconds_together(own.get(place, ())),
                new_version=_newly_judged(versions, each.key, before.start, whole.end),
            )
        )
    return tuple(found)


def _in_force(versions: Sequence[StoredVersion], end: int) -> StoredVersion:
    """The version that an SLA is held to in a period that ends there; of one that was removed, its last."""
    return at([each for each in versions if each.enabled] or versions, end)


def _newly_judged(versions: Versions, key: str, start: int, end: int) -> bool:
    """Whether a new version of an SLA, or of a member of it, began in (start, end)."""
    judged = versions.get(key, ())
    return any(start < each.valid_from < end for each in judged[1:]) or any(
        _newly_judged(versions, each, start, end)
        for member in (judged[-1].members if judged else ())
        for each in _keys(versions, member)
    )


def _keys(versions: Versions, member: Member) -> list[str]:
    """The keys of a member: one, or those of a category, of which composites are none."""
    if member.sla is not None:
        return [member.sla]
    return [
        key
        for key, judged in versions.items()
        if judged[-1].category == member.category
        and not judged[-1].members
        and (member.among is None or key in member.among)
    ]


def _by_place(statuses: Sequence[SLAStatus]) -> dict[tuple[str, str], SLAStatus]:
    return {(each.key, each.component): each for each in statuses}


def _incidents(database: SLADatabase, whole: Report, breaches: Sequence[Breach]) -> tuple[Incident, ...]:
    """Each breach with what it burned: the bad events of its slots, as a share of what the period allowed."""
    held = _by_place(whole.statuses)
    kept = database.slots_after()
    spans = {each.id: clipped(each, whole.start, whole.end) for each in breaches}
    longest = sorted(breaches, key=lambda each: spans[each.id][0] - spans[each.id][1])[:_COUNTED]
    read = database.sums_of_breaches([(each, spans[each.id]) for each in longest])
    sums = dict(zip((each.id for each in longest), read, strict=True))
    found = []
    for each in breaches:
        begin, until = spans[each.id]
        place = each.key, each.component
        counted, status = sums.get(each.id), held.get(place)
        bad = burned = None
        composite = database.is_composite(each.key)
        if counted is not None and status is not None and begin >= kept and not composite:
            bad = counted[1] - counted[0]
            allowed = (1 - status.held_to_ratio) * status.total
            burned = bad / allowed if allowed > 0 else None
        found.append(Incident(each, until - begin, bad, burned))
    return tuple(found)


def _down(report: Report, breaches: Sequence[Breach]) -> int:
    """The seconds in which at least one SLA of the category availability was in breach."""
    keys = {each.key for each in report.statuses if each.category == _AVAILABILITY}
    return seconds_together(clipped(each, report.start, report.end) for each in breaches if each.key in keys)


def _revision(database: SLADatabase, end: int) -> str:
    """The hash of what each SLA was judged by at the end: the same for the same definitions."""
    held = []
    for key, versions in sorted(database.versions().items()):
        in_force = [each for each in versions if each.number == 1 or each.valid_from < end][-1]
        if in_force.enabled:
            held.append(f"{key} {in_force.content_hash or in_force.number}")
    return hashlib.sha256("\n".join(held).encode()).hexdigest()[:12]
