"""A bundle in miniature: its own .env.example, docker-compose.yml and configuration directories."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from stack import settings
from stack.services import PORT_VARIABLES
from stack.settings import Instance

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A directory with the shipped settings and Compose file, and small configuration of its own."""
    root = tmp_path / "bundle"
    for directory in (
        "prometheus/demo/targets",
        "prometheus/targets",
        "alertmanager",
        "grafana/provisioning",
        "sla-worker",
        "demo-app",
        "runbooks",
    ):
        (root / directory).mkdir(parents=True)
    shutil.copy(ROOT / ".env.example", root)
    shutil.copy(ROOT / "docker-compose.yml", root)
    (root / "prometheus" / "prometheus.yml").write_text(
        "global: {scrape_interval: 15s}\n"
        "storage: {tsdb: {retention: {time: 15d, size: 10GB}}}\n"
        "rule_files: [/etc/prometheus/rules/*.yml]\n"
        "alerting: {alertmanagers: [{static_configs: [{targets: ['alertmanager:9093']}]}]}\n"
        "scrape_configs:\n"
        "  - {job_name: grafana, static_configs: [{targets: ['grafana:3000']}]}\n"
        "  - {job_name: demo-app, file_sd_configs: [{files: ['demo/targets/*.yml']}]}\n"
    )
    (root / "prometheus" / "demo" / "targets" / "demo-app.yml").write_text("- targets: ['demo-app:9091']\n")
    (root / "sla-worker" / "sla_thresholds.yml").write_text("slas: {}\n")
    (root / "alertmanager" / "alertmanager.yml").write_text("global: {smtp_smarthost: 'mailhog:1025'}\n")
    return root


@pytest.fixture
def instance(bundle: Path) -> Instance:
    """An instance of the miniature, with ports of its own from 21000 on."""
    ports = {name: str(21000 + index) for index, name in enumerate(PORT_VARIABLES)}
    environment = ports | {
        "GRAFANA_ADMIN_PASSWORD": "from-the-test",
        "SLA_WEBHOOK_TOKEN": "from-the-test-too",
    }
    return settings.load(bundle, "unit", bundle / ".env", environment)
