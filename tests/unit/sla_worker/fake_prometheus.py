"""A Prometheus with prepared answers, without a network."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from email.utils import formatdate
from pathlib import Path
from typing import Any

from sla_worker.conventions import ACTUAL_VALUE, COVERAGE, GOOD_EVENTS, TOTAL_EVENTS
from sla_worker.definitions import read_definitions
from sla_worker.errors import PrometheusError
from sla_worker.grid import Grid
from sla_worker.model import Definition
from sla_worker.rules.recording import fingerprint

SHIPPED = Path(__file__).parents[3] / "sla-worker" / "sla_thresholds.yml"
DEFINITIONS = read_definitions(SHIPPED)
SLOT = 1_700_000_100  # a multiple of 300
GRID = Grid(300, 15)
CONFIGURATION = """\
global: {scrape_interval: 15s, evaluation_interval: 15s}
scrape_configs: [{job_name: demo-app}]
"""
VALUES = {GOOD_EVENTS: 1000.0, TOTAL_EVENTS: 1000.0, COVERAGE: 1.0, ACTUAL_VALUE: 2.0}


class FakePrometheus:
    """Answers recorded figures with the evaluation time it is given, and direct ones at the asked times."""

    def __init__(self, definitions: Sequence[Definition] = DEFINITIONS) -> None:
        self.definitions = definitions
        self.values = dict(VALUES)
        self.evaluated_after = 20.0  # seconds after the slot's end; inside (15, 30) it belongs to the slot
        self.recorded = [each.key for each in definitions]
        self.down = False
        self.ranges_left: int | None = None  # so many range queries are answered; None: all
        self.answer: tuple[int, bytes] | None = None
        self.clock: float | None = None
        self.configuration: str | None = CONFIGURATION
        self.not_shown = 404  # what is answered without one
        self.jobs = {each.key: "demo-app" for each in definitions}
        self.components = ["all"]
        self.marks = {each.key: fingerprint(each, GRID) for each in definitions}
        self.asked: list[tuple[str, dict[str, str]]] = []

    def get(self, _path: str) -> tuple[int, Mapping[str, str], bytes]:
        """Its configuration; None: an engine that does not show it."""
        if self.down:
            raise PrometheusError("Prometheus does not answer")
        if self.configuration is None:
            return self.not_shown, {}, b"page not found"
        data = {"yaml": self.configuration}
        return 200, {}, json.dumps({"status": "success", "data": data}).encode()

    def post(self, path: str, fields: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        self.asked.append((path, dict(fields)))
        if self.down:
            raise PrometheusError("Prometheus does not answer")
        if path.endswith("/query_range") and self.ranges_left is not None:
            self.ranges_left -= 1
            if self.ranges_left < 0:
                raise PrometheusError("Prometheus does not answer")
        headers = {} if self.clock is None else {"Date": formatdate(self.clock, usegmt=True)}
        if self.answer:
            return self.answer[0], headers, self.answer[1]
        if "group by (job)" in fields["query"]:
            result = self._jobs(float(fields["time"]))
        elif fields["query"].startswith("{__name__"):
            result = self._recorded(float(fields["time"]) - 30 + 0.001)
        else:
            result = self._direct(fields)
        data = {"resultType": "matrix", "result": result}
        return 200, headers, json.dumps({"status": "success", "data": data}).encode()

    def _recorded(self, slot: float) -> list[dict[str, Any]]:
        at = slot + self.evaluated_after
        return [
            {
                "metric": {"__name__": name, "sla": key, "component": component, "rules": self.marks[key]},
                "values": [[at, str(value)]],
            }
            for key in self.recorded
            for component in self.components
            for name, value in self.values.items()
        ]

    def _jobs(self, time: float) -> list[dict[str, Any]]:
        return [
            {"metric": {"sla": key, "job": job}, "values": [[time, "1"]]} for key, job in self.jobs.items()
        ]

    def _direct(self, fields: Mapping[str, str]) -> list[dict[str, Any]]:
        start = float(fields.get("start") or fields["time"])
        end, step = float(fields.get("end") or start), float(fields.get("step") or 300)
        times = [start + step * number for number in range(int((end - start) // step) + 1)]
        return [
            {
                "metric": {"figure": name, "sla": each.key, "component": component},
                "values": [[time, str(value)] for time in times],
            }
            for each in self.definitions
            for component in self.components
            if f'"{each.key}"' in fields["query"]
            for name, value in self.values.items()
        ]
