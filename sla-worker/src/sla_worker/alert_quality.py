"""From stored webhooks to the quality of the alerts of a period: how often, how long, and for what.

Two things belong together when they share a moment, or lie within ten minutes of one another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from sla_worker.database import SLADatabase
from sla_worker.model import (
    AlertEpisode,
    AlertQuality,
    AlertRecord,
    Breach,
    Causes,
    SLAStatus,
    clipped,
    seconds_together,
)

_NEAR_SECONDS = 600
_BURNERS = 10  # of so many alerts, the noisiest, it is counted what burned meanwhile …
_SPANS = 10  # … in so many of their longest times
Span = tuple[int, int]


def alert_quality(
    database: SLADatabase, start: int, end: int, statuses: Sequence[SLAStatus], breaches: Sequence[Breach]
) -> AlertQuality:
    """The alerts that fired in [start, end); `statuses` and `breaches` are those of the period."""
    episodes = database.alerts.episodes(start, end)
    harm = [clipped(each, start, end) for each in breaches]
    by_name: dict[str, list[AlertEpisode]] = {}
    for each in episodes:
        by_name.setdefault(each.alertname, []).append(each)
    order = sorted(by_name, key=lambda name: (-len(by_name[name]), name))
    burned = _burned(database, {name: by_name[name] for name in order[:_BURNERS]}, (start, end), statuses)
    fired = [(each.start, each.end) for each in episodes]
    silent = [each for each in breaches if not _near(clipped(each, start, end), fired)]
    causes = database.causes.of([each.id for each in silent])
    return AlertQuality(
        alerts=tuple(_record(name, by_name[name], (start, end), harm, burned.get(name)) for name in order),
        untold=tuple(each for each in silent if not _alerts(causes.get(each.id))),
        known_since=database.alerts.known_since(),
        down_seconds=database.outages.seconds_between(start, end),
    )


def _alerts(causes: Causes | None) -> bool:
    return causes is not None and bool(causes.alerts)


def _record(
    name: str,
    episodes: Sequence[AlertEpisode],
    period: Span,
    harm: Sequence[Span],
    burned: tuple[str, float] | None,
) -> AlertRecord:
    times = [each.end - each.start for each in episodes if each.resolved]
    return AlertRecord(
        alertname=name,
        fired=len(episodes),
        seconds=seconds_together(_within(each, period) for each in episodes),
        median_seconds=int(median(times)) if times else None,
        harmless=sum(not _near((each.start, each.end), harm) for each in episodes),
        burned=None if burned is None else burned[1],
        burned_by=None if burned is None else burned[0],
    )


def _within(episode: AlertEpisode, period: Span) -> Span:
    return max(episode.start, period[0]), min(episode.end, period[1])


def _near(span: Span, others: Iterable[Span]) -> bool:
    return any(
        begin <= span[1] + _NEAR_SECONDS and until >= span[0] - _NEAR_SECONDS for begin, until in others
    )


def _burned(
    database: SLADatabase,
    by_name: Mapping[str, Sequence[AlertEpisode]],
    period: Span,
    statuses: Sequence[SLAStatus],
) -> dict[str, tuple[str, float]]:
    """For each alert the SLA that burned most of its budget while it fired, and the share."""
    spans: dict[str, list[Span]] = {}
    for name, episodes in by_name.items():
        joined = _joined(database.grid.outward(*_within(each, period)) for each in episodes)
        spans[name] = sorted(joined, key=lambda each: each[0] - each[1])[:_SPANS]
    bad: dict[str, dict[tuple[str, str], float]] = {name: {} for name in spans}
    for name, own in spans.items():  # one alert at a time: each span has the sums of every SLA
        for sums in database.sums_between(own):
            for place, (good, total) in sums.items():
                bad[name][place] = bad[name].get(place, 0.0) + total - good
    held = {
        (each.key, each.component): (each.title, (1 - each.held_to_ratio) * each.total)
        for each in statuses
        if not database.is_composite(each.key)
    }
    found = {}
    for name, places in bad.items():
        shares = [
            (held[place][0], each / held[place][1])
            for place, each in places.items()
            if place in held and held[place][1] > 0 and each > 0
        ]
        if shares:
            found[name] = max(shares, key=lambda each: each[1])
    return found


def _joined(spans: Iterable[Span]) -> list[Span]:
    """The spans without what two of them share."""
    found: list[Span] = []
    for begin, until in sorted(spans):
        if found and begin <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], until)
        elif until > begin:
            found.append((begin, until))
    return found
