"""The simulated demo-app under the shipped rules: what an hour of it looks like to Prometheus.

The app runs on its own clock (unit.demo_app.simulation), its metrics are read every 15 seconds as a scrape
would read them, and promtool evaluates every shipped alert over them at true durations.
"""

from __future__ import annotations

import functools
import itertools
import json
import math
import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from demo_app import catalogue as known
from rules.binaries import of_go
from rules.cases import EXTERNAL_LABELS, RULES, STEP_SECONDS
from unit.demo_app.simulation import Simulation
from waiting import patience

TARGET = {"job": "demo-app", "instance": "demo-app:9091"}

HEALTHY = {
    'sla_worker_last_pass_timestamp_seconds{job="sla-worker"}': (0, STEP_SECONDS),
    'sla_worker_slot_seconds{job="sla-worker"}': (300, 0),
    'sla_notifications_owed{job="sla-worker",type="daily"}': (0, 0),
    'sla_notifications_total{job="sla-worker",type="daily",result="success"}': (0, 0),
    'sla_notifications_total{job="sla-worker",type="daily",result="given_up"}': (0, 0),
    'sla_definitions_invalid{job="sla-worker",file="sla_thresholds.yml"}': (0, 0),
    'sla_rows_ahead{job="sla-worker"}': (0, 0),
    'sla_incomplete_seconds{job="sla-worker"}': (0, 0),
    'prometheus_sd_file_read_errors_total{job="prometheus"}': (0, 0),
    'prometheus_target_sync_failed_total{job="prometheus",scrape_job="targets"}': (0, 0),
    'prometheus_sd_failed_configs{job="prometheus",name="scrape"}': (0, 0),
    'prometheus_rule_evaluation_failures_total{job="prometheus",rule_group="a"}': (0, 0),
    'prometheus_notifications_alertmanagers_discovered{job="prometheus"}': (1, 0),
    'prometheus_notifications_errors_total{job="prometheus",alertmanager="http://a/api/v2/alerts"}': (0, 0),
    'prometheus_notifications_dropped_total{job="prometheus"}': (0, 0),
    'prometheus_config_last_reload_successful{job="prometheus"}': (1, 0),
    'alertmanager_config_last_reload_successful{job="alertmanager"}': (1, 0),
    'alertmanager_silences{job="alertmanager",state="active"}': (0, 0),
    'alertmanager_notifications_failed_total{job="alertmanager",integration="email"}': (0, 0),
}
"""What the other services export while they are healthy, so that their absence is no alert: a first value and
what each step adds."""

Name = tuple[str, tuple[tuple[str, str], ...]]
"""The name of a series and its labels."""

Series = dict[Name, list[float]]


class Recording:
    """Scrapes of a simulation: a value for each series and step, NaN where the series was not exposed.

    `series` holds what a scrape would find even while nothing answers, which `up` says; `gauges` are the
    names whose values are not counts.
    """

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self.series: Series = {}
        self.up: list[float] = []
        self.gauges: set[str] = set()

    @property
    def seconds(self) -> int:
        """When the last scrape was, counted from the first one at 0."""
        return (len(self.up) - 1) * STEP_SECONDS

    def run(self, seconds: int) -> None:
        """Let time pass, with a scrape at every step."""
        for _ in range(seconds // STEP_SECONDS):
            self._scrape()
            self._simulation.run(STEP_SECONDS)

    def _scrape(self) -> None:
        steps = len(self.up)
        for family in self._simulation.system.exposed.collect():
            for sample in family.samples:
                if family.type == "gauge":
                    self.gauges.add(sample.name)
                values = self.series.setdefault((sample.name, tuple(sample.labels.items())), [])
                values += [math.nan] * (steps - len(values))
                values.append(sample.value)
        self.up.append(float(self._simulation.faults.intensity(known.METRICS_GONE) is None))

    def input_series(self, read: set[str] | None = None) -> list[dict[str, str]]:
        """The scrapes in promtool's notation, with what other services export; of all names or these."""
        steps = len(self.up)
        ours = {
            selector(name, TARGET | dict(labels)): [
                value if up else math.nan
                for value, up in itertools.zip_longest(values, self.up, fillvalue=math.nan)
            ]
            for (name, labels), values in self.series.items()
            if read is None or name in read or "__name__" in read  # a pattern may find any
        }
        others = {
            name: [first + step * number for number in range(steps)]
            for name, (first, step) in HEALTHY.items()
        }
        return [
            {"series": name, "values": " ".join(_notation(values))}
            for name, values in (ours | others | {selector("up", TARGET): self.up}).items()
        ]


def _notation(values: list[float]) -> Iterator[str]:
    """Each value; where a series ends a scrape leaves a mark that it is stale, and nothing after that."""
    for before, value in itertools.pairwise([math.nan, *values]):
        if math.isnan(value):
            yield "_" if math.isnan(before) else "stale"
        else:
            yield f"{value!r}"


def selector(name: str, labels: dict[str, str]) -> str:
    """A series as promtool writes it."""
    pairs = ",".join(f'{key}="{value}"' for key, value in labels.items())
    return f"{name}{{{pairs}}}"


def alert_files() -> list[Path]:
    """The hand-written rule files."""
    return sorted(RULES.glob("*.yml"))


@functools.cache
def _words_of_the_rules() -> set[str]:
    return {word for path in alert_files() for word in _words(path.read_text(encoding="utf-8"))}


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def evaluated(
    promtool: Path, directory: Path, recording: Recording, expressions: Iterable[tuple[str, int]]
) -> list[str]:
    """What each expression gives at its second, as promtool writes it, e.g. `{} 5E+00`; "" for nothing.

    Every shipped alert is evaluated along the way, so that an expression may ask for ALERTS.
    """
    wanted = list(expressions)
    # What nothing reads would only be loaded.
    read = _words_of_the_rules().union(*(_words(expression) for expression, _ in wanted))
    # No test expects this value, so promtool fails each of them and says what it got instead.
    never = [{"labels": "never{}", "value": 1}]
    tests = {
        "rule_files": [str(path) for path in alert_files()],
        "evaluation_interval": f"{STEP_SECONDS}s",
        "tests": [
            {
                "interval": f"{STEP_SECONDS}s",
                "external_labels": EXTERNAL_LABELS,
                "input_series": recording.input_series(read),
                "promql_expr_test": [
                    {"expr": expression, "eval_time": f"{second}s", "exp_samples": never}
                    for expression, second in wanted
                ],
            }
        ],
    }
    file = directory / "simulated.yml"
    file.write_text(json.dumps(tests), encoding="utf-8")  # which is YAML too, and written in no time
    done = subprocess.run(
        [promtool, "test", "rules", file],
        capture_output=True,
        text=True,
        check=False,
        timeout=patience(110),
        env=of_go(),
    )
    found = re.findall(r"^\s+got:(.*)$", done.stdout + done.stderr, re.MULTILINE)
    assert len(found) == len(wanted), done.stdout + done.stderr
    return ["" if answer.strip() == "nil" else answer.strip() for answer in found]


def alerts_in(answer: str) -> set[str]:
    """The names of the alerts in an answer of `evaluated`."""
    return set(re.findall(r'alertname="(\w+)"', answer))


def simulated(faults: dict[str, float], *, calm: int, fault: int, recovery: int) -> Recording:
    """Run the app calm, with the faults at work, and calm again, for so many seconds each."""
    simulation = Simulation()
    recording = Recording(simulation)
    recording.run(calm)
    for name, intensity in faults.items():
        simulation.faults.start(name, intensity, fault)
    recording.run(fault + recovery + STEP_SECONDS)
    return recording


@functools.cache
def at_rest(seconds: int) -> Recording:
    """So long at rest; made once, for whoever asks."""
    return simulated({}, calm=0, fault=0, recovery=seconds)
