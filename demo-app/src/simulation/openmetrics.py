"""Scrapes as OpenMetrics text, for `promtool tsdb create-blocks-from openmetrics --max-block-duration=744h`.

The format wants the samples of one series together and ascending, while scrapes come in the order of time:
each series goes to a file of its own first, and `write` puts those together, family by family.

What a back-fill cannot carry are stale markers. A live Prometheus ends a series with one as soon as its
target fails or vanishes; back-filled, the last value of a gauge is seen by an instant query for the lookback
of five minutes more. Range selectors, which hold nothing but samples, read the same from both.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from simulation.series import UP, Metric, Scrape, Target

_BUFFERED_LINES = 200_000


def number(value: float) -> str:
    """A value as the text format has it; whole numbers without a point."""
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) else repr(value)


def series_name(metric: Metric, target: Target) -> str:
    """Name and labels, those of the target last."""
    labels = (*metric.labels, ("instance", target.instance), ("job", target.job))
    return metric.name + "{" + ",".join(f'{name}="{value}"' for name, value in labels) + "}"


class Writer:
    """Takes scrapes in the order of time; `directory` is for its own files and must be empty."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._series: dict[tuple[Target, Metric], int] = {}
        self._lines: list[list[str]] = []
        self._buffered = 0

    def add(self, scrape: Scrape) -> None:
        """One scrape, its `up` included."""
        moment = f" {scrape.at // 1000}.{scrape.at % 1000:03d}\n"
        target, index = scrape.target, self._index
        self._lines[index(target, UP)].append(f"{scrape.up}{moment}")
        for metric, value in scrape.samples:
            self._lines[index(target, metric)].append(
                (str(value) if type(value) is int else number(value)) + moment
            )
        self._buffered += len(scrape.samples) + 1
        if self._buffered > _BUFFERED_LINES:
            self._flush()

    def write(self, file: TextIO) -> None:
        """The whole text, with its end."""
        self._flush()
        file.writelines(self._text())
        file.write("# EOF\n")

    def _index(self, target: Target, metric: Metric) -> int:
        key = (target, metric)
        if key not in self._series:
            self._series[key] = len(self._lines)
            self._lines.append([])
        return self._series[key]

    def _flush(self) -> None:
        for number_, lines in enumerate(self._lines):
            if lines:
                with (self._directory / str(number_)).open("a", encoding="ascii") as file:
                    file.writelines(lines)
                lines.clear()
        self._buffered = 0

    def _text(self) -> Iterator[str]:
        families: dict[tuple[str, str], list[tuple[str, int]]] = {}
        for (target, metric), index in self._series.items():
            name = series_name(metric, target)
            families.setdefault((metric.family, metric.kind), []).append((name, index))
        for (family, kind), members in sorted(families.items()):
            yield f"# TYPE {family} {kind}\n"
            for name, index in sorted(members):
                with (self._directory / str(index)).open(encoding="ascii") as file:
                    for line in file:
                        yield f"{name} {line}"


def write(scrapes: Iterable[Scrape], directory: Path, file: TextIO) -> None:
    """All at once."""
    writer = Writer(directory)
    for scrape in scrapes:
        writer.add(scrape)
    writer.write(file)
