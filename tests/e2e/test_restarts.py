"""Alertmanager and Prometheus restarted in the midst of a firing alert: no false end, no second page."""

from __future__ import annotations

import time

import pytest

from e2e.live import Stack, wait_for_end
from e2e.stack_under_test import StackCommand
from waiting import poll, stays, wait_for

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]

ALERT = "MultipleWorkersDown"
MAILBOXES = ("critical-alerts@example.com", "worker-alerts@example.com")
RESEND_SECONDS = 60.0
"""Prometheus sends a firing alert again after so long, at any time scale."""


def subjects(stack: Stack, since: float) -> dict[str, list[str]]:
    """The states that the mails about the alert told each mailbox, oldest first."""
    found = {}
    for mailbox in MAILBOXES:
        mails = [mail for mail in stack.mails(mailbox) if mail.received_at >= since and ALERT in mail.subject]
        found[mailbox] = [mail.subject.split(":")[0].lstrip("[") for mail in reversed(mails)]
    return found


@pytest.fixture
def fired(healthy: Stack) -> tuple[Stack, float]:
    """The stack while two workers are down and everybody was told once; and since when."""
    stack = healthy
    wait_for_end(stack, ALERT)
    since = time.time()
    stack.start_fault("worker_down", 2)
    once = {mailbox: ["FIRING"] for mailbox in MAILBOXES}
    wait_for(once, lambda: subjects(stack, since), "one mail each", seconds=20 + stack.seconds(300))
    return stack, since


def check_the_rest(stack: Stack, since: float) -> None:
    """For a while nobody is told anything; the end of the fault is told once."""
    once = {mailbox: ["FIRING"] for mailbox in MAILBOXES}
    stays(once, lambda: subjects(stack, since), "one mail each", for_seconds=10 + stack.seconds(60))
    stack.clear_faults()
    both = {mailbox: ["FIRING", "RESOLVED"] for mailbox in MAILBOXES}
    wait_for(both, lambda: subjects(stack, since), "one resolved mail each", seconds=20 + stack.seconds(300))


def test_a_restart_of_alertmanager_tells_nobody_anything(
    fired: tuple[Stack, float], stack_command: StackCommand
) -> None:
    stack, since = fired
    stack_command("restart", "alertmanager")
    poll(
        lambda: stack.notified_alerts(ALERT),
        "Prometheus to have sent the alert again",
        seconds=RESEND_SECONDS,
    )
    check_the_rest(stack, since)


def test_a_restart_of_prometheus_tells_nobody_anything_and_the_alert_fires_on(
    fired: tuple[Stack, float], stack_command: StackCommand
) -> None:
    stack, since = fired
    before = began(stack)
    stack_command("restart", "prometheus")
    wait_for({"firing"}, lambda: stack.alert_states(ALERT), f"{ALERT} firing", seconds=30)
    # Its `for` did not start again: what had fired for a long time would be pending, and reported as over.
    assert began(stack) == pytest.approx(before, abs=1)
    check_the_rest(stack, since)


def began(stack: Stack) -> float:
    """When the condition of the alert began to hold, as Prometheus knows it: epoch seconds."""
    value = stack.value(f'max(ALERTS_FOR_STATE{{alertname="{ALERT}"}})')
    assert value is not None
    return value
