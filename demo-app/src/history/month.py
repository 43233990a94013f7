"""A month, minute by minute: which recording plays when, and what every series shows then."""

from __future__ import annotations

import bisect
import datetime as dt
import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from history.recording import LONGEST_STEPS, RATES, STEP_SECONDS, USUAL_RATE, Name, Tape, Wanted, is_moment
from history.story import DAY, Happened, Incident, begin_of, happened
from simulation.series import GAUGE, PROCESS_START, UP, Metric, Process, Target

_OFFSET_MS = 7_413
"""When in its minute the app is scraped."""
_DOWN = -1
_SETTLED_SECONDS = 3600
"""So long before the end the app is as busy as the live one that goes on from there."""
_LOAD = (
    2.0, 2.0, 2.0, 2.0, 2.0, 2.2, 2.8, 3.6, 4.6, 5.4, 6.0, 6.2,
    5.6, 5.8, 6.2, 6.0, 5.4, 4.6, 4.0, 3.4, 3.0, 2.6, 2.2, 2.0,
)  # fmt: skip
"""Requests a second, by hour of the day."""
_WEEKEND = 0.55
_SATURDAY = 5


def wanted_of(incident: Incident) -> Wanted | None:
    """The recording that an incident plays; None where the app is down."""
    if incident.fault is None:
        return None
    whole = incident.minutes <= 20  # noqa: PLR2004 - what piles up must not begin again in the middle
    minutes = incident.minutes if whole else min(incident.minutes, LONGEST_STEPS)
    return Wanted(USUAL_RATE, incident.fault, incident.intensity, minutes, whole)


@dataclass(frozen=True, slots=True)
class Stretch:
    """What one series shows from one step to another: moments in milliseconds, and values."""

    metric: Metric
    at: Sequence[int]
    values: Sequence[float]


@dataclass(slots=True)
class Month:
    """The month that ends now. `stretches` may be called for one part of it after the other, in order."""

    tape: Tape
    seed: int
    end: int
    days: int
    target: Target
    incidents: list[Happened] = field(init=False)
    begin: int = field(init=False)
    _table: dict[Name, list[float | None]] = field(init=False)
    _first: dict[Wanted, int] = field(init=False)
    _picks: list[int] = field(init=False)
    _lives: list[Process] = field(init=False)
    _carried: dict[Name, float] = field(init=False)
    _done: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.incidents = happened(self.end, self.days)
        self.begin = begin_of(self.end, self.days)
        self._lives = [Process(self.target, 0, (self.begin - 3 * DAY) * 1000)]
        self._first, self._table = _tables(self.tape)
        self._picks = self._plan()
        self._carried = {}

    def move_end(self, end: int) -> None:
        """The month goes on until a later end; what has passed stays as it is."""
        until = begin_of(self.end, self.days)
        if begin_of(end, self.days) != until:
            end = self.end  # at this very moment the next report is due: it would be another story
        done, picks = self._done, self._picks
        self.end = end
        self.incidents = [replace(each, end=end) if each.lasts else each for each in self.incidents]
        self._lives = self._lives[:1]
        self._picks = self._plan()
        self._picks[:done] = picks[:done]

    def steps(self) -> int:
        """How many scrapes there are, answered or not."""
        return len(self._picks)

    def at(self, step: int) -> int:
        """The moment of a scrape, in milliseconds."""
        return (self.begin + step * STEP_SECONDS) * 1000 + _OFFSET_MS

    def step_before(self, moment: int) -> int:
        """How many scrapes lie before a moment (epoch seconds)."""
        return bisect.bisect_left(range(self.steps()), moment * 1000, key=self.at)

    def stretches(self, until: int) -> Iterator[Stretch]:
        """Every series from where the last call ended to before step `until`."""
        first, self._done = self._done, until
        picks = self._picks[first:until]
        moments = [self.at(step) for step in range(first, until)]
        up = [0 if pick == _DOWN else 1 for pick in picks]
        yield Stretch(UP, moments, up)
        answered = [(pick, at) for pick, at in zip(picks, moments, strict=True) if pick != _DOWN]
        at = [moment for _, moment in answered]
        plays = [pick for pick, _ in answered]
        began = [self._life(moment).began for moment in at]
        yield Stretch(PROCESS_START, at, [each / 1000 for each in began])
        starts = [index for index in range(1, len(began)) if began[index] != began[index - 1]]
        if began and first and self._life(self.at(first - 1)).began != began[0]:
            starts.insert(0, 0)
        for name, metric in self.tape.metrics.items():
            yield self._stretch(name, metric, at, plays, starts)

    def _stretch(
        self, name: Name, metric: Metric, at: Sequence[int], plays: Sequence[int], starts: Sequence[int]
    ) -> Stretch:
        table = self._table[name]
        found = [table[pick] for pick in plays]
        if None in found:  # a series that is born later in its process
            at = [moment for moment, value in zip(at, found, strict=True) if value is not None]
            found = [value for value in found if value is not None]
            starts = []
        shown = [value for value in found if value is not None]
        if metric.kind != GAUGE:
            values: list[float] = []
            carried = self._carried.get(name, 0)
            for begin, end in itertools.pairwise([0, *starts, len(shown)]):
                if begin in starts:
                    carried = 0
                values += list(itertools.accumulate(shown[begin:end], initial=carried))[1:]
                carried = values[-1] if values else carried
            self._carried[name] = carried
            return Stretch(metric, at, values)
        if is_moment(metric):
            return Stretch(metric, at, self._moments(name, at, shown))
        return Stretch(metric, at, shown)

    def _moments(self, name: Name, at: Sequence[int], ages: Sequence[float]) -> list[float]:
        """A moment that did not move within a step stays where it was, however often the step is played."""
        last = self._carried.get(name, 0)
        values = []
        for moment, age in zip(at, ages, strict=True):
            if age >= 0 or not last:
                last = round(moment / 1000 - (age if age >= 0 else -1 - age), 3)
            values.append(last)
        self._carried[name] = last
        return values

    def _life(self, at: int) -> Process:
        found = self._lives[0]
        for each in self._lives:
            if each.began <= at:
                found = each
        return found

    def _plan(self) -> list[int]:
        """Which step of which recording plays in each minute."""
        count = max(0, (self.end * 1000 - _OFFSET_MS - self.begin * 1000) // (STEP_SECONDS * 1000) + 1)
        picks: list[int] = []
        for day in range(-(-count * STEP_SECONDS // DAY)):
            picks += self._day(self.begin + day * DAY)
        picks = picks[:count]
        for index in range(max(0, count - _SETTLED_SECONDS // STEP_SECONDS), count):
            picks[index] = self._healthy(USUAL_RATE, index)
        for each in self.incidents:
            self._play(each, picks)
        return picks

    def _day(self, midnight: int) -> list[int]:
        chance = random.Random(f"{self.seed}/{midnight}")  # noqa: S311 - reproducible, no secret
        weekday = dt.datetime.fromtimestamp(midnight, dt.UTC).weekday()
        share = _WEEKEND if weekday >= _SATURDAY else 1.0
        picks = []
        for minute in range(DAY // STEP_SECONDS):
            hour, part = divmod(minute, 60)
            load = _LOAD[hour] + (_LOAD[(hour + 1) % 24] - _LOAD[hour]) * part / 60
            picks.append(self._healthy(_rate(max(RATES[0], load * share), chance), chance.randrange(10**6)))
        return picks

    def _healthy(self, rate: float, number: int) -> int:
        recorded = self.tape.healthy(rate)
        return self._first[recorded.wanted] + number % recorded.during

    def _play(self, happened_: Happened, picks: list[int]) -> None:
        """Put an incident into the plan, and the minutes in which the app recovers."""
        begin = (happened_.begin - self.begin) // STEP_SECONDS
        end = len(picks) if happened_.lasts else (happened_.end - self.begin) // STEP_SECONDS
        wanted = wanted_of(happened_.incident)
        if wanted is None:
            for index in range(begin, min(end, len(picks))):
                picks[index] = _DOWN
            self._lives.append(Process(self.target, len(self._lives), happened_.end * 1000))
            return
        recorded, first = self.tape.of(wanted), self._first[wanted]
        for index in range(begin, min(end, len(picks))):
            number = index - begin
            if number >= recorded.during:  # the second half, over and over
                half = recorded.during // 2
                number = half + (number - half) % (recorded.during - half)
            picks[index] = first + number
        for number in range(recorded.during, len(recorded.steps)):
            index = end + number - recorded.during
            if index < len(picks):
                picks[index] = first + number


def _rate(load: float, chance: random.Random) -> float:
    """One of the recorded rates, so that their mean is the load."""
    above = min(max(bisect.bisect(RATES, load), 1), len(RATES) - 1)
    low, high = RATES[above - 1], RATES[above]
    return high if chance.random() * (high - low) < load - low else low


def _tables(tape: Tape) -> tuple[dict[Wanted, int], dict[Name, list[float | None]]]:
    """All recordings one after the other: where each begins, and what each series has in every step."""
    first: dict[Wanted, int] = {}
    steps: list[dict[Name, float]] = []
    for each in tape.recordings:
        first[each.wanted] = len(steps)
        steps += each.steps
    return first, {name: [step.get(name) for step in steps] for name in tape.metrics}
