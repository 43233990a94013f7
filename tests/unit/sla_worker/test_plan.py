"""Which queries fetch the series of all SLAs, and which needs a series serves."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla_worker.needs import Kind, Need
from sla_worker.reading.patterns import one_of, same_number
from sla_worker.reading.plan import Plan
from sla_worker.selectors import parse_selector


def need(text: str, kind: Kind = Kind.COUNTER, **how: float) -> Need:
    return Need(parse_selector(text), kind, **how)  # type: ignore[arg-type]


def texts(*needs: Need) -> list[str]:
    return [str(each) for each in Plan(needs).queries]


def test_metrics_are_fetched_together_with_up_and_the_starts_of_processes() -> None:
    assert texts(need("b_total"), need("a_total"), need('a_total{status!="x"}')) == [
        '{__name__=~"a_total|b_total|process_start_time_seconds|up"}'
    ]


def test_only_the_buckets_that_are_needed_are_fetched() -> None:
    [text] = texts(need("h_count"), need("h_bucket", bound=5.0))
    assert text.startswith('{__name__=~"h_bucket|h_count|process_start_time_seconds|up", le=~"|')
    assert "5(\\\\.0*)?" in text


def test_a_bucket_that_is_asked_for_by_its_label_is_not_left_out() -> None:
    first, second = texts(need("h_bucket", bound=5.0), need('g_bucket{le="0.3"}'))
    assert first.startswith('{__name__=~"h_bucket|process')
    assert second == '{__name__="g_bucket", le="0.3"}'


def test_labels_that_all_needs_of_a_metric_name_narrow_its_query() -> None:
    assert texts(need('a{job="x",path="/1"}'), need('a{job="y",path!="/2"}')) == [
        '{__name__=~"process_start_time_seconds|up"}',
        '{__name__="a", job=~"x|y"}',
    ]


def test_a_label_of_very_many_values_does_not_narrow() -> None:
    needs = [need(f'a{{job="x",path="/{number}"}}') for number in range(60)]
    assert texts(*needs)[1] == '{__name__="a", job="x"}'


def test_regular_expressions_are_the_engines() -> None:
    assert texts(need('a{code=~"5.."}'), need('b{code=~"5.."}'), need("a")) == [
        '{__name__=~"a|process_start_time_seconds|up"}',
        '{__name__=~"a|b", code=~"5.."}',
    ]


def test_a_series_serves_all_needs_that_it_fits_and_no_others() -> None:
    plan = Plan(
        [
            need("a"),
            need('a{status="x"}'),
            need('a{status="y"}'),
            need('a{status!="x"}'),
            need('a{status="x",agent="1"}'),
            need("b"),
        ]
    )
    assert plan.known(0, {"__name__": "a", "status": "x", "agent": "1"}).needs == (0, 1, 4)
    assert plan.known(0, {"__name__": "a"}).needs == (0, 3)
    assert plan.known(0, {"__name__": "up"}).needs == ()


def test_a_bucket_serves_by_its_number() -> None:
    plan = Plan([need("h_bucket", bound=5.0)])
    served = [
        plan.known(0, {"__name__": "h_bucket", "le": each}).needs
        for each in ("5", "5.0", "5e0", "50", "+Inf")
    ]
    assert served == [(0,), (0,), (0,), (), ()]
    keys = {plan.known(0, {"__name__": "h_bucket", "le": each}).key for each in ("5", "5.0")}
    assert len(keys) == 1


def test_names_with_dots_and_values_with_signs_are_taken_as_they_are() -> None:
    assert texts(need('{"http.requests", path="/a|b"}')) == [
        '{__name__=~"process_start_time_seconds|up"}',
        '{__name__="http.requests", path="/a|b"}',
    ]
    assert str(one_of("path", ["/a|b", "c.d"])) == 'path=~"/a\\\\|b|c\\\\.d"'


@given(st.text(alphabet=st.characters(codec="ascii", exclude_characters="\n\0"), min_size=1, max_size=8))
def test_an_alternative_matches_its_values_alone(value: str) -> None:
    pattern = one_of("x", [value, "other value"]).value
    assert re.fullmatch(pattern, value)
    assert not re.fullmatch(pattern, f"{value}x")


@pytest.mark.parametrize(
    ("bound", "spellings", "others"),
    [
        (5, ["5", "5.0", "5.00", "+5", "5e0", "5.0E+00"], ["50", "0.5", "5.1", "15", "5e1"]),
        (0.25, ["0.25", "0.250", "2.5e-1", "2.5e-01"], ["0.2", "0.251", "25", "2.5e-2", "0x25"]),
        (1e6, ["1e+06", "1000000", "1000000.0", "1e6", "1.0E6"], ["1e+07", "100000", "10000000"]),
        (1234567, ["1.234567e+06", "1234567", "1234567.0"], ["1.23456e+06"]),
        (0.00001, ["1e-05", "0.00001", "1E-5"], ["1e-06", "0.0001"]),
        (2500, ["2500", "2500.0", "2.5e3", "2.5e+03"], ["250", "25000"]),
        (float("inf"), ["+Inf", "inf", "+inf"], ["1"]),
    ],
)
def test_a_bound_is_found_in_every_spelling(bound: float, spellings: list[str], others: list[str]) -> None:
    pattern = same_number(bound)
    assert [each for each in spellings if not re.fullmatch(pattern, each)] == []
    assert [each for each in others if re.fullmatch(pattern, each)] == []


@given(st.floats(1e-9, 1e12))
def test_the_shortest_number_that_go_and_python_write_is_found(bound: float) -> None:
    assert re.fullmatch(same_number(bound), repr(bound))
