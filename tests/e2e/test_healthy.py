"""A healthy stack is silent: nothing but the Watchdog fires, and no mail is sent."""

from __future__ import annotations

import math
import time

import pytest

from e2e.live import Stack
from waiting import StillWaitingError, patience, poll, stays

pytestmark = [pytest.mark.live, pytest.mark.timeout(300), pytest.mark.before_faults]

HOUR = 3600
"""Seconds. No alert looks further back at what a fault did."""

STRETCH = 450
"""Seconds of the stack's time that must be silent."""

TRYING = 150
"""Seconds for which an overloaded machine is given another try."""


def names(stack: Stack) -> set[str]:
    """The alerts that are pending or firing, without the breaches that other tests have left.

    A breach lasts until a slot keeps the target: of retries, say, a healthy stack has hardly any.
    """
    return {alert["labels"]["alertname"] for alert in stack.alerts()} - {"SLABreachActive"}


def newest_mail(stack: Stack) -> float:
    """When the newest mail came; 0 without any."""
    return max((mail.received_at for mail in stack.all_mails()), default=0.0)


def come_to_rest(stack: Stack) -> float:
    """Wait until the last alert and the last mail are some time ago; return when that mail came."""
    # The last mails are still on their way when the alerts are inactive, of short ones also the first.
    quiet, restless = patience(2) + stack.seconds(30), time.time()

    def rest() -> float:
        nonlocal restless
        if names(stack) != {"Watchdog"}:
            restless = time.time()
        return time.time() - max(restless, newest_mail(stack))

    poll(
        rest,
        "no alert but the Watchdog, and no mail",
        seconds=80 + stack.seconds(1800),
        until=lambda age: age > quiet,
    )
    return newest_mail(stack)


def overloads(stack: Stack, seconds: float) -> list[str]:
    """What shows that the machine was too slow, within the last `seconds`, for a stack that is this fast.

    A scrape of it times out after one second instead of ten. A program that is away then for two seconds is
    down by every figure there is, and a mail about that is right.
    """
    span = f"[{math.ceil(seconds)}s]"
    signs = {
        "a target was down": f"min_over_time(up{span}) < 1",
        "a scrape took half a second": f"max_over_time(scrape_duration_seconds{span}) > 0.5",
        "an evaluation was left out": f"increase(prometheus_rule_group_iterations_missed_total{span}) > 0",
        "a request failed": f'increase(insa_agent_requests_total{{status!="success"}}{span}) > 0',
    }
    return [sign for sign, query in signs.items() if stack.query(query)]


def test_a_healthy_stack_is_silent(healthy: Stack) -> None:
    """What is not silent must show in the figures of an overloaded machine; then it is tried again."""
    stack = healthy
    poll(
        lambda: not stack.query(f"max_over_time(insa_fault_active[{stack.seconds(HOUR):.0f}s]) > 0"),
        "no fault within the last hour",
        seconds=20 + stack.seconds(HOUR),
    )
    last_try = time.monotonic() + patience(TRYING)
    while True:
        since, began = come_to_rest(stack), time.time()
        try:
            stays(
                ({"Watchdog"}, since),
                lambda: (names(stack), newest_mail(stack)),
                "no alert but the Watchdog, and no mail",
                for_seconds=stack.seconds(STRETCH),
            )
        except AssertionError:
            # A breach is mailed after the end of its slot.
            signs = overloads(stack, time.time() - began + stack.seconds(600))
            if not signs:
                came = [mail.subject for mail in stack.all_mails() if mail.received_at > since]
                pytest.fail(f"not silent: {names(stack)}, mails: {came}")
            if time.monotonic() > last_try:
                raise StillWaitingError(f"not once silent on an overloaded machine: {signs}") from None
        else:
            return
