"""The figures of the SLA dashboard are those of the ledger, and nothing looks green that is not known to be.

A ledger of an hour is written with the shipped SLAs; what the worker exports of it goes into a real
Prometheus, and the queries of the committed dashboard are asked there.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from prometheus_client.parser import text_string_to_metric_families

from contract.appearance import color, settings
from dashboards.definitions import DEFINITIONS_FILE, REPOSITORY
from dashboards.names import BURN_RATE, WINDOW_BUDGET
from dashboards.queries import BUILT_IN, panels, substitute, variables
from dashboards.sla import expressions as ql
from sla_worker.conventions import SLA_DASHBOARD_UID
from sla_worker.database import SLADatabase
from sla_worker.definitions import read_definitions
from sla_worker.evaluation import evaluate
from sla_worker.exporter import Exporter
from sla_worker.grid import Grid
from sla_worker.model import Definition, Figures, Measurement, Report
from sla_worker.prometheus import PrometheusClient
from sla_worker.reports import period_report
from sla_worker.windows import read
from unit.sla_worker.prometheus_server import client_of, directories, load, serving

GRID = Grid(300, 15)
END = 1_763_121_600  # 14 November 2025, 12:00 UTC: the end of the newest slot
SLOTS = 12
SCRAPED = 1200
"""Seconds after END of the last scrape."""
DIRECTORY = directories()[0]  # the figures do not depend on the version
BOARD = json.loads((REPOSITORY / f"grafana/dashboards/json/{SLA_DASHBOARD_UID}.json").read_text("utf-8"))
BY_ID = {panel["id"]: panel for panel in panels(BOARD)}
DEFINITIONS = read_definitions(DEFINITIONS_FILE)

Slot = Mapping[str, tuple[float, float] | None]
"""Good and total events of each component; None: nothing was there."""


def fine(_definition: Definition, _number: int) -> Slot:
    """100 events, all good."""
    return {"all": (100, 100)}


def mixed(definition: Definition, number: int) -> Slot:
    """An outage of one slot that is over, a breach that lasts, a component of two, and one without data."""
    if definition.key == "platform-uptime":
        return {"all": (0, 100) if number == 5 else (100, 100)}
    if definition.key == "api-error-rate":
        return {"all": (95, 100) if number >= 10 else (100, 100)}
    if definition.key == "agent-worker-uptime":
        return {"worker-1": (100, 100), "worker-2": (50, 100) if number == 3 else (100, 100)}
    if definition.key == "retry-success-rate":
        return {"all": None}
    if definition.key == "database-query-time-p95":
        return {"all": (97, 100)}
    return fine(definition, number)


def application_gone(definition: Definition, number: int) -> Slot:
    """What the application exports is not there, it does not answer; the monitoring watches itself."""
    if definition.sli.metric_name.startswith("insa_"):
        return {"all": None}
    if definition.key == "platform-uptime":
        return {"all": (0, 100)}
    return fine(definition, number)


@dataclass(frozen=True)
class World:
    """A Prometheus that scraped the worker for two minutes after its pass, and what the ledger says."""

    client: PrometheusClient
    report: Report

    def ask(self, panel_id: int, position: int = 0, *, after: int = 60) -> list[tuple[dict[str, str], float]]:
        """What a query of a panel gives so many seconds after the pass."""
        expr = BY_ID[panel_id]["targets"][position]["expr"]
        expr = substitute(expr, {**BUILT_IN, **variables(BOARD)})
        return [(dict(each.labels), each.values[-1]) for each in self.client.query(expr, END + after).series]

    def number(self, panel_id: int, position: int = 0, *, after: int = 60) -> float | None:
        found = self.ask(panel_id, position, after=after)
        assert len(found) <= 1
        return found[0][1] if found else None

    def by_sla(self, panel_id: int, position: int = 0) -> dict[str, float]:
        return {labels["sla"]: value for labels, value in self.ask(panel_id, position)}


def rows(what: Any) -> Iterator[Measurement]:
    for number in range(SLOTS):
        slot = END - (SLOTS - 1 - number) * GRID.slot_seconds
        for definition in DEFINITIONS:
            if definition.sli.members:
                continue
            for component, counts in what(definition, number).items():
                figures = Figures(coverage=0.0)
                if counts is not None:
                    good, total = counts
                    figures = Figures(good=good, total=total, coverage=1.0, actual=definition.target)
                of = definition.component if component == "all" else component
                yield evaluate(definition, slot, figures, component=of)


def exported(database: SLADatabase, newest: list[Measurement]) -> str:
    """What the worker exports after its pass, as OpenMetrics: scraped every 15 seconds.

    The scrapes go on for longer than the figures speak of now: the passes after this one have failed.
    """
    exporter = Exporter(DEFINITIONS, GRID, ())
    exporter.counted(newest)
    exporter.show(read(database, ZoneInfo("UTC"), END + 20))
    exporter.passed(success=True, duration_seconds=0.01, now=END + 20)
    lines = []
    for family in text_string_to_metric_families(exporter.text().decode()):
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sample.labels.items())
            lines += [
                f"{sample.name}{{{labels}}} {sample.value} {END + seconds}"
                for seconds in range(30, SCRAPED + 1, 15)
                if sample.name.startswith("sla_")
            ]
    return "\n".join([*lines, "# EOF", ""])


@contextmanager
def world(directory: Path, what: Any) -> Iterator[World]:
    """A ledger in which that happened, and a Prometheus that has scraped the worker."""
    with closing(SLADatabase(directory / "sla.db", grid=GRID, clock=lambda: END + 20)) as database:
        database.sync_definitions(DEFINITIONS)
        newest: list[Measurement] = []
        for _, slot in itertools.groupby(rows(what), key=lambda row: row.slot):
            newest = list(slot)
            database.store(newest)
        said = period_report(database, title="Daily", hours=24, now=END + 20)
        load(DIRECTORY, directory / "data", exported(database, newest))
    with serving(DIRECTORY, directory / "data") as url:
        yield World(client_of(url), said)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("known"), mixed) as made:
        yield made


@pytest.fixture(scope="module")
def without_application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("gone"), application_gone) as made:
        yield made


def test_the_score_is_that_of_the_report(known: World) -> None:
    # Of 36 SLAs three miss their targets (outage, errors, a worker), one has no data: 32 of 35 keep them.
    assert known.number(11) == pytest.approx(32 / 35)
    assert known.report.score_ratio == pytest.approx(32 / 35)
    assert [known.number(13, position) for position in range(3)] == [32, 3, 1]
    assert [known.number(73, position) for position in range(3)] == [32, 3, 1]


def test_what_is_broken_now(known: World) -> None:
    assert known.number(12) == len(known.report.active_breaches) == 1
    # The newest slot ended at END; the pass that measured it, 20 s later, is 40 s of 300 s ago.
    assert known.number(14) == pytest.approx(40 / 300)


def test_the_table_has_a_row_for_each_sla_with_the_figures_of_its_worst_component(known: World) -> None:
    keys = {each.key for each in known.report.statuses}
    compliance, budget, burn, coverage = (known.by_sla(16, position) for position in (4, 5, 6, 7))
    assert set(known.by_sla(16, 0)) == keys
    assert len(keys) == 36

    # 100 bad of 1,200; 10 bad of 1,200; of the second worker 50 bad of 1,200; each may have 1 in 1,000.
    of_three = {"platform-uptime": 100 / 1200, "api-error-rate": 10 / 1200, "agent-worker-uptime": 50 / 1200}
    for key, bad in of_three.items():
        assert compliance[key] == pytest.approx(1 - bad)
        assert budget[key] == pytest.approx(1 - bad / 0.001)
        assert burn[key] == pytest.approx(bad / 0.001)
    # And of every SLA what the ledger says.
    for key in keys:
        ratios = [
            each.compliance_ratio
            for each in known.report.statuses
            if each.key == key and each.compliance_ratio is not None
        ]
        assert compliance.get(key) == (pytest.approx(min(ratios)) if ratios else None)
    assert {key for key in keys if key not in budget} == {"retry-success-rate"}
    assert (coverage["retry-success-rate"], coverage["platform-uptime"]) == (0, 1)


def test_words_of_the_table(known: World) -> None:
    statuses, verdicts = known.by_sla(16, 1), known.by_sla(16, 2)
    assert shown(16, "Status", statuses["api-error-rate"]) == "Critical"  # 5 % of the newest slot, 50 times
    assert shown(16, "Status", statuses["platform-uptime"]) == "Excellent"  # its outage is over
    assert shown(16, "Status", statuses["retry-success-rate"]) == "No data"
    assert {key for key, value in verdicts.items() if shown(16, "Verdict", value) == "Fail"} == {
        "platform-uptime",
        "api-error-rate",
        "agent-worker-uptime",
    }
    assert shown(16, "Verdict", verdicts["cache-hit-rate"]) == "Pass"
    assert "retry-success-rate" not in verdicts
    assert shown(16, "Budget left", known.by_sla(16, 5)["platform-uptime"]) == "Exhausted"


def test_all_is_said_of_all_alone() -> None:
    """Three decimals of a percentage show 99.9995 % and more as 100.000 %."""
    million = 1_000_000
    for bad, text in ((0, "1"), (1, "> 99.999 %"), (5, "> 99.999 %"), (6, f"{1 - 6 / million:g}")):
        assert shown(16, "Compliance", 1 - bad / million) == text


def test_the_worst_come_first(known: World) -> None:
    order = sorted(known.by_sla(16, 8).items(), key=lambda item: item[1])
    first = [key for key, _ in order[:4]]
    assert first[0] == "api-error-rate"  # missed now
    assert set(first[1:3]) == {"platform-uptime", "agent-worker-uptime"}  # overspent
    assert first[3] == "retry-success-rate"  # not measured: before what is known to be fine
    # 3 bad in 100 where 5 may be: three fifths of the budget are used, more than the rest has used.
    assert order[4][0] == "database-query-time-p95"


def test_error_budgets(known: World) -> None:
    smallest = [(labels["name"], value) for labels, value in known.ask(17)]
    assert len(smallest) == 10
    assert [name for name, _ in smallest[:3]] == ["Platform Uptime", "Agent Worker Uptime", "API Error Rate"]
    assert shown(17, None, smallest[0][1]) == "Exhausted"
    burning = [(labels["name"], value) for labels, value in known.ask(61)]
    assert burning[0] == ("Platform Uptime", pytest.approx(100 / 1200 / 0.001))
    # 0.4 of the budget is left, and goes at 0.6 of the rate at which all of it lasts 30 days: 20 days.
    assert known.ask(62)[0] == (
        {"name": "Database Query Time P95", "sla": "database-query-time-p95"},
        pytest.approx(20 * 86400),
    )
    assert {shown(62, None, value) for _, value in known.ask(62)[-3:]} == {"Over 4 weeks"}


def test_the_month(known: World) -> None:
    assert {labels["category"]: value for labels, value in known.ask(71)} == {
        "availability": pytest.approx(3 / 5),
        "performance": 1,
        "reliability": pytest.approx(6 / 7),  # one of eight had no data
        "efficiency": 1,
        "business": 1,
        "compliance": 1,
        "composite": 1,
    }
    # Two slots of errors, one of the outage, one of a worker.
    assert known.by_sla(72, 0) == {"api-error-rate": 600, "platform-uptime": 300, "agent-worker-uptime": 300}
    assert known.by_sla(72, 1) == dict.fromkeys(known.by_sla(72, 0), 1)
    assert known.by_sla(72, 2) == known.by_sla(72, 0)


def test_graphs_end_with_the_newest_slot(known: World) -> None:
    def by(label: str, panel_id: int, position: int = 0) -> dict[str, float]:
        return {labels[label]: value for labels, value in known.ask(panel_id, position)}

    assert by("component", 101) == {"all": 1}  # the outage of the platform is over
    assert by("component", 301) == {"all": 0.05}  # 5 of 100 requests fail
    assert [known.number(15, position) for position in (0, 1)] == [1, 1]  # that breach, a critical one
    burn, left, kept, coverage = (by("category", panel_id) for panel_id in (63, 64, 65, 51))
    # The worst of each: 100 and 10 bad of 1,200 where 1 in 1,000 may be; 36 of 1,200 where 5 in 100 may be.
    assert burn["availability"] == pytest.approx(100 / 1200 / 0.001)
    assert burn["reliability"] == pytest.approx(10 / 1200 / 0.001)
    assert burn["performance"] == pytest.approx(0.6)
    assert (left["availability"], left["performance"]) == (0, pytest.approx(0.4))
    assert (kept["availability"], kept["performance"]) == (pytest.approx(3 / 5), 1)
    assert (coverage["availability"], coverage["reliability"]) == (1, 0)  # retries had no data


def test_the_details_show_each_component_beside_the_target(known: World) -> None:
    ratios = {(each["sla"], each["component"]): value for each, value in known.ask(81, 0)}
    targets = {each["sla"]: value for each, value in known.ask(81, 3)}
    assert ratios["agent-worker-uptime", "worker-1"] == 1
    assert ratios["agent-worker-uptime", "worker-2"] == 1
    assert (targets["agent-worker-uptime"], targets["api-response-time-p95"]) == (0.999, 5)
    assert {each["sla"] for each, _ in known.ask(81, 1)} >= {
        "api-response-time-p95",
        "database-query-time-p95",
    }


def test_the_details_show_burn_rate_and_budget_for_each_window(known: World) -> None:
    """All events lie in the newest hour, so every window has the same; and one chosen SLA has its own."""
    burns, budgets = ({each["window"]: value for each, value in known.ask(panel_id)} for panel_id in (83, 84))
    # The worst SLA: 100 of 1,200 bad where 1 in 1,000 may be.
    assert burns == dict.fromkeys(("1h", "6h", "1d", "3d"), pytest.approx(100 / 1200 / 0.001))
    assert budgets == dict.fromkeys(("1d", "30d", "month"), 0)
    # 36 of 1,200 bad where 5 in 100 may be.
    chosen = {"sla": "database-query-time-p95", "category": ".*"}
    for aggregation, metric, figure in (("max", BURN_RATE, 0.6), ("min", WINDOW_BUDGET, 0.4)):
        expr = substitute(ql.by_window(aggregation, metric), chosen)
        found = [each.values[-1] for each in known.client.query(expr, END + 60).series]
        assert found == pytest.approx([figure] * len(found))
        assert found


INSTANT = [each for each in BY_ID.values() if each["type"] in {"stat", "gauge", "bargauge", "table"}]


def test_every_instant_query_of_the_dashboard_is_answered(known: World) -> None:
    silent = [
        (panel["title"], position)
        for panel in INSTANT
        for position in range(len(panel["targets"]))
        if not known.ask(panel["id"], position)
    ]
    assert silent == []


@pytest.mark.parametrize("after", [920, SCRAPED + 301], ids=["its passes fail", "it is gone"])
def test_without_the_worker_nothing_is_shown_as_if_it_were_now(known: World, after: int) -> None:
    """Three slots after its last pass at END + 20, and five minutes after its last scrape."""
    for panel in INSTANT:
        for position in range(len(panel["targets"])):
            found = known.ask(panel["id"], position, after=after)
            if panel["id"] == 14 and after == 920:
                assert shown(14, None, found[0][1], colour=True) == "red"
            else:
                assert found == [], (panel["title"], position)
        assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"][0]["color"] != "green"


def test_when_the_worker_is_gone_no_graph_goes_on(known: World) -> None:
    going_on = [
        (panel["title"], position)
        for panel in BY_ID.values()
        for position in range(len(panel["targets"]))
        if known.ask(panel["id"], position, after=SCRAPED + 3901)  # past the hour of the longest window
    ]
    assert going_on == []


def test_without_the_application_no_figure_is_green(without_application: World) -> None:
    gone = without_application
    assert gone.number(12) == 1
    met, missed, unmeasured = (gone.number(13, position) for position in range(3))
    assert missed == 3  # platform-uptime, and the two scores, of whose members it alone was measured
    assert unmeasured is not None
    assert unmeasured > 20
    for panel in (each for each in INSTANT if each["type"] in {"stat", "gauge"}):
        for position, target in enumerate(panel["targets"]):
            value = gone.number(panel["id"], position)
            if value is not None:
                colour = shown(panel["id"], target["legendFormat"], value, colour=True)
                assert colour != "green", (panel["title"], target["legendFormat"], value)
    assert met is not None
    statuses = gone.by_sla(16, 1)
    assert shown(16, "Status", statuses["platform-uptime"]) == "Critical"
    assert shown(16, "Status", statuses["cache-hit-rate"]) == "No data"


def shown(panel_id: int, field: str | None, value: float, *, colour: bool = False) -> str:
    """The word, or the colour, in which Grafana shows a value: by mappings, else by thresholds."""
    config = settings(BY_ID[panel_id], field or "")
    if colour:
        return color(config, value)
    for mapping in config.get("mappings", []):
        options = mapping["options"]
        if mapping["type"] == "value" and f"{value:g}" in options:
            return str(options[f"{value:g}"]["text"])
        low, high = options.get("from"), options.get("to")
        if mapping["type"] == "range" and (low is None or value >= low) and (high is None or value <= high):
            return str(options["result"]["text"])
    return f"{value:g}"
