"""How often, and how early, alerts on an error budget would have fired."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from sla_worker.backtest.slots import LEFT_OUT
from sla_worker.backtest.values import Alerted, Month
from sla_worker.burning import Pair, Sustained, is_over, minimum_bad_events, pairs, sustained
from sla_worker.conventions import BURN_EVEN, BURN_FAST, BURN_SLOW, STEADY
from sla_worker.database.trace import CountedSlot
from sla_worker.model import Definition

_ROUNDING = 1e-9
_FACTORS = {"1h": BURN_FAST, "6h": BURN_SLOW, STEADY: BURN_EVEN}
_URGENT = ("critical", "high")


def alerts(
    rows: Sequence[CountedSlot],
    then: Callable[[int], Definition],
    *,
    severity: str,
    step: int,
    kept: int,
) -> Iterator[Alerted]:
    """The alerts of each pair of windows; `then` is the definition that judges a slot."""
    if not rows:
        return
    sums = _Sums(rows, step)
    for pair in pairs(step):
        times: list[tuple[int, int | None]] = []
        fires = False
        for slot in range(rows[0].slot, rows[-1].slot + 1, step):
            if not fires and not sums.bad(slot - pair.long_seconds, slot):
                continue
            bounds = _burns(sums, pair, slot, then(slot), severity)
            factor = _FACTORS[pair.name]
            if not fires and bounds is not None and bounds.least > factor:
                fires = True
                times.append((slot, None))
            elif fires and (bounds is None or bounds.most <= factor):
                fires = False
                times[-1] = times[-1][0], slot
        in_time = [each for each in times if each[1] is None or each[1] > kept]
        yield Alerted(pair.name, tuple(in_time))


def _burns(sums: _Sums, pair: Pair, slot: int, then: Definition, severity: str) -> Sustained | None:
    """None: no alert of that pair can be about it, or what burned is over."""
    allowed = 1 - then.objective_ratio
    if allowed <= 0 or _FACTORS[pair.name] * allowed >= 1:
        return None
    if pair.name == "1h" and severity not in _URGENT:
        return None
    long, short, last = (
        sums.window(slot - seconds, slot, then.objective_ratio)
        for seconds in (pair.long_seconds, pair.short_seconds, pair.last_seconds or pair.short_seconds)
    )
    if pair.last_seconds and is_over(long, short, last, last.rate):
        return None
    minimum = minimum_bad_events(one_event_a_slot=then.sli.one_event_a_slot)
    return sustained(long, short, (long.rate, short.rate), minimum)


@dataclass(frozen=True, slots=True)
class _Window:
    good: float
    total: float
    coverage_ratio: float
    held_to_ratio: float

    @property
    def rate(self) -> float | None:
        """The burn rate; None without events."""
        return (self.total - self.good) / self.total / (1 - self.held_to_ratio) if self.total else None


class _Sums:
    """Sums over windows of the slots of one component."""

    def __init__(self, rows: Sequence[CountedSlot], step: int) -> None:
        self._step, self._first = step, rows[0].slot - step
        by_slot = {each.slot: each for each in rows}
        good = total = covered = 0.0
        expected = 0
        self._until = [(good, total, covered, expected)]
        for slot in range(rows[0].slot, rows[-1].slot + 1, step):
            row = by_slot.get(slot)
            if row is None:
                expected += 1
            elif row.state not in LEFT_OUT:
                good, total = good + row.good, total + row.total
                if not (row.adjusted and row.coverage == 0):
                    covered, expected = covered + row.coverage, expected + 1
            self._until.append((good, total, covered, expected))

    def bad(self, start: int, end: int) -> bool:
        """Whether any event was bad in the slots that end in (start, end]."""
        begin, until = (self._until[max((each - self._first) // self._step, 0)] for each in (start, end))
        return until[1] - until[0] > begin[1] - begin[0]

    def window(self, start: int, end: int, objective: float) -> _Window:
        """What was counted in the slots that end in (start, end]."""
        begin, until = (self._until[max((each - self._first) // self._step, 0)] for each in (start, end))
        good, total, covered, expected = (b - a for a, b in zip(begin, until, strict=True))
        return _Window(good, total, covered / expected if expected else 1.0, objective)


def spent(months: Iterable[Month], rows: Sequence[CountedSlot], kept: int) -> Iterator[int]:
    """When the bad events of each month became more than the whole month allows."""
    for month in months:
        if month.then is None or month.start < kept:
            continue
        allowed = (1 - month.then.held_to_ratio) * month.then.total
        bad = 0.0
        for each in rows:
            if month.start < each.slot <= month.end and each.state not in LEFT_OUT:
                bad += each.total - each.good
                if bad > allowed + _ROUNDING:
                    yield each.slot
                    break
