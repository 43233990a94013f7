"""Answers are decoded the quick way to what json makes of them, or left to json."""

from __future__ import annotations

import json
from collections.abc import Iterable
from math import isnan

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sla_worker.answers import Series, quickly
from sla_worker.prometheus import PrometheusClient

TIMES = st.integers(0, 2**33).map(lambda milliseconds: milliseconds / 1000) | st.integers(0, 2**31)
NUMBERS = (
    st.floats(width=64).map(repr) | st.integers(0, 2**70).map(str) | st.sampled_from(["NaN", "1e+06", "+Inf"])
)
SERIES = st.fixed_dictionaries(
    {"metric": st.dictionaries(st.text(), st.text(), max_size=4)},
    optional={"values": st.lists(st.tuples(TIMES, NUMBERS)), "value": st.tuples(TIMES, NUMBERS)},
).filter(lambda each: len(each) > 1)


BROKEN = (b"\xff", b'{"status": "\xed\xa0\x80"}', b'{"status": "\\ud800"}', b'{"a": ' * 100_000)


class Slow:
    """A transport whose answers the quick way does not take: it has a number where warnings are."""

    def __init__(self, answer: dict[str, object]) -> None:
        self.body = json.dumps({**answer, "isPartial": None}).encode()

    def post(self, _path: str, _fields: object) -> tuple[int, dict[str, str], bytes]:
        return 200, {}, self.body


def read(series: Iterable[Series]) -> list[object]:
    """What is to be compared: NaN as a word, for it equals nothing."""
    return [
        (each.labels, list(each.times), [repr(v) if isnan(v) else v for v in each.values]) for each in series
    ]


@given(st.lists(SERIES, max_size=4))
@example([{"metric": {}, "values": []}])
@example(
    [{"metric": {}, "value": (1.5, "5e-324")}, {"metric": {}, "values": [(2, "1.7976931348623157e308")]}]
)
@example([{"metric": {}, "values": [(1, "1"), (2, value)]} for value in ("2", "NaN", "3")])
@example([{"metric": {}, "values": [(2, "1"), (1, value)]} for value in ("2", "3")])
def test_both_ways_read_the_same(series: list[dict[str, object]]) -> None:
    answer: dict[str, object] = {"status": "success", "data": {"resultType": "matrix", "result": series}}
    for nan in (False, True):
        quick = quickly(json.dumps(answer).encode(), nan=nan)
        if quick is not None:
            slow = PrometheusClient(Slow(answer)).query("x", 1, nan=nan)
            assert read(quick.series) == read(slow.series)


@pytest.mark.parametrize(
    ("result", "taken"),
    [
        ([{"metric": {"a": "b"}, "values": [[1, "2"], [1.5, "NaN"]]}], True),
        ([{"metric": {}, "value": [1, "+Inf"]}], False),
        ([{"metric": {}, "histograms": []}], False),  # no sample at all: refused, as before
        ([{"metric": {}, "value": [1, "two"]}], False),
        ([{"metric": {}, "value": [1e12, "2"]}], False),  # of no time
    ],
)
def test_what_is_ordinary_is_taken(result: list[object], taken: bool) -> None:  # noqa: FBT001
    answer = {"status": "success", "data": {"resultType": "vector", "result": result}}
    assert (quickly(json.dumps(answer).encode(), nan=True) is not None) is taken


def test_series_of_the_same_scrapes_have_one_list_of_their_times() -> None:
    values = [[[1, "1"], [2, "2"]], [[1, "NaN"], [2, "3"]], [[1, "4"], [2, "5"]], [[1, "6"]]]
    series = [{"metric": {"number": str(number)}, "values": each} for number, each in enumerate(values)]
    answer = {"status": "success", "data": {"resultType": "matrix", "result": series}}
    found = quickly(json.dumps(answer).encode(), nan=False)
    assert found is not None
    assert [list(each.times) for each in found.series] == [[1, 2], [2], [1, 2], [1]]
    assert found.series[0].times is found.series[2].times


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"status": "error", "error": "x"}', *BROKEN])
def test_what_is_no_answer_is_left_to_json(body: bytes) -> None:
    assert quickly(body, nan=False) is None
