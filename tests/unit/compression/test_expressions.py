"""Durations in expressions: each is divided, nothing else moves."""

from __future__ import annotations

import re

import pytest

from compression.errors import CompressionError
from compression.expressions import divided_expression


def flat(expression: str) -> str:
    """The expression without the spaces and line breaks of the layout."""
    return re.sub(r"\s+", "", expression)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("rate(x[5m])", "rate(x[20s])"),  # 300 s ÷ 15
        ("increase(x[15m]) >= 3", "increase(x[1m]) >= 3"),
        ("rate(x[1h30m])", "rate(x[6m])"),  # 5400 s ÷ 15 = 360 s
        ("rate(x[1s500ms])", "rate(x[100ms])"),
        ("x offset 15s", "x offset 1s"),
        ("x offset -30s", "x offset -2s"),
        ("rate(x[5m] offset 30s)", "rate(x[20s] offset 2s)"),
        ("x @ 120 offset 15s", "x @ 120.000 offset 1s"),
        ("rate(x[5m] @ end() offset 30s)", "rate(x[20s] @ end() offset 2s)"),
        ("max_over_time(rate(x[15m])[1h:15s] offset 30m)", "max_over_time(rate(x[1m])[4m:1s] offset 2m)"),
        ("max_over_time(x[1h:])", "max_over_time(x[4m:])"),
        (
            "sum by (a) (rate(x[5m])) / on (a) group_left (b) y",
            "sum by (a) (rate(x[20s])) / on (a) group_left (b) y",
        ),
        (
            "sum_over_time(sum((x - last_over_time(x[5m] offset 15s) >= 0) or (x < y))[5m:15s])",
            "sum_over_time(sum((x - last_over_time(x[20s] offset 1s) >= 0) or (x < y))[20s:1s])",
        ),
    ],
)
def test_every_duration_is_divided_by_the_factor(expression: str, expected: str) -> None:
    assert flat(divided_expression(expression, 15)) == flat(expected)


@pytest.mark.parametrize(
    "expression",
    [
        r'x{a="5m",b!="[5m]",c=~"5(\\.0)?",d!~"offset 5m"}',
        r'x{a="a \"quoted\" one \\ and\na break"}',
        "histogram_quantile(0.95, x) > 10",
        'label_replace(absent(x), "metric", "x", "", "")',
        "x > bool 300 or vector(1)",
        "time() - x > 300",
    ],
)
def test_what_is_no_duration_stays(expression: str) -> None:
    assert flat(divided_expression(expression, 15)) == flat(expression)


def test_label_values_survive_in_a_selector_that_is_rewritten() -> None:
    before = r'rate(x{a="a \"b\" \\ \n",c=~"5(\\.0)?",d!="",e!~"1m"}[5m])'
    assert divided_expression(before, 15) == before.replace("[5m]", "[20s]")


@pytest.mark.parametrize(
    "expression", ["rate(x[7s])", "x offset 1s", "rate(x[1ms])", "avg_over_time(x[1h:10s])"]
)
def test_a_duration_with_a_rest_below_a_millisecond_is_refused(expression: str) -> None:
    # 7 s = 7000 ms, 1 s = 1000 ms, 1 ms and 10 s = 10000 ms: none is a multiple of 15 ms.
    with pytest.raises(CompressionError, match="cannot be divided by 15 in whole milliseconds"):
        divided_expression(expression, 15)


def test_an_expression_that_does_not_parse_is_named() -> None:
    with pytest.raises(CompressionError, match=r"'rate\(x\[5m' does not parse"):
        divided_expression("rate(x[5m", 15)
