"""A Prometheus that scrapes one target every 15 s and counts as it is told, without a network."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from email.utils import formatdate
from pathlib import Path
from typing import Any

from sla_worker.definitions import read_definitions
from sla_worker.errors import PrometheusError
from sla_worker.grid import Grid
from sla_worker.model import Definition
from sla_worker.needs import Kind, Need

THREE = Path(__file__).parent / "definitions" / "three.yml"
DEFINITIONS = read_definitions(THREE)
SLOT = 1_700_000_100  # a multiple of 300
GRID = Grid(300, 15)
GOOD, TOTAL, COVERAGE, ACTUAL = "good", "total", "coverage", "actual"
SCRAPES = 20  # of a slot, the first 7 s after its beginning
TARGET = {"job": "demo-app", "instance": "a"}

_RANGE = re.compile(r"^\{.*\}\[(\d+)s\]$")


class FakePrometheus:
    """Every slot has the counts of `values`, in even steps; their good share of `up` samples is 1.

    A coverage below 1 is a hole in the middle of the slot, of which nothing was scraped.
    """

    def __init__(self, definitions: Sequence[Definition] = DEFINITIONS) -> None:
        self.definitions = definitions
        self.values = {GOOD: 1000.0, TOTAL: 1000.0, COVERAGE: 1.0, ACTUAL: 2.0}
        self.down = False
        self.windows_left: int | None = None  # so many stretches of samples are answered; None: all
        self.answer: tuple[int, bytes] | None = None
        self.clock: float | None = None
        self.warnings: list[str] = []
        self.warned = ""  # what a query holds of which the warnings are; all hold this
        self.born = 0.0  # before that no series but `up` has a sample
        self.began = 0.0  # before that `up` has none either
        self.most_seconds: int | None = None  # a longer range is refused; None: none is
        self.refused: set[int] = set()  # slots of which no range is answered
        self.asked: list[tuple[str, dict[str, str]]] = []

    def post(self, path: str, fields: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        self.asked.append((path, dict(fields)))
        found = _RANGE.match(fields["query"])
        if found and self.windows_left is not None:
            self.windows_left -= 1
        if self.down or (self.windows_left is not None and self.windows_left < 0):
            raise PrometheusError("Prometheus does not answer")
        headers = {} if self.clock is None else {"Date": formatdate(self.clock, usegmt=True)}
        if self.answer:
            return self.answer[0], headers, self.answer[1]
        if found and self._refuses(float(fields["time"]), int(found.group(1))):
            error = {"status": "error", "errorType": "execution", "error": "too many samples"}
            return 422, headers, json.dumps(error).encode()
        if found:
            result = list(self._samples(float(fields["time"]), int(found.group(1))))
        elif fields["query"] == "count(up)":
            result = self._listed(fields)
        elif "histogram_quantile" in fields["query"]:
            result = self._percentiles(fields)
        else:
            result = []  # nothing was there in the day before
        data = {"resultType": "matrix", "result": result}
        warnings = self.warnings if self.warned in fields["query"] else []
        answer = {"status": "success", "data": data, "warnings": warnings}
        return 200, headers, json.dumps(answer).encode()

    def _refuses(self, end: float, seconds: int) -> bool:
        too_long = self.most_seconds is not None and seconds > self.most_seconds
        return too_long or any(end - seconds <= slot - 300 and slot <= end for slot in self.refused)

    def _samples(self, end: float, seconds: int) -> Iterator[dict[str, Any]]:
        first = int(end - seconds) // 15 * 15
        times = [at for at in range(first + 7, int(end) + 1, 15) if at > end - seconds and self._scraped(at)]
        good = self.values[GOOD] / (self.values[TOTAL] or 1)
        up = [1.0 if self._scrape(at) < round(SCRAPES * good) else 0.0 for at in times]
        amounts: dict[tuple[tuple[str, str], ...], float] = {}
        for definition in self.definitions:
            for labels, amount in self._amounts(definition.sli.needs(definition)):
                amounts[tuple(sorted(labels.items()))] = amount
        listed = [(at, value) for at, value in zip(times, up, strict=True) if at >= self.began]
        if listed:
            yield self._series({"__name__": "up", **TARGET}, *zip(*listed, strict=True))
        times = [moment for moment in times if moment >= self.born]
        for pairs, amount in amounts.items():
            yield self._series(dict(pairs), times, [self._counted(at) * amount for at in times])

    def _amounts(self, needs: Sequence[Need]) -> Iterator[tuple[dict[str, str], float]]:
        """The counters that serve an SLA, and by how much each rises in a slot."""
        if not needs or needs[0].kind is not Kind.COUNTER:
            return
        whole, part = needs
        good, total = self.values[GOOD], self.values[TOTAL]
        if part.bound is not None:
            yield _labels(whole), total
            yield {**_labels(part), "le": repr(part.bound)}, good
        else:
            errors = any(each.value == "error" for each in part.selector.matchers)
            yield {**_labels(whole), **_labels(part)}, total - good if errors else good
            yield {**_labels(whole), "status": "rest"}, good if errors else total - good

    @staticmethod
    def _scrape(at: int) -> int:
        return (at - SLOT) % 300 // 15

    @staticmethod
    def _counted(at: int) -> float:
        """Slots since the first one that matters, in parts of a scrape."""
        return ((at - SLOT) // 15 + 10_000) / SCRAPES

    def _scraped(self, at: int) -> bool:
        lacking = round(SCRAPES * (1 - self.values[COVERAGE]))
        return not 5 <= self._scrape(at) < 5 + lacking

    @staticmethod
    def _series(labels: dict[str, str], times: Sequence[int], values: Sequence[float]) -> dict[str, Any]:
        samples = [[at, str(value)] for at, value in zip(times, values, strict=True)]
        return {"metric": labels, "values": samples}

    def _listed(self, fields: Mapping[str, str]) -> list[dict[str, Any]]:
        step, start, end = (int(float(fields[name])) for name in ("step", "start", "end"))
        found = [[at, "1"] for at in range(start, end + 1, step) if at > self.began]
        return [{"metric": {}, "values": found}] if found else []

    def _percentiles(self, fields: Mapping[str, str]) -> list[dict[str, Any]]:
        start = int(float(fields.get("start") or fields["time"]))
        end = int(float(fields.get("end") or start))
        samples = [[at, str(self.values[ACTUAL])] for at in range(start, end + 1, 300)]
        tags = range(fields["query"].count("histogram_quantile"))
        return [{"metric": {"sla_expression": str(tag)}, "values": samples} for tag in tags]


def _labels(need: Need) -> dict[str, str]:
    equal = {each.label: each.value for each in need.selector.matchers if each.operator == "="}
    return {"__name__": need.selector.name, **TARGET, **equal}
