"""The cases with failed scrapes: how they are made, for which alerts, and whether the window fits."""

from __future__ import annotations

import re

import pytest
import yaml

from compression.durations import parsed
from compression.files import FAST
from rules.cases import ROOT, STEP_SECONDS, Case, Expected, shipped_alerts
from rules.scrapes import EXEMPT, WINDOW_STEPS, all_cases, failed, later, left_out, samples, stretched

CONFIG = yaml.safe_load((ROOT / "prometheus" / "prometheus.yml").read_text())
BRIDGED = sorted(name for name, each in shipped_alerts().items() if "last_over_time(" in each.rule["expr"])
FACTOR = 15
"""By which the live proof divides durations."""

SHOP = Case(
    alert="WorkerUnhealthy",
    name="",
    kind="fires",
    series={},
    expected=(Expected({"job": "shop", "instance": "a"}, "firing 15s"),),
    says={},
    checks_annotations=False,
    says_at={},
)


def test_a_series_is_read_sample_by_sample() -> None:
    assert samples("1x2 0+0.5x2 10-4x1 _x2 stale 7") == (
        ["1", "1", "1", "0", "0.5", "1", "10", "6", "_", "_", "stale", "7"]
    )


def test_a_failed_scrape_takes_the_series_of_its_target_away() -> None:
    series = {
        'x{job="shop",instance="a"}': "1x3",
        'x{job="shop",instance="b"}': "1x3",
        'up{job="shop",instance="a"}': "1x3",
        'ALERTS{job="shop",instance="a"}': "1x3",
        'instance:up_vanished:bool{job="shop",instance="a"}': "1x3",
        'y{job="shop",instance="a"}': "_x2 1 stale",
    }
    assert failed(SHOP, series, [1, 3, 4]) == series | {
        'x{job="shop",instance="a"}': "1 stale 1 stale",
        'up{job="shop",instance="a"}': "1 0 1 0",
        'y{job="shop",instance="a"}': "_ _ 1 stale",
    }
    assert left_out(SHOP, series, [2]) == series | {
        'x{job="shop",instance="a"}': "1 1 _ 1",
        'up{job="shop",instance="a"}': "1 1 _ 1",
        'y{job="shop",instance="a"}': "_ _ _ stale",
    }


def test_of_an_alert_about_alerts_every_scrape_fails() -> None:
    series = {'ALERTS{job="shop",instance="a"}': "1x2", 'silences{job="alertmanager"}': "1x2"}
    assert failed(SHOP, series, [1]) == series | {'silences{job="alertmanager"}': "1 stale 1"}


def test_what_lasts_longer_ends_later() -> None:
    assert stretched({"x": "0 1 2 3"}, 1, 2) == {"x": "0 1 1 1 2 3"}
    # 6m15s is the time after which it moves: 8m15s + 2m = 615 s, 8m30s + 2m = 630 s.
    states = "pending 5m15s, firing 6m15s, inactive 8m15s/8m30s"
    assert later(states, 375, 120) == "pending 5m15s, firing 6m15s, inactive 615s/630s"


@pytest.mark.parametrize("alert", shipped_alerts())
def test_each_alert_is_tried_with_failed_scrapes(alert: str) -> None:
    kinds = {case.kind for case in all_cases() if case.alert == alert}
    assert ("missed" in kinds) is (alert not in EXEMPT)
    if alert in BRIDGED and alert not in EXEMPT and not _reads_counters_alone(alert):
        assert {"gone", "over"} <= kinds or alert == "HighCPUUsage", (
            "its own cases hold it there: a rate falls"
        )


def _reads_counters_alone(alert: str) -> bool:
    read = re.findall(r"last_over_time\((\w+)", shipped_alerts()[alert].rule["expr"])
    return all(name.endswith("_total") for name in read)


def test_only_shipped_alerts_are_exempt() -> None:
    assert EXEMPT.keys() <= shipped_alerts().keys()


@pytest.mark.parametrize("alert", BRIDGED)
def test_what_is_seen_once_and_then_gone_does_not_fire(alert: str) -> None:
    waits = parsed(shipped_alerts()[alert].rule.get("for", "0s")).total_seconds()
    windows = re.findall(
        r"last_over_time\((?!\w+_total)[^()]*\[(\w+)\]\)", shipped_alerts()[alert].rule["expr"]
    )
    held = {parsed(each).total_seconds() for each in windows} - {300}  # what holds it while it fires
    assert held <= {WINDOW_STEPS * STEP_SECONDS}
    assert all(each <= waits for each in held)


def test_the_window_holds_three_scrapes_here_and_in_the_live_proof() -> None:
    jobs = [
        {"scrape_interval": CONFIG["global"]["scrape_interval"]} | job for job in CONFIG["scrape_configs"]
    ]
    longest = max(parsed(job["scrape_interval"]).total_seconds() for job in jobs)
    window = WINDOW_STEPS * STEP_SECONDS
    assert window >= 3 * longest
    assert window / FACTOR >= 3 * parsed(FAST).total_seconds()
