"""The one mail about breaches that were found late: all of a catch-up together, instead of one each."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from sla_worker.model import Breach, Comparison, Mail
from sla_worker.render.format import beside, length, moment, target
from sla_worker.render.tables import text_table
from sla_worker.render.templates import template

_SHOWN = 50  # so many at most, and of SLAs too: mail programs cut what is longer than 100 KB
_NEWEST = 10  # so many of very many
_MEANS = (
    "Found afterwards, in slots that were measured late or once more. Those that last say so; for the others"
    " nothing needs to be done now. They count in the reports like any other breach."
)
_HEADER = ("SLA", "Severity", "From", "Lasted", "Worst", "Target")
_BY_SLA = ("SLA", "Severity", "Breaches", "In all", "Worst", "Target")
_Row = tuple[str, str, str, str, str, str]


def catch_up_mail(breaches: Sequence[Breach], now: int, zone: ZoneInfo, links: dict[str, str]) -> Mail:
    """The mail about breaches of the past, oldest first; of very many the sums by SLA, and the newest."""
    names = list(dict.fromkeys(each.name for each in breaches))
    title = f"{_count(len(breaches))}, found late"
    last = max(breaches, key=lambda each: each.started_at)
    span = f"{moment(breaches[0].started_at, zone)} to {moment(last.ended_at or now, zone)}"
    groups: list[_Row] = []
    shown, heading, left_out = breaches, "", ""
    if len(breaches) > _SHOWN:
        found = _grouped(breaches, now)
        groups = [_group_row(each, now) for each in found[:_SHOWN]]
        left_out = f"{len(found) - _SHOWN} more are not shown." if len(found) > _SHOWN else ""
        shown = breaches[-_NEWEST:]
        heading = f"The newest {_NEWEST}"
    rows = [_row(each, now, zone) for each in shown]
    lines = [title, span, "", _MEANS, ""]
    if groups:
        lines += [text_table(_BY_SLA, groups, right=frozenset({2, 4, 5})), *([left_out] if left_out else [])]
        lines += ["", heading, ""]
    lines += [text_table(_HEADER, rows, right=frozenset({4, 5}))]
    lines += ["", *(f"{word}: {url}" for word, url in links.items())]
    html = template("mail/catch_up.html").render(
        title=title,
        span=span.split(" to "),
        means=_MEANS,
        groups=groups,
        rows=rows,
        newest=heading,
        left_out=left_out,
        links=links,
    )
    of = names[0] if len(names) == 1 else f"{len(names)} SLAs"
    return Mail(f"SLA: {_count(len(breaches))} of {of}, found late", "\n".join(lines) + "\n", html)


def lasted(breach: Breach, now: int) -> str:
    """How long, and whether it still does."""
    return length(breach.duration_seconds(now)) + (", lasts" if breach.ended_at is None else "")


def _count(number: int) -> str:
    return f"{number} past breach{'' if number == 1 else 'es'}"


def _row(each: Breach, now: int, zone: ZoneInfo) -> _Row:
    return (
        each.title,
        each.severity,
        moment(each.started_at, zone),
        lasted(each, now),
        beside(each.worst, each.target, each.comparison, each.unit),
        target(each.target, each.comparison, each.unit),
    )


def _grouped(breaches: Sequence[Breach], now: int) -> list[list[Breach]]:
    """Those of one SLA and component together, what lasted longest in all first."""
    found: dict[str, list[Breach]] = {}
    for each in breaches:
        found.setdefault(each.title, []).append(each)
    return sorted(found.values(), key=lambda group: -_in_all(group, now))


def _in_all(group: Sequence[Breach], now: int) -> int:
    return sum(each.duration_seconds(now) for each in group)


def _group_row(group: Sequence[Breach], now: int) -> _Row:
    newest = group[-1]
    worst = [each.worst for each in group if each.worst is not None]
    pick = min if newest.comparison is Comparison.AT_LEAST else max
    lasts = ", lasts" if any(each.ended_at is None for each in group) else ""
    return (
        newest.title,
        newest.severity,
        str(len(group)),
        length(_in_all(group, now)) + lasts,
        beside(pick(worst) if worst else None, newest.target, newest.comparison, newest.unit),
        target(newest.target, newest.comparison, newest.unit),
    )
