"""The ledger's counts are those of the application itself, request by request."""

from __future__ import annotations

import time

import pytest

from e2e.live import Stack

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]


def total(counts: dict[str, dict[str, int]], *statuses: str) -> int:
    return sum(count for agent in counts.values() for status, count in agent.items() if status in statuses)


def test_slots_sum_to_what_the_application_counted_itself(healthy: Stack) -> None:
    """Between two silences, the sum of the slots is the difference of the application's own counts.

    In a silence nothing changes, so the border of a slot cannot fall between a request and its scrape.
    """
    stack = healthy
    stack.start_fault("traffic_drop", 1)
    before = stack.wait_until_quiet()
    began = stack.wait_for_slot("api-error-rate", ending_after=time.time() + stack.seconds(15))[0]["slot"]

    stack.start_fault("errors", 0.3)
    stack.client.delete(f"{stack.demo_api}/faults/traffic_drop").raise_for_status()
    # Two whole slots of traffic, a third of it failing.
    stack.wait_for_slot("api-error-rate", ending_after=began + stack.seconds(600))

    stack.start_fault("traffic_drop", 1)
    after = stack.wait_until_quiet()
    rows = stack.wait_for_slot("api-error-rate", ending_after=time.time() + stack.seconds(15))
    rows = [row for row in rows if row["slot"] > began]

    requests = total(after, "success", "error", "timeout") - total(before, "success", "error", "timeout")
    errors = total(after, "error") - total(before, "error")
    assert requests > 100  # some 40 s at 5 requests a second
    assert errors > 10
    assert sum(row["total"] for row in rows) == requests
    assert sum(row["total"] - row["good"] for row in rows) == errors
    latency = [row for row in stack.measurements("api-response-time-p95") if row["slot"] > began]
    assert sum(row["total"] for row in latency if row["slot"] <= rows[0]["slot"]) == requests


def test_a_slot_has_a_row_for_every_sla_and_no_slot_is_missing(healthy: Stack) -> None:
    rows = {
        sla: healthy.measurements(sla)
        for sla in ("platform-uptime", "api-response-time-p95", "api-error-rate")
    }
    slots = {sla: [row["slot"] for row in found] for sla, found in rows.items()}
    newest = min(found[0] for found in slots.values())
    length = int(healthy.seconds(300))
    for found in slots.values():
        known = [slot for slot in found if slot <= newest]
        assert known == list(range(newest, known[-1] - 1, -length))
