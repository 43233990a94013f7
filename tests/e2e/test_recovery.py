"""Any one process killed with SIGKILL comes back by itself, and the ledger has no hole."""

from __future__ import annotations

import time

import pytest

from e2e.live import Stack
from e2e.services import Services
from e2e.stack_under_test import StackCommand
from stack.services import RELOADED
from waiting import poll, wait_for

pytestmark = [pytest.mark.live, pytest.mark.timeout(420)]

HEALTH = {
    "prometheus": "/-/ready",
    "alertmanager": "/-/ready",
    "mailhog": "/api/v2/messages?limit=1",
    "demo-app": "/healthz",
    "sla-worker": "/healthz",
}


def test_each_service_comes_back_after_sigkill_and_no_row_is_lost(
    healthy: Stack, stack_command: StackCommand, services: Services
) -> None:
    stack = healthy
    before = {row["slot"]: row["total"] for row in stack.wait_for_slot("platform-uptime", ending_after=0)}
    for service in HEALTH:
        if service in RELOADED:  # which must not end what Docker does for a container that dies
            stack_command("kill", service, "--signal", "HUP")
        services.kill(service)
        wait_until_healthy(stack, stack_command, service)

    rows = stack.wait_for_slot("platform-uptime", ending_after=time.time() + stack.seconds(300))
    after = {row["slot"]: row["total"] for row in rows}
    assert {slot: after[slot] for slot in before} == before
    assert sorted(after) == list(range(min(after), max(after) + 1, int(stack.seconds(300))))


def wait_until_healthy(stack: Stack, stack_command: StackCommand, service: str) -> None:
    """Wait until a service that was killed answers, and all are healthy by the word of `make ps`."""

    def unhealthy() -> list[str] | None:
        lines = stack_command.output("ps").splitlines()[1:]
        return [line for line in lines if line.split()[1] != "healthy"] if len(lines) >= len(HEALTH) else None

    base = stack.demo_api if service == "demo-app" else getattr(stack, service.replace("-", "_"))
    poll(
        lambda: stack.client.get(base + HEALTH[service]).is_success,
        f"{service} to answer again",
        seconds=30,
    )
    wait_for([], unhealthy, f"every service to be healthy after {service} was killed", seconds=30)
