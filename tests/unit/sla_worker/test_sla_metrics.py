"""The metrics of the SLAs: figures of windows derived by hand, and absent where nothing is known."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sla_worker.model import Breach, Comparison, SLAStatus, Status
from sla_worker.sla_metrics import SLAMetrics, results
from sla_worker.spans import month_start
from sla_worker.windows import Now, TimeInBreach, in_breach
from unit.sla_worker.fake_prometheus import DEFINITIONS, GOOD
from unit.sla_worker.setting import Setting


def status(good: float, total: float, objective: float = 0.99, **changes: object) -> SLAStatus:
    made = SLAStatus(
        key="api",
        name="API",
        component="all",
        category="reliability",
        severity="high",
        unit="ratio",
        comparison=Comparison.AT_LEAST,
        target=objective,
        objective_ratio=objective,
        percentile=None,
        actual=None,
        status=Status.GOOD,
        slot=None,
        good=good,
        total=total,
        compliance_ratio=good / total if total else None,
        coverage_ratio=1.0,
        in_breach=False,
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # the names are those of the class


def breach(start: int, end: int | None, key: str = "api") -> Breach:
    return Breach(1, "API", key, "all", "", "high", "ratio", Comparison.AT_LEAST, 0.99, 0.5, start, end)


@pytest.mark.parametrize(
    ("good", "objective", "rate", "left"),
    [
        (1000, 0.99, 0, 1),  # nothing bad
        (995, 0.99, 0.5, 0.5),  # 5 of the 10 that may be bad
        (990, 0.99, 1, 0),  # exactly those 10
        (856, 0.99, 14.4, -13.4),  # 144 bad: 14.4 times what is allowed
        (1000, 1, None, 1),  # nothing may be bad, and nothing was
        (999, 1, None, -1),  # nothing may be bad: no number says how much too much one is
    ],
)
def test_burn_rate_and_budget(good: float, objective: float, rate: float | None, left: float) -> None:
    found = status(good, 1000, objective)
    assert found.burn_rate == (None if rate is None else pytest.approx(rate))
    assert found.budget_left_ratio == pytest.approx(left)


def test_without_events_neither_is_known() -> None:
    assert (status(0, 0).burn_rate, status(0, 0).budget_left_ratio) == (None, None)


def test_a_composite_is_judged_by_its_score_and_not_by_its_own_slots() -> None:
    # The members' score of the period is 0.98, twice the allowance; its own slots had no bad event.
    score = status(10, 10, compliance_ratio=0.98)
    assert score.burn_rate == pytest.approx(2)
    assert score.budget_left_ratio == pytest.approx(-1)


def test_an_sla_meets_its_target_when_all_its_measured_components_do() -> None:
    found = results(
        [
            status(1, 1, key="a", component="x"),
            status(0, 0, key="a", component="y"),  # without events: x alone counts
            status(1, 1, key="b", component="x"),
            status(0, 1, key="b", component="y"),
            status(1, 1, key="b", component="z"),  # y has missed it, whatever comes after
            status(0, 0, key="c"),
            status(1, 1, key="d", category="availability"),
        ]
    )
    assert found == {
        ("reliability", "met"): 1,
        ("reliability", "missed"): 1,
        ("reliability", "unmeasured"): 1,
        ("availability", "met"): 1,
        ("availability", "missed"): 0,
        ("availability", "unmeasured"): 0,
    }


def test_time_in_breach_is_cut_at_the_ends_of_the_window() -> None:
    # [1000, 2000): the first has 200 s of it, the second 300, the last, which goes on, 100.
    found = in_breach([breach(500, 1200), breach(1400, 1700), breach(1900, None)], 1000, 2000)
    assert found == [TimeInBreach("api", "all", "high", 3, 600, 300)]


def test_a_month_begins_at_its_first_midnight_in_the_timezone_of_the_reports() -> None:
    zone = ZoneInfo("Europe/Berlin")  # 23:00 UTC on 28 February is midnight there
    midnight = int(dt.datetime(2026, 2, 28, 23, tzinfo=dt.UTC).timestamp())
    january = int(dt.datetime(2026, 1, 31, 23, tzinfo=dt.UTC).timestamp())
    # The slot that ends at midnight is the last one of February.
    assert [month_start(midnight + seconds, zone) for seconds in (0, 1, 30 * 86400)] == [
        january,
        midnight,
        midnight,
    ]
    # April begins after the change of the clocks, two hours before midnight UTC.
    april = int(dt.datetime(2026, 3, 31, 22, tzinfo=dt.UTC).timestamp())
    assert month_start(april + 300, zone) == april


def test_what_is_unknown_has_no_series() -> None:
    metrics = SLAMetrics(DEFINITIONS)
    metrics.show(Now({"1h": [status(0, 0)], "1d": [status(0, 0)]}))
    text = metrics.text().decode()
    assert "sla_target_value{" in text
    for name in (
        "sla_burn_rate",
        "sla_window_error_budget_remaining_ratio",
        "sla_compliance_ratio",
        "sla_actual",
    ):
        assert f"\n{name}{{" not in text


def test_the_text_is_made_once_until_something_changes() -> None:
    metrics = SLAMetrics(DEFINITIONS)
    first = metrics.text()
    assert metrics.text() is first
    metrics.add("api-error-rate", "all", 1, 2)
    assert metrics.text() is not first


def test_a_pass_shows_every_window(tmp_path: Path) -> None:
    """One slot of 1,000 requests, 900 good, where 1 in 1,000 may be bad: 100 times the allowance."""
    setting = Setting(tmp_path)
    setting.prometheus.values[GOOD] = 900.0
    setting.step()
    text = setting.ask("/metrics")[1]
    setting.close()

    def found(name: str) -> dict[str, float]:
        series = (
            rf'^{name}{{category="reliability",component="all",sla="api-error-rate",window="(\w+)"}} (.+)$'
        )
        return {window: float(value) for window, value in re.findall(series, text, re.MULTILINE)}

    assert found("sla_burn_rate") == pytest.approx(dict.fromkeys(["1h", "6h", "1d", "3d"], 100))
    periods = ["1d", "30d", "month"]
    assert found("sla_window_compliance_ratio") == dict.fromkeys(periods, 0.9)
    assert found("sla_window_error_budget_remaining_ratio") == pytest.approx(dict.fromkeys(periods, -99))
    # Two of the slot's twenty scrapes failed; the ledger begins with that slot.
    assert found("sla_window_coverage_ratio") == dict.fromkeys(periods, 0.9)
    of_sla = '{component="all",severity="critical",sla="api-error-rate"}'
    assert f"\nsla_month_breaches{of_sla} 1.0\n" in text
    assert f"\nsla_month_breach_seconds{of_sla} 300.0\n" in text
    assert '\nsla_window_slas{category="reliability",result="missed",window="month"} 1.0\n' in text
