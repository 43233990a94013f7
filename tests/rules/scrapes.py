"""Cases that no file holds: those of every alert, with scrapes that fail.

A scrape that fails takes every series of its target away until the next one, and its `up` is 0. A cause that
lasts is not over with that, so no alert may end, nor begin its `for` again.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterable

from compression.durations import parsed
from rules.cases import STATE, STEP_SECONDS, Case, Expected, shipped_alerts, written_cases

WINDOW_STEPS = 4
"""How long the last sample counts while scrapes fail, in steps: 1m."""

EXEMPT = {
    "Watchdog": "it reads no series",
    "MonitoringMetricsAbsent": "what is absent is absent while a scrape fails, too",
    "SLAWorkerStale": "absent() is pending while a scrape fails, so its cases are written down",
}

_GAUGE = re.compile(r"\blast_over_time\((?!\w+_total)(\w+)[^()]*\[1m\]\)")
"""A gauge that a rule reads through failed scrapes."""
_AS_IT_STANDS = re.compile(rf"\bor {_GAUGE.pattern}")
"""The same, beside its value as it stands, however old that is."""
_UP = "max_over_time(up[1m])"
_COUNTERS = ("_total", "_bucket", "_count", "_sum")
_OF_PROMETHEUS = re.compile(r"ALERTS\b|\w+:")
"""Alerts and records, which Prometheus itself writes."""
_RUN = re.compile(r"(-?[\d.e]+)(?:([+-][\d.e]+))?x(\d+)")
_LABEL = re.compile(r'(\w+)="([^"]*)"')

Series = dict[str, str]
Timeline = tuple[Expected, ...]


@functools.cache
def all_cases() -> tuple[Case, ...]:
    """The cases that are written down, and those made from them."""
    return (*written_cases(), *cases_with_failed_scrapes(written_cases()))


def cases_with_failed_scrapes(cases: Iterable[Case]) -> list[Case]:
    """For each alert those made from the first of its cases that fires, and the first that does by gauges."""
    made: list[Case] = []
    for alert, shipped in shipped_alerts().items():
        expression = shipped.rule["expr"]
        own = [case for case in cases if case.alert == alert and alert not in EXEMPT]
        fires = [case for case in own if case.kind == "fires"]
        if fires:
            made += _about_absence(fires[0]) if _UP in expression else _about_values(fires, own, expression)
    return made


def _about_absence(base: Case) -> list[Case]:
    return [_missed(base, held=True), _gone(base), _rare(base)]


def _about_values(fires: list[Case], own: list[Case], expression: str) -> list[Case]:
    gauges = set(_GAUGE.findall(expression))
    plain = [case for case in fires if not _counts(case) and (not gauges or gauges & _names(case))][:1]
    made = [_missed(base, held=False) for base in fires[:1] if base not in plain]
    made += [_missed(base, held=bool(gauges)) for base in plain]
    if gauges:
        made += [_gone(base) for base in plain]
        made += [_rare(base) for base in plain if _AS_IT_STANDS.search(expression)]
        made += [_over(base) for base in own if base.kind == "too_short" and gauges & _names(base)][:1]
    return made


def _names(case: Case) -> set[str]:
    return {selector.partition("{")[0] for selector in case.series}


def _counts(case: Case) -> bool:
    """Whether it is about counters, whose rate bears one failed scrape, and not three in a row."""
    return any(name.endswith(_COUNTERS) for name in _names(case))


def _missed(base: Case, *, held: bool) -> Case:
    """One scrape fails while the alert is pending, and one while it fires.

    Of a gauge the one just after the condition has begun to hold, and three in a row while it fires.
    """
    begin, firing = _phases(base)
    numbers = {firing + 1, firing + 2, firing + 3} if held else {firing + 1}
    if begin < firing:
        numbers.add(begin + 1 if held else (begin + firing) // 2)
    name = "failed scrapes neither end it nor begin its `for` again"
    return _from(base, "missed", name, failed(base, base.series, numbers), base.expected)


def _over(base: Case) -> Case:
    """The scrapes just after the end of the cause fail."""
    timelines = [each.timeline(3) for each in base.expected]
    numbers = {timeline[-1][0] // STEP_SECONDS + 1 for timeline in timelines if timeline[-1][1] == "inactive"}
    series = failed(base, base.series, numbers)
    return _from(base, "over", "a failed scrape does not bring it back", series, base.expected)


def _gone(base: Case) -> Case:
    """The target is gone for good: while the alert is pending or, where `for` is too short, firing."""
    begin, firing = _phases(base)
    last = begin + 2 if firing - begin > WINDOW_STEPS + 2 else firing + 1
    over = last + WINDOW_STEPS
    expected = []
    for each in base.expected:
        begun = [state for state in STATE.findall(each.states) if first(state[1]) <= last * STEP_SECONDS]
        states = [" ".join(state).rstrip(",") for state in begun]
        if states:
            states.append(f"inactive {over * STEP_SECONDS}s/{(over + 1) * STEP_SECONDS}s")
            expected.append(Expected(each.labels, ", ".join(states)))
    series = failed(base, base.series, range(last + 1, base.end_seconds // STEP_SECONDS + 1))
    return _from(base, "gone", "a minute after its target is gone it ends", series, tuple(expected))


def _rare(base: Case) -> Case:
    """Nobody scrapes for longer than the window: while it is pending or, where `for` is too short, firing."""
    begin, firing = _phases(base)
    gap = WINDOW_STEPS + 1
    name = "it holds from one scrape to the next, however rare they are"
    if firing - begin > gap + 2:
        series = left_out(base, base.series, range(begin + 2, begin + 2 + gap))
        return _from(base, "rare", name, series, base.expected)
    more = gap + 2
    series = stretched(base.series, firing + 1, more)
    expected = tuple(
        dataclasses.replace(each, states=later(each.states, firing * STEP_SECONDS, more * STEP_SECONDS))
        for each in base.expected
    )
    return _from(base, "rare", name, left_out(base, series, range(firing + 2, firing + 2 + gap)), expected)


def _phases(base: Case) -> tuple[int, int]:
    """The numbers of the samples at which the first alert becomes active, and fires."""
    timeline = base.expected[0].timeline(3)
    firing = next(place for place, (_, state) in enumerate(timeline) if state == "firing")
    begin = firing - 1 if firing and timeline[firing - 1][1] == "pending" else firing
    return timeline[begin][0] // STEP_SECONDS, timeline[firing][0] // STEP_SECONDS


def _from(base: Case, kind: str, name: str, series: Series, expected: Timeline) -> Case:
    return dataclasses.replace(
        base,
        kind=kind,
        name=f"{name} ({base.name})",
        series=series,
        expected=expected,
        says={},
        says_at={},
        checks_annotations=False,
    )


def samples(values: str) -> list[str]:
    """Each sample of a series in promtool's notation; `_` where there is none, `stale` at an end."""
    found: list[str] = []
    for item in values.split():
        if match := _RUN.fullmatch(item):
            start, step, times = float(match[1]), float(match[2] or 0), int(match[3])
            found += [f"{start + step * number:.12g}" for number in range(times + 1)]
        elif item.startswith("_x"):
            found += ["_"] * int(item[2:])
        else:
            found.append(item)
    return found


def failed(case: Case, series: Series, numbers: Iterable[int]) -> Series:
    """The series when these scrapes of the target fail that the alert is about."""
    return _changed(case, series, numbers, up="0", others="stale")


def left_out(case: Case, series: Series, numbers: Iterable[int]) -> Series:
    """The series when nobody scrapes that target at these times, as with a longer interval."""
    return _changed(case, series, numbers, up="_", others="_")


def _changed(case: Case, series: Series, numbers: Iterable[int], *, up: str, others: str) -> Series:
    changed = dict(series)
    for selector in _of_its_target(case, series):
        each = samples(series[selector])
        for number in numbers:
            if number < len(each) and each[number] not in ("_", "stale"):
                each[number] = up if re.match(r"up\b", selector) else others
        changed[selector] = " ".join(each)
    return changed


def _of_its_target(case: Case, series: Series) -> list[str]:
    """The series that are scraped from the target which the alert names; if none is, all that are scraped."""
    scraped = [selector for selector in series if not _OF_PROMETHEUS.match(selector)]
    own = [selector for selector in scraped if any(_agree(selector, each.labels) for each in case.expected)]
    return own or scraped


def _agree(selector: str, labels: dict[str, str]) -> bool:
    own = dict(_LABEL.findall(selector))
    return all(own.get(name) == labels[name] for name in ("job", "instance") if name in labels)


def stretched(series: Series, number: int, steps: int) -> Series:
    """The series with so many more samples like the one of that number behind it."""
    changed = {}
    for selector, values in series.items():
        each = samples(values)
        changed[selector] = " ".join(
            each[: number + 1] + each[number : number + 1] * steps + each[number + 1 :]
        )
    return changed


def first(times: str) -> int:
    """The seconds of a time as it is written among states, by the newest version."""
    return int(parsed(times.rstrip(",").partition("/")[0]).total_seconds())


def later(states: str, after_seconds: int, by_seconds: int) -> str:
    """The states with every time beyond the one so much later."""

    def moved(match: re.Match[str]) -> str:
        seconds = int(parsed(match[0]).total_seconds())
        return f"{seconds + by_seconds}s" if seconds > after_seconds else match[0]

    return re.sub(r"\b\d[\dhms]*", moved, states)
