"""Expressions survive being read and written."""

from __future__ import annotations

import re

import promql_parser
import pytest

from mutation.errors import MutationError
from mutation.reading import parsed
from rules.cases import shipped_alerts


def laid_out(expression: str) -> str:
    """An expression in the parser's layout, without white space."""
    return re.sub(r"\s+", "", promql_parser.parse(expression).prettify())


@pytest.mark.parametrize("alert", shipped_alerts())
def test_every_shipped_expression_is_written_as_it_was(alert: str) -> None:
    expression = shipped_alerts()[alert].rule["expr"]
    assert laid_out(str(parsed(expression))) == laid_out(expression)


@pytest.mark.parametrize(
    "expression",
    [
        'x{a="1",b!="2",c=~"1(\\\\.0)?",d!~"\\"q\\""}',
        '{a="1"}',
        "sum without (a, b) (x)",
        "sum(x)",
        "quantile by (a) (0.9, x)",
        "a / on (x) group_left (z) b",
        "a + ignoring (x) group_right () b > bool 0.1",
        "a and on () b unless c or d",
        "-(x - y) * 2",
        "max_over_time(rate(x[5m])[1h:15s] offset 1m)",
        "max_over_time(x[1h:])",
        "rate(x[5m] @ end() offset -30s)",
        'label_replace(absent(x), "metric", "x", "", "")',
        "time()",
    ],
)
def test_an_expression_is_written_as_it_was(expression: str) -> None:
    assert str(parsed(expression)) == expression


@pytest.mark.parametrize(
    ("expression", "message"),
    [("rate(x[5m)", "does not parse"), ('x{a="1" or b="2"}', "joined with `or`")],
)
def test_what_cannot_be_read_is_named(expression: str, message: str) -> None:
    with pytest.raises(MutationError, match=message):
        parsed(expression)
