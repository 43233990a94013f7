"""Months in which a target changes and an SLA is born, with time that does not count and with corrections.

A window that is added afterwards, one that recurs through the clock change, and corrections of single slots
and of a range: made, every figure of every window compared, the month frozen and its evidence checked; then
revoked again in another order, after which every figure and the frozen month are what they were.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cache
from math import isclose
from pathlib import Path
from typing import Any

from sla_worker.database import SLADatabase
from sla_worker.evidence import EvidenceError, write_evidence
from sla_worker.model import CountsAs, Planned, Scope, SLAStatus, Wrong
from sla_worker.months import Months, figures
from sla_worker.occurrences import occurrences
from sla_worker.spans import NAMED, window_start
from truth.comparison import row_by_hand
from truth.forms import Form
from truth.halves import BORN, Halves, Hand
from truth.months import months, scores_by_hand
from truth.places import Place, read

HOUR_SECONDS = 3600
_TABLES = (
    # One that windows cut and joined again may have another number.
    "SELECT sla_id, component_id, started_at, ended_at, target_value, worst_value, severity"
    " FROM sla_breaches WHERE ended_at IS NULL OR ended_at > started_at ORDER BY 1, 2, 3",
    *(
        f"SELECT * FROM {name} ORDER BY 1, 2, 3"  # noqa: S608 - constants
        for name in (
            "sla_measurements",
            "sla_hours",
            "sla_daily_summaries",
            "sla_adjusted_slots",
            "sla_adjusted_hours",
            "sla_adjusted_days",
        )
    ),
)
_RULE = "FREQ=DAILY"
_FIRST, _LAST = dt.time(2, 30), dt.time(3, 30)  # in which a clock change lies


class _Adjusted:
    """What is done to a ledger, and what each slot counts then."""

    def __init__(self, halves: Halves) -> None:
        self.truth = truth = halves.late
        self.zone = halves.zone
        middle = truth.slots[len(truth.slots) // 2]
        self.window = middle - 1000, middle + 4 * HOUR_SECONDS + 10
        self.begins = dt.datetime.combine(
            dt.datetime.fromtimestamp(truth.slots[0], self.zone).date() + dt.timedelta(days=1), _FIRST
        )
        plain = [each for each in truth.books.forms if not each.members]
        self.excluded = cache(self._excluded)
        several = [each for each in plain if each.expression is None and not each.policy.no_data_is_bad]
        self.single, self.ranged = several[0], several[1]
        own = sorted(
            (slot, component)
            for (key, component, slot), figures in truth.books.figures.items()
            if key == self.single.key
            and figures.total > 0
            and self.single.policy.in_service(slot, truth.slot_seconds)
        )
        self.slots = dict(own[:: len(own) // 5][:5])
        self.range = truth.slots[20], truth.slots[50]

    def counted(
        self, key: str, component: str, slot: int, good: float, total: float
    ) -> tuple[float, float] | None:
        """By hand: maintenance goes over corrections."""
        if self.excluded(slot):
            return None
        if key == self.single.key and self.slots.get(slot) == component:
            return total, total + 3
        if key == self.ranged.key and self.range[0] < slot <= self.range[1] and total > 0:
            return 0, total
        return good, total

    def _excluded(self, slot: int) -> bool:
        begins = slot - self.truth.slot_seconds
        if self.window[0] < slot and begins < self.window[1]:
            return True
        return any(self._recurs(begins + 60 * minute) for minute in range(self.truth.slot_seconds // 60))

    def _recurs(self, moment: int) -> bool:
        local = dt.datetime.fromtimestamp(moment, self.zone)
        return local.replace(tzinfo=None) >= self.begins and _FIRST <= local.time() < _LAST

    def do(self, database: SLADatabase, now: int) -> None:
        """All of it, after the fact."""
        who = ("ann", "truth")
        database.maintenance.add(Planned(Scope(), *self.window, *who), now)
        start = int(self.begins.replace(tzinfo=self.zone).timestamp())
        planned = Planned(Scope(), start, start + HOUR_SECONDS, *who, rule=_RULE, zone=self.zone.key)
        times = occurrences(_RULE, planned.start, planned.end, self.zone)
        database.maintenance.add(planned, now, times)
        for slot, component in self.slots.items():
            figures = self.truth.books.figures[self.single.key, component, slot]
            total = float(figures.total)
            step = self.truth.slot_seconds
            database.corrections.add(
                Wrong(
                    self.single.key,
                    slot - step,
                    slot,
                    CountsAs.COUNTS,
                    *who,
                    components=(component,),
                    good=total,
                    total=total + 3,
                ),
                now,
            )
        database.corrections.add(Wrong(self.ranged.key, *self.range, CountsAs.BAD, *who), now)

    def undo(self, database: SLADatabase, now: int) -> None:
        """All of it, the corrections from the newest on."""
        for each in database.maintenance.all():
            database.maintenance.revoke(each.id, "bob", "truth", now)
        for correction in reversed(database.corrections.all()):
            database.corrections.revoke(correction.id, "bob", "truth", now)


def adjusted_differences(
    halves: Halves, database: SLADatabase, path: Place, scratch: Path, *, nan_is_kept: bool
) -> list[str]:
    """Where a figure is not what it is by hand, with all of it; then what its revocation leaves behind."""
    truth, zone = halves.late, halves.zone
    before = _bytes(path)
    adjusted = _Adjusted(halves)
    now = truth.slots[-1] + HOUR_SECONDS
    freezing = Months(database, zone, unread=dict, provisional=lambda _: {})
    freezing.turn(now)
    adjusted.do(database, now)
    freezing.changed()
    freezing.turn(now)
    hand = Hand(halves.events(adjusted.counted))
    coverage = _Coverage(halves, adjusted, nan_is_kept=nan_is_kept)
    found = list(_of_windows(halves, database, hand, coverage))
    found += _of_evidence(database, hand, scratch / "evidence.zip")
    adjusted.undo(database, now)
    freezing.changed()
    freezing.turn(now)
    [month] = {each.month for each in database.months.all()}
    first, second, third = (_document(database, month, revision) for revision in (1, 2, 3))
    assert figures(first) != figures(second)
    assert figures(first) == figures(third)
    for sql, former, after in zip(_TABLES, before, _bytes(path), strict=True):
        differing = sorted(set(former) ^ set(after), key=repr)[:6]
        assert former == after, f"{sql}: {len(former)} and {len(after)} rows: {differing}"
    return found


def _of_windows(halves: Halves, database: SLADatabase, hand: Hand, coverage: _Coverage) -> Iterator[str]:
    """Every window that ends with the world, soon after the border, or with the month."""
    slots, step = halves.late.slots, halves.late.slot_seconds
    for end in (slots[-1], halves.border + 5 * step, next(months(halves.late))[1]):
        starts = {name: window_start(name, end, halves.zone) or 0 for name in NAMED}
        shown = database.status_since(list(starts.values()), end)
        for (name, start), statuses in zip(starts.items(), shown, strict=True):
            for each in _of_window(halves, hand, statuses, start, end):
                yield f"{name} up to {end}: {each}"
            for status in statuses:
                if (right := coverage.of(status, start, end)) is not None and not _same(
                    status.coverage_ratio, right
                ):
                    yield f"{name} up to {end}: coverage of {status.key}: {status.coverage_ratio}, {right}"


def _of_window(
    halves: Halves, hand: Hand, statuses: Sequence[SLAStatus], start: int, end: int
) -> Iterator[str]:
    sums = hand.sums(start, end)
    parts = [hand.sums(start, min(halves.border, end)), hand.sums(max(halves.border, start), end)]
    shares = [
        {each.key: each.policy.share for each in (*halves.late.books.forms, *truth.books.forms)}
        for truth in (halves.early, halves.late)
    ]
    scores = scores_by_hand(halves.late, sums)
    seen = set()
    for each in statuses:
        if each.key in scores:
            if not _same(each.compliance_ratio, scores[each.key]):
                yield f"score of {each.key}: {each.compliance_ratio}, {scores[each.key]}"
            continue
        place = each.key, each.component
        seen.add(place)
        good, total = sums.get(place, (0, 0))
        if (each.good, each.total) != (good, total):
            yield f"counts of {place}: {(each.good, each.total)}, {(good, total)}"
            continue
        events = [Fraction(part.get(place, (0, 0))[1]) for part in parts]
        budgets = [number * (1 - share[each.key]) for number, share in zip(events, shares, strict=True)]
        allowed = sum(budgets, Fraction(0)) / (Fraction(total) or 1)
        for name, worker, by_hand in _ratios(each, Fraction(total - good), Fraction(total), allowed):
            if not _same(worker, by_hand):
                yield f"{name} of {place}: {worker}, {by_hand}"
    for place in {each for each, (_, total) in sums.items() if total} - seen:
        yield f"{place} is not shown"


def _ratios(
    each: SLAStatus, bad: Fraction, total: Fraction, allowed: Fraction
) -> Iterator[tuple[str, float | None, Fraction | float | None]]:
    """Figures of the ledger beside those by hand; `allowed` is the share that may be bad."""
    if not total:
        yield "compliance without events", each.compliance_ratio, None
        yield "burn rate without events", each.burn_rate, None
        yield "budget without events", each.budget_left_ratio, None
        return
    share = bad / total
    yield "compliance", each.compliance_ratio, 1 - share
    yield "objective", each.held_to_ratio, 1 - allowed
    yield "verdict", each.meets_target, share <= allowed
    if allowed:
        yield "burn rate", each.burn_rate, share / allowed
        yield "budget", each.budget_left_ratio, 1 - share / allowed


class _Coverage:
    """The measured share of a window, of SLAs that are not split and not corrected."""

    def __init__(self, halves: Halves, adjusted: _Adjusted, *, nan_is_kept: bool) -> None:
        self._halves = halves
        self._adjusted = adjusted
        self._nan_is_kept = nan_is_kept
        self._forms: Mapping[str, Form] = {
            each.key: each
            for each in halves.late.books.forms
            if not each.by and not each.members and each not in {adjusted.single, adjusted.ranged}
        }
        self._share = cache(self._of_slot)

    def of(self, status: SLAStatus, start: int, end: int) -> Fraction | None:
        """None: it is not calculated by hand."""
        form = self._forms.get(status.key)
        if form is None:
            return None
        since = max(start, self._halves.birth) if form.key == BORN else start
        shares = [
            share
            for slot in self._halves.late.slots
            if since < slot <= end and (share := self._share(form.key, slot)) is not None
        ]
        return sum(shares, Fraction(0)) / len(shares) if shares else Fraction(1)

    def _of_slot(self, key: str, slot: int) -> Fraction | None:
        """None where nothing is expected."""
        truth, form = self._halves.late, self._forms[key]
        if self._adjusted.excluded(slot) or not form.policy.in_service(slot, truth.slot_seconds):
            return None
        row = row_by_hand(truth, form, form.component, slot, nan_is_kept=self._nan_is_kept)
        return Fraction(row.coverage)


def _of_evidence(database: SLADatabase, hand: Hand, archive: Path) -> Iterator[str]:
    """The frozen month is what is counted by hand, and its evidence says the same without the ledger.

    What is written is checked as `sla evidence --verify` checks it, or there is no archive.
    """
    month = database.months.newest()[0]
    try:
        write_evidence(database, month, archive)
    except EvidenceError as error:
        yield str(error)
    sums = hand.sums(month.start, month.end)
    for each in _document(database, month.month, month.revision)["slas"]:
        place = each["sla"], each["component"]
        if place in sums and (each["good"], each["total"]) != sums[place]:
            yield f"frozen {place}: {(each['good'], each['total'])}, {sums[place]}"


def _document(database: SLADatabase, month: str, revision: int) -> Any:
    frozen = database.months.get(month, revision)
    assert frozen is not None, revision
    return json.loads(database.months.document(frozen))


def _same(worker: float | None, by_hand: Fraction | float | None) -> bool:
    if worker is None or by_hand is None:
        return worker is None and by_hand is None
    return isclose(worker, by_hand, rel_tol=1e-9, abs_tol=1e-9)


def _bytes(ledger: Place) -> list[list[tuple[object, ...]]]:
    return read(ledger, _TABLES)
