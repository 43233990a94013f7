"""What the ledger says now: every SLA over each window that metrics and dashboards show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from sla_worker.burning import Burning, Pair, needs_short
from sla_worker.conventions import DAY, HOURS, MONTH
from sla_worker.database import SLADatabase
from sla_worker.model import Breach, SLAStatus
from sla_worker.spans import month_start
from sla_worker.uncollected import without_collection


@dataclass(frozen=True, slots=True)
class TimeInBreach:
    """The breaches of one SLA and component in a window: how many, and how long together and at most."""

    key: str
    component: str
    severity: str
    count: int
    total_seconds: int
    longest_seconds: int


@dataclass(frozen=True, slots=True)
class Now:
    """The ledger at one moment. `windows` has the statuses by the window's name (conventions.WINDOWS).

    `active` are the breaches that last, `month` those of the calendar month so far. `burning` has the windows
    of the alerts on error budgets, by the long one's name.
    """

    windows: Mapping[str, Sequence[SLAStatus]]
    active: Sequence[Breach] = ()
    month: Sequence[TimeInBreach] = ()
    burning: Mapping[str, Burning] = field(default_factory=dict)

    @property
    def day(self) -> Sequence[SLAStatus]:
        """The last 24 hours, which have the newest slot too."""
        return self.windows.get(DAY, ())


@without_collection()
def read(database: SLADatabase, zone: ZoneInfo, now: float, pairs: Iterable[Pair] = ()) -> Now:
    """Everything at once, every window up to the same slot; `pairs` are the windows of the alerts."""
    end = database.period_end(now)
    breaches = database.breaches_between(month_start(end, zone), end)
    return up_to(database, zone, end, pairs, active=database.get_active_breaches(), breaches=breaches)


@without_collection()
def up_to(
    database: SLADatabase,
    zone: ZoneInfo,
    end: int,
    pairs: Iterable[Pair],
    *,
    active: Sequence[Breach],
    breaches: Iterable[Breach],
) -> Now:
    """The same up to a slot, with the breaches that last then and those of its calendar month."""
    begun = month_start(end, zone)
    starts = {name: end - hours * 3600 for name, hours in HOURS.items()} | {MONTH: begun}
    statuses = database.status_since(list(starts.values()), end)
    windows = dict(zip(starts, statuses, strict=True))
    return Now(
        windows=windows,
        active=active,
        month=in_breach(breaches, begun, end),
        burning=_burning(database, list(pairs), {HOURS[name] * 3600: windows[name] for name in HOURS}, end),
    )


def _burning(
    database: SLADatabase, pairs: Sequence[Pair], read: Mapping[int, Sequence[SLAStatus]], end: int
) -> dict[str, Burning]:
    """Both windows of each pair; `read` has those that are read already, by their seconds.

    A short window is read only if something may burn over its long one, and the last part of a short one only
    if something may burn over both.
    """
    known = dict(read)

    def read_also(lengths: Iterable[int]) -> None:
        missing = sorted(set(lengths) - known.keys())
        if missing:
            found = database.status_since([end - seconds for seconds in missing], end)
            known.update(zip(missing, found, strict=True))

    read_also(pair.long_seconds for pair in pairs)
    burning = {pair.name for pair in pairs if needs_short(known[pair.long_seconds])}
    read_also(pair.short_seconds for pair in pairs if pair.name in burning)
    lasts = {
        pair.name: pair.last_seconds
        for pair in pairs
        if pair.last_seconds and pair.name in burning and needs_short(known[pair.short_seconds])
    }
    read_also(lasts.values())
    return {
        pair.name: Burning(
            known[pair.long_seconds],
            known[pair.short_seconds] if pair.name in burning else (),
            pair.budget_seconds,
            known[lasts[pair.name]] if pair.name in lasts else (),
        )
        for pair in pairs
    }


def in_breach(breaches: Iterable[Breach], start: int, end: int) -> list[TimeInBreach]:
    """The breaches' part of [start, end), by SLA, component and severity, in the order of their first."""
    found: dict[tuple[str, str, str], list[int]] = {}
    for each in breaches:
        until = end if each.ended_at is None else min(each.ended_at, end)
        seconds = max(until - max(each.started_at, start), 0)
        found.setdefault((each.key, each.component, each.severity), []).append(seconds)
    return [TimeInBreach(*where, len(each), sum(each), max(each)) for where, each in found.items()]
