"""`make up SCALE=1` without Docker: counted from VictoriaMetrics into PostgreSQL, led by one, mailed once.

Time is compressed (÷ 15); the wait of the second Alertmanager for the first, 15 s, is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest

from e2e.stack_under_test import StackCommand, compress, read_env_file, write_env_file
from ports import free_ports
from stack.services import GOSSIP_PORTS, SCALE_PORT_VARIABLES
from waiting import patience, poll, stays, wait_for

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]

OF_SCALE = (*SCALE_PORT_VARIABLES, *GOSSIP_PORTS)
PEER_SECONDS = 15


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Those of a stack that is up."""
    home = tmp_path_factory.mktemp("scale")
    compress(home / "configuration")
    env_file = home / "env"
    write_env_file(env_file, home / "configuration")
    with env_file.open("a", encoding="utf-8") as file:
        file.write("SCALE=1\nSLA_SETTLE_SECONDS=8\n")
        file.writelines(
            f"{name}={port}\n" for name, port in zip(OF_SCALE, free_ports(len(OF_SCALE)), strict=True)
        )
    command = StackCommand("insa-test-scale", env_file, "local")
    try:
        table = command("up")
        assert "single node in place of the cluster" in table
        yield read_env_file(env_file)
    finally:
        command.output("clean", "--yes")


def answer(settings: dict[str, str], port: str, path: str, **query: str) -> Any:
    url = f"http://127.0.0.1:{settings[port]}{path}"
    return httpx.get(url, params=query, timeout=patience(10), trust_env=False).json()


def test_one_worker_leads_and_the_other_stands_by(settings: dict[str, str]) -> None:
    def roles() -> set[str | None]:
        ports = ("SLA_WORKER_PORT", "SLA_WORKER_2_PORT")
        return {answer(settings, port, "/healthz").get("role") for port in ports}

    wait_for({"leader", "standby"}, roles, "the roles of the workers", seconds=30)


def test_a_slot_is_counted_from_victoriametrics_into_postgresql(settings: dict[str, str]) -> None:
    url = f"postgresql://sla:{settings['SLA_POSTGRES_PASSWORD']}@127.0.0.1:{settings['POSTGRES_PORT']}/sla"

    def counted() -> bool:
        with psycopg.connect(url) as connection:
            row = connection.execute(
                "SELECT coalesce(sum(m.total_events), 0) FROM sla_measurements m"
                " JOIN sla_definitions d ON d.id = m.sla_id WHERE d.name = 'API Error Rate'"
            ).fetchone()
            return row is not None and row[0] > 0

    poll(counted, "requests in the ledger", seconds=60)
    found = answer(settings, "VMSELECT_PORT", "/api/v1/query", query="count by (job) (up)", nocache="1")
    series = found["data"]["result"]
    # One node stands for the four parts of the cluster; Grafana is left out where it is not there.
    assert {
        each["metric"]["job"]: each["value"][1] for each in series if each["metric"]["job"] != "grafana"
    } == {
        "prometheus": "1",
        "alertmanager": "2",
        "demo-app": "1",
        "sla-worker": "2",
        "victoriametrics": "1",
    }


def test_an_alert_that_both_alertmanagers_have_is_mailed_once(settings: dict[str, str]) -> None:
    """As Prometheus does it: each alert goes to both."""
    now = datetime.now(UTC)
    alert = {
        "labels": {"alertname": "GivenToBoth", "severity": "warning", "team": "platform"},
        "annotations": {"summary": "given to both", "description": "Impact: none."},
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(hours=1)).isoformat(),  # without one it would end while this looks
    }
    for port in ("ALERTMANAGER_PORT", "ALERTMANAGER_2_PORT"):
        url = f"http://127.0.0.1:{settings[port]}/api/v2/alerts"
        httpx.post(url, json=[alert], timeout=patience(10), trust_env=False).raise_for_status()

    def mails() -> int:
        found = answer(
            settings, "MAILHOG_PORT", "/api/v2/search", kind="containing", query="GivenToBoth", limit="50"
        )
        subjects = [each["Content"]["Headers"]["Subject"][0] for each in found["items"]]
        return sum("GivenToBoth" in subject for subject in subjects)

    wait_for(1, mails, "the mail", seconds=60)
    stays(1, mails, "the one mail", for_seconds=PEER_SECONDS + 5)
