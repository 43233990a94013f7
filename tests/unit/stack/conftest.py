"""A bundle in miniature: its own .env.example, docker-compose.yml and configuration directories."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from stack import settings
from stack.services import PORT_VARIABLES
from stack.settings import Instance

ROOT = Path(__file__).resolve().parents[3]


def make(root: Path) -> None:
    """Write a bundle with the shipped settings and Compose file, and small configuration of its own."""
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
        "global: {scrape_interval: 15s, evaluation_interval: 15s}\n"
        "storage: {tsdb: {retention: {time: 15d, size: 10GB}}}\n"
        "rule_files: [/etc/prometheus/rules/*.yml]\n"
        "alerting: {alertmanagers: [{static_configs: [{targets: ['alertmanager:9093']}]}]}\n"
        "scrape_configs:\n"
        "  - {job_name: grafana, static_configs: [{targets: ['grafana:3000']}]}\n"
        "  - {job_name: demo-app, file_sd_configs: [{files: ['demo/targets/*.yml']}]}\n"
        "  - {job_name: targets, file_sd_configs: [{files: ['targets/*.yml', 'targets/*.json']}]}\n"
    )
    (root / "prometheus" / "demo" / "targets" / "demo-app.yml").write_text("- targets: ['demo-app:9091']\n")
    (root / "sla-worker" / "sla_thresholds.yml").write_text("slas: {}\n")
    (root / "alertmanager" / "alertmanager.yml").write_text("global: {smtp_smarthost: 'mailhog:1025'}\n")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """The directory of such a bundle."""
    make(tmp_path / "bundle")
    return tmp_path / "bundle"


@pytest.fixture
def instance_at() -> Callable[[Path], Instance]:
    """Makes such a bundle in a directory, and an instance of it with ports of its own from 21000 on."""

    def made(root: Path) -> Instance:
        make(root)
        ports = {name: str(21000 + index) for index, name in enumerate(PORT_VARIABLES)}
        secrets = {"GRAFANA_ADMIN_PASSWORD": "from-the-test", "SLA_WEBHOOK_TOKEN": "from-the-test-too"}
        return settings.load(root, "unit", root / ".env", ports | secrets)

    return made


@pytest.fixture
def instance(tmp_path: Path, instance_at: Callable[[Path], Instance]) -> Instance:
    """An instance of the miniature."""
    return instance_at(tmp_path / "bundle")
