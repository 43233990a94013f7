"""Prometheus by a clock that ran ahead and was set back: real programs, real samples of the future.

No test can move the clock of a process of Go. What a clock that was ahead leaves is made instead: each series
that Prometheus has gets a sample some minutes later than now, by a target whose labels and times it takes.
What is scraped from then on is older than that, as it is when a clock has been set back.
"""

from __future__ import annotations

import itertools
import json
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from compression.files import rules_tree
from ports import free_port
from rules.binaries import each_version_of, newest, required
from rules.cases import shipped_alerts
from rules.chain import Application, Prometheus, serving_application
from rules.mails import Post, Sink
from waiting import patience, poll, wait_for

FACTOR = 20
"""Five minutes become 15 s, the lookback as well."""
MINUTES_AHEAD = 8
"""A target's own times may be ten minutes ahead at most. The test must be over before that time has come."""
HEALTH = 'insa_worker_health_status{worker_name="worker-1"}'
ABSENT = "prometheus_rule_evaluation_failures_total"
RULES = ("Watchdog", "WorkerUnhealthy", "SLAWorkerStale", "MonitoringMetricsAbsent")
RUNBOOK = Path(__file__).parents[2] / "runbooks" / "MonitoringMetricsAbsent.md"
REACH = "max(max_over_time(timestamp(up)[1d:1m] offset -1d)) - time()"
"""As in the runbook: the seconds until the time of the newest sample has come."""


class Clock:
    """A Prometheus that watches itself and a program, and a target that brings samples of the future."""

    def __init__(self, program: Path, directory: Path, shop: Application, ahead: Application) -> None:
        rules = [shipped_alerts()[name].rule for name in RULES]
        self._directory = directory
        self._shop, self._ahead = shop, ahead
        self.prometheus = Prometheus(
            program,
            directory,
            rules=rules_tree({"groups": [{"name": "clock", "rules": rules}]}, FACTOR),
            post=Post(f"http://127.0.0.1:{free_port()}", Sink(), Path("none")),
            targets={"shop": shop.address, "ahead": ahead.address},
            flags=("--query.lookback-delta=15s",),
        )
        self.configure(None)
        self.prometheus.start()

    def configure(self, window: str | None) -> None:
        """Write the configuration, with a window for samples that are out of order or without one."""
        path = self._directory / "prometheus.yml"
        tree = yaml.safe_load(path.read_text())
        jobs = {each["job_name"]: each for each in tree["scrape_configs"]}
        jobs["ahead"]["honor_labels"] = True
        own = self.prometheus.url.removeprefix("http://")
        jobs["prometheus"] = {"job_name": "prometheus", "static_configs": [{"targets": [own]}]}
        tree["scrape_configs"] = list(jobs.values())
        tree["storage"] = {"tsdb": {"out_of_order_time_window": window or "0s"}}
        path.write_text(yaml.safe_dump(tree))

    def reload(self, window: str | None) -> None:
        """Have it read its configuration with another window."""
        self.configure(window)
        self.prometheus.signal(signal.SIGHUP)
        wanted = f"out_of_order_time_window: {window}" if window else ""
        poll(lambda: wanted in self._ask("status/config")["yaml"] or None, "the new configuration")

    def _ask(self, path: str, **parameters: str) -> Any:
        answer = httpx.get(
            f"{self.prometheus.url}/api/v1/{path}", params=parameters, trust_env=False, timeout=patience(5)
        )
        return answer.raise_for_status().json()["data"]

    def query(self, text: str, at: float | None = None) -> list[dict[str, Any]]:
        """The result of a query, now or at another time."""
        moment = {} if at is None else {"time": f"{at:.3f}"}
        result: list[dict[str, Any]] = self._ask("query", query=text, **moment)["result"]
        return result

    def value(self, text: str, at: float | None = None) -> float | None:
        """The one value of a query; None: there is none."""
        found = self.query(text, at)
        return float(found[0]["value"][1]) if found else None

    def alert(self, name: str, **labels: str) -> str | None:
        """The state of an alert; None when it is inactive."""
        wanted = {"alertname": name, **labels}
        found = [
            each["state"]
            for each in self._ask("alerts")["alerts"]
            if wanted.items() <= each["labels"].items()
        ]
        return found[0] if found else None

    def run_ahead(self, moment: int) -> None:
        """Give every series that is there a sample of that time, and wait until they have it."""
        self._bring(
            {_text(each["metric"]): each["value"][1] for each in self.query('{__name__!=""}')}, moment
        )
        poll(lambda: self.value(HEALTH, moment) is not None or None, "samples of the future")
        self._ahead.samples.clear()

    def bring(self, series: str, value: str, moment: int) -> None:
        """Give one series a sample of that time, and wait until it has it."""
        self._bring({series: value}, moment)
        poll(lambda: self.value(f"timestamp({series})", moment) == moment or None, "a sample of the future")
        self._ahead.samples.clear()

    def _bring(self, values: Mapping[str, str], moment: int) -> None:
        self._ahead.samples |= {series: f"{value} {moment}000" for series, value in values.items()}


def _text(labels: Mapping[str, str]) -> str:
    inside = ",".join(
        f"{name}={json.dumps(value, ensure_ascii=False)}"
        for name, value in labels.items()
        if name != "__name__"
    )
    return f"{labels['__name__']}{{{inside}}}"


@each_version_of("prometheus")
def test_rules_are_blind_until_samples_out_of_order_are_taken(program: Path | None, tmp_path: Path) -> None:
    """The Watchdog fires all the while, so no outage is mailed. That metrics are missing, two alerts tell."""
    with serving_application() as shop, serving_application() as ahead:
        shop.samples[HEALTH] = 1
        clock = Clock(required(program, "prometheus"), tmp_path, shop, ahead)
        try:
            poll(
                lambda: clock.value(HEALTH) and clock.value(f"count({ABSENT})"),
                "the first scrapes",
                seconds=20,
            )
            clock.run_ahead((int(time.time()) // 60 + MINUTES_AHEAD) * 60)
            shop.samples[HEALTH] = 0
            wait_for(
                "firing",
                lambda: clock.alert("MonitoringMetricsAbsent", metric=ABSENT),
                "metrics to be missed",
                seconds=60,
            )
            assert clock.value(HEALTH) is None
            assert clock.alert("WorkerUnhealthy") is None
            assert clock.alert("SLAWorkerStale") == "firing"
            assert clock.alert("Watchdog") == "firing"
            assert "out-of-order" in (tmp_path / "prometheus.log").read_text()
            reach = clock.value(REACH)
            assert reach is not None
            assert 0 < reach <= MINUTES_AHEAD * 60

            clock.reload("1h")
            wait_for("firing", lambda: clock.alert("WorkerUnhealthy"), "a rule that sees again", seconds=60)
            wait_for(
                None, lambda: clock.alert("MonitoringMetricsAbsent", metric=ABSENT), "metrics that are there"
            )
        finally:
            clock.prometheus.kill()


@pytest.mark.parametrize("window", [None, "1h"])
def test_while_the_time_ahead_is_there_again_both_times_would_mix(window: str | None, tmp_path: Path) -> None:
    """Why no window is set from the start. For some seconds the clock is 15 s ahead, a counter stands at 100.

    Once the clock is right it stands at 150, in truth 50 more. Without the window samples are refused until
    the time ahead is over: 50. With it the two stand in turn, and each 100 after a 150 is a counter that was
    reset.
    """
    counter = 'insa_agent_requests_total{status="success"}'
    whole = 'insa_agent_requests_total{job="shop",instance="%s",status="success"}'
    with serving_application() as shop, serving_application() as ahead:
        shop.samples[counter] = 100
        clock = Clock(newest("prometheus"), tmp_path, shop, ahead)
        try:
            poll(lambda: clock.value(counter), "the first scrape")
            last = 0
            for _ in range(6):
                last = max(int(time.time()) + 15, last + 1)
                clock.bring(whole % shop.address, "100", last)
            shop.samples[counter] = 150
            clock.reload(window)
            poll(
                lambda: (time.time() > last + 2 and clock.value(counter) == 150) or None,
                "the time ahead to be over",
                seconds=40,
            )
            [found] = clock.query(f"{counter}[2m]")
            values = [float(value) for _, value in found["values"]]
            counted = sum(
                after - before if after >= before else after for before, after in itertools.pairwise(values)
            )
            assert (counted == 50) is (window is None), values
            assert counted >= 50
        finally:
            clock.prometheus.kill()


def test_the_runbook_has_the_query() -> None:
    assert f"```promql\n{REACH}\n```" in RUNBOOK.read_text()
    assert "out_of_order_time_window" in RUNBOOK.read_text()
