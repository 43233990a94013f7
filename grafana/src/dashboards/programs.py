"""PromQL about a program that uses insa_instruments: rates, shares, percentiles, and what is there at all."""

from __future__ import annotations

from .selectors import ratio, zero_while

INTERVAL = "$__rate_interval"
OF_JOB = 'job=~"$job"'


def rate(selector: str, by: str = "") -> str:
    """How often a second, summed over all but the labels `by`."""
    return f"sum{grouping(by)}(rate({selector}[{INTERVAL}]))"


def share(part: str, whole: str, by: str = "") -> str:
    """Share of events, 0 to 1: a part without a series is 0, a whole without events gives nothing."""
    return ratio(f"{rate(part, by)} or 0 * {rate(whole, by)}", rate(whole, by))


def mean(histogram: str, matchers: str, by: str = "") -> str:
    """The mean of what a histogram observed."""
    return ratio(
        rate(f"{histogram}_sum{{{matchers}}}", by),
        rate(f"{histogram}_count{{{matchers}}}", by),
    )


def percentile(quantile: float, histogram: str, matchers: str, by: str = "") -> str:
    """A percentile of a histogram, from the buckets of all its series: percentiles are never averaged."""
    labels = f"{by}, le" if by else "le"
    return f"histogram_quantile({quantile}, {rate(f'{histogram}_bucket{{{matchers}}}', labels)})"


def while_there(selector: str, expr: str) -> str:
    """The expression while the selected series are there: a rate outlives its series by its range."""
    return f"({expr}) and on () count({selector})"


def firing(components: str, selector: str) -> str:
    """How many alerts of these components fire; nothing, rather than 0, when the series are not there."""
    alerts = f'count(ALERTS{{alertstate="firing", alertname!="Watchdog", component=~"{components}"}})'
    return zero_while(selector, alerts)


def grouping(by: str) -> str:
    """The clause that keeps labels, with the spaces around it."""
    return f" by ({by}) " if by else ""
