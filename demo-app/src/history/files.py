"""The month as files for promtool, each of them one block of Prometheus."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from history.month import Month, Stretch
from history.others import Other
from simulation.openmetrics import series_name

_BLOCK_HOURS = 162
"""A length that promtool knows (2 h · 3^n): a file that lies in one of these is one block, read once."""
_BLOCK_SECONDS = _BLOCK_HOURS * 3600
_AT_ONCE = 2
"""So many files are read at once, each by a promtool of its own."""
_LAST_SECONDS = 1800
"""The last file holds so much, and is made when all the rest is done: it reaches up to then."""
BLOCK_WORDS = (
    "tsdb",
    "create-blocks-from",
    "openmetrics",
    f"--max-block-duration={_BLOCK_HOURS}h",
    "--quiet",
)

Said = Callable[[str], None]


class PromtoolError(Exception):
    """promtool refused a file; the message is its own."""


def write(
    month: Month,
    others: Sequence[Other],
    directory: Path,
    promtool: Sequence[str],
    *,
    said: Said,
    clock: Callable[[], float] = time.time,
) -> int:
    """Write the month and have promtool make blocks of it; returns its end, in epoch seconds.

    `{file}` in the words of promtool is the name of a file in the directory; files are read while the next
    one is written. Raises PromtoolError.
    """
    running: list[tuple[subprocess.Popen[str], Path]] = []
    began = month.begin
    for number, cut in enumerate([*_cuts(month), None]):
        if cut is None:
            _end(running)
            month.move_end(int(clock()))
        until = month.end if cut is None else cut
        path = directory / f"history-{number}.om"
        _write(path, month, others, until)
        _end(running, but=_AT_ONCE - 1)
        words = [word.replace("{file}", path.name) for word in promtool]
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)  # noqa: S603 - given by who runs this
        running.append((process, path))
        said(f"{(until - began) / 86_400:.0f} of {(month.end - began) / 86_400:.0f} days")
    _end(running)
    return month.end


def _end(running: list[tuple[subprocess.Popen[str], Path]], but: int = 0) -> None:
    """Wait for the oldest, all but so many."""
    while len(running) > but:
        process, path = running.pop(0)
        _, error = process.communicate()
        path.unlink()
        if process.returncode:
            _end(running)
            raise PromtoolError((error.strip().splitlines() or [f"exit status {process.returncode}"])[-1])


def _cuts(month: Month) -> list[int]:
    """Where one file ends and the next one begins, the last file short; epoch seconds."""
    last = (month.end - _LAST_SECONDS) // 3600 * 3600
    first = month.begin // _BLOCK_SECONDS * _BLOCK_SECONDS + _BLOCK_SECONDS
    return sorted({*range(first, last, _BLOCK_SECONDS), last})


def _write(path: Path, month: Month, others: Sequence[Other], until: int) -> None:
    families: dict[tuple[str, str], list[tuple[str, Stretch]]] = {}
    parts = [(month.target, month.stretches(month.step_before(until)))]
    parts += [(each.target, each.stretches(until)) for each in others]
    for target, stretches in parts:
        for stretch in stretches:
            metric = stretch.metric
            families.setdefault((metric.family, metric.kind), []).append(
                (series_name(metric, target), stretch)
            )
    moments: dict[int, list[str]] = {}  # by the list of moments that many series share
    with path.open("w", encoding="ascii") as file:
        for (family, kind), members in sorted(families.items(), key=lambda each: each[0]):
            file.write(f"# TYPE {family} {kind}\n")
            for name, stretch in sorted(members, key=lambda each: each[0]):
                file.writelines(_lines(name, stretch, moments))
        file.write("# EOF\n")


def _lines(name: str, stretch: Stretch, moments: dict[int, list[str]]) -> Iterator[str]:
    key = id(stretch.at)
    if key not in moments:
        moments[key] = [f" {at // 1000}.{at % 1000:03d}\n" for at in stretch.at]
    return (f"{name} {value}{moment}" for value, moment in zip(stretch.values, moments[key], strict=True))
