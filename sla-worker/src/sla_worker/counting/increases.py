"""By how much a counter rose within each slot, from its raw samples.

A sample belongs to the slot T with T - slot_seconds < time <= T. What rose between two neighbouring samples
(t0, v0) and (t1, v1) of a series is counted in the slot of t1:

1. v1 >= v0 in the same process: v1 - v0, however long the gap between them, up to a day.
2. v1 < v0, or the process was another one: v1. The process counted from zero.
3. The series of one histogram begin again together: a reset of one is a reset of all.
4. A first sample (none in the day before) counts v1 if its target answered a scrape in that day: the series
   was born with its first event. Else v1 if the process is younger than a slot: a replica whose events
   nobody else counted. Else 0: counting starts here.
5. A series that comes back after more than a day counts as a first sample of an unknown target.

Counters only rise within a process, so the ends of a stretch without a reset say it all: neighbouring slots
add up to what the process counted, however few of its samples were seen.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

DAY = 86_400
_RESTART_SECONDS = (
    1.0  # a process start that moves by no more is the same one: some exporters compute it each time
)


@dataclass(frozen=True, slots=True)
class Earlier:
    """What is known of the day before a series' first sample.

    `value` is the last sample of that day, None if there was none. `same_process`: the process that showed it
    is that of the first sample, as far as is known. `answered`: the target answered a scrape in that day.
    `gone`: that very process has shown the series, but longer ago than a day, so it was not born since.
    """

    value: float | None = None
    same_process: bool = True
    answered: bool = False
    gone: bool = False


NOTHING = Earlier()


def first_sample(value: float, earlier: Earlier, *, young: bool = False, baseline: bool = False) -> float:
    """What the first sample of a window counts.

    `young`: its process is known to have begun less than a slot before. `baseline` is for exporters that show
    the counters of another program: a series that was not there before then counts nothing.
    """
    if earlier.value is not None:
        return value - earlier.value if earlier.same_process and value >= earlier.value else value
    if baseline:
        return 0.0
    born = earlier.answered and not earlier.gone
    return value if born or young else 0.0


def restarts(times: Sequence[float], began: Sequence[float]) -> list[float]:
    """When `process_start_time_seconds` first showed a later process, ascending."""
    if not began or max(began) - min(began) <= _RESTART_SECONDS:
        return []
    return [
        times[index] for index in range(1, len(began)) if began[index] - began[index - 1] > _RESTART_SECONDS
    ]


def resets(times: Sequence[float], values: Sequence[float], earlier: float | None = None) -> list[float]:
    """When a counter showed less than before, ascending. `earlier` is its last sample before the first."""
    found = [times[0]] if earlier is not None and values and values[0] < earlier else []
    if not _rises(values):
        found += [times[index] for index in range(1, len(values)) if values[index] < values[index - 1]]
    return found


def _rises(values: Sequence[float]) -> bool:
    return list(values) == sorted(values)


def increases(
    times: Sequence[float],
    values: Sequence[float],
    slots: range,
    *,
    breaks: Sequence[float] = (),
    first: float = 0.0,
    young: Iterable[float] = (),
) -> list[float]:
    """The increase within each slot of `slots` (their ends, ascending, a slot apart).

    `times` and `values` are raw samples, ascending; those before the first slot are what it starts from.
    `breaks` are the times, ascending, at which another process was first seen, or another series of the same
    histogram had been reset. `first` is what the first sample counts if it lies in a slot (`first_sample`).
    `young` are the times of samples whose process had begun less than a slot before.
    """
    if not times:
        return [0.0] * len(slots)
    if not breaks and _rises(values) and (len(slots) == 1 or times[-1] - times[0] <= DAY):
        return _of_one_process(times, values, slots, first)
    added = [0.0] * len(slots)
    _add(added, slots, times[0], first)
    for index in range(1, len(times)):
        before, at, value = times[index - 1], times[index], values[index]
        if at - before > DAY:
            rose = value if at in young else 0.0
        elif value < values[index - 1] or bisect_right(breaks, at) > bisect_right(breaks, before):
            rose = value
        else:
            rose = value - values[index - 1]
        _add(added, slots, at, rose)
    return added


def _of_one_process(
    times: Sequence[float], values: Sequence[float], slots: range, first: float
) -> list[float]:
    """The ends of each slot's stretch; `first` stands for what came before the first sample."""
    added = []
    reached = bisect_right(times, slots.start - slots.step)
    before = values[reached - 1] if reached else values[0] - first
    for slot in slots:
        reached = bisect_right(times, slot, reached)
        after = values[reached - 1] if reached else before
        added.append(after - before)
        before = after
    return added


def _add(added: list[float], slots: range, at: float, rose: float) -> None:
    """Slots hold their end and not their beginning."""
    position = -int((slots.start - at) // slots.step)
    if 0 <= position < len(added):
        added[position] += rose
