"""A healthy stack is silent: nothing but the Watchdog fires, and no mail is sent."""

from __future__ import annotations

import time

import pytest

from e2e.live import Stack, poll, stays

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]


def names(stack: Stack) -> set[str]:
    """The alerts that are pending or firing."""
    return {alert["labels"]["alertname"] for alert in stack.alerts()}


def test_a_healthy_stack_is_silent(healthy: Stack) -> None:
    stack = healthy
    poll(
        lambda: names(stack) == {"Watchdog"},
        "no alert but the Watchdog",
        timeout_seconds=60 + stack.seconds(1800),
    )

    def newest() -> float:
        return max((mail.received_at for mail in stack.all_mails()), default=0.0)

    # The last resolved mails are still on their way when the alerts are inactive.
    poll(lambda: time.time() - newest() > 5 + stack.seconds(30), "the last mail", timeout_seconds=60)
    since = newest()
    stays(
        lambda: names(stack) == {"Watchdog"} and newest() == since,
        "no alert but the Watchdog, and no mail",
        for_seconds=stack.seconds(450),
    )
