"""From the ledger to the values of a report: figures only, no words and no HTML."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Protocol, TypeVar

from sla_worker.as_measured import breaches_as_measured, statuses_as_measured
from sla_worker.database import SLADatabase
from sla_worker.model import Report

_AHEAD_SECONDS = 7 * 86_400  # so far ahead planned maintenance is shown


class _OfSLA(Protocol):
    @property
    def key(self) -> str: ...


_T = TypeVar("_T", bound=_OfSLA)


def only_of(found: Iterable[_T], only: Collection[str] | None) -> list[_T]:
    """Statuses, breaches and the like of the SLAs with these keys; None: all of them."""
    return [each for each in found if only is None or each.key in only]


def keys_of(database: SLADatabase, team: str | None) -> frozenset[str] | None:
    """The keys of a team's SLAs, those that were removed too; None without a team: of all."""
    if team is None:
        return None
    return frozenset(key for key, each in database.definitions().items() if each.team == team)


def titled(title: str, team: str | None) -> str:
    """The title of a report, with the team that it is about."""
    return title if team is None else f"{title} of {team}"


def period_report(
    database: SLADatabase,
    *,
    title: str,
    hours: float,
    now: int,
    end: int | None = None,
    exclusions: bool = True,
    only: Collection[str] | None = None,
) -> Report:
    """All SLAs over the `hours` before `end` (default: `Grid.period_end`), as known at `now`.

    An end between two slots is cut down to the slot before it. Without `exclusions` SLAs are shown as they
    were measured. `only` are the keys of those that are shown, if not all are.
    """
    end = database.period_end(now) if end is None else database.grid.slot_before(end)
    start = end - int(hours * 3600)
    return report_between(
        database,
        title=title,
        start=start,
        end=end,
        now=now,
        exclusions=exclusions,
        only=only,
    )


def report_between(
    database: SLADatabase,
    *,
    title: str,
    start: int,
    end: int,
    now: int,
    exclusions: bool = True,
    of_then: bool = False,
    only: Collection[str] | None = None,
) -> Report:
    """All SLAs over the slots in (start, end], as known at `now`.

    `of_then`: those that were promised in the period, removed since or not, instead of those of today.
    """
    statuses = database.status_of_period if of_then else database.status_between
    found = list(statuses(start, end, exclusions=exclusions))
    breaches, active = database.breaches_between(start, end), database.get_active_breaches()
    if not exclusions:
        last = database.period_end(now)
        found = statuses_as_measured(database, found, last)
        breaches = breaches_as_measured(database, start, end)
        active = [each for each in breaches_as_measured(database, last - 1, last) if each.ended_at is None]
    found, breaches, active = (only_of(found, only), only_of(breaches, only), only_of(active, only))
    categories = {each.key: each.category for each in found}
    return Report(
        title=title,
        start=start,
        end=end,
        generated_at=now,
        statuses=tuple(found),
        active_breaches=tuple(active),
        period_breaches=len(breaches),
        maintenance=tuple(
            each
            for each in database.maintenance.all()
            if each.revoked_at is None
            and (only is None or any(each.planned.scope.names(*sla) for sla in categories.items()))
            and any(begin < now + _AHEAD_SECONDS and until > start for begin, until in each.spans)
        ),
        corrections=tuple(
            each
            for each in (database.corrections.between(start, end) if exclusions else ())
            if only is None or each.sla in only
        ),
        lingering=database.maintenance.lingering.since(active) if exclusions else {},
    )
