"""Each operator makes exactly the mutants that were worked out by hand."""

from __future__ import annotations

import pytest

from mutation.expressions import mutants_of_expression


def made(expression: str, *operators: str) -> list[str]:
    """The expressions after the changes by these operators, or by any."""
    return [
        str(tree)
        for change, tree in mutants_of_expression(expression)
        if not operators or change.operator in operators
    ]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("x > 5", ["x >= 5", "x"]),
        ("x >= 5", ["x > 5", "x"]),
        ("x < 5", ["x <= 5", "x"]),
        ("x <= 5", ["x < 5", "x"]),
        ("x == 5", ["x != 5", "x"]),
        ("x != 5", ["x == 5", "x"]),
        ("5 < x", ["5 <= x", "x"]),  # a number alone is no vector: the other side stays
        ("x < y", ["x <= y", "x"]),
        ("x > bool 5", ["x >= bool 5", "x", "x > 5"]),
    ],
)
def test_a_comparison_is_moved_and_dropped(expression: str, expected: list[str]) -> None:
    assert made(expression, "comparison") == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("x / (y > 0.1)", ["x / (y)"]),
        ("x and y", ["x", "y"]),
        ("x unless y", ["x"]),
        ("x or y", ["x", "y"]),
        # That is (x or y) or z: the outer `or` loses a side, then the inner one.
        ("x or y or z", ["x or y", "z", "x or z", "y or z"]),
    ],
)
def test_a_guard_is_dropped(expression: str, expected: list[str]) -> None:
    assert made(expression, "guard") == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("x > 100", ["x > 101", "x > 99"]),  # a count: by 1
        ("x == 0", ["x == 1"]),
        ("increase(x[15m]) >= 3", ["increase(x[15m]) >= 4", "increase(x[15m]) >= 2"]),
        ("x > 0.05", ["x > 0.051", "x > 0.049"]),  # 2 % of 0.05 are 0.001
        ("rate(x[5m]) > 10", ["rate(x[5m]) > 10.2", "rate(x[5m]) > 9.8"]),  # measured: by 2 % too
        ("x / y > 2", ["x / y > 2.04", "x / y > 1.96"]),
        ("x_seconds > 30", ["x_seconds > 30.6", "x_seconds > 29.4"]),
        ("rate(x[5m]) == 0", ["rate(x[5m]) == 0.02"]),
        ("vector(1)", ["vector(2)", "vector(0)"]),
    ],
)
def test_a_number_moves_a_little(expression: str, expected: list[str]) -> None:
    assert made(expression, "threshold") == expected


def test_a_quantile_moves_by_a_hundredth_or_half_the_way_to_one() -> None:
    assert made("histogram_quantile(0.95, x)", "threshold") == [
        "histogram_quantile(0.94, x)",
        "histogram_quantile(0.96, x)",
    ]
    assert made("histogram_quantile(0.99, x)", "threshold") == [  # 0.99 + 0.01 ÷ 2
        "histogram_quantile(0.98, x)",
        "histogram_quantile(0.995, x)",
    ]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("rate(x[5m])", ["rate(x[5m15s])", "rate(x[4m45s])"]),
        ("last_over_time(x[15s])", ["last_over_time(x[30s])"]),  # a range of nothing is not possible
        ("x offset 1m", ["x offset 1m15s", "x offset 45s", "x"]),
        (
            "min_over_time(x[1m:30s])",
            [
                "min_over_time(x[1m15s:30s])",
                "min_over_time(x[45s:30s])",
                "min_over_time(x[1m:45s])",
                "min_over_time(x[1m:15s])",
            ],
        ),
    ],
)
def test_a_window_becomes_a_step_longer_and_shorter(expression: str, expected: list[str]) -> None:
    assert made(expression, "window") == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("x", ["x_changed"]),
        ('x{a="1"}', ['x_changed{a="1"}', 'x{a!="1"}', 'x{a="changed"}', "x"]),
        (
            'x{a="1",b!="2"}',
            [
                'x_changed{a="1",b!="2"}',
                'x{a!="1",b!="2"}',
                'x{a="changed",b!="2"}',
                'x{b!="2"}',
                'x{a="1",b="2"}',
                'x{a="1",b!="changed"}',
                'x{a="1"}',
            ],
        ),
        (
            'x{a=~"b|c"}',
            [
                'x_changed{a=~"b|c"}',
                'x{a!~"b|c"}',
                'x{a=~"changed"}',
                'x{a=~"c"}',
                'x{a=~"b"}',
                "x",
            ],
        ),
        (
            'x{le=~"1(\\\\.0)?"}',
            [
                'x_changed{le=~"1(\\\\.0)?"}',
                'x{le!~"1(\\\\.0)?"}',
                'x{le=~"changed"}',
                'x{le=~"1"}',
                "x",
            ],
        ),
    ],
)
def test_a_selector_changes_its_name_and_its_matchers(expression: str, expected: list[str]) -> None:
    assert made(expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (
            "sum by (a, b) (x)",
            [
                "max by (a, b) (x)",
                "count by (a, b) (x)",
                "avg by (a, b) (x)",
                "sum by (b) (x)",
                "sum by (a) (x)",
            ],
        ),
        ("count(x)", ["sum(x)", "max(x)"]),
        (
            "max without (a) (x)",
            ["min without (a) (x)", "sum without (a) (x)", "avg without (a) (x)", "max without () (x)"],
        ),
        ("quantile(0.5, x)", ["avg(x)"]),
    ],
)
def test_an_aggregation_is_swapped_and_loses_each_label(expression: str, expected: list[str]) -> None:
    assert made(expression, "aggregation") == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("rate(x[5m])", ["irate(x[5m])", "increase(x[5m])"]),
        ("increase(x[5m])", ["rate(x[5m])", "delta(x[5m])"]),
        ("max_over_time(x[5m])", ["min_over_time(x[5m])", "avg_over_time(x[5m])"]),
        ("min_over_time(x[5m])", ["max_over_time(x[5m])", "avg_over_time(x[5m])"]),
        ("changes(x[5m])", ["resets(x[5m])"]),
        ("absent(x)", []),
    ],
)
def test_a_function_is_swapped(expression: str, expected: list[str]) -> None:
    assert made(expression, "function") == expected


def test_arithmetic_joining_and_texts_are_changed() -> None:
    assert made("x / y", "arithmetic") == ["x * y"]
    assert made("x - y", "arithmetic") == ["x + y"]
    assert made("x * on (a, b) group_left (c) y", "joining") == [
        "x * on (b) group_left (c) y",
        "x * on (a) group_left (c) y",
        "x * on (a, b) group_left () y",
    ]
    assert made('label_replace(x, "a", "b", "", "")', "text") == [
        'label_replace(x, "changed", "b", "", "")',
        'label_replace(x, "a", "changed", "", "")',
    ]


def test_a_change_is_described_where_it_happens() -> None:
    says = [change.says for change, _ in mutants_of_expression('rate(x{a="b"}[5m]) > 0.1 and y')]
    assert says == [
        "drop: and y",
        'drop: rate(x{a="b"}[5m]) > 0.1 and',
        "> 0.1 -> >= 0.1",
        "drop: > 0.1",
        'rate(x{a="b"}[5m]) -> irate',
        'rate(x{a="b"}[5m]) -> increase',
        "x -> x_changed",
        'x{a="b"} -> a!="b"',
        'x{a="b"} -> a="changed"',
        'x{a="b"} -> without a="b"',
        'x{a="b"}[5m] -> [5m15s]',
        'x{a="b"}[5m] -> [4m45s]',
        "> 0.1 -> 0.102",
        "> 0.1 -> 0.098",
        "y -> y_changed",
    ]
