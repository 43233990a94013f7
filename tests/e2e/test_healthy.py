"""A healthy stack is silent: nothing but the Watchdog fires, and no mail is sent."""

from __future__ import annotations

import time

import pytest

from e2e.live import Stack
from waiting import patience, poll, stays, wait_for

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]


def names(stack: Stack) -> set[str]:
    """The alerts that are pending or firing."""
    return {alert["labels"]["alertname"] for alert in stack.alerts()}


def test_a_healthy_stack_is_silent(healthy: Stack) -> None:
    stack = healthy
    wait_for(
        {"Watchdog"}, lambda: names(stack), "no alert but the Watchdog", seconds=20 + stack.seconds(1800)
    )

    def newest() -> float:
        return max((mail.received_at for mail in stack.all_mails()), default=0.0)

    # The last resolved mails are still on their way when the alerts are inactive.
    quiet = patience(2) + stack.seconds(30)
    poll(lambda: time.time() - newest(), "the last mail", seconds=60, until=lambda passed: passed > quiet)
    since = newest()
    stays(
        ({"Watchdog"}, since),
        lambda: (names(stack), newest()),
        "no alert but the Watchdog, and no mail",
        for_seconds=stack.seconds(450),
    )
