"""`python -m benchmarks.counting`: what it costs to count the SLAs of one slot, in every way there is.

Fills a Prometheus of its own with the counters of so many SLAs (two instances, two statuses each, scraped
every 15 s) and counts the newest slot: as the sla-worker does, from raw samples, and by a subquery of
differences at aligned steps, by increase(), by increase() over anchored ranges, by requests for each SLA, and
by slo-generator from PyPI. Prints for each the wall time, the CPU of both sides, and its wall time ÷ the
sla-worker's; and what the sla-worker does after a pass, which the others do not: it reads six windows of the
ledger (here one of a few slots) and writes its metrics. Half of what the target of an SLA allows is bad; the
sla-worker's part is measured once more with every SLA in breach, as in an outage of everything.
`--victoria-metrics` asks VictoriaMetrics in place of Prometheus, in the sla-worker's way alone; `--database
postgresql` stores in a server of its own, whose CPU is shown too. `--slas 36,360,3600,10000` chooses the
sizes, `--no-slo-generator` leaves that one out; beyond 3,600 all other ways are left out, which would take
minutes.
At the end: what a slot costs both sides at each size, beside its budget, and how it grows.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Column, Table

from benchmarks import slo_generator
from benchmarks.costs import Cost, cost
from benchmarks.engines import Server, prometheus, victoria_metrics
from benchmarks.places import Ledger, asked_for, ledger
from sla_worker import windows
from sla_worker.database import SLADatabase
from sla_worker.exporter import Exporter
from sla_worker.grid import Grid
from sla_worker.measuring import Measurer
from sla_worker.model import Comparison, Definition
from sla_worker.selectors import parse_selector
from sla_worker.sli.events import EventsSli
from unit.sla_worker.engines import VICTORIA_METRICS
from unit.sla_worker.prometheus_server import directories, load

GRID = Grid(300, 15)
SLOTS = 3
BEGIN = int(time.time() - 30) // 300 * 300 - SLOTS * 300  # the newest slot is final
NEWEST = BEGIN + SLOTS * 300
AHEAD = 40  # scrapes after the newest slot: slo-generator asks for the time at which it runs
METRIC = "bench_requests_total"
AT_ONCE = 360  # so many SLAs in one query of the other ways: more is refused for its length
COMPARED = 3600  # so many SLAs at most are counted in the other ways too
REPEATED = 5
OURS = "sla-worker: raw samples, a whole pass"
AFTER = "sla-worker: then windows and metrics"
IN_BREACH = "the same, every SLA in breach"
AFTER_IN_BREACH = "then windows and metrics"
MET, MISSED = 0.5, 0.01  # targets: a quarter of the events is bad
BUDGETS = {36: (0.010, 0.1), 3600: (0.150, 3.0)}
"""Seconds: wall time of a pass, and CPU of a slot on both sides, windows and metrics included."""


def definitions(count: int, target: float = MET) -> tuple[Definition, ...]:
    """SLAs over one metric, told apart by a label, as those of many services are."""
    return tuple(
        Definition(
            key=f"service-{number}",
            name=f"Service {number}",
            category="reliability",
            description="",
            comparison=Comparison.AT_MOST,
            target=target,
            unit="ratio",
            severity="low",
            sli=EventsSli(
                total=parse_selector(f'{METRIC}{{service="s{number}"}}'),
                bad=parse_selector(f'{METRIC}{{service="s{number}",status="error"}}'),
            ),
        )
        for number in range(count)
    )


def openmetrics(count: int) -> Iterator[str]:
    """Four counters of each service; those of success rise by 3 with every scrape, those of error by 1."""
    scrapes = range(SLOTS * 20 + (AHEAD if count <= AT_ONCE else 0))
    yield f"# TYPE {METRIC.removesuffix('_total')} counter\n"
    for service in range(count):
        for instance in ("a", "b"):
            for status, step in (("success", 3), ("error", 1)):
                labels = f'job="bench",instance="{instance}",service="s{service}",status="{status}"'
                for scrape in scrapes:
                    yield f"{METRIC}{{{labels}}} {1000 + step * scrape} {BEGIN + 15 * scrape + 7}.000\n"
    yield "# TYPE up gauge\n"
    for instance in ("a", "b"):
        for scrape in scrapes:
            yield f'up{{job="bench",instance="{instance}"}} 1 {BEGIN + 15 * scrape + 7}.000\n'
    yield "# EOF\n"


class Ways:
    """The ways of counting the newest slot of so many SLAs."""

    def __init__(self, server: Server, count: int, home: Ledger, target: float = MET) -> None:
        self._server = server
        self._count = count
        self._definitions = definitions(count, target)
        self._slot = NEWEST
        self._home = home
        self._database = SLADatabase(home.place, grid=GRID, clock=lambda: NEWEST)
        self._database.sync_definitions(self._definitions)

    def close(self) -> None:
        """Close the ledger."""
        self._database.close()

    def cost(self, action: Callable[[], object], repeated: int = REPEATED) -> Cost:
        """What one of these ways costs here, in the engine and in the server of the ledger."""
        return cost(action, self._server.cpu, repeated, self._home.server_cpu)

    def worker(self) -> Callable[[], object]:
        """A whole pass: query, evaluation, commit. Each one has a slot of its own to store."""
        measurer = Measurer(self._definitions, self._server.client, GRID)
        missing = {each.key: {NEWEST} for each in self._definitions}

        def one_pass() -> None:
            slots = range(NEWEST, NEWEST + 1, 300)
            rows = measurer.measure(self._definitions, slots, missing, NEWEST).rows
            # The same samples stand for one slot after the other.
            self._database.store([replace(row, slot=self._slot) for row in rows])
            self._slot += 300
            assert {(row.good, row.total) for row in rows} == {(20 * 2 * 3, 20 * 2 * 4)}

        return one_pass

    def after(self) -> Callable[[], object]:
        """What the service does once a pass is stored, and the text that the next scrape gets."""
        exporter = Exporter(self._definitions, GRID, ())

        def show() -> None:
            now = self._slot - 300 + GRID.settle_seconds
            exporter.show(windows.read(self._database, ZoneInfo("UTC"), now))
            assert exporter.text().count(b"sla_burn_rate{") == 4 * self._count

        return show

    def subqueries(self) -> Callable[[], object]:
        """Differences at aligned steps, as recording rules or asked directly."""

        def rose(selector: str) -> str:
            previous = f"last_over_time({selector}[5m] offset 15s)"
            inner = f"sum(({selector} - {previous} >= 0) or ({selector} < {previous}))"
            return f"sum_over_time({inner}[5m:15s] offset 15s)"

        return self._asked(rose, NEWEST + 15.001)

    def increase(self) -> Callable[[], object]:
        """increase(), which extrapolates: cheap, and a fraction."""
        return self._asked(lambda selector: f"sum(increase({selector}[5m]))", NEWEST)

    def anchored(self) -> Callable[[], object]:
        """increase() over anchored ranges: exact where nothing is born and nothing fails for long."""
        return self._asked(lambda selector: f"sum(increase({selector}[5m] anchored))", NEWEST)

    def single(self) -> Callable[[], object]:
        """Two requests for each SLA."""

        def ask() -> None:
            for each in self._definitions:
                for selector in self.selectors(each):
                    assert self._server.client.query(f"sum(increase({selector}[5m]))", NEWEST).series

        return ask

    def _asked(self, expression: Callable[[str], str], at: float) -> Callable[[], object]:
        texts = [
            f'label_replace({expression(selector)}, "tag", "{each.key}-{number}", "", "")'
            for each in self._definitions
            for number, selector in enumerate(self.selectors(each))
        ]
        queries = [
            _balanced(texts[start : start + 2 * AT_ONCE]) for start in range(0, len(texts), 2 * AT_ONCE)
        ]

        def ask() -> None:
            assert sum(len(self._server.client.query(each, at).series) for each in queries) == len(texts)

        return ask

    @staticmethod
    def selectors(definition: Definition) -> tuple[str, str]:
        sli = definition.sli
        assert isinstance(sli, EventsSli)
        return str(sli.total), str(sli.bad)


def _balanced(parts: Sequence[str]) -> str:
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    return f"({_balanced(parts[:half])} or {_balanced(parts[half:])})"


@contextmanager
def serving(engine: str, count: int, scratch: Path) -> Iterator[Server]:
    """The engine, with the counters of so many SLAs."""
    text = "".join(openmetrics(count))
    if engine == VICTORIA_METRICS:
        (samples := scratch / "input.om").write_text(text)
        with victoria_metrics(samples, scratch / "engine") as server:
            yield server
        return
    load(engine, scratch / "data", text)
    with prometheus(engine, scratch / "data", NEWEST) as server:
        yield server


def measure(count: int, engine: str, database: str, interpreter: Path | str) -> dict[str, Cost | str]:
    """Every way at one size; in VictoriaMetrics, whose increase() is another one, the sla-worker's alone."""
    with tempfile.TemporaryDirectory(prefix="bench-counting-") as name, ExitStack() as stack:
        scratch = Path(name)
        server = stack.enter_context(serving(engine, count, scratch))
        ledgers = []
        for each in ("met", "missed"):
            (scratch / each).mkdir()
            ledgers.append(stack.enter_context(ledger(database, scratch / each)))
        ways, bad = Ways(server, count, ledgers[0]), Ways(server, count, ledgers[1], MISSED)
        stack.callback(ways.close)
        found: dict[str, Cost | str] = {
            OURS: ways.cost(ways.worker()),
            AFTER: ways.cost(ways.after()),
            IN_BREACH: bad.cost(bad.worker()),
            AFTER_IN_BREACH: bad.cost(bad.after()),
        }
        bad.close()
        if count > COMPARED or engine == VICTORIA_METRICS:
            return found
        few = REPEATED if count <= AT_ONCE else 1
        found |= {
            "increase(), one query": ways.cost(ways.increase(), few),
            "increase(), anchored, one query": ways.cost(ways.anchored(), few),
            "subqueries of differences, one query": ways.cost(ways.subqueries(), few),
            "increase(), two requests an SLA": ways.cost(ways.single(), few),
        }
        if isinstance(interpreter, str):
            found["slo-generator 2.6.0"] = interpreter
        elif count <= AT_ONCE:
            pairs = [ways.selectors(each) for each in definitions(count, MET)]
            found["slo-generator 2.6.0"] = slo_generator.cost(interpreter, server.url, pairs, server.cpu)
        return found


def main(argv: list[str] | None = None) -> int:
    """Print a table for each size."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.counting", description=__doc__)
    parser.add_argument("--slas", default="36,360,3600,10000", help="sizes (default: 36,360,3600,10000)")
    parser.add_argument("--no-slo-generator", action="store_true", help="leave slo-generator out")
    parser.add_argument("--victoria-metrics", action="store_true", help="ask it in place of Prometheus")
    asked_for(parser)
    options = parser.parse_args(argv)
    console = Console(width=120)
    engine = VICTORIA_METRICS if options.victoria_metrics else directories()[-1]
    none = options.no_slo_generator or options.victoria_metrics
    with tempfile.TemporaryDirectory(prefix="bench-counting-") as scratch:
        interpreter = "left out" if none else slo_generator.installed(Path(scratch))
        sizes = [int(each) for each in options.slas.split(",")]
        _print(console, sizes, engine, options.database, interpreter)
    return 0


def _print(
    console: Console, sizes: Sequence[int], engine: str, database: str, interpreter: Path | str
) -> None:
    slots: dict[int, tuple[Cost, Cost]] = {}
    for count in sizes:
        found = measure(count, engine, database, interpreter)
        ours, after = found[OURS], found[AFTER]
        assert isinstance(ours, Cost)
        assert isinstance(after, Cost)
        slots[count] = ours, after
        name = "VictoriaMetrics" if engine == VICTORIA_METRICS else "Prometheus"
        table = Table(
            Column("Way", min_width=38),
            "Wall",
            "CPU here",
            "… engine",
            "… ledger",
            "Times our wall",
            title=f"{count} SLAs, from {name}, into {database}",
        )
        for way, one in found.items():
            if isinstance(one, str):
                table.add_row(way, one, "", "", "", "")
                continue
            times = [f"{each * 1000:.1f} ms" for each in (one.wall, one.own, one.engine, one.ledger)]
            table.add_row(way, *times, f"{one.wall / ours.wall:.1f}")
        console.print(table)
    console.print(_growth(slots))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    console.print(f"peak memory of this program, the world's text included: {peak:.0f} MiB")


def _growth(slots: dict[int, tuple[Cost, Cost]]) -> Table:
    """What a slot costs at each size, and how many times as much as at the first one."""
    table = Table(
        title="A slot: its pass, then windows and metrics; CPU here, of the engine and of the ledger"
    )
    for name in ("SLAs", "pass, wall", "budget", "CPU of all", "budget", "here, engine, ledger"):
        table.add_column(name, justify="right")
    for name in ("SLAs: times", "CPU: times"):
        table.add_column(name, justify="right")
    parts = {
        count: [sum(each) for each in zip(*((one.own, one.engine, one.ledger) for one in costs), strict=True)]
        for count, costs in slots.items()
    }
    first = next(iter(slots))
    for count, (ours, _) in slots.items():
        limits = [f"{each * 1000:g} ms" for each in BUDGETS.get(count, ())] or ["", ""]
        table.add_row(
            str(count),
            f"{ours.wall * 1000:.1f} ms",
            limits[0],
            f"{sum(parts[count]) * 1000:.0f} ms",
            limits[1],
            " + ".join(f"{each * 1000:.0f}" for each in parts[count]),
            f"{count / first:.0f}",
            f"{sum(parts[count]) / sum(parts[first]):.0f}",
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
