"""What is known of how fast an error budget burns, and which alerts follow: figures derived by hand."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from sla_worker.burning import (
    Burning,
    Pair,
    Sustained,
    current,
    is_over,
    minimum_bad_events,
    needs_short,
    pairs,
    sustained,
)
from sla_worker.conventions import BURN_EVEN, BURN_FAST, BURN_SLOW
from sla_worker.definitions import read_definitions
from sla_worker.model import SLAStatus
from sla_worker.render.budget_alerts import can_fire, rules
from sla_worker.settings import read_settings
from sla_worker.sla_metrics import SLAMetrics
from sla_worker.windows import Now
from unit.sla_worker.fake_prometheus import COVERAGE, DEFINITIONS, GOOD
from unit.sla_worker.setting import Setting
from unit.sla_worker.test_sla_metrics import status

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = read_definitions(ROOT / "sla-worker" / "sla_thresholds.yml")


def bounds(
    long: tuple[int, int],
    short: tuple[int, int],
    *,
    minimum: int = 10,
    covered: tuple[float, float] = (1.0, 1.0),
) -> Sustained:
    """Of an SLA at 99 %: bad and total events of both windows, and their coverage where it is not 1."""
    found = [
        replace(status(total - bad, total), coverage_ratio=share)
        for (bad, total), share in zip((long, short), covered, strict=True)
    ]
    return sustained(found[0], found[1], (found[0].burn_rate, found[1].burn_rate), minimum)


def about(least: float, most: float) -> object:
    return pytest.approx((least, most))


def both(found: Sustained) -> tuple[float, float]:
    return found.least, found.most


def test_the_lesser_of_both_windows_counts() -> None:
    # 1 in 100 may be bad. 200 of 1,000 in the hour: 20. 15 of 50 in the last five minutes: 30.
    assert both(bounds((200, 1000), (15, 50))) == about(20, 20)
    # 5 of 100 in the last five minutes: 5.
    assert both(bounds((200, 1000), (5, 100))) == about(5, 5)


def test_soon_after_the_recovery_nothing_burns() -> None:
    # Ten minutes of an hour at 100 requests a minute failed, and the last five minutes are clean.
    assert both(bounds((1000, 6000), (0, 500))) == (0, 0)


def test_one_bad_request_in_a_quiet_hour_is_none() -> None:
    # 1 of 3 is 33 times the allowance, and says nothing; ten of 30 do.
    assert bounds((1, 3), (1, 1)).least == 0
    assert bounds((9, 27), (1, 3)).least == 0
    assert both(bounds((10, 30), (1, 3))) == about(100 / 3, 100 / 3)
    # One slot of an SLA that counts one event a slot says nothing either; two do.
    assert bounds((1, 12), (1, 1), minimum=minimum_bad_events(one_event_a_slot=True)).least == 0
    assert bounds((2, 12), (1, 1), minimum=minimum_bad_events(one_event_a_slot=True)).least == pytest.approx(
        100 / 6
    )


def test_what_was_not_measured_may_have_burned_at_any_rate() -> None:
    # The hour says 20 at most, if it is measured; without it, all may have been bad: 100 times the allowance.
    assert both(bounds((200, 1000), (0, 50), covered=(1, 0.89))) == about(0, 20)
    assert both(bounds((200, 1000), (0, 50), covered=(0.89, 0.89))) == about(0, 100)


def test_what_was_not_measured_burned_no_faster_than_what_it_was_held_to_allows() -> None:
    # Its versions of the hour allow 1 in 10 together, the newest one 1 in 100: when all is bad it is 10.
    hour = replace(status(800, 1000), coverage_ratio=0.89, period_objective_ratio=0.9)
    last = replace(status(0, 50), coverage_ratio=0.89)
    assert both(sustained(hour, last, (hour.burn_rate, last.burn_rate), 10)) == about(0, 10)
    # In the last five minutes nothing was allowed, so they tell no rate; the hour of 20 % bad was 2.
    strict = replace(last, coverage_ratio=1.0, period_objective_ratio=1.0)
    measured = replace(hour, coverage_ratio=1.0)
    assert both(sustained(measured, strict, (measured.burn_rate, strict.burn_rate), 10)) == about(0, 2)
    # Without a window of its own it may be all that the hour allows.
    assert both(sustained(hour, None, (hour.burn_rate, None), 10)) == about(0, 10)


def test_a_hole_in_the_hour_begins_nothing_and_a_calm_end_of_it_ends_what_there_was() -> None:
    assert both(bounds((200, 1000), (15, 50), covered=(0.89, 1))) == about(0, 30)
    assert both(bounds((200, 1000), (0, 50), covered=(0.89, 1))) == (0, 0)


def test_nine_tenths_are_enough() -> None:
    assert both(bounds((200, 1000), (15, 50), covered=(0.9, 0.9))) == about(20, 20)


def test_without_events_for_five_minutes_it_may_go_on_and_without_any_for_an_hour_not() -> None:
    assert both(bounds((200, 1000), (0, 0))) == about(0, 20)
    assert both(bounds((0, 0), (0, 0))) == (0, 0)


def test_a_component_that_is_gone_burns_nothing() -> None:
    there, gone = status(1, 2, component="a", slot=900), status(1, 2, component="b", slot=600)
    other = status(1, 2, key="other", slot=600)  # nothing newer is known of it
    assert current([there, gone, other]) == [there, other]


def test_the_short_window_is_a_twelfth_and_each_at_least_a_slot() -> None:
    three_days = Pair("3d", 259_200, 21_600, last_seconds=1800)
    assert pairs(300) == pairs(60) == [Pair("1h", 3600, 300), Pair("6h", 21_600, 1800), three_days]
    assert pairs(900) == [Pair("1h", 3600, 900), Pair("6h", 21_600, 1800), three_days]
    # 20 s are a slot, three days are twelve of them, and 30 days are 40 minutes.
    scaled = [Pair("1h", 20, 20, 2400), Pair("6h", 20, 20, 2400), Pair("3d", 240, 20, 2400, last_seconds=20)]
    assert pairs(20, 1080) == scaled


def over(
    long: tuple[int, int],
    short: tuple[int, int],
    last: tuple[int, int],
    covered: tuple[float, float, float] = (1.0, 1.0, 1.0),
) -> bool:
    """Of an SLA at 99 %: bad and total events of three days, six hours and half an hour."""
    found = [
        replace(status(total - bad, total), coverage_ratio=share)
        for (bad, total), share in zip((long, short, last), covered, strict=True)
    ]
    return is_over(*found, found[2].burn_rate)


def test_an_outage_within_six_hours_is_over_after_half_an_hour_without_one() -> None:
    # 1 in 100 may be bad. 101 of the 200 bad ones of three days lie in the last six hours: most of them.
    assert over((200, 12_000), (101, 1000), (0, 80))
    assert over((200, 12_000), (101, 1000), (1, 100))  # as many as are allowed
    assert not over((200, 12_000), (101, 1000), (2, 100))


def test_what_burned_for_days_is_not_over_because_half_an_hour_is_calm() -> None:
    assert not over((200, 12_000), (100, 1000), (0, 80))


def test_what_is_not_known_to_be_over_is_not() -> None:
    burned, short, calm = (200, 12_000), (200, 1000), (0, 80)
    assert over(burned, short, calm, (0.9, 0.9, 0.9))
    for each in ((0.89, 1, 1), (1, 0.89, 1), (1, 1, 0.89)):
        assert not over(burned, short, calm, each)
    assert not over(burned, short, (0, 0))  # nobody asked for anything
    whole, part = status(11_800, 12_000), status(800, 1000)
    assert not is_over(whole, None, None, None)
    assert not is_over(whole, part, None, None)


def test_a_healthy_ledger_is_not_asked_for_the_short_windows() -> None:
    assert not needs_short([status(999, 1000), status(0, 0)])
    assert needs_short([status(989, 1000)])
    assert needs_short([replace(status(1000, 1000), coverage_ratio=0.89)])


def shown(long: SLAStatus, short: SLAStatus, month: SLAStatus) -> dict[str, float]:
    """The series of the alerts, by name and bound, of one SLA in the file."""
    metrics = SLAMetrics(DEFINITIONS)
    metrics.show(Now({"30d": [month], "1d": []}, burning={"1h": Burning([long], [short])}))
    series = r"^sla_(sustained_burn_rate|budget_lasts_seconds)\{([^}]*)\} (.+)$"
    found = re.findall(series, metrics.text().decode(), re.MULTILINE)
    return {
        " ".join([name, *re.findall(r'bound="(\w+)"', labels)]): float(value) for name, labels, value in found
    }


def test_it_is_told_how_long_the_rest_of_the_budget_lasts() -> None:
    [key, *_] = [each.key for each in DEFINITIONS]
    long, short = status(800, 1000, key=key), status(35, 50, key=key)
    # 20 times the allowance; three quarters of 30 days' budget are left: 0.75 of 720 h ÷ 20 = 27 h.
    left = status(99_750, 100_000, key=key)
    assert shown(long, short, left) == pytest.approx(
        {"sustained_burn_rate least": 20, "sustained_burn_rate most": 20, "budget_lasts_seconds": 27 * 3600}
    )
    overdrawn = status(98_000, 100_000, key=key)
    assert shown(long, short, overdrawn)["budget_lasts_seconds"] == 0
    # What is not known has no time; what is within the allowance has nothing at all.
    unknown = replace(short, coverage_ratio=0.5)
    assert shown(long, unknown, left) == pytest.approx(
        {"sustained_burn_rate least": 0, "sustained_burn_rate most": 20}
    )
    assert shown(status(990, 1000, key=key), short, left) == {}
    assert shown(status(999, 1000, objective=1, key=key), status(9, 10, objective=1, key=key), left) == {}
    was_strict = replace(long, period_objective_ratio=1.0)
    assert shown(was_strict, short, left) == {}


def test_what_alerts_read_names_the_team_of_an_sla_that_has_one() -> None:
    first, second, *_ = DEFINITIONS
    long = [status(800, 1000, key=each.key) for each in (first, second)]
    metrics = SLAMetrics([replace(first, team="payments"), second])
    metrics.show(Now({"30d": long, "1d": []}, burning={"1h": Burning(long, long)}))
    text = metrics.text().decode()
    lines = re.findall(r"^sla_(?:sustained|budget_lasts)_?\w*\{([^}]*)\}", text, re.MULTILINE)
    teams = [(re.findall(r'sla="([^"]+)"', each), re.findall(r'team="(\w+)"', each)) for each in lines]
    # Two bounds and the rest of the budget of each.
    assert sorted(teams) == sorted([([first.key], ["payments"]), ([second.key], [])] * 3)
    assert all(each.split(",") == sorted(each.split(",")) for each in lines), "labels by their names"


@pytest.mark.parametrize(
    ("key", "can"),
    [
        ("platform-uptime", (True, True, True)),  # 0.999: 1,000 at most
        ("api-response-time-p95", (True, True, True)),  # 0.95: 20 at most
        ("customer-experience", (False, True, True)),  # 0.9: 10 at most
        ("cache-hit-rate", (False, False, True)),  # 0.8: 5 at most
        ("backup-success-rate", (False, False, False)),  # 100 %: nothing to burn
    ],
)
def test_a_burn_rate_cannot_exceed_what_it_is_when_all_is_bad(key: str, can: tuple[bool, bool, bool]) -> None:
    [definition] = [each for each in SHIPPED if each.key == key]
    assert tuple(can_fire(definition, factor) for factor in (BURN_FAST, BURN_SLOW, BURN_EVEN)) == can


def test_an_alert_that_no_sla_can_fire_is_left_out() -> None:
    [loose] = [each for each in SHIPPED if each.key == "cache-hit-rate"]
    made = rules([replace(loose, severity="critical")])
    assert "SLABudgetBurnFast" not in made
    assert "- alert: SLABreachActive" in made
    assert "- alert" not in rules([replace(loose, enabled=False)])


def test_the_committed_rules_are_those_of_the_definitions() -> None:
    assert (ROOT / "prometheus/rules/sla/error_budgets.yml").read_text(encoding="utf-8") == rules(SHIPPED)


def test_the_scale_of_time_is_a_setting() -> None:
    assert read_settings({}).time_scale == 1
    assert read_settings({"SLA_TIME_SCALE": "1080"}).time_scale == 1080


def bounds_of(setting: Setting, window: str = "1h") -> list[float]:
    """The least and the most of API Error Rate over a window, as scraped; nothing when it is calm."""
    series = (
        rf'^sla_sustained_burn_rate\{{bound="\w+",[^}}]*sla="api-error-rate"[^}}]*window="{window}"\}} (.+)$'
    )
    return [float(value) for value in re.findall(series, setting.ask("/metrics")[1], re.MULTILINE)]


def test_a_worker_that_sees_an_outage_of_ten_minutes(tmp_path: Path) -> None:
    """1,000 requests a slot, of which 1 in 1,000 may fail; in the outage 100 of them do."""
    setting = Setting(tmp_path)

    def slot(good: float, coverage: float = 1.0) -> list[float]:
        setting.prometheus.values |= {GOOD: good, COVERAGE: coverage}
        setting.step()
        setting.now += 300
        return bounds_of(setting)

    calm = [slot(1000) for _ in range(12)]
    # 100 of the hour's 12,000 failed, 8.3 times the allowance; then 200 of them, 16.7 times.
    outage = [slot(900), slot(900)]
    # What half a slot says is not enough: it may go on burning at the rate of the hour, or not at all.
    hole = slot(1000, coverage=0.5)
    recovered = slot(1000)
    setting.close()
    assert calm == [[]] * 12
    assert outage == [pytest.approx([8.33, 8.33], abs=0.01), pytest.approx([16.67, 16.67], abs=0.01)]
    assert hole == pytest.approx([0, 16.67], abs=0.01)
    assert recovered == []


def test_a_worker_that_sees_a_steady_burn_and_one_that_sees_an_outage(tmp_path: Path) -> None:
    """1,000 requests a slot, of which 1 in 1,000 may fail; 2 of them do, or 20 for ten minutes."""

    def slots(name: str, bad: list[int]) -> list[list[float]]:
        (tmp_path / name).mkdir()
        setting = Setting(tmp_path / name)
        found = []
        for each in bad:
            setting.prometheus.values |= {GOOD: 1000 - each, COVERAGE: 1.0}
            setting.step()
            setting.now += 300
            found.append(bounds_of(setting, "3d"))
        setting.close()
        return found

    # Twice the allowance from the first slot on; ten bad ones, which say something, are those of five slots.
    assert slots("steady", [2] * 6) == [pytest.approx([0, 2])] * 4 + [pytest.approx([2, 2])] * 2
    # 20 bad ones of 4,000 are 5 times, 40 of 5,000 are 8; then a thousand good ones more each time. Half an
    # hour without an outage is that of slots 6 to 11, though six hours' rate is still 3.6.
    found = slots("outage", [0, 0, 0, 20, 20, *[0] * 7])
    burned = [5, *(40 / slot for slot in range(5, 11))]
    assert found == [[]] * 3 + [pytest.approx([each, each]) for each in burned] + [[]] * 2
