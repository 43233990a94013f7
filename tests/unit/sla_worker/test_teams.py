"""A worker whose teams have files of their own: what it measures, shows and mails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from unit.sla_worker.fake_prometheus import SLOT
from unit.sla_worker.setting import Setting
from unit.sla_worker.team_files import Files, team, uptime

RECEIVERS = """\
receivers:
  daily: [pay-daily@example.com]
  weekly: [pay-weekly@example.com]
  monthly: [pay-monthly@example.com]
  breach: [pay-on-call@example.com, owner@example.com]
"""


@pytest.fixture
def files(tmp_path: Path) -> Files:
    made = Files(tmp_path)
    made.put("payments.yml", team("payments", uptime("pay-uptime"), more=RECEIVERS))
    made.put("search.yml", team("search", uptime("search-uptime")))
    return made


@pytest.fixture
def setting(tmp_path: Path, files: Files) -> Iterator[Setting]:
    made = Setting(tmp_path, SLA_DEFINITIONS=str(files.platform))
    yield made
    made.close()


def test_the_slas_of_all_files_are_measured(setting: Setting) -> None:
    setting.step()
    metrics = setting.ask("/metrics")[1].splitlines()
    assert 'sla_compliance_ratio{category="availability",component="all",sla="pay-uptime"} 1.0' in metrics
    assert 'sla_definitions_invalid{file="payments.yml"} 0.0' in metrics
    assert 'sla_definitions_invalid{file="search.yml"} 0.0' in metrics


def test_a_broken_file_is_seen_and_its_slas_go_on(setting: Setting, files: Files) -> None:
    setting.step()
    setting.close()
    path = files.put("payments.yml", team("payments", uptime("pay-uptime", target=99)))
    setting.now += 300
    setting.start()
    setting.step()
    metrics = setting.ask("/metrics")[1].splitlines()
    assert 'sla_definitions_invalid{file="payments.yml"} 1.0' in metrics
    assert 'sla_definitions_invalid{file="search.yml"} 0.0' in metrics
    assert setting.ask("/healthz")[0] == "200 OK"
    assert f"{path}:9: SLA pay-uptime: target is `99`" in setting.ask("/")[1]
    slots = [each.slot - SLOT for each in setting.service.database.newest_measurements("pay-uptime", 9)]
    assert slots == [300, 0]
