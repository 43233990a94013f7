"""The worker's own metrics: what follows the grid, the rules and the components of the ledger."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sla_worker.database import SLADatabase
from sla_worker.exporter import Exporter
from sla_worker.grid import Grid
from sla_worker.rules.recording import fingerprint
from unit.sla_worker.fake_prometheus import DEFINITIONS
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
    exporter.show(two, two, [])
    assert exporter.text().count(b'component="mail"') == 3 + 10  # target, compliance, budget; 10 statuses
    exporter.show(two[:1], two[:1], [])
    assert b'component="mail"' not in exporter.text()
    assert exporter.text().count(b'component="crm"') == 3 + 10


def test_stale_rules_are_counted_and_shown(tmp_path: Path) -> None:
    setting = Setting(tmp_path)
    setting.step()
    assert "\nsla_worker_stale_rules 0.0\n" in setting.ask("/metrics")[1]
    for each in DEFINITIONS[:2]:
        setting.prometheus.marks[each.key] = fingerprint(each, Grid(60, 15))
    setting.now += 300
    setting.step()
    assert "\nsla_worker_stale_rules 2.0\n" in setting.ask("/metrics")[1]
    assert "recorded of api-response-time-p95, platform-uptime is not used" in setting.ask("/")[1]
    assert setting.ask("/healthz")[0] == "200 OK"  # the figures are right, they only cost more
    setting.close()


def test_after_a_restart_only_the_components_of_the_ledger_have_series(tmp_path: Path) -> None:
    setting = Setting(tmp_path)
    setting.prometheus.components = ["crm", "mail"]
    setting.step()
    setting.close()
    setting.start()
    text = setting.ask("/metrics")[1]
    setting.close()
    assert text.count('sla_target_ratio{category="availability",component=') == 2
    assert 'component="all"' not in text
