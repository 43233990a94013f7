"""One pass against a transport with prepared answers: order, fallback, catch-up, errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sla_worker.calculator import Calculator
from sla_worker.conventions import COVERAGE
from sla_worker.database import SLADatabase
from sla_worker.errors import NotSettledError, PrometheusError, ScrapeIntervalError
from sla_worker.grid import Grid
from sla_worker.model import State
from sla_worker.prometheus import PrometheusClient
from sla_worker.promql import duration
from sla_worker.rules.recording import fingerprint
from sla_worker.scraping import read_intervals, seconds
from sla_worker.selectors import Matcher, Selector
from sla_worker.sli.uptime import UptimeSli
from unit.sla_worker.fake_prometheus import CONFIGURATION, DEFINITIONS, SLOT, FakePrometheus

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


def test_figures_of_other_rules_are_not_used(setting: Setting, caplog: pytest.LogCaptureFixture) -> None:
    """The rules of one SLA were made for slots of another length: that one is asked of the raw series."""
    setting.prometheus.marks["api-error-rate"] = fingerprint(DEFINITIONS[2], Grid(60, 15))
    result = setting.calculator.run_pass()
    assert result.queries == 2
    assert '"api-error-rate"' in setting.prometheus.asked[1][1]["query"]
    assert '"platform-uptime"' not in setting.prometheus.asked[1][1]["query"]
    assert {row.state for row in result.measurements} == {State.MET}
    assert setting.calculator.foreign == {"api-error-rate"}
    assert len(setting.calculator.concerns()) == 1
    assert "recorded of api-error-rate is not used" in caplog.text
    caplog.clear()
    setting.now += 300
    setting.calculator.run_pass()
    assert caplog.text == ""  # said once
    setting.prometheus.marks["api-error-rate"] = fingerprint(DEFINITIONS[2], GRID)
    setting.now += 300
    assert setting.calculator.run_pass().queries == 1
    assert setting.calculator.foreign == frozenset()
    assert setting.calculator.concerns() == []


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("platform-uptime", {"sli": UptimeSli(Selector("up", (Matcher("job", "=", "other"),)))}),
        ("platform-uptime", {"component": "eu"}),
        ("api-response-time-p95", {"sli": replace(DEFINITIONS[1].sli, threshold_seconds=10.0)}),  # type: ignore[type-var]
    ],
)
def test_what_changes_the_figures_changes_the_mark(key: str, change: dict[str, Any]) -> None:
    [definition] = [each for each in DEFINITIONS if each.key == key]
    assert fingerprint(replace(definition, **change), GRID) != fingerprint(definition, GRID)
    assert fingerprint(replace(definition, name="Other", severity="low"), GRID) == fingerprint(
        definition, GRID
    )


def test_an_sla_that_is_scraped_at_another_interval_is_refused_and_the_others_stored(
    setting: Setting,
) -> None:
    setting.prometheus.configuration = CONFIGURATION.replace(
        "{job_name: demo-app}", "{job_name: demo-app}, {job_name: shop, scrape_interval: 30s}"
    )
    setting.prometheus.jobs["api-error-rate"] = "shop"
    with pytest.raises(ScrapeIntervalError) as caught:
        setting.calculator.run_pass()
    assert str(caught.value) == (
        "SLA api-error-rate reads the job shop, which Prometheus scrapes every 30 s, not every 15 s; set its"
        " scrape_interval to 15s, or SLA_SCRAPE_INTERVAL_SECONDS=30 and run `make generate`"
    )
    assert setting.database.counts()["measurements"] == 2
    setting.prometheus.configuration = CONFIGURATION
    setting.now += 300
    result = setting.calculator.run_pass()  # what was refused is caught up, as far as Prometheus has it
    first = result.measurements[0]
    assert (first.key, first.slot - SLOT, first.late) == ("api-error-rate", 0, True)
    assert len(result.measurements) == 1 + 3


def test_a_scrape_interval_that_was_changed_is_seen_at_the_first_slot_that_lacks_scrapes(
    setting: Setting,
) -> None:
    setting.calculator.run_pass()
    setting.prometheus.configuration = CONFIGURATION.replace("15s", "30s")
    setting.prometheus.values[COVERAGE] = 0.5
    setting.now += 300
    with pytest.raises(ScrapeIntervalError, match=r"every 30 s, not every 15 s.*\(2 more SLAs likewise\)"):
        setting.calculator.run_pass()
    assert setting.database.counts()["measurements"] == 3  # those of the slot before


@pytest.mark.parametrize("answer", [404, 501])
def test_an_engine_that_does_not_show_its_configuration_is_believed(
    setting: Setting, caplog: pytest.LogCaptureFixture, answer: int
) -> None:
    setting.prometheus.configuration = None
    setting.prometheus.not_shown = answer
    assert len(setting.calculator.run_pass().measurements) == 3
    assert "a scrape every 15 s is assumed (SLA_SCRAPE_INTERVAL_SECONDS)" in caplog.text


def test_rules_that_are_seldom_evaluated_are_named(
    setting: Setting, caplog: pytest.LogCaptureFixture
) -> None:
    setting.prometheus.configuration = CONFIGURATION.replace(
        "evaluation_interval: 15s", "evaluation_interval: 1m"
    )
    setting.calculator.run_pass()
    assert "evaluates its rules every 60 s, not every 15 s" in caplog.text


def test_components_are_those_that_the_answer_names(setting: Setting) -> None:
    setting.prometheus.components = ["crm", "mail"]
    result = setting.calculator.run_pass()
    assert [(row.key, row.component) for row in result.measurements] == [
        (each.key, component) for each in DEFINITIONS for component in ("crm", "mail")
    ]


@pytest.mark.parametrize(
    ("text", "expected"), [("15s", 15), ("1m30s", 90), ("500ms", 0.5), ("1h", 3600), ("1d", 86400)]
)
def test_durations_as_prometheus_writes_them(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "15", "s", "15 s", "1.5m", "-1m"])
def test_what_is_not_a_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        seconds(text)


def test_a_configuration_without_intervals_has_those_of_prometheus() -> None:
    intervals = read_intervals("scrape_configs: [{job_name: a}, {job_name: b, scrape_interval: 5s}]")
    assert (intervals.jobs, intervals.evaluation) == ({"a": 60, "b": 5}, 60)
