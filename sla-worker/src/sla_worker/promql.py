"""The PromQL that all forms of an SLI are made of, and why its counts are exact.

How the counts become exact
---------------------------
`increase()` extrapolates to the edges of its range, so its figures are fractions that do not add up. The
ledger instead sums, over the steps t of a slot, the difference between a counter at t and its last value
one step before:

    sum_over_time(sum((X - P >= 0) or (X < P))[W:s] offset s)     P = last_over_time(X[W] offset s)

with W = `slot_seconds` and s = `scrape_seconds`.

* Prometheus aligns the steps of a subquery to absolute multiples of s. A slot that ends at T has the steps
  T-W+s, …, T, so every step belongs to one slot, and the sums of neighbouring slots telescope: nothing is
  lost between two slots and nothing is counted twice.
* A reset (X < P) counts from zero, so its part is X itself.
* A failed scrape leaves a stale marker and X is absent; when X is back, P is still the last value before the
  gap (as long as the gap is shorter than W), so what happened in the gap is counted at its end.
* A series that was never seen has no P: its first value is where counting starts.
* The `or` stands inside `sum`: its two sides differ in their names, and a range of both would clash.

All expressions look one scrape interval back (`offset s`); grid.py says why, and when a slot is final.

`up` has no memory, so its raw samples are counted, again at aligned steps: `count_over_time(up[s])` reads
(t-s, t] and never fills a gap. (Prometheus 2 reads [t-s, t]: a scrape whose time is a multiple of s to the
millisecond is counted at both steps there, in good and total alike.)
"""

from __future__ import annotations

from sla_worker.grid import Grid
from sla_worker.selectors import Matcher


def duration(seconds: int) -> str:
    """Whole seconds as PromQL writes them, in the largest unit that fits: 300 is `5m`."""
    for unit, length in (("h", 3600), ("m", 60)):
        if seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def over_slot(inner: str, grid: Grid) -> str:
    """The sum of an expression over the steps of a slot."""
    window, step = duration(grid.slot_seconds), duration(grid.scrape_seconds)
    return f"sum_over_time({inner}[{window}:{step}] offset {step})"


def samples(function: str, selector: str, grid: Grid) -> str:
    """`sum_over_time` or `count_over_time` of the raw samples of a slot, all series together."""
    return over_slot(f"sum({function}({selector}[{duration(grid.scrape_seconds)}]))", grid)


def increase(selector: str, grid: Grid) -> str:
    """By how much counters rose within a slot, all series together, as a whole number."""
    window, step = duration(grid.slot_seconds), duration(grid.scrape_seconds)
    previous = f"last_over_time({selector}[{window}] offset {step})"
    return over_slot(f"sum(({selector} - {previous} >= 0) or ({selector} < {previous}))", grid)


def zero_where(present: str, part: str) -> str:
    """`part`, or 0 where it has no series although `present` has: no error series means no errors."""
    return f"{part} or 0 * {present}"


def coverage(selector: str, grid: Grid) -> str:
    """Measured scrapes ÷ expected: per target those of its best covered series, then the targets' mean."""
    scrapes = over_slot(f"count_over_time({selector}[{duration(grid.scrape_seconds)}])", grid)
    return f"clamp_max(avg(max by (job, instance) ({scrapes})) / {grid.scrapes}, 1)"


def quantile(bucket: str, share: float, grid: Grid) -> str:
    """The percentile of a slot in seconds; the comparison drops the NaN of a slot without traffic."""
    window, step = duration(grid.slot_seconds), duration(grid.scrape_seconds)
    rate = f"rate({bucket}[{window}] offset {step})"
    return f"histogram_quantile({share!r}, sum by (le) ({rate})) >= 0"


def bucket_matcher(bound: float) -> Matcher:
    """Prometheus 3 writes `le="5.0"` for what a client called `le="5"`; both must be found."""
    if bound == int(bound):
        return Matcher("le", "=~", f"{int(bound)}(\\.0)?")
    return Matcher("le", "=", repr(bound))
