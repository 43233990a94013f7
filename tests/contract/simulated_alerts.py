"""Which alerts fire while a fault is active: the demo-app simulated, its metrics judged by promtool.

The app runs on a clock of its own and is scraped every 15 seconds, as Prometheus would do it; the shipped
rules see its samples at their true durations.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml

from compression.durations import parsed
from rules.cases import EXTERNAL_LABELS, RULES, STEP_SECONDS, shipped_alerts
from unit.demo_app.simulation import Simulation

GROUPS = (
    "worker_health",
    "request_performance",
    "cache_performance",
    "circuit_breaker",
    "dead_letter_queue",
    "retry_behavior",
    "database",
)
"""The groups whose metrics come from the mechanisms that the simulation runs."""

REST_STEPS = 5 * 60 // STEP_SECONDS
"""Five minutes, the longest window of a ratio, filled with calm."""

SPARE_STEPS = 6 * 60 // STEP_SECONDS
"""What the longest `for` needs beside itself: a full window of five minutes, and a minute more."""


def alerts_of_the_groups() -> frozenset[str]:
    """The alerts that the simulation can judge: all of the groups but those on metrics that are gone."""
    return frozenset(
        name
        for name, shipped in shipped_alerts().items()
        if shipped.file.stem in GROUPS and "absent(" not in shipped.rule["expr"]
    )


def steps_with_the_fault(alerts: Iterable[str]) -> int:
    """How many scrapes the fault must be active for all these alerts to fire."""
    waits = [parsed(shipped_alerts()[each].rule.get("for", "0s")).total_seconds() for each in alerts]
    return int(max(waits)) // STEP_SECONDS + SPARE_STEPS


def scrapes(fault: str, intensity: float | None, steps: int) -> Mapping[str, list[float]]:
    """The samples of every series that the rules ask for: at rest, then with the fault active for `steps`."""
    asked_for = {name for each in alerts_of_the_groups() for name in _metrics(each)}
    simulation = Simulation()
    samples: dict[str, list[float]] = {}
    for step in range(REST_STEPS + steps):
        if step == REST_STEPS:
            simulation.faults.start(fault, intensity, steps * STEP_SECONDS)
        for family in simulation.registry.collect():
            for sample in family.samples:
                if sample.name in asked_for:
                    labels = {"job": "demo-app", "instance": "demo-app:9091"} | sample.labels
                    pairs = ",".join(f'{key}="{value}"' for key, value in labels.items())
                    samples.setdefault(f"{sample.name}{{{pairs}}}", []).append(sample.value)
        simulation.run(STEP_SECONDS)
    assert samples, "the simulation exports nothing that the rules ask for"
    return samples


def complaint(
    promtool: Path, series: Mapping[str, list[float]], firing: Iterable[str], directory: Path
) -> str | None:
    """None when exactly these alerts of the groups have fired at some time, else what promtool says of it."""
    names = "|".join(sorted(alerts_of_the_groups()))
    fired = f'count_over_time(ALERTS{{alertstate="firing",alertname=~"{names}"}}[1d])'
    scraped = max(len(values) for values in series.values())
    check = {
        "expr": f"group by (alertname) ({fired})",
        "eval_time": f"{(scraped - 1) * STEP_SECONDS}s",
        "exp_samples": [{"labels": f'{{alertname="{each}"}}', "value": 1} for each in sorted(firing)],
    }
    group = {
        "interval": f"{STEP_SECONDS}s",
        "external_labels": EXTERNAL_LABELS,
        "input_series": [
            {"series": name, "values": " ".join(f"{value:.12g}" for value in values)}
            for name, values in series.items()
        ],
        "promql_expr_test": [check],
    }
    test = {
        "rule_files": [str(RULES / f"{each}.yml") for each in GROUPS],
        "evaluation_interval": f"{STEP_SECONDS}s",
        "tests": [group],
    }
    file = directory / "test.yml"
    file.write_text(yaml.safe_dump(test))
    done = subprocess.run(
        [promtool, "test", "rules", file], capture_output=True, text=True, check=False, timeout=100
    )
    return None if done.returncode == 0 else done.stdout + done.stderr


def _metrics(alert: str) -> list[str]:
    return re.findall(r"\binsa_\w+", shipped_alerts()[alert].rule["expr"])
