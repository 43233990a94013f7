"""A Prometheus that answers as told, without a network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from email.utils import formatdate
from pathlib import Path
from typing import Any

from sla_worker.conventions import ACTUAL_VALUE, COVERAGE, GOOD_EVENTS, TOTAL_EVENTS
from sla_worker.definitions import read_definitions
from sla_worker.errors import PrometheusError

SHIPPED = Path(__file__).parents[3] / "sla-worker" / "sla_thresholds.yml"
DEFINITIONS = read_definitions(SHIPPED)
SLOT = 1_700_000_100  # a multiple of 300
VALUES = {GOOD_EVENTS: 1000.0, TOTAL_EVENTS: 1000.0, COVERAGE: 1.0, ACTUAL_VALUE: 2.0}


class FakePrometheus:
    """Answers recorded figures with the evaluation time it is given, and direct ones at the asked times."""

    def __init__(self) -> None:
        self.evaluated_after = 20.0  # seconds after the slot's end; inside (15, 30) it belongs to the slot
        self.recorded = [each.key for each in DEFINITIONS]
        self.down = False
        self.answer: tuple[int, bytes] | None = None
        self.clock: float | None = None
        self.asked: list[tuple[str, dict[str, str]]] = []

    def post(self, path: str, fields: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        self.asked.append((path, dict(fields)))
        if self.down:
            raise PrometheusError("Prometheus does not answer")
        headers = {} if self.clock is None else {"Date": formatdate(self.clock, usegmt=True)}
        if self.answer:
            return self.answer[0], headers, self.answer[1]
        if fields["query"].startswith("{__name__"):
            result = self._recorded(float(fields["time"]) - 30 + 0.001)
        else:
            result = self._direct(fields)
        data = {"resultType": "matrix", "result": result}
        return 200, headers, json.dumps({"status": "success", "data": data}).encode()

    def _recorded(self, slot: float) -> list[dict[str, Any]]:
        at = slot + self.evaluated_after
        return [
            {"metric": {"__name__": name, "sla": key, "component": "all"}, "values": [[at, str(value)]]}
            for key in self.recorded
            for name, value in VALUES.items()
        ]

    def _direct(self, fields: Mapping[str, str]) -> list[dict[str, Any]]:
        start = float(fields.get("start") or fields["time"])
        end, step = float(fields.get("end") or start), float(fields.get("step") or 300)
        times = [start + step * number for number in range(int((end - start) // step) + 1)]
        return [
            {
                "metric": {"figure": name, "sla": each.key, "component": "all"},
                "values": [[time, str(value)] for time in times],
            }
            for each in DEFINITIONS
            if f'"{each.key}"' in fields["query"]
            for name, value in VALUES.items()
        ]
