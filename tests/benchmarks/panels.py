"""`python -m benchmarks.panels`: what each panel's query costs a Prometheus with 15 days of data.

Asks every query of the dashboards as Grafana does for its default range on a wide screen: the same step, the
same $__rate_interval, by POST. Prints the slowest ten: the best wall time of some tries, the mean CPU of
Prometheus, and how many series came back. The smaller of the two counts: exit code 1 when one is beyond its
budget, 100 ms, or has no data: then it costs nothing, and says nothing of what it costs others.
"""

from __future__ import annotations

import argparse
import functools
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import promql_parser as promql
from rich.console import Console
from rich.table import Column, Table

from benchmarks import panel_world
from benchmarks.costs import Cost, cost
from benchmarks.engines import prometheus
from contract.exported import ROOT, known_metrics
from contract.promql_names import metric_names, selectors
from dashboards import screen
from dashboards.queries import BUILT_IN, panels, substitute, variables
from unit.sla_worker.prometheus_server import directories

BUDGET_SECONDS = 0.1
SLOWEST = 10
REPEATED = 5
STEPS = {17.5: 15, 25: 20, 45: 30, 90: 60, 210: 120, 450: 300, 750: 600, 1050: 900, 1500: 1200, 2700: 1800}
"""Below how many seconds a pixel Grafana takes which step; never one below the scrape interval."""
LONGEST_STEP = 3600
LOOKBACK_SECONDS = 300
TIMEOUT_SECONDS, WIDE = 120, 120
ONE = {
    "sla": {
        'unit="seconds"': "api-response-time-p95",
        'unit!~"ratio|seconds"': "worker-queue-depth",
        "": "platform-uptime",
    }
}
"""A panel that is repeated asks for one value of its variable at a time: the first whose words its query has.

It has a query for each kind of unit, of which an SLA has one.
"""
UNITS = {"m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class Asked:
    """A query as it is sent. `step` and `range` are in seconds; without a range it is an instant query."""

    dashboard: str
    panel: str
    expr: str
    step: int
    range: int

    @property
    def reach(self) -> int:
        """How far back it reads, in seconds."""
        return self.range + LOOKBACK_SECONDS + int(window(promql.parse(self.expr)).total_seconds())


def step_of(seconds: int, columns: int) -> int:
    """The step of a graph so wide over so long."""
    wanted = seconds / screen.width(columns)
    return next((step for limit, step in STEPS.items() if wanted < limit), LONGEST_STEP)


def queries(dashboard: Mapping[str, Any]) -> Iterator[Asked]:
    """Every query of its panels, with Grafana's variables as they are for the default range."""
    for panel in panels(dashboard):
        for target in panel.get("targets", []):
            since = panel.get("timeFrom") or dashboard["time"]["from"].removeprefix("now-")
            seconds = int(since[:-1]) * UNITS[since[-1]]
            least = panel.get("interval", "0m")
            step = max(step_of(seconds, panel["gridPos"]["w"]), int(least[:-1]) * UNITS[least[-1]])
            values = {
                **BUILT_IN,
                "__interval": f"{step}s",
                "__rate_interval": f"{max(step + panel_world.SCRAPE_SECONDS, 60)}s",
                "__range": f"{seconds}s",
                "__range_s": str(seconds),
                **variables(dashboard),
            }
            if panel.get("repeat") in ONE:
                one = next(value for words, value in ONE[panel["repeat"]].items() if words in target["expr"])
                values |= {panel["repeat"]: one}
            expr = substitute(target["expr"], values)
            yield Asked(dashboard["title"], panel["title"], expr, step, 0 if target["instant"] else seconds)


def window(tree: promql.Expr) -> timedelta:
    """The longest way back of an expression: its ranges, one inside the other, and its offsets."""
    match tree:
        case promql.MatrixSelector():
            own, inside = tree.range, [window(tree.vector_selector)]
        case promql.SubqueryExpr():
            own, inside = (tree.range or timedelta()) + (tree.offset or timedelta()), [window(tree.expr)]
        case promql.VectorSelector():
            own, inside = tree.offset or timedelta(), []
        case promql.Call():
            own, inside = timedelta(), [window(each) for each in tree.args]
        case promql.BinaryExpr():
            own, inside = timedelta(), [window(tree.lhs), window(tree.rhs)]
        case promql.AggregateExpr() | promql.ParenExpr() | promql.UnaryExpr():
            own, inside = timedelta(), [window(tree.expr)]
        case _:
            own, inside = timedelta(), []
    return own + max(inside, default=timedelta())


def reach_of(asked: list[Asked]) -> dict[str, int]:
    """Metric → how many seconds back it is read."""
    reach = {"up": LOOKBACK_SECONDS * 2}  # asked until the server is ready
    for each in asked:
        for selector in selectors(promql.parse(each.expr)):
            for name in metric_names(selector, known_metrics()):
                reach[name] = max(reach.get(name, 0), each.reach)
    return reach


def sent(client: httpx.Client, asked: Asked, end: int) -> list[Any]:
    """The series that come back."""
    form: dict[str, str | int] = {"query": asked.expr}
    if asked.range:
        form |= {"start": end - asked.range, "end": end, "step": asked.step}
        answer = client.post("/api/v1/query_range", data=form)
    else:
        answer = client.post("/api/v1/query", data=form | {"time": end})
    content = answer.json()
    if content["status"] != "success":
        raise RuntimeError(f"{asked.panel}: {content['error']}: {asked.expr}")
    result: list[Any] = content["data"]["result"]
    return result


def chosen_by(asked: list[Asked]) -> dict[tuple[str, str], str]:
    """(Metric, label) → a value that a query asks for."""
    return {
        (name, matcher.name): matcher.value
        for each in asked
        for selector in selectors(promql.parse(each.expr))
        for name in metric_names(selector, known_metrics())
        for matcher in selector.matchers.matchers
        if matcher.op == promql.MatchOp.Equal
    }


@dataclass(frozen=True, slots=True)
class Measured:
    """What a query costs, and how many series it returns."""

    asked: Asked
    cost: Cost
    series: int

    @property
    def seconds(self) -> float:
        """What counts: on a busy machine the wall time holds much that the query did not cause."""
        return min(self.cost.wall, self.cost.engine)


def measured(directory: str, asked: list[Asked], end: int) -> list[Measured]:
    """What each query costs, the slowest first."""
    found = []
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch) / "data"
        series, samples = panel_world.store(directory, data, reach_of(asked), chosen_by(asked), end)
        print(f"{len(asked)} queries, {series} series, {samples / 1e6:.1f} million samples", flush=True)
        with (
            prometheus(directory, data, end) as server,
            httpx.Client(base_url=server.url, timeout=TIMEOUT_SECONDS) as client,
        ):
            for each in asked:
                ask = functools.partial(sent, client, each, end)
                found.append(Measured(each, cost(ask, server.cpu, REPEATED), len(ask())))
    return sorted(found, key=lambda each: -each.seconds)


def table_of(found: list[Measured]) -> Table:
    """The slowest of them."""
    right = [Column(name, justify="right") for name in ("ms", "CPU ms", "series")]
    table = Table("Dashboard", "Panel", *right)
    for each in found[:SLOWEST]:
        wall, engine = each.cost.wall * 1000, each.cost.engine * 1000
        table.add_row(
            each.asked.dashboard, each.asked.panel, f"{wall:.1f}", f"{engine:.0f}", str(each.series)
        )
    return table


def main(argv: list[str] | None = None) -> int:
    """Print the table; 1 when a query takes longer than its budget, or has no data."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.panels", description=__doc__)
    parser.add_argument("--budget", type=float, default=BUDGET_SECONDS * 1000, help="ms (default: 100)")
    budget = parser.parse_args(argv).budget / 1000
    files = sorted((ROOT / "grafana" / "dashboards" / "json").glob("*.json"))
    asked = [each for file in files for each in queries(json.loads(file.read_text(encoding="utf-8")))]
    end = int(time.time()) // panel_world.SLOT_SECONDS * panel_world.SLOT_SECONDS
    found = measured(directories()[0], asked, end)
    Console(width=WIDE).print(table_of(found))
    slow = [each for each in found if each.seconds > budget]
    empty = [each for each in found if not each.series]
    print(f"over {budget * 1000:g} ms: {len(slow)} of {len(found)}; without data: {len(empty)}")
    for what, those in ((f"over {budget * 1000:g} ms", slow), ("without data", empty)):
        for each in those:
            print(f"{what}: {each.asked.dashboard}, {each.asked.panel}: {each.asked.expr}")
    return 1 if slow or empty else 0


if __name__ == "__main__":
    sys.exit(main())
