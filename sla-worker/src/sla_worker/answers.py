"""The series of an answer of Prometheus' query API, decoded the quick way.

Decoding is most of what a pass does by itself. msgspec takes a third of the time of json, which makes a text
of each number first. What it does not take is for json, whose errors say what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isnan
from operator import lt
from typing import NamedTuple

import msgspec

_LAST_SECOND = 253_402_300_799  # of the year 9999
_Sample = tuple[float, float]


class Series(NamedTuple):
    """One series of an answer: its labels, and its samples by time (epoch seconds), ascending."""

    labels: Mapping[str, str]
    times: Sequence[float]
    values: Sequence[float]


class Quick(NamedTuple):
    """What an answer holds."""

    series: tuple[Series, ...]
    warnings: Sequence[str]
    partial: bool


class _Found(msgspec.Struct, gc=False):
    metric: dict[str, str]
    values: msgspec.Raw = msgspec.Raw()  # decoded series by series: all together they take more memory
    value: _Sample | None = None


class _Data(msgspec.Struct, gc=False, rename="camel"):
    result_type: str
    result: list[_Found]


class _Answer(msgspec.Struct, gc=False, rename="camel"):
    status: str
    data: _Data
    warnings: list[str] | None = None
    is_partial: bool = False


_ANSWER = msgspec.json.Decoder(_Answer, strict=False)
_SAMPLES = msgspec.json.Decoder(list[_Sample], strict=False)  # a value is a text in these answers


def quickly(body: bytes, *, nan: bool) -> Quick | None:
    """The content of an ordinary answer; None for any other: an error, an infinite value, garbage."""
    try:
        answer = _ANSWER.decode(body)
        if answer.status != "success" or answer.data.result_type not in {"vector", "matrix"}:
            return None
        series = []
        in_order: dict[Sequence[float], Sequence[float]] = {}  # the series of one target have the same times
        for each in answer.data.result:
            if each.values:
                samples = _SAMPLES.decode(each.values)
            elif each.value is not None:
                samples = [each.value]
            else:
                return None
            times, values = zip(*samples, strict=True) if samples else ((), ())
            same = in_order.get(times)
            if same is not None and (nan or not isnan(sum(values))):
                series.append(Series(each.metric, same, values))
                continue
            found = checked(Series(each.metric, times, values), nan=nan)
            if found.times is times:
                in_order[times] = times
            series.append(found)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return Quick(tuple(series), answer.warnings or (), answer.is_partial)


def checked(series: Series, *, nan: bool) -> Series:
    """The series in the order of its times, without samples that are not a number unless `nan` is set.

    Raises ValueError for times of no calendar.
    """
    labels, times, values = series
    if not all(map(lt, times, times[1:])):
        times, values = _in_order(times, values)
    if times and not -_LAST_SECOND <= times[0] <= times[-1] <= _LAST_SECOND:
        raise ValueError("a sample is of no time")
    if not nan and isnan(sum(values)):  # the quick way to see that none is; inf - inf is looked at
        pairs = [pair for pair in zip(times, values, strict=True) if not isnan(pair[1])]
        return Series(labels, [at for at, _ in pairs], [value for _, value in pairs])
    return Series(labels, times, values)


def _in_order(times: Iterable[float], values: Iterable[float]) -> tuple[Sequence[float], Sequence[float]]:
    """Each time once, as samples that were stored twice are not: the greatest value of a time counts.

    VictoriaMetrics keeps them all (unless it is told to deduplicate, when it keeps the same one).
    """
    found = dict(sorted(zip(times, values, strict=True)))
    return tuple(found), list(found.values())
