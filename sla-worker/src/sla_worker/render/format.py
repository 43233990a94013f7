"""Numbers, times and verdicts as people read them. The only place that rounds."""

from __future__ import annotations

import datetime as dt
import math
from zoneinfo import ZoneInfo

from sla_worker.conventions import MINIMUM_COVERAGE, SCORE_GOOD, SCORE_POOR
from sla_worker.model import (
    BadBefore,
    BreachAlert,
    Budget,
    Category,
    Causes,
    Comparison,
    Correction,
    Exclusion,
    Report,
    SLAStatus,
    Status,
)

NONE = "—"
MINUS = "\N{MINUS SIGN}"
_NAMED_CHANGES = 2
_NAMED_ALERTS = 5
_MOST_DIGITS = 7  # behind the point
_LEFT_OUT = (Status.OUT_OF_HOURS, Status.EXCLUDED)
GREEN, AMBER, RED, GREY = "#1a7f4b", "#b35c00", "#c62828", "#5f6b7a"


def maintenance_line(exclusion: Exclusion, now: float, zone: ZoneInfo) -> str:
    """A maintenance window for people: its state, when, of what, why and by whom."""
    planned = exclusion.planned
    start, end = exclusion.time_at(now)
    count = len(exclusion.spans)
    one_of = f" (one of {count} times)" if count > 1 else ""
    return (
        f"{exclusion.state(now)}: {moment(start, zone)} to {moment(end, zone)}{one_of},"
        f" {planned.scope.words}: {planned.reason} ({planned.author})"
    )


def lingering_words(before: BadBefore, zone: ZoneInfo) -> str:
    """That a breach goes on from a time that did not count."""
    return f"bad since {moment(before.since, zone)}, under maintenance until {moment(before.until, zone)}"


def correction_line(correction: Correction, zone: ZoneInfo) -> str:
    """A correction for people: when, of what, what it says, why and by whom."""
    return (
        f"{moment(correction.start, zone)} to {moment(correction.end, zone)}, {correction.of}:"
        f" {correction.words}: {correction.reason} ({correction.author})"
    )


def ratio(value: float | None) -> str:
    """0.99931 as `99.93 %`; never rounded up to 100 % or down to 0 %; None as a dash."""
    if value is None:
        return NONE
    percent = value * 100
    for digits in (2, 3, 4):
        text = f"{percent:.{digits}f}"
        if (float(text) == 100) == (value == 1) and (float(text) == 0) == (value == 0):  # noqa: PLR2004
            return f"{text} %"
    return "> 99.9999 %" if value > 0.5 else "< 0.0001 %"  # noqa: PLR2004 - near which end it is


def apart(value: float | None, bound: float, comparison: Comparison = Comparison.AT_LEAST) -> str:
    """A ratio like `ratio`, with as many digits as say on which side of a bound it is.

    0.99896 is `99.896 %` beside an objective of 99.9 %, and not 99.90 %.
    """
    text = ratio(value)
    if value is None or not text[0].isdigit():
        return text
    limit = round(bound * 100, 9)
    reached = _reaches(value, bound, comparison)
    digits = 2
    while _reaches(float(text.removesuffix(" %")), limit, comparison) != reached:
        digits += 1
        if digits > _MOST_DIGITS:
            return f"{'<' if value < bound else '>'} {limit:.10g} %"
        text = f"{value * 100:.{digits}f} %"
    return text


def _reaches(value: float, bound: float, comparison: Comparison) -> bool:
    return value >= bound if comparison is Comparison.AT_LEAST else value <= bound


def compliance(status: SLAStatus) -> str:
    """The compliance over a period; one that misses its objective is not rounded up to it."""
    return apart(status.compliance_ratio, status.held_to_ratio)


def whole(value: float) -> str:
    """A number of events or minutes, rounded down, so that no more is promised than there is."""
    exact = round(value, 6)  # an allowance of 168 may be a hair below it
    if abs(exact) >= 100:  # noqa: PLR2004 - three digits say enough
        return f"{math.floor(exact):,}".replace("-", MINUS)
    return f"{math.floor(exact * 10) / 10:g}".replace("-", MINUS)


def budget_left(value: float | None) -> str:
    """What is left of an error budget, with its sign: `-340.00 %`; never rounded to 0 %."""
    if value is None or value >= 0:
        return ratio(value)
    return f"-{ratio(-value)}" if value < -1e-6 else "> -0.0001 %"  # noqa: PLR2004 - as small as ratio shows


def burn_rate(value: float | None) -> str:
    """`14.40`; what is not exactly 1 or 0 is not shown as that."""
    if value is None:
        return NONE
    for digits in (2, 3, 4):
        text = f"{value:.{digits}f}"
        if (float(text) == 1) == (value == 1) and (float(text) == 0) == (value == 0):
            return text
    return "< 0.0001" if value < 0.5 else "< 1" if value < 1 else "> 1"  # noqa: PLR2004 - near which it is


def lasts(budget: Budget) -> str:
    """How long an error budget lasts at the rate of the last hour: `3 h 5 min`; a dash: it does not end."""
    if budget.lasts_seconds is None:
        return NONE
    return length(int(budget.lasts_seconds)) if budget.lasts_seconds > 0 else "gone"


def budget_words(budget: Budget) -> str | None:
    """An error budget in a sentence; None where nothing is known of it."""
    if budget.left_ratio is None:
        return None
    words = f"error budget: {budget_left(budget.left_ratio)} left, burn rate {burn_rate(budget.burn_rate)}"
    return f"{words}, gone in {lasts(budget)} at the last hour's rate" if budget.lasts_seconds else words


def cause_words(causes: Causes, zone: ZoneInfo) -> str:
    """The alerts that fired when a breach began, or that there was none, or why that cannot be known."""
    if not causes.alerts:
        return f"not known: {causes.trouble}" if causes.trouble else "no alert fired when it began"
    named = [_alert_words(each, zone) for each in causes.alerts[:_NAMED_ALERTS]]
    more = causes.total - len(named)
    words = "; ".join(named) + (f"; {more} more" if more > 0 else "")
    return f"{words} (perhaps not all: {causes.trouble})" if causes.trouble else words


def _alert_words(alert: BreachAlert, zone: ZoneInfo) -> str:
    """`HighErrorRate, critical, since 2026-03-01 09:00 UTC`."""
    since = f"since {moment(alert.since, zone)}" if alert.since is not None else "since long before"
    sla = f"of {alert.labels['sla']}" if "sla" in alert.labels else ""
    return ", ".join(each for each in (f"{alert.alertname} {sla}".strip(), alert.severity, since) if each)


def quantity(value: float | None, unit: str) -> str:
    """A value with its unit: a ratio in percent, seconds with up to three digits, None as a dash."""
    if value is None or not math.isfinite(value):
        return NONE
    if unit == "ratio":
        return ratio(value)
    return f"{_plainly(value, 3 if unit == 'seconds' else 6)} {_unit(unit)}"


def _plainly(value: float, digits: int) -> str:
    """A number with so many digits, all before the point: `1,234`, never `1.23e+03`."""
    text = f"{value:.{digits}g}"
    return f"{value:,.0f}" if "e+" in text else text


def _unit(unit: str) -> str:
    return "s" if unit == "seconds" else unit


def beside(value: float | None, bound: float, comparison: Comparison, unit: str) -> str:
    """A value like `quantity` that stands beside its target: one that misses it is not rounded to it."""
    if value is None or not math.isfinite(value):
        return NONE
    if unit == "ratio":
        return apart(value, bound, comparison)
    text = quantity(value, unit)
    reached = _reaches(value, bound, comparison)
    for digits in range(1, _MOST_DIGITS):
        if _reaches(float(text.partition(" ")[0].replace(",", "")), bound, comparison) == reached:
            break
        text = f"{value:,.{digits}f} {_unit(unit)}"
    return text


def figure(value: float, unit: str) -> str:
    """The figure of a target, which nobody rounds: `99.95 %`, `1,800 s`."""
    return f"{value * 100:.10g} %" if unit == "ratio" else f"{value:,.10g} {_unit(unit)}"


def target(value: float, comparison: Comparison, unit: str) -> str:
    """A target with its side: `≥ 99.9 %`, `≤ 5 s`."""
    return f"{'≥' if comparison is Comparison.AT_LEAST else '≤'} {figure(value, unit)}"


def objective(held: float) -> str:
    """The share that must be good: `99.90 %`, and near 100 % all its digits, `99.995 %`.

    That of several versions has digits without end, and is rounded.
    """
    exact = f"{held * 100:.10g}"
    near = held > 0.99 and len(exact) < len("99.9999999")  # noqa: PLR2004 - where two digits are too few
    return f"{exact} %" if near and len(exact) > len("99.95") else ratio(held)


def actual(status: SLAStatus) -> str:
    """The period's figure in the target's terms; of a percentile or a value, what the counts say of it."""
    if status.percentile is not None:
        if status.compliance_ratio is None:
            return NONE
        side = "within" if status.comparison is Comparison.AT_MOST else "at least"
        return f"{compliance(status)} {side} {figure(status.target, status.unit)}"
    if status.unit != "ratio":
        return quantity(status.actual, status.unit)
    if status.comparison is Comparison.AT_MOST:
        return apart(status.period_actual, 1 - status.held_to_ratio, Comparison.AT_MOST)
    return compliance(status)


def lowest(status: SLAStatus) -> str | None:
    """The member that lowers a composite most: `lowest: API 93.20 %`; None when all are at 100 %."""
    if status.weakest_ratio is None or status.weakest_ratio == 1:
        return None
    return f"lowest: {status.weakest_name} {ratio(status.weakest_ratio)}"


def changed(status: SLAStatus, zone: ZoneInfo) -> str | None:
    """That an SLA was judged otherwise in a part of the period: and what it is held to over all of it."""
    if not status.changes:
        return None
    since = " and ".join(moment(each, zone) for each in status.changes[-_NAMED_CHANGES:])
    more = len(status.changes) - _NAMED_CHANGES
    earlier = f", {more} earlier" if more > 0 else ""
    held = (
        "" if status.held_to_ratio == status.objective_ratio else f"; held to {ratio(status.held_to_ratio)}"
    )
    return f"new version from {since}{earlier}{held}"


def remark(status: SLAStatus, zone: ZoneInfo) -> str | None:
    """What stands below an SLA in small letters; None: nothing."""
    return "; ".join(each for each in (lowest(status), changed(status, zone)) if each) or None


def verdict(status: SLAStatus) -> str:
    """pass, fail, or why it cannot be said; what was measured too little has only passed so far."""
    if status.meets_target is None:
        if status.coverage_ratio == 0:
            return "no data"
        return status.status.word if status.status in _LEFT_OUT else "no traffic"
    if not status.meets_target:
        return "fail"
    return "pass" if status.coverage_ratio >= MINIMUM_COVERAGE else "pass so far"


def verdict_colour(status: SLAStatus) -> str:
    """The colour beside the word of `verdict`: green for a pass that stands, and for nothing less."""
    return {"pass": GREEN, "fail": RED}.get(verdict(status), GREY)


def score_word(report: Report) -> str:
    """The overall score in a word."""
    score = report.score_ratio
    if score is None:
        return "no data"
    if score >= SCORE_GOOD:
        return "all targets met so far" if _too_soon(report) else "all targets met"
    return "some targets missed" if score >= SCORE_POOR else "targets missed"


def score_colour(report: Report) -> str:
    """The colour beside `score_word`."""
    score = report.score_ratio
    if score is None:
        return GREY
    if score >= SCORE_GOOD:
        return GREY if _too_soon(report) else GREEN
    return AMBER if score >= SCORE_POOR else RED


def _too_soon(report: Report) -> bool:
    """Whether too little is measured of one for a pass to stand, or nothing at all."""
    return any(verdict(status) == "pass so far" or unmeasured(status) for status in report.statuses)


def unmeasured(status: SLAStatus) -> bool:
    """Whether there is no data of a time in which an SLA was in force."""
    return verdict(status) == "no data" and status.period_seconds > 0


def category_count(category: Category) -> str:
    """`7 of 8 meet their target, 1 without events`."""
    measured = category.measured
    text = f"{sum(measured.values())} of {len(measured)} meet their target" if measured else ""
    rest = category.slas - len(measured)
    return ", ".join(each for each in (text, f"{rest} without events" if rest else "") if each)


def category_tag(category: Category) -> tuple[str, str]:
    """What there is to look at in a category in a word or two, and the colour beside it."""
    measured = category.measured
    missed = len(measured) - sum(measured.values())
    if missed:
        return f"{missed} missed", RED
    if category.in_breach:
        return f"{category.in_breach} in breach", AMBER
    if category.without_data:
        return f"{category.without_data} without data", GREY
    if not measured:
        return "nothing to judge", GREY
    if any(verdict(each) == "pass so far" for each in category.statuses):
        return "all met so far", GREY
    return "all met", GREEN


def status_colour(status: Status) -> str:
    """The colour beside a status word."""
    if status in (Status.EXCELLENT, Status.GOOD):
        return GREEN
    return {Status.POOR: AMBER, Status.CRITICAL: RED}.get(status, GREY)


def moment(epoch: int | None, zone: ZoneInfo) -> str:
    """A time as people read it, with its zone: `2026-03-01 09:00 UTC`."""
    if epoch is None:
        return NONE
    try:
        shown = dt.datetime.fromtimestamp(epoch, zone)
    except (OverflowError, ValueError):  # on the first or last day of all, which the zone's clock has not
        shown = dt.datetime.fromtimestamp(epoch, dt.UTC)
    return shown.strftime("%Y-%m-%d %H:%M %Z")


def length(seconds: int) -> str:
    """A duration in its two largest units: `1 h 5 min`."""
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds} s"
    minutes, hours, days = seconds // 60 % 60, seconds // 3600 % 24, seconds // 86400
    parts = [f"{days} d"] * bool(days) + [f"{hours} h"] * bool(hours) + [f"{minutes} min"] * bool(minutes)
    return " ".join(parts[:2])
