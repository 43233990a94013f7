"""A real Alertmanager, with the shipped webhook settings, and the sla-worker's real web side."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from rules.binaries import each_version_of, required
from rules.mails import ROOT, running_alertmanager, shipped
from unit.sla_worker.setting import Setting
from unit.sla_worker.web_client import Client, served
from waiting import wait_for

TOKEN = "a-token-that-both-know"  # noqa: S105 - made up
DESCRIPTION = "x" * 2500  # with its labels, an alert of this bundle has some 3 KB at most


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Client]:
    setting = Setting(tmp_path, SLA_WEBHOOK_TOKEN=TOKEN)
    with served(setting.service.application) as client:
        yield client
    setting.close()


def to_worker(smtp_port: int, port: int, token_file: Path) -> dict[str, Any]:
    """The shipped configuration with the webhook alone; all alerts of a name are one group."""
    [webhook] = _webhooks()
    webhook["url"] = f"http://127.0.0.1:{port}/webhook/alertmanager"
    webhook["http_config"]["authorization"]["credentials_file"] = str(token_file)
    tree = shipped(smtp_port)
    tree["route"] = {
        "receiver": "only",
        "group_by": ["alertname"],
        "group_wait": "1s",
        "group_interval": "1s",
    }
    tree["receivers"] = [{"name": "only", "webhook_configs": [webhook]}]
    tree.pop("inhibit_rules", None)
    return tree


def _webhooks() -> list[dict[str, Any]]:
    """The settings of the webhook, the same for every receiver that mails too."""
    receivers = yaml.safe_load((ROOT / "alertmanager" / "alertmanager.yml").read_text())["receivers"]
    return list(next(each["webhook_configs"] for each in receivers if each["name"] == "critical"))


def alerts(name: str, count: int) -> list[dict[str, Any]]:
    return [
        {
            "labels": {"alertname": name, "instance": f"host-{number}", "severity": "critical"},
            "annotations": {"description": DESCRIPTION},
        }
        for number in range(count)
    ]


def metric(worker: Client, line: str) -> float:
    """The value on the line of the metrics that begins so."""
    lines = worker.ask("GET", "/metrics").body.decode().splitlines()
    return float(next(each for each in lines if each.startswith(f"{line} ")).split()[1])


@each_version_of("alertmanager")
def test_a_large_group_arrives_and_what_is_left_out_is_counted(
    program: Path | None, tmp_path: Path, worker: Client
) -> None:
    """1,000 alerts fit into a call; of 1,300, Alertmanager leaves 300 out and says so."""
    directory = tmp_path / "alertmanager"
    directory.mkdir()
    token_file = tmp_path / "token"
    token_file.write_text(f"{TOKEN}\n")

    def configuration(smtp_port: int) -> dict[str, Any]:
        return to_worker(smtp_port, worker.port, token_file)

    with running_alertmanager(required(program, "alertmanager"), directory, configuration) as post:
        post.send(alerts("TargetDown", 1000))
        received = 'sla_webhook_alerts_total{status="firing"}'
        wait_for(1000.0, lambda: metric(worker, received), "the group of 1,000 alerts", seconds=30)
        assert metric(worker, "sla_webhook_alerts_truncated_total") == 0
        post.send(alerts("WorkerUnhealthy", 1300))
        wait_for(2000.0, lambda: metric(worker, received), "the group of 1,300 alerts", seconds=30)
        assert metric(worker, "sla_webhook_alerts_truncated_total") == 300
    stored = json.loads(worker.ask("GET", "/api/alerts?limit=1").body)["alerts"]
    assert [each["alertname"] for each in stored] == ["WorkerUnhealthy"]
