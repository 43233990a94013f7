"""`make up SCALE=1`: counted from VictoriaMetrics into PostgreSQL, led by one of two, mailed once.

Time is compressed (÷ 15); the wait of the second Alertmanager for the first, 15 s, is not.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from scale.stack import Scaled
from waiting import poll, stays, wait_for

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]

PEER_SECONDS = 15
ALERTMANAGERS = ("ALERTMANAGER_PORT", "ALERTMANAGER_2_PORT")
SLA = "api-error-rate"


def test_the_table_says_what_stands_for_the_cluster_without_docker(up: Scaled) -> None:
    assert ("single node in place of the cluster" in up.table) is not up.is_compose
    for port in ("SLA_WORKER_2_PORT", "ALERTMANAGER_2_PORT", "VMSELECT_PORT"):
        assert f"http://localhost:{up.settings[port]}" in up.table


def test_one_worker_leads_and_the_other_stands_by(up: Scaled) -> None:
    wait_for({"leader", "standby"}, up.roles, "the roles of the workers", seconds=30)


def test_a_slot_is_counted_from_victoriametrics_into_postgresql(up: Scaled) -> None:
    poll(lambda: sum(total for total, _ in up.slots(SLA).values()), "requests in the ledger", seconds=60)
    # Without Docker one node stands for the four parts of the cluster, and Grafana may be missing.
    expected = {"prometheus": "1", "alertmanager": "2", "demo-app": "1", "sla-worker": "2"} | (
        {"victoriametrics": "4", "grafana": "1"} if up.is_compose else {"victoriametrics": "1"}
    )

    def counted() -> dict[str, str]:
        answer = up.answer("VMSELECT_PORT", up.select_path, query="sum by (job) (up)", nocache="1")
        found = {each["metric"]["job"]: each["value"][1] for each in answer["data"]["result"]}
        return {job: found[job] for job in found if job in expected}

    wait_for(expected, counted, "the targets that are up, as VictoriaMetrics has them", seconds=30)


def test_an_alert_that_both_alertmanagers_have_is_mailed_once(up: Scaled) -> None:
    """As Prometheus does it: each alert goes to both."""

    def peers() -> list[tuple[str, int]]:
        clusters = [up.answer(port, "/api/v2/status")["cluster"] for port in ALERTMANAGERS]
        return [(cluster["status"], len(cluster["peers"])) for cluster in clusters]

    wait_for([("ready", 2)] * 2, peers, "the two Alertmanagers to know each other", seconds=30)
    now = datetime.now(UTC)
    alert = {
        "labels": {"alertname": "GivenToBoth", "severity": "warning", "team": "platform"},
        "annotations": {"summary": "given to both", "description": "Impact: none."},
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(hours=1)).isoformat(),  # without one it would end while this looks
    }
    for port in ALERTMANAGERS:
        up.post(port, "/api/v2/alerts", [alert])

    def mails() -> int:
        found = up.answer(
            "MAILHOG_PORT", "/api/v2/search", kind="containing", query="GivenToBoth", limit="50"
        )
        subjects = [each["Content"]["Headers"]["Subject"][0] for each in found["items"]]
        return sum("GivenToBoth" in subject for subject in subjects)

    wait_for(1, mails, "the mail", seconds=60)
    stays(1, mails, "the one mail", for_seconds=PEER_SECONDS + 5)


def test_an_upgrade_keeps_the_ledger_and_a_changed_route_reaches_both_alertmanagers(up: Scaled) -> None:
    """The files are of the same version, so nothing is migrated: copied, compared, started again."""
    before, containers = up.slots(SLA), up.containers()
    file = up.command.env_file.parent / "configuration/alertmanager/alertmanager.yml"
    file.write_text(file.read_text().replace("default-alerts@example.com", "moved-alerts@example.com"))
    said = up.command("upgrade")
    assert re.search(r"upgraded: schema \d+; the same \d+ rows in \d+ tables", said)
    assert re.search(r"The ledger as it was stays in \S+\.before-upgrade-\S+ until you remove it", said)
    assert up.containers() == containers  # Compose made none again
    for port in ALERTMANAGERS:
        original = up.answer(port, "/api/v2/status")["config"]["original"]
        assert "moved-alerts@example.com" in original, port
    wait_for({"leader", "standby"}, up.roles, "the roles of the workers", seconds=30)
    poll(lambda: up.newest_slot(SLA) > max(before), "a slot after the upgrade", seconds=60)
    after = up.slots(SLA)
    whole = {
        slot: each for slot, each in before.items() if each[1] == 1
    }  # what was read in part is read again
    assert {slot: after[slot] for slot in whole} == whole
    slots = sorted(after)
    assert slots == list(range(slots[0], slots[-1] + 1, up.slot_seconds))
