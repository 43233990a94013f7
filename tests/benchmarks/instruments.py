"""`python -m benchmarks.instruments`: what an instrumented call costs, beside a bare one.

Each figure is the median of many batches of calls of a function that does nothing, so that the difference is
the instruments' own. It judges nothing: figures of a shared machine drift.
"""

from __future__ import annotations

import asyncio
import dataclasses
import statistics
import sys
import time
from collections.abc import Awaitable, Callable

from prometheus_client import CollectorRegistry
from rich.console import Console
from rich.table import Table

from insa_instruments import Recorder

BATCHES = 200
CALLS = 500
"""Calls a batch: long enough for the clock, short enough that most batches run undisturbed."""

MICROSECOND = 1e-6


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What is instrumented, and the seconds of one call without and with it, a figure for each batch."""

    words: str
    bare: list[float]
    instrumented: list[float]


def nothing() -> None:
    """A call that does nothing."""


async def nothing_awaited() -> None:
    """A coroutine that does nothing, without a turn of the loop."""


def batch(function: Callable[[], object]) -> float:
    """Seconds of one call, the mean of a batch."""
    begin = time.perf_counter()
    for _ in range(CALLS):
        function()
    return (time.perf_counter() - begin) / CALLS


async def batch_awaited(function: Callable[[], Awaitable[object]]) -> float:
    """Seconds of one awaited call, the mean of a batch."""
    begin = time.perf_counter()
    for _ in range(CALLS):
        await function()
    return (time.perf_counter() - begin) / CALLS


def compared(words: str, instrumented: Callable[[], object]) -> Comparison:
    """A call that does nothing beside an instrumented one, in turns, so that both meet the same machine."""
    pairs = [(batch(nothing), batch(instrumented)) for _ in range(BATCHES)]
    return Comparison(words, [bare for bare, _ in pairs], [with_it for _, with_it in pairs])


async def compared_awaited(words: str, instrumented: Callable[[], Awaitable[object]]) -> Comparison:
    """The same of coroutines."""
    pairs = [
        (await batch_awaited(nothing_awaited), await batch_awaited(instrumented)) for _ in range(BATCHES)
    ]
    return Comparison(words, [bare for bare, _ in pairs], [with_it for _, with_it in pairs])


def measure(recorder: Recorder) -> list[Comparison]:
    """Every comparison, in the order in which they are shown."""
    track, track_database = recorder.track_request_metrics("agent"), recorder.track_database_operation("read")
    return [
        compared("record_request", lambda: recorder.record_request("agent", "success", 0.2)),
        compared("record_cache_hit", lambda: recorder.record_cache_hit("cache")),
        compared("track_request_metrics, function", track(nothing)),
        asyncio.run(compared_awaited("track_request_metrics, coroutine", track(nothing_awaited))),
        compared("track_database_operation, function", track_database(nothing)),
        asyncio.run(compared_awaited("track_database_operation, coroutine", track_database(nothing_awaited))),
    ]


def main() -> int:
    """Measure and print."""
    found = measure(Recorder(CollectorRegistry()))
    table = Table(title=f"median of {BATCHES} batches of {CALLS} calls, microseconds a call")
    for name in ("what", "bare", "instrumented", "added", "ratio"):
        table.add_column(name, justify="left" if name == "what" else "right")
    for each in found:
        bare = statistics.median(each.bare) / MICROSECOND
        instrumented = statistics.median(each.instrumented) / MICROSECOND
        table.add_row(
            each.words,
            f"{bare:.3f}",
            f"{instrumented:.3f}",
            f"{instrumented - bare:.3f}",
            f"{instrumented / bare:.0f}",
        )
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
