"""One pass against a transport that answers as told: order, fallback, catch-up, errors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sla_worker.calculator import Calculator
from sla_worker.database import SLADatabase
from sla_worker.errors import NotSettledError, PrometheusError
from sla_worker.grid import Grid
from sla_worker.model import State
from sla_worker.prometheus import PrometheusClient
from sla_worker.queries import duration
from unit.sla_worker.fake_prometheus import DEFINITIONS, SLOT, FakePrometheus

GRID = Grid(300, 15)


class Setting:
    """A ledger made when SLOT ended, a clock that tests move, a fake Prometheus."""

    def __init__(self, path: Path) -> None:
        self.now = SLOT + 45.0
        self.prometheus = FakePrometheus()
        self.database = SLADatabase(path, clock=lambda: SLOT)
        self.database.sync_definitions(DEFINITIONS)
        self.calculator = Calculator(
            DEFINITIONS,
            PrometheusClient(self.prometheus),
            self.database,
            GRID,
            catch_up_seconds=3600,
            clock=lambda: self.now,
        )


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    made = Setting(tmp_path / "sla.db")
    yield made
    made.database.close()


def test_all_slas_take_one_query_over_the_recording_rules(setting: Setting) -> None:
    result = setting.calculator.run_pass()
    assert [(row.slot, row.state, row.late) for row in result.measurements] == [(SLOT, State.MET, False)] * 3
    [(path, fields)] = setting.prometheus.asked
    assert (path, fields["time"]) == ("/api/v1/query", f"{SLOT + 29}.999")
    assert setting.calculator.run_pass().measurements == ()  # nothing is due any more


@pytest.mark.parametrize(("now", "slots"), [(44.9, [-300]), (45, [0])])
def test_a_slot_waits_until_it_is_final(setting: Setting, now: float, slots: list[int]) -> None:
    setting.now = SLOT + now  # offset 15 s + evaluation 15 s + writing it 15 s
    assert sorted({row.slot - SLOT for row in setting.calculator.run_pass().measurements}) == slots


@pytest.mark.parametrize("after", [14.999, 15.0, 30.0])
def test_an_evaluation_for_another_slot_is_not_used(setting: Setting, after: float) -> None:
    setting.prometheus.evaluated_after = after
    result = setting.calculator.run_pass()
    assert result.queries == 2
    assert setting.prometheus.asked[1][1]["time"] == f"{SLOT + 15}.001"
    assert {row.state for row in result.measurements} == {State.MET}


def test_only_what_is_not_recorded_is_asked_directly(setting: Setting) -> None:
    setting.prometheus.recorded = ["platform-uptime", "api-error-rate"]
    setting.calculator.run_pass()
    direct = setting.prometheus.asked[1][1]["query"]
    assert '"api-response-time-p95"' in direct
    assert '"platform-uptime"' not in direct


def test_after_an_outage_the_missing_slots_come_late_and_in_order(setting: Setting) -> None:
    setting.calculator.run_pass()
    setting.prometheus.down = True
    setting.now += 300
    with pytest.raises(PrometheusError):
        setting.calculator.run_pass()
    setting.prometheus.down = False
    setting.now += 900
    result = setting.calculator.run_pass()
    slots = [(row.slot - SLOT, row.late) for row in result.measurements if row.key == "platform-uptime"]
    assert slots == [(300, True), (600, True), (900, True), (1200, False)]
    ranges = [fields for path, fields in setting.prometheus.asked if path.endswith("query_range")]
    assert [(each["start"], each["end"], each["step"]) for each in ranges] == [
        (f"{SLOT + 315}.001", f"{SLOT + 915}.001", "300")
    ]


def test_what_is_older_than_the_horizon_is_not_looked_for(setting: Setting) -> None:
    setting.calculator.run_pass()
    setting.now += 86400
    result = setting.calculator.run_pass()
    assert len({row.slot for row in result.measurements}) == 3600 / 300 + 1


def test_series_that_are_not_there_are_no_data(setting: Setting) -> None:
    setting.prometheus.answer = (200, b'{"status":"success","data":{"resultType":"vector","result":[]}}')
    assert {row.state for row in setting.calculator.run_pass().measurements} == {State.NO_DATA}


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (502, b"<html>", "cannot be read (HTTP 502): b'<html>'"),
        (200, b"[]", "cannot be read"),
        (200, b'{"status":"success","data":{"resultType":"scalar","result":[]}}', "cannot be read"),
        (200, b'{"status":"success","data":{"resultType":"vector","result":[{}]}}', "cannot be read"),
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
    setting.prometheus.clock = SLOT + 20
    with pytest.raises(NotSettledError, match="10 s behind"):
        setting.calculator.run_pass()
    setting.prometheus.clock = SLOT + 30
    assert len(setting.calculator.run_pass().measurements) == 3


@pytest.mark.parametrize(
    ("seconds", "text"), [(300, "5m"), (15, "15s"), (3600, "1h"), (20, "20s"), (90, "90s")]
)
def test_durations_as_promql_writes_them(seconds: int, text: str) -> None:
    assert duration(seconds) == text
