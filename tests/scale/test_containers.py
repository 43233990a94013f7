"""SCALE=1 as containers: how they are hardened, and what is counted while the leader and a store are lost."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from docker.models.containers import Container

from e2e.hardening import CHECKS, NOBODY, OWN, Bounds
from e2e.services import Containers
from scale.stack import WORKERS, Scaled
from stack.services import NAMES, SCALE_NAMES
from waiting import poll, wait_for

pytestmark = [pytest.mark.live, pytest.mark.containers, pytest.mark.timeout(600)]

BOUNDS = {
    "alertmanager": Bounds(NOBODY, 128, 128),
    "alertmanager-2": Bounds(NOBODY, 128, 128),
    "postgres": Bounds("999:999", 512, 256),
    "prometheus": Bounds(NOBODY, 1024, 256),
    "sla-worker": Bounds(OWN, 192, 128),
    "sla-worker-2": Bounds(OWN, 192, 128),
    "vminsert": Bounds(NOBODY, 256, 128),
    "vmselect": Bounds(NOBODY, 512, 128),
    "vmstorage-1": Bounds(NOBODY, 512, 128),
    "vmstorage-2": Bounds(NOBODY, 512, 128),
}
"""What SCALE=1 adds, and those of the rest that it changes."""
SLA = "api-error-rate"
STORE = "vmstorage-1"
"""The one that vmselect of CI asks first, and so misses most."""


def test_every_service_has_a_container_that_is_healthy_and_no_other_is_there(
    up: Scaled, containers: Containers
) -> None:
    assert up.is_compose
    assert containers.names() == {*NAMES, *SCALE_NAMES}
    assert {containers.get(name).health for name in containers.names()} == {"healthy"}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("service", BOUNDS)
def test_each_is_hardened(
    containers: Containers, service: str, check: Callable[[Container, Bounds], None]
) -> None:
    check(containers.get(service), BOUNDS[service])


def test_every_request_is_counted_once_while_the_leader_and_a_store_are_lost(
    up: Scaled, containers: Containers
) -> None:
    """Between two silences, the sum of the slots is the difference of the application's own counts.

    In a silence nothing changes, so the border of a slot cannot fall between a request and its scrape.
    """
    wait_for({"leader", "standby"}, up.roles, "the roles of the workers", seconds=30)
    first = up.leader()
    [second] = WORKERS.keys() - {first}
    up.stack.start_fault("traffic_drop", 1)
    before = requests(up)
    began = slot_after(up, time.time() + 1)
    up.stack.end_fault("traffic_drop")

    # Not started again by Docker: a machine that is gone.
    containers.get(first).kill()
    wait_for("leader", lambda: up.role(second), f"{second} to lead", seconds=30)
    slot_after(up, began + 2 * up.slot_seconds)
    containers.get(first).start()
    wait_for("standby", lambda: up.role(first), f"{first} to stand by", seconds=30)

    # As the kernel does when memory runs out; Docker starts it again, and one of them leads.
    containers.kill(second)
    wait_for({"leader", "standby"}, up.roles, "one to lead, the other to stand by", seconds=40)

    containers.get(STORE).kill()
    lost = time.time()
    slot_after(up, lost + up.slot_seconds)
    up.stack.start_fault("traffic_drop", 1)
    after = requests(up)
    ended = slot_after(up, time.time() + 1)

    def found() -> dict[int, tuple[float, float]]:
        return {slot: each for slot, each in up.slots(SLA).items() if began < slot <= ended}

    assert list(found()) == list(range(began + up.slot_seconds, ended + 1, up.slot_seconds))
    assert after - before > 200  # more than 60 s at 5 requests a second
    # What came too late for its slot is read again.
    wait_for(
        float(after - before), lambda: sum(total for total, _ in found().values()), "all requests", seconds=60
    )

    containers.get(STORE).start()
    poll(lambda: containers.get(STORE).health == "healthy", f"{STORE} to be healthy", seconds=40)
    up.stack.end_fault("traffic_drop")


def requests(up: Scaled) -> int:
    """How many requests the application has finished itself; waits until none is under way."""
    return sum(count for agent in up.stack.wait_until_quiet().values() for count in agent.values())


def slot_after(up: Scaled, moment: float) -> int:
    """Wait until the ledger has a slot that ends after a moment; return the end of the newest."""
    return poll(
        lambda: up.newest_slot(SLA),
        f"a slot that ends after {moment:.0f}",
        seconds=20 + 3 * up.slot_seconds,
        until=lambda slot: slot > moment,
    )
