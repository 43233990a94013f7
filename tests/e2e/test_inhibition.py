"""Inhibition on the running stack: the parent mutes its child, and gives it back."""

from __future__ import annotations

import time

import pytest

from e2e.live import Stack
from waiting import wait_for

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

CHILD, PARENT = "WorkerUnhealthy", "MultipleWorkersDown"


def states(stack: Stack) -> set[str]:
    """How Alertmanager holds the child's alerts: active, or suppressed by the parent."""
    held = stack.notified_alerts(PARENT, CHILD)
    parents = {alert["fingerprint"] for alert in held if alert["labels"]["alertname"] == PARENT}
    children = [alert["status"] for alert in held if alert["labels"]["alertname"] == CHILD]
    for status in children:
        assert set(status["inhibitedBy"]) <= parents
    return {status["state"] for status in children}


def test_several_workers_down_mute_the_single_ones_and_give_them_back(healthy: Stack) -> None:
    stack = healthy
    patience = 20 + stack.seconds(300)
    stack.start_fault("worker_down", 1)
    wait_for({"active"}, lambda: states(stack), f"{CHILD} active", seconds=patience)

    stack.start_fault("worker_down", 2)
    wait_for({"suppressed"}, lambda: states(stack), f"{CHILD} suppressed", seconds=patience)
    since = time.time()
    stack.wait_for_mail("critical-alerts@example.com", "FIRING", PARENT, since=since - 10, seconds=patience)

    # Only worker-2 comes back, so the parent ends and the child goes on.
    stack.start_fault("worker_down", 1)
    wait_for({"active"}, lambda: states(stack), f"{CHILD} active again", seconds=patience)
    assert stack.notified_alerts(PARENT) == []
    told = [mail for mail in stack.mails("worker-alerts@example.com") if mail.received_at >= since]
    assert not [mail for mail in told if "RESOLVED" in mail.subject and CHILD in mail.subject]
