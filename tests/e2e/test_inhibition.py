"""Inhibition on the running stack: the parent mutes its child, and gives it back."""

from __future__ import annotations

import time

import pytest

from e2e.live import Stack, poll

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

CHILD, PARENT = "WorkerUnhealthy", "MultipleWorkersDown"


def states(stack: Stack) -> set[str]:
    """How Alertmanager holds the child's alerts: active, or suppressed by the parent."""
    parents = {alert["fingerprint"] for alert in stack.notified_alerts(PARENT)}
    children = stack.notified_alerts(CHILD)
    for child in children:
        assert set(child["status"]["inhibitedBy"]) <= parents
    return {child["status"]["state"] for child in children}


def test_several_workers_down_mute_the_single_ones_and_give_them_back(healthy: Stack) -> None:
    stack = healthy
    patience = 60 + stack.seconds(300)
    stack.start_fault("worker_down", 1)
    poll(lambda: states(stack) == {"active"}, f"{CHILD} active", timeout_seconds=patience)

    stack.start_fault("worker_down", 2)
    poll(lambda: states(stack) == {"suppressed"}, f"{CHILD} suppressed", timeout_seconds=patience)
    since = time.time()
    stack.wait_for_mail(
        "critical-alerts@example.com", "FIRING", PARENT, since=since - 10, timeout_seconds=patience
    )

    # Only worker-2 comes back, so the parent ends and the child goes on.
    stack.start_fault("worker_down", 1)
    poll(lambda: states(stack) == {"active"}, f"{CHILD} active again", timeout_seconds=patience)
    assert stack.notified_alerts(PARENT) == []
    told = [mail for mail in stack.mails("worker-alerts@example.com") if mail.received_at >= since]
    assert not [mail for mail in told if "RESOLVED" in mail.subject and CHILD in mail.subject]
