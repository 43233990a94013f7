"""What everybody may know: the public SLAs as services, their incidents and maintenance, without internals.

An incident is a time in which a public SLA was in breach, however many of its components were: breaches that
overlap or touch are one. Its updates follow from their beginnings and ends. Neither components nor labels,
alerts, authors or reasons are part of it, for these may hold what is internal.

A service that was not measured lately is never called operational.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sla_worker.conventions import STALE_SLOTS
from sla_worker.database import SLADatabase
from sla_worker.model import Breach, Exclusion, SLAStatus, Status
from sla_worker.render.format import length, target

PAST_SECONDS = 90 * 86_400
AHEAD_SECONDS = 366 * 86_400
_MOST = 200  # incidents of an SLA, and times of maintenance: the newest
_NAMED = 3


class ServiceState(enum.StrEnum):
    """How a service is now, the best first; the words are those of Statuspage, but for `unknown`."""

    OPERATIONAL = "operational"
    MAINTENANCE = "under_maintenance"
    UNKNOWN = "unknown"
    DEGRADED = "degraded_performance"
    PARTIAL = "partial_outage"
    MAJOR = "major_outage"

    @property
    def word(self) -> str:
        """For people."""
        return self.value.replace("_", " ")


_ORDER = list(ServiceState)


@dataclass(frozen=True, slots=True)
class Service:
    """A public SLA. `statuses` are its components over the last 30 days."""

    key: str
    name: str
    category: str
    state: ServiceState
    statuses: tuple[SLAStatus, ...]


@dataclass(frozen=True, slots=True)
class Update:
    """Something that happened to an incident or to maintenance; `state` in Statuspage's words."""

    at: int
    state: str
    words: str


@dataclass(frozen=True, slots=True)
class Event:
    """An incident, or one time of maintenance. `updates` has at least one, the oldest first.

    `ends` is None while an incident lasts. `impact` is minor, major, critical or maintenance.
    """

    id: str
    title: str
    impact: str
    keys: tuple[str, ...]
    begins: int
    ends: int | None
    created_at: int
    updates: tuple[Update, ...]
    revoked: bool = False

    @property
    def state(self) -> str:
        """How it stands."""
        return self.updates[-1].state

    @property
    def updated_at(self) -> int:
        """When it changed last."""
        return max(each.at for each in self.updates)


@dataclass(frozen=True, slots=True)
class Public:
    """All of it, as known at `now`; incidents and maintenance with the newest beginning first.

    `revoked` is maintenance that was announced and taken back.
    """

    now: int
    services: tuple[Service, ...]
    incidents: tuple[Event, ...]
    maintenance: tuple[Event, ...]
    revoked: tuple[Event, ...] = ()

    @property
    def state(self) -> ServiceState:
        """That of the service that is in most trouble; unknown where there is none."""
        if not self.services:
            return ServiceState.UNKNOWN
        return max((each.state for each in self.services), key=_ORDER.index)

    @property
    def words(self) -> str:
        """The same in a sentence."""
        return {
            ServiceState.OPERATIONAL: "All services operational",
            ServiceState.MAINTENANCE: "Maintenance in progress",
            ServiceState.UNKNOWN: "Not measured at the moment",
            ServiceState.DEGRADED: "Some services degraded",
            ServiceState.PARTIAL: "Partial outage",
            ServiceState.MAJOR: "Major outage",
        }[self.state]

    @property
    def unresolved(self) -> tuple[Event, ...]:
        """The incidents that last."""
        return tuple(each for each in self.incidents if each.ends is None)

    def maintenance_in(self, *states: str) -> tuple[Event, ...]:
        """The maintenance in some states, what comes first first."""
        return tuple(each for each in reversed(self.maintenance) if each.state in states)

    def names(self, event: Event) -> str:
        """The services that an event is about."""
        return named([each.name for each in self.services if each.key in event.keys], len(self.services))


def named(names: Sequence[str], of: int) -> str:
    """Services in a sentence: three by name, or all."""
    if len(names) == of and of > 1:
        return "all services"
    rest = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def is_public(database: SLADatabase) -> dict[str, str]:
    """The category of each SLA that everybody may know of, by its key, in the order of the definitions."""
    return {
        key: each.category
        for key, each in database.definitions().items()
        if each.enabled and each.policy.public
    }


def read(database: SLADatabase, now: int) -> Public:
    """The public state of a ledger."""
    wanted = is_public(database)
    by_key: dict[str, list[SLAStatus]] = {key: [] for key in wanted}
    for each in database.get_current_sla_status(30 * 24):
        if each.key in by_key:
            by_key[each.key].append(each)
    exclusions = [
        each
        for each in database.maintenance.all()
        if any(each.planned.scope.names(key, category) for key, category in wanted.items())
    ]
    stale = now - STALE_SLOTS * database.slot_seconds
    services = tuple(
        Service(
            key,
            statuses[0].name,
            wanted[key],
            _state(
                statuses,
                [each for each in exclusions if each.planned.scope.names(key, wanted[key])],
                now,
                stale,
            ),
            tuple(statuses),
        )
        for key, statuses in by_key.items()
        if statuses
    )
    active = {each.id for each in database.get_active_breaches()}
    incidents = [each for service in services for each in _incidents(database, service, active, now)]
    maintenance = [each for one in exclusions for each in _maintenance(one, wanted, services, now)]
    return Public(
        now=now,
        services=services,
        incidents=_newest(incidents),
        maintenance=_newest(each for each in maintenance if not each.revoked),
        revoked=_newest(each for each in maintenance if each.revoked),
    )


def _newest(events: Iterable[Event]) -> tuple[Event, ...]:
    return tuple(sorted(events, key=lambda each: (each.begins, each.id), reverse=True))


def _state(
    statuses: Sequence[SLAStatus], exclusions: Sequence[Exclusion], now: int, stale: int
) -> ServiceState:
    active = [each for each in exclusions if each.active(now)]
    covered = [any(_covers(one, each) for one in active) for each in statuses]
    failing = [each for each, spared in zip(statuses, covered, strict=True) if each.in_breach and not spared]
    if failing:  # maintenance of one part does not hide what is wrong with another
        if all(each.severity in {"medium", "low"} for each in failing):
            return ServiceState.DEGRADED
        return ServiceState.MAJOR if len(failing) == len(statuses) else ServiceState.PARTIAL
    if any(covered):
        return ServiceState.MAINTENANCE
    newest = max((each.slot or 0 for each in statuses), default=0)
    last = [each for each in statuses if each.slot == newest]
    if newest <= stale or all(each.status is Status.NO_DATA for each in last):
        return ServiceState.UNKNOWN
    return ServiceState.OPERATIONAL


def _covers(exclusion: Exclusion, status: SLAStatus) -> bool:
    """Whether an exclusion of an SLA is for this component of it."""
    components = exclusion.planned.scope.components
    return not components or status.component in components


def _incidents(database: SLADatabase, service: Service, active: set[int], now: int) -> list[Event]:
    found, _ = database.browser.breaches(key=service.key, start=now - PAST_SECONDS, limit=_MOST)
    groups: list[list[Breach]] = []
    reached: float = 0
    for each in sorted(found, key=lambda one: (one.started_at, one.id)):
        if not groups or each.started_at > reached:
            groups.append([])
        groups[-1].append(each)
        end = now if each.ended_at is None and each.id in active else each.ended_at
        reached = max(reached, float("inf") if each.id in active else end or each.started_at)
    return [_incident(service, each, active) for each in groups]


def _incident(service: Service, breaches: Sequence[Breach], active: set[int]) -> Event:
    """One from breaches that overlap or touch."""
    first, lasting = breaches[0], [each for each in breaches if each.id in active]
    ends = None if lasting else max(each.ended_at or each.started_at for each in breaches)
    severities = {each.severity for each in breaches}
    impact = "critical" if "critical" in severities else "major" if "high" in severities else "minor"
    return Event(
        id=f"incident-{first.id}",
        title=f"{service.name}: target not met",
        impact=impact,
        keys=(service.key,),
        begins=first.started_at,
        ends=ends,
        created_at=first.started_at,
        updates=tuple(_updates(service, breaches, ends)),
    )


def _updates(service: Service, breaches: Sequence[Breach], ends: int | None) -> Iterable[Update]:
    first = breaches[0]
    held = target(first.target, first.comparison, first.unit)
    yield Update(first.started_at, "investigating", f"{service.name} does not meet its target of {held}.")
    for at in sorted({moment for each in breaches for moment in (each.started_at, each.ended_at) if moment}):
        if at == ends:
            lasted = length(at - first.started_at)
            yield Update(at, "resolved", f"{service.name} meets its target again, after {lasted}.")
        elif at > first.started_at:
            begun = any(each.started_at == at for each in breaches)
            words = (
                "More of {} does not meet its target." if begun else "A part of {} meets its target again."
            )
            yield Update(at, "identified" if begun else "monitoring", words.format(service.name))


def _maintenance(
    exclusion: Exclusion, wanted: Mapping[str, str], services: Sequence[Service], now: int
) -> Iterable[Event]:
    scope, made = exclusion.planned.scope, exclusion.created_at
    covered = [each for each in services if scope.names(each.key, wanted[each.key])]
    names = named([each.name for each in covered], len(services))
    near = [
        (begin, end)
        for begin, end in exclusion.spans
        if end > now - PAST_SECONDS and begin < now + AHEAD_SECONDS and begin < end
    ]
    for begin, end in near[:_MOST]:
        updates = [Update(made, "scheduled", f"Maintenance of {names}, for {length(end - begin)}.")]
        if begin <= now:
            updates.append(Update(max(begin, made), "in_progress", f"Maintenance of {names} has begun."))
        if end <= now:
            updates.append(Update(max(end, made), "completed", f"Maintenance of {names} is over."))
        if (revoked_at := exclusion.revoked_at) is not None:
            updates = [each for each in updates if each.at < revoked_at]
            updates.append(Update(revoked_at, "cancelled", f"Maintenance of {names} was taken back."))
        yield Event(
            id=f"maintenance-{exclusion.id}-{begin}",
            title=f"Maintenance of {names}",
            impact="maintenance",
            keys=tuple(each.key for each in covered),
            begins=begin,
            ends=end,
            created_at=made,
            updates=tuple(_in_time(updates)),
            revoked=exclusion.revoked_at is not None,
        )


def _in_time(updates: Sequence[Update]) -> Iterable[Update]:
    """Without what was known too late: maintenance that was entered once it had begun was not scheduled."""
    for each, following in zip(updates, [*updates[1:], None], strict=True):
        if following is None or each.at < following.at:
            yield each


Read = Callable[[], Public]
