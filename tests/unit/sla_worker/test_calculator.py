"""One pass against a Prometheus with prepared samples, in either database: order, catch-up, errors."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from sla_worker.calculator import Calculator
from sla_worker.database import SLADatabase
from sla_worker.errors import NotSettledError, PrometheusError
from sla_worker.grid import Grid
from sla_worker.model import State
from sla_worker.prometheus import PrometheusClient
from sla_worker.promql import duration
from unit.sla_worker.databases import Place
from unit.sla_worker.fake_prometheus import COVERAGE, DEFINITIONS, SLOT, FakePrometheus

GRID = Grid(300, 15)


class Setting:
    """A ledger made when SLOT ended, a clock that tests move, a fake Prometheus."""

    def __init__(
        self, path: Path | str, *, catch_up_seconds: int = 3600, piece_seconds: float = math.inf
    ) -> None:
        self.now = SLOT + 17.0
        self.prometheus = FakePrometheus()
        self.database = SLADatabase(path, clock=lambda: SLOT)
        self.database.sync_definitions(DEFINITIONS)
        self.calculator = Calculator(
            DEFINITIONS,
            PrometheusClient(self.prometheus),
            self.database,
            GRID,
            catch_up_seconds=catch_up_seconds,
            piece_seconds=piece_seconds,
            clock=lambda: self.now,
            monotonic=lambda: self.now + 4 * len(self.prometheus.asked),  # an answer takes 4 s
        )


@pytest.fixture
def setting(place: Place) -> Iterator[Setting]:
    made = Setting(place.location)
    yield made
    made.database.close()


def windows(setting: Setting) -> list[tuple[int, int]]:
    """The stretches of samples that were asked for: seconds, and their end after SLOT."""
    found = []
    for _, fields in setting.prometheus.asked:
        if seconds := re.search(r"\}\[(\d+)s\]$", fields["query"]):
            found.append((int(seconds[1]), int(float(fields["time"])) - SLOT))
    return found


def test_all_slas_take_one_query_of_samples_and_one_of_expressions(setting: Setting) -> None:
    result = setting.calculator.run_pass()
    assert [(row.slot, row.state, row.late, row.final) for row in result.measurements] == [
        (SLOT, State.MET, False, True)
    ] * 3
    assert {row.key: (row.good, row.total, row.coverage) for row in result.measurements} == {
        "platform-uptime": (20, 20, 1),
        "api-response-time-p95": (1000, 1000, 1),
        "api-error-rate": (1000, 1000, 1),
    }
    # A slot, and three scrapes before it.
    assert windows(setting) == [(345, 0)]
    assert result.queries == len(setting.prometheus.asked) == 2
    assert setting.calculator.run_pass().measurements == ()  # nothing is due any more


@pytest.mark.parametrize(("now", "slots"), [(16.9, [-300]), (17, [0])])
def test_a_slot_waits_until_it_is_final(setting: Setting, now: float, slots: list[int]) -> None:
    setting.now = SLOT + now  # a scrape of 15 s may last as long, and 2 s for writing it
    assert sorted({row.slot - SLOT for row in setting.calculator.run_pass().measurements}) == slots


def test_after_an_outage_the_newest_slot_comes_first_and_the_others_late(setting: Setting) -> None:
    setting.calculator.run_pass()
    setting.prometheus.down = True
    setting.now += 300
    with pytest.raises(PrometheusError):
        setting.calculator.run_pass()
    setting.prometheus.down = False
    setting.now += 900
    setting.prometheus.asked.clear()
    result = setting.calculator.run_pass()
    rows = [row for row in result.measurements if row.key == "api-error-rate"]
    assert [(row.slot - SLOT, row.late, row.total) for row in rows] == [
        (1200, False, 1000), (300, True, 1000), (600, True, 1000), (900, True, 1000),
    ]  # fmt: skip
    assert windows(setting) == [(345, 1200), (3 * 300 + 45, 900)]


def test_a_long_catch_up_reads_the_newest_slot_again_and_again(place: Place) -> None:
    """A pass of 10 s: the newest slot takes two answers, 8 s, then two hours are read, and it is enough.

    A day after SLOT 288 slots are due: the newest, and 287 before it. 24 of them are read in each of eleven
    passes and 23 in the twelfth, beside the slots that come due meanwhile, and then nothing is left.
    """
    setting = Setting(place.location, catch_up_seconds=2 * 86_400, piece_seconds=10)
    setting.calculator.run_pass()
    setting.now += 86_400
    unread = []
    slots: list[int] = []
    for number in range(12):
        result = setting.calculator.run_pass()
        rows = [each for each in result.measurements if each.key == "api-error-rate"]
        assert rows[0].slot == SLOT + 86_400 + 300 * number
        assert not rows[0].late
        assert all(each.late for each in rows[1:])
        slots += [each.slot for each in rows]
        unread.append(result.unread)
        setting.now += 300
    assert unread == [SLOT + 86_400 - 300 * (1 + 24 * passes) for passes in range(1, 12)] + [None]
    assert sorted(slots) == list(range(SLOT + 300, SLOT + 86_400 + 12 * 300, 300))
    setting.database.close()


def test_a_piece_of_a_catch_up_reads_nothing_again_that_the_piece_before_has_read_again(
    place: Place,
) -> None:
    """Rows in part are read again one and two (together), four and eight slots later, once for each slot."""
    setting = Setting(place.location, catch_up_seconds=2 * 86_400, piece_seconds=10)
    setting.prometheus.values[COVERAGE] = 0.5
    setting.calculator.run_pass()
    setting.now += 86_400
    setting.calculator.run_pass()  # the newest, and two hours
    setting.now += 300
    for expected in ([1, 24, 2, 1, 1], [24, 24], [24, 24]):
        setting.prometheus.asked.clear()
        assert setting.calculator.run_pass().unread is not None
        assert [(seconds - 45) // 300 for seconds, _ in windows(setting)] == expected
    setting.database.close()


def test_what_is_older_than_the_horizon_is_not_looked_for(setting: Setting) -> None:
    setting.calculator.run_pass()
    setting.now += 86400
    result = setting.calculator.run_pass()
    assert len({row.slot for row in result.measurements}) == 3600 / 300 + 1


def test_an_engine_that_refuses_many_samples_is_asked_for_fewer(setting: Setting) -> None:
    """The newest alone, then twelve, which are 3,645 s; up to 1,000 are taken: six, then three at a time."""
    setting.calculator.run_pass()
    setting.prometheus.most_seconds = 1000
    setting.now += 86400
    setting.prometheus.asked.clear()
    result = setting.calculator.run_pass()
    assert len(result.measurements) == 13 * 3
    assert {row.total for row in result.measurements if row.key == "api-error-rate"} == {1000}
    slots = [(seconds - 45) // 300 for seconds, _ in windows(setting)]
    assert slots == [1, 12, 6, 3, 3, 6, 3, 3]


def test_a_slot_that_cannot_be_read_blocks_no_other_and_is_left_for_later(setting: Setting) -> None:
    setting.calculator.run_pass()
    setting.prometheus.down = True
    setting.now += 900
    with pytest.raises(PrometheusError):
        setting.calculator.run_pass()
    setting.prometheus.down = False
    setting.prometheus.refused = {SLOT + 600}
    rows = setting.calculator.run_pass().measurements
    assert sorted({row.slot - SLOT for row in rows}) == [300, 900]
    assert setting.calculator.concerns() == [
        "1 slots of api-error-rate, api-response-time-p95, platform-uptime could not be read and are tried"
        " again every half hour: Prometheus refused a query (HTTP 422): too many samples"
    ]
    setting.prometheus.refused = set()
    assert setting.calculator.run_pass().measurements == ()
    setting.now += 1800
    assert SLOT + 600 in {row.slot for row in setting.calculator.run_pass().measurements}
    assert setting.calculator.concerns() == []


def test_rows_that_are_not_final_are_read_again_one_two_four_slots_later(setting: Setting) -> None:
    """In the slot after SLOT half of the scrapes lack, as with a remote write that lags."""
    setting.calculator.run_pass()
    setting.prometheus.values[COVERAGE] = 0.5
    setting.now += 300
    assert setting.calculator.run_pass().measurements[0].coverage == 0.5
    setting.prometheus.values[COVERAGE] = 1.0
    setting.now += 300
    again = setting.calculator.run_pass()
    assert [row.slot - SLOT for row in again.measurements] == [600] * 3
    assert again.stored == 6  # three new ones, and three that were replaced
    assert windows(setting)[-1] == (345, 300)
    assert setting.database.provisional_slots(SLOT + 600, 0) == {}
    rows = setting.database.newest_measurements("api-error-rate", 2)
    assert {row.slot - SLOT: (row.total, row.coverage, row.final) for row in rows} == {
        600: (1000, 1, True),
        300: (1000, 1, True),
    }
    setting.prometheus.asked.clear()
    setting.now += 300
    setting.calculator.run_pass()
    assert windows(setting) == [(345, 900)]  # nothing is read again any more


def test_an_engine_that_refuses_a_single_slot_is_an_error(setting: Setting) -> None:
    setting.prometheus.most_seconds = 300
    with pytest.raises(PrometheusError, match="too many samples"):
        setting.calculator.run_pass()
    assert setting.database.counts()["measurements"] == 0


@pytest.mark.parametrize(
    ("kind", "asked", "slots"),
    [
        # VictoriaMetrics without any of its stores, as while they restart: smaller questions help nobody, and
        # none of the SLAs is left for half an hour.
        ("503", 1, [SLOT] * 3),
        ("unavailable", 1, [SLOT] * 3),
        # Prometheus, whose time for a query was over: smaller ones may be in time.
        ("timeout", 8, [SLOT]),
    ],
)
def test_an_engine_that_is_not_there_is_asked_again_not_for_less(
    setting: Setting, kind: str, asked: int, slots: list[int]
) -> None:
    body = {"status": "error", "errorType": kind, "error": "cannot fetch query results from vmstorage nodes"}
    setting.prometheus.answer = (503, json.dumps(body).encode())
    with pytest.raises(PrometheusError, match="HTTP 503"):
        setting.calculator.run_pass()
    assert len(setting.prometheus.asked) == asked
    setting.prometheus.answer = None
    setting.now += 16
    assert [row.slot for row in setting.calculator.run_pass().measurements] == slots


def test_series_that_are_not_there_are_no_data(setting: Setting) -> None:
    setting.prometheus.answer = (200, b'{"status":"success","data":{"resultType":"vector","result":[]}}')
    assert {row.state for row in setting.calculator.run_pass().measurements} == {State.NO_DATA}


def test_a_slot_that_was_measured_in_part_is_not_final(setting: Setting) -> None:
    setting.prometheus.values[COVERAGE] = 0.5
    rows = setting.calculator.run_pass().measurements
    assert {(row.coverage, row.state, row.final) for row in rows} == {(0.5, State.PARTIAL, False)}
    assert {row.total for row in rows if row.key != "platform-uptime"} == {1000}  # the counters lost nothing


def test_an_answer_that_may_be_partial_is_not_final(
    setting: Setting, caplog: pytest.LogCaptureFixture
) -> None:
    setting.prometheus.warnings = ["store 10.0.0.7 did not answer"]
    setting.calculator.run_pass()
    setting.now += 300
    rows = setting.calculator.run_pass().measurements
    assert {row.final for row in rows} == {False}
    assert caplog.text.count("store 10.0.0.7 did not answer") == 1
    setting.prometheus.warnings = []
    setting.now += 300
    setting.calculator.run_pass()
    # Slot 0 was read again after one and two slots, slot 300 after one; slot 0 by an answer in part at first.
    assert setting.database.provisional_slots(SLOT + 600, 0) == {}


@pytest.mark.parametrize(
    "said", ["PromQL info: metric might not be a counter", "PromQL warning: a bucket has no le"]
)
def test_what_promql_says_of_an_expression_makes_no_answer_partial(setting: Setting, said: str) -> None:
    """It would say so again each time; Prometheus 2.48 to 2.54 have both kinds among their warnings."""
    setting.prometheus.warnings = [said]
    assert {row.final for row in setting.calculator.run_pass().measurements} == {True}


def test_an_answer_about_the_day_before_that_may_be_partial_is_not_final_either(setting: Setting) -> None:
    """Whether a new series was born depends on it: without it its first value may be lost."""
    setting.prometheus.born = SLOT - 100
    setting.prometheus.warned = "last_over_time"
    setting.prometheus.warnings = ["store 10.0.0.7 did not answer"]
    rows = setting.calculator.run_pass().measurements
    assert {row.final for row in rows} == {False}


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (502, b"<html>", "cannot be read (HTTP 502): b'<html>'"),
        (200, b"[]", "cannot be read"),
        (200, b'{"status":"success","data":{"resultType":"scalar","result":[]}}', "cannot be read"),
        (200, b'{"status":"success","data":{"resultType":"vector","result":[{}]}}', "cannot be read"),
        (
            500,
            b'{"status":"success","data":{"resultType":"matrix","result":[]}}',
            "refused a query (HTTP 500)",
        ),
        (
            200,
            b'{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"x"]]}]}}',
            "cannot be read",
        ),
        (
            422,
            b'{"status":"error","error":"too many samples"}',
            "refused a query (HTTP 422): too many samples",
        ),
    ],
)
def test_a_bad_answer_is_one_line_and_stores_nothing(
    setting: Setting, status: int, body: bytes, expected: str
) -> None:
    setting.prometheus.answer = (status, body)
    with pytest.raises(PrometheusError) as caught:
        setting.calculator.run_pass()
    assert expected in str(caught.value)
    assert setting.database.counts()["measurements"] == 0


def test_a_clock_of_prometheus_that_is_behind_puts_the_slot_off(setting: Setting) -> None:
    setting.prometheus.clock = SLOT + 5
    with pytest.raises(NotSettledError, match="10 s behind"):
        setting.calculator.run_pass()
    setting.prometheus.clock = SLOT + 15
    assert len(setting.calculator.run_pass().measurements) == 3


@pytest.mark.parametrize(
    ("seconds", "text"), [(300, "5m"), (15, "15s"), (3600, "1h"), (20, "20s"), (90, "90s")]
)
def test_durations_as_promql_writes_them(seconds: int, text: str) -> None:
    assert duration(seconds) == text
