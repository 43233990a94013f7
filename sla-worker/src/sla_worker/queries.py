"""The only PromQL of the package.

How the counts become exact
---------------------------
`increase()` extrapolates to the edges of its range, so its figures are fractions that do not add up. The
ledger instead sums, over the steps t of a slot, the difference between a counter at t and its last value
one step before:

    sum_over_time(sum((X - P >= 0) or (X < P))[W:s] offset s)     P = last_over_time(X[W] offset s)

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

from collections.abc import Iterable

from sla_worker.conventions import ACTUAL_VALUE, COVERAGE, GOOD_EVENTS, TOTAL_EVENTS
from sla_worker.grid import Grid
from sla_worker.model import Comparison, Definition, LatencySli, RatioSli, RecordingRule, UpSli

FIGURE_LABEL = "figure"  # tells the figures of one direct query apart; holds one of the names above


def duration(seconds: int) -> str:
    """Whole seconds as PromQL writes them, in the largest unit that fits: 300 is `5m`."""
    for unit, length in (("h", 3600), ("m", 60)):
        if seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def _over_slot(inner: str, grid: Grid) -> str:
    window, step = duration(grid.slot_seconds), duration(grid.scrape_seconds)
    return f"sum_over_time({inner}[{window}:{step}] offset {step})"


def _increase(selector: str, grid: Grid) -> str:
    window, step = duration(grid.slot_seconds), duration(grid.scrape_seconds)
    previous = f"last_over_time({selector}[{window}] offset {step})"
    return _over_slot(f"sum(({selector} - {previous} >= 0) or ({selector} < {previous}))", grid)


def _coverage(selector: str, grid: Grid) -> str:
    """Measured scrapes ÷ expected: per target those of its best covered series, then the targets' mean."""
    scrapes = _over_slot(f"count_over_time({selector}[{duration(grid.scrape_seconds)}])", grid)
    expected = grid.slot_seconds // grid.scrape_seconds
    return f"clamp_max(avg(max by (job, instance) ({scrapes})) / {expected}, 1)"


def _with_matchers(name: str, *matchers: str) -> str:
    inside = ", ".join(matcher for matcher in matchers if matcher)
    return f"{name}{{{inside}}}" if inside else name


def _bucket_matcher(threshold: float) -> str:
    """Prometheus 3 writes `le="5.0"` for what a client called `le="5"`; both must be found."""
    if threshold == int(threshold):
        return f'le=~"{int(threshold)}(\\\\.0)?"'
    return f'le="{threshold!r}"'


def _good_and_total(definition: Definition, grid: Grid) -> tuple[str, str]:
    sli = definition.sli
    if isinstance(sli, UpSli):
        step = duration(grid.scrape_seconds)
        return (
            _over_slot(f"sum(sum_over_time({sli.selector}[{step}]))", grid),
            _over_slot(f"sum(count_over_time({sli.selector}[{step}]))", grid),
        )
    if isinstance(sli, LatencySli):
        bucket = _with_matchers(
            f"{sli.histogram}_bucket", sli.matchers, _bucket_matcher(sli.threshold_seconds)
        )
        total = _increase(_count_selector(sli), grid)
        return f"{_increase(bucket, grid)} or 0 * {total}", total
    total = _increase(sli.total, grid)
    if sli.good is not None:
        return f"{_increase(sli.good, grid)} or 0 * {total}", total
    # No error series means no errors, but only where the total is there.
    return f"{total} - ({_increase(str(sli.bad), grid)} or 0 * {total})", total


def _count_selector(sli: LatencySli) -> str:
    return _with_matchers(f"{sli.histogram}_count", sli.matchers)


def _scraped(definition: Definition) -> str:
    sli = definition.sli
    if isinstance(sli, UpSli):
        return sli.selector
    return sli.total if isinstance(sli, RatioSli) else _count_selector(sli)


def _quantile(sli: LatencySli, grid: Grid) -> str:
    """The displayed percentile in seconds; the comparison drops the NaN of a slot without traffic."""
    bucket = _with_matchers(f"{sli.histogram}_bucket", sli.matchers)
    window, step = duration(grid.slot_seconds), duration(grid.scrape_seconds)
    rate = f"rate({bucket}[{window}] offset {step})"
    return f"histogram_quantile({sli.objective!r}, sum by (le) ({rate})) >= 0"


def expressions(definition: Definition, grid: Grid) -> dict[str, str]:
    """The figures that must be asked of raw series, by the names of their recording rules."""
    good, total = _good_and_total(definition, grid)
    figures = {GOOD_EVENTS: good, TOTAL_EVENTS: total, COVERAGE: _coverage(_scraped(definition), grid)}
    if isinstance(definition.sli, LatencySli):
        figures[ACTUAL_VALUE] = _quantile(definition.sli, grid)
    return figures


def _recorded_actual(definition: Definition) -> str:
    """A ratio is made of the two counts that the rules before it have just recorded."""
    good, total = (f'{name}{{sla="{definition.key}"}}' for name in (GOOD_EVENTS, TOTAL_EVENTS))
    if definition.comparison is Comparison.AT_MOST:
        return f"({total} - {good}) / ({total} > 0)"
    return f"{good} / ({total} > 0)"


def recording_rules(definitions: Iterable[Definition], grid: Grid) -> tuple[RecordingRule, ...]:
    """The rules of all SLAs, in the order in which they must be evaluated."""
    rules = []
    for definition in definitions:
        labels = (("component", definition.component), ("sla", definition.key))
        figures = expressions(definition, grid)
        figures.setdefault(ACTUAL_VALUE, _recorded_actual(definition))
        rules += [RecordingRule(record, expression, labels) for record, expression in figures.items()]
    return tuple(rules)


def recorded_query(grid: Grid) -> str:
    """All recorded figures with the times of their evaluation, to be asked at `Grid.read_at`.

    A range, since an instant vector would hide when its values were evaluated.
    """
    names = "|".join((GOOD_EVENTS, TOTAL_EVENTS, COVERAGE, ACTUAL_VALUE))
    return f'{{__name__=~"{names}"}}[{duration(grid.scrape_seconds)}]'


def direct_query(definitions: Iterable[Definition], grid: Grid) -> str:
    """The same figures from raw series, in one query, to be asked at `Grid.direct_at`."""

    def labelled(expression: str, **labels: str) -> str:
        for name, value in labels.items():
            expression = f'label_replace({expression}, "{name}", "{value}", "", "")'
        return expression

    return "\nor ".join(
        labelled(expression, **{"sla": each.key, "component": each.component, FIGURE_LABEL: figure})
        for each in definitions
        for figure, expression in expressions(each, grid).items()
    )
