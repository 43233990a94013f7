"""Months are frozen once their figures are final, and once more when a stated act changed them.

A month is final when, all of these at once:

* its last slot is final (its samples have settled);
* no slot of it is missing that may still be read back: it was stored, or it is older than what is caught up;
* no row of it is provisional and still to be read again;
* no row of it may be of a clock that ran ahead.

What Prometheus had lost when it could be asked again stays unmeasured, and the month says so by its coverage.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, replace
from typing import Any
from zoneinfo import ZoneInfo

from sla_worker import __version__
from sla_worker.composite import Part, score
from sla_worker.database import SLADatabase
from sla_worker.errors import SLAWorkerError
from sla_worker.model import Breach, Causes, Exclusion, FrozenMonth, Member, Report, SLAStatus, Status
from sla_worker.render.format import verdict
from sla_worker.render.months import month_text
from sla_worker.spans import calendar_month
from sla_worker.windows import in_breach

_log = logging.getLogger(__name__)
_CLOSED = "the month is over"
_FORMAT = 1
_ABOUT = ("id", "worst", "lasts_beyond", "alerts")
"""Of a breach, what is no figure of the month: it may go on after it, and alerts only explain it."""

Document = dict[str, Any]
Slots = Mapping[str, AbstractSet[int]]


def bounds(label: str, zone: ZoneInfo) -> tuple[int, int]:
    """Where a month like 2026-03 begins and ends in a timezone. Raises SLAWorkerError."""
    try:
        return calendar_month(label, zone)
    except (ValueError, OverflowError):
        raise SLAWorkerError(f"invalid month: {label[:40]!r}; give one like 2026-03") from None


def label_of(moment: int, zone: ZoneInfo) -> str:
    """The month that a moment lies in."""
    return f"{dt.datetime.fromtimestamp(moment, zone):%Y-%m}"


def written(document: Document) -> str:
    """A document as it is kept and printed: the same text for the same values, one value a line."""
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


class Months:
    """Freezes months. `turn` is a chore of the loop: it makes no statement while nothing is due.

    `unread` gives the slots that are due and may still be read, `provisional` those that are read again,
    both by SLA; `busy` says whether slots are being measured again just now.
    """

    def __init__(
        self,
        database: SLADatabase,
        zone: ZoneInfo,
        *,
        unread: Callable[[], Slots],
        provisional: Callable[[int], Slots],
        busy: Callable[[], bool] = lambda: False,
    ) -> None:
        self._database = database
        self._zone = zone
        self._unread = unread
        self._provisional = provisional
        self._busy = busy
        self._looked_at: int | None = None
        self._changed = True
        self._next_end = 0  # before the end of this month none is due

    def changed(self, *, past: bool = True) -> None:
        """Rows were stored, or something else counts; of the `past`: perhaps of a month that is over."""
        self._changed = True
        if past:
            self._next_end = 0

    def turn(self, now: float) -> None:
        """Freeze what is final. Raises DatabaseError; what failed is due again."""
        slot = self._database.grid.newest_slot(now)
        if (slot == self._looked_at and not self._changed) or self._busy():
            return
        self._changed = False
        try:
            self._freeze_due(slot, int(now))
        except BaseException:
            self._changed = True
            raise
        self._looked_at = slot

    def _freeze_due(self, slot: int, now: int) -> None:
        touched = [each for each in self._database.months.newest() if each.touched]
        due = list(self._due(slot)) if slot >= self._next_end else []
        waits = self._first_unsettled(slot) if touched or due else slot
        for label, start, end in due:
            if end > waits:
                break
            self._database.sum_up(end)
            self._freeze(make(self._database, label, self._zone, (start, end), now))
        for each in touched:
            if each.end <= waits:
                self.revise(each, now)
        self._propose(now)
        if all(end <= waits for _, _, end in due):
            self._next_end = bounds(label_of(slot, self._zone), self._zone)[1]

    def _due(self, slot: int) -> Iterator[tuple[str, int, int]]:
        """The months that are over at a slot and not frozen, oldest first, since the ledger began."""
        begun = self._database.begun_at()
        if begun is None:
            return
        frozen = {each.month for each in self._database.months.newest()}
        label = label_of(begun, self._zone)
        while True:
            start, end = bounds(label, self._zone)
            if end > slot:
                return
            if label not in frozen:
                yield label, start, end
            label = label_of(end, self._zone)

    def _propose(self, now: int) -> None:
        """What is owed for months that are frozen and were not looked at yet, also by a former version."""
        for each in self._database.months.unproposed():
            from sla_worker.credits import propose  # noqa: PLC0415 - once a month

            new = propose(self._database, each, now)
            _log.info("credits proposed month=%s revision=%d new=%d", each.month, each.revision, len(new))

    def _first_unsettled(self, slot: int) -> int:
        """Before the end of this slot every slot is final."""
        open_slots = [each for found in (self._unread(), self._provisional(slot)) for each in found.values()]
        first = min((each for slots in open_slots for each in slots), default=slot + 1)
        return min(first - 1, self._database.trusted_until())

    def revise(self, former: FrozenMonth, now: int) -> None:
        """Look at a month that was touched: the next revision if a figure is another one now."""
        before = json.loads(self._database.months.document(former))
        zone = ZoneInfo(former.zone)
        times = (former.start, former.end)
        made = make(self._database, former.month, zone, times, now, revision=former.revision + 1)
        if figures(before) == figures(made):
            self._database.months.settled(former.month)
            return
        made["reason"] = _why(before, made, former.touched or "")
        self._freeze(made)

    def _freeze(self, document: Document) -> None:
        text = written(document)
        frozen = FrozenMonth(
            month=document["month"],
            revision=document["revision"],
            zone=document["timezone"],
            start=document["start"],
            end=document["end"],
            frozen_at=document["frozen_at"],
            reason=document["reason"],
            compliance_ratio=document["overall"]["score_ratio"],
            breaches=document["overall"]["breaches"],
            availability_ratio=document["overall"]["availability_ratio"],
            worker_version=document["worker_version"],
            sha256=hashlib.sha256(text.encode()).hexdigest(),
        )
        self._database.months.add(frozen, text, month_text(document, frozen.sha256))
        _log.info("month frozen month=%s revision=%d: %s", frozen.month, frozen.revision, frozen.reason)


# --- what is frozen


def make(
    database: SLADatabase,
    label: str,
    zone: ZoneInfo,
    times: tuple[int, int],
    now: int,
    *,
    revision: int = 1,
    reason: str = _CLOSED,
) -> Document:
    """All that holds of a month, by the code of any period; as JSON has it, times in epoch seconds."""
    start, end = times
    statuses = database.status_of_period(start, end)
    breaches = database.breaches_between(start, end)
    causes = database.causes.of([each.id for each in breaches])
    return {
        "format": _FORMAT,
        "month": label,
        "revision": revision,
        "timezone": zone.key,
        "start": start,
        "end": end,
        "slot_seconds": database.slot_seconds,
        "frozen_at": now,
        "reason": reason,
        "worker_version": __version__,
        "overall": overall(statuses, len(breaches), times),
        "slas": [sla(each, breaches, times) for each in statuses],
        "series": [
            {"sla": key, "component": component, "since": since}
            for (key, component), since in database.books.since(
                dict.fromkeys(each.key for each in statuses), start, end
            ).items()
        ],
        "versions": list(_versions(database, statuses, times)),
        "exclusions": [_exclusion(database, each, times) for each in _within(database, times)],
        "corrections": _corrections(database, times),
        "breaches": [_breach(each, end, causes.get(each.id)) for each in breaches],
    }


def overall(statuses: Sequence[SLAStatus], breaches: int, times: tuple[int, int]) -> Document:
    """What holds of all SLAs together, as in every report."""
    report = Report("", *times, times[1], tuple(statuses), (), breaches)
    parts = [
        Part(each.key, each.category, each.good, each.total, each.coverage_ratio)
        for each in statuses
        if each.category == "availability"
    ]
    return {
        "slas": report.slas,
        "measured": len(report.measured),
        "meeting": report.meeting,
        "score_ratio": report.score_ratio,
        "coverage_ratio": report.coverage_ratio,
        "breaches": breaches,
        "availability_ratio": score([Member(1, category="availability")], parts).ratio,
    }


def sla(status: SLAStatus, breaches: Sequence[Breach], times: tuple[int, int]) -> Document:
    """One component of one SLA."""
    own = [each for each in breaches if (each.key, each.component) == (status.key, status.component)]
    spells = in_breach(own, *times)
    return {
        "sla": status.key,
        "component": status.component,
        "name": status.name,
        "category": status.category,
        "severity": status.severity,
        "comparison": str(status.comparison),
        "target": status.target,
        "unit": status.unit,
        "percentile": status.percentile,
        "objective_ratio": status.objective_ratio,
        "held_to_ratio": status.held_to_ratio,
        "good": status.good,
        "total": status.total,
        "compliance_ratio": status.compliance_ratio,
        "coverage_ratio": status.coverage_ratio,
        "excluded_seconds": status.excluded_seconds,
        "meets_target": status.meets_target,
        "result": verdict(replace(status, status=Status.NO_DATA)),  # not what the last slot was
        "error_budget_remaining_ratio": status.budget_left_ratio,
        "weakest": status.weakest,
        "weakest_ratio": status.weakest_ratio,
        "changes": list(status.changes),
        "breaches": sum(each.count for each in spells),
        "breach_seconds": sum(each.total_seconds for each in spells),
    }


def figures(document: Document) -> Any:
    """What a revision is about: a name that changed is none."""
    return json.loads(
        json.dumps(
            {
                "overall": document["overall"],
                "slas": [
                    {name: value for name, value in each.items() if name not in {"name", "severity"}}
                    for each in document["slas"]
                ],
                "breaches": [
                    {name: value for name, value in each.items() if name not in _ABOUT}
                    for each in sorted(document["breaches"], key=_beginning)
                ],
            }
        )
    )


def _beginning(breach: Mapping[str, Any]) -> tuple[int, str, str]:
    return breach["started_at"], breach["sla"], breach["component"]


def _versions(
    database: SLADatabase, statuses: Sequence[SLAStatus], times: tuple[int, int]
) -> Iterator[Document]:
    """What each SLA was judged by in the month."""
    known = database.versions()
    for key in dict.fromkeys(each.key for each in statuses):
        versions = known[key]
        ends = [*(each.valid_from for each in versions[1:]), None]
        for each, until in zip(versions, ends, strict=True):
            if (each.number == 1 or each.valid_from < times[1]) and (until is None or until > times[0]):
                yield {
                    "sla": key,
                    "version": each.number,
                    "valid_from": each.valid_from if each.number > 1 else None,
                    "valid_until": until if until is not None and until < times[1] else None,
                    "in_force": each.enabled,
                    "objective_ratio": each.objective_ratio,
                    "hash": each.content_hash,
                }


def _within(database: SLADatabase, times: tuple[int, int]) -> list[Exclusion]:
    """The exclusions with a time in the month, those that were revoked too."""
    start, end = times
    return [
        each
        for each in database.maintenance.all()
        if any(begin < end and until > start for begin, until in each.spans)
    ]


def _exclusion(database: SLADatabase, each: Exclusion, times: tuple[int, int]) -> Document:
    """One, with its times in the month and the SLAs it covers there."""
    start, end = times
    return {
        "id": each.id,
        "author": each.planned.author,
        "reason": each.planned.reason,
        "scope": {name: list(value) for name, value in asdict(each.planned.scope).items()},
        "rule": each.planned.rule,
        "zone": each.planned.zone,
        "created_at": each.created_at,
        "ended_by": each.ended_by,
        "revoked_at": each.revoked_at,
        "revoked_by": each.revoked_by,
        "revoke_reason": each.revoke_reason,
        "times": [[max(a, start), min(b, end)] for a, b in each.spans if a < end and b > start],
        "covers": database.maintenance.covers(each.id),
    }


def _corrections(database: SLADatabase, times: tuple[int, int]) -> list[Document]:
    return [
        json.loads(json.dumps(asdict(each)))
        for each in database.corrections.all()
        if each.start < times[1] and each.end > times[0]
    ]


def _breach(breach: Breach, end: int, causes: Causes | None) -> Document:
    """The part of it that lies before the end of the month, and what is known of its cause by now."""
    beyond = breach.ended_at is None or breach.ended_at > end
    return {
        "id": breach.id,
        "sla": breach.key,
        "component": breach.component,
        "severity": breach.severity,
        "target": breach.target,
        "worst": breach.worst,
        "started_at": breach.started_at,
        "ended_at": end if beyond else breach.ended_at,
        "lasts_beyond": beyond,
        "alerts": None
        if causes is None
        else asdict(causes) | {"alerts": [asdict(each) for each in causes.alerts]},
    }


def _why(before: Document, after: Document, touched: str) -> str:
    """Why there is another revision: who did what, and why."""
    said: list[str] = []
    for kind, word in (("exclusions", "maintenance"), ("corrections", "correction")):
        former = {each["id"]: each for each in before[kind]}
        for each in after[kind]:
            known = former.get(each["id"])
            if known is None and each["revoked_at"] is None:
                said.append(f"{word} {each['id']} by {each['author']}: {each['reason']}")
            elif each["revoked_at"] is not None and (known is None or known["revoked_at"] is None):
                said.append(f"{word} {each['id']} revoked by {each['revoked_by']}: {each['revoke_reason']}")
            elif known is not None and known.get("times") != each.get("times"):
                said.append(f"{word} {each['id']} ended by {each.get('ended_by')}")
    return "; ".join([*said, *(each for each in touched.split("; ") if each.startswith("slots"))]) or touched


def frozen_month(database: SLADatabase, label: str, revision: int | None = None) -> FrozenMonth:
    """A revision of a month, by default the newest. Raises SLAWorkerError for one that is not frozen."""
    bounds(label, ZoneInfo("UTC"))
    found = database.months.get(label, revision)
    if found is not None:
        return found
    known = [each.month for each in database.months.newest()]
    if label in known:
        newest = database.months.get(label)
        last = 0 if newest is None else newest.revision
        raise SLAWorkerError(f"{label} has no revision {revision}; its newest one is {last}")
    there = f"frozen are {', '.join(known[-12:])}" if known else "none is frozen yet"
    raise SLAWorkerError(f"{label} is not frozen; {there}")
