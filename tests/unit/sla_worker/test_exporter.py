"""The worker's own metrics: what follows the grid, the rules and the components of the ledger."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sla_worker.database import SLADatabase
from sla_worker.exporter import Exporter
from sla_worker.grid import Grid
from sla_worker.model import Breach, Comparison
from sla_worker.windows import Now
from unit.sla_worker.fake_prometheus import DEFINITIONS, GOOD
from unit.sla_worker.setting import Setting


@pytest.fixture
def exporter() -> Exporter:
    return Exporter(DEFINITIONS, Grid(1800, 15), ())


def test_it_tells_the_length_of_a_slot(exporter: Exporter) -> None:
    assert b"\nsla_worker_slot_seconds 1800.0\n" in exporter.text()


def test_a_component_that_the_ledger_no_longer_names_leaves_no_series(
    exporter: Exporter, tmp_path: Path
) -> None:
    database = SLADatabase(tmp_path / "sla.db", clock=lambda: 1_700_000_100)
    database.sync_definitions(DEFINITIONS)
    status = database.get_current_sla_status(24)[0]
    database.close()
    two = [replace(status, component=name, good=1, total=1, compliance_ratio=1.0) for name in ("crm", "mail")]
    exporter.show(Now({"1d": two}))
    # Objective, target, compliance; 10 statuses; of the day compliance, coverage, budget and burn rate.
    assert exporter.text().count(b'component="mail"') == 3 + 10 + 4
    exporter.show(Now({"1d": two[:1]}))
    assert b'component="mail"' not in exporter.text()
    assert exporter.text().count(b'component="crm"') == 3 + 10 + 4


def test_a_breach_has_the_moment_it_began_while_it_lasts(exporter: Exporter) -> None:
    breach = Breach(
        id=1,
        name="API",
        key="api",
        component="crm",
        description="",
        severity="high",
        unit="ratio",
        comparison=Comparison.AT_LEAST,
        target=0.9,
        worst=0.5,
        started_at=1_700_000_100,
        ended_at=None,
    )
    exporter.show(Now({}, active=[breach]))
    labels = b'{component="crm",severity="high",sla="api",title="API / crm"}'
    series = b"sla_breach_start_timestamp_seconds" + labels + b" 1.7000001e+09"
    assert series in exporter.text()
    assert b'sla_active_breaches{severity="high"} 1.0' in exporter.text()
    exporter.show(Now({}))
    assert b'sla="api"' not in exporter.text()
    assert b'sla_active_breaches{severity="high"} 0.0' in exporter.text()


def test_a_breach_of_an_sla_in_a_teams_file_names_the_team() -> None:
    [definition, *_] = DEFINITIONS
    breach = Breach(
        id=1,
        name=definition.name,
        key=definition.key,
        component="all",
        description="",
        severity="high",
        unit="ratio",
        comparison=Comparison.AT_LEAST,
        target=0.9,
        worst=0.5,
        started_at=1_700_000_100,
        ended_at=None,
    )
    exporter = Exporter([replace(definition, team="payments")], Grid(300, 15), ())
    exporter.show(Now({}, active=[breach]))
    where = (
        f'component="all",severity="high",sla="{definition.key}",team="payments",title="{definition.name}"'
    )
    series = f"\nsla_breach_start_timestamp_seconds{{{where}}} 1.7000001e+09\n"
    assert series in exporter.text().decode()


def test_dashboards_learn_the_addresses_of_the_pages(tmp_path: Path) -> None:
    setting = Setting(tmp_path)
    text = setting.ask("/metrics")[1]
    setting.close()
    where = '{prometheus="http://localhost:9090",worker="http://localhost:8080"}'
    assert f"\nsla_worker_pages_info{where} 1.0\n" in text


def test_the_ledgers_events_are_counters_that_go_on_after_a_restart(tmp_path: Path) -> None:
    """Two slots of 1,000 requests, 900 of them good."""
    setting = Setting(tmp_path)
    setting.prometheus.values[GOOD] = 900.0
    setting.step()  # the slot in which the ledger begins, and the newest
    setting.close()
    setting.start()
    text = setting.ask("/metrics")[1]
    where = '{category="reliability",component="all",sla="api-error-rate"}'
    assert f"\nsla_good_events_total{where} 900.0\n" in text
    setting.now += 300
    setting.step()
    text = setting.ask("/metrics")[1]
    setting.close()
    assert f"\nsla_good_events_total{where} 1800.0\n" in text
    assert f"\nsla_total_events_total{where} 2000.0\n" in text
    assert (
        '\nsla_coverage_ratio{category="reliability",component="all",sla="api-error-rate"} 0.9\n' in text
    )  # two scrapes failed
    assert "# TYPE sla_good_events_total counter" in text
    assert "\nsla_late_rows_total 0.0\n" in text


def test_rows_that_come_late_are_counted(tmp_path: Path) -> None:
    """Away for three slots: two of them come late, for each of the three SLAs."""
    setting = Setting(tmp_path)
    setting.step()
    setting.now += 900
    setting.step()
    text = setting.ask("/metrics")[1]
    setting.close()
    assert "\nsla_late_rows_total 6.0\n" in text
